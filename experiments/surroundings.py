"""Versions, device and host: what numbers may depend on without being a setting."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jaxqmri.cli.accelerator import available_cores

PACKAGES = ("jax", "jaxlib", "equinox", "numpy", "scipy", "nibabel", "antspyx")


def surroundings() -> dict[str, Any]:
    """Versions, device, host and command line, as ``config.json`` holds them."""
    import jax

    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    devices = jax.devices()
    return {
        "versions": versions,
        "device": {
            "platform": devices[0].platform,
            "kind": devices[0].device_kind,
            "count": len(devices),
        },
        "host": {
            "cpu": _processor(),
            "cores": available_cores(),
            "system": platform.platform(),
        },
        "command": sys.argv,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
