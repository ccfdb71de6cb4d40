"""What a derivative through a fit costs: ``python -m benchmarks.derivatives``.

Slopes of the mean T1rho, or T2, with respect to images and acquisition times, back through a fit
of many voxels, beside the fit itself: each is one compiled program, timed in turn in one run. The
memory that each program needs beside its arguments stands beside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxqmri.cli.accelerator import configure_jax

ASKED = 3.0  # forward fits that a derivative may cost at most
SNR = 30.0


@dataclass(frozen=True)
class Settings:
    """Time derivatives through fits."""

    voxels: int = 100_000
    """Of one fit."""
    repeats: int = 7
    """Runs that are timed after the first."""
    devices: int = 1
    """CPU devices."""
    out: Path | None = None
    """JSON file to write."""


def programs(name: str) -> tuple[Callable[[Any, Any], Any], np.ndarray, dict[str, float]]:
    """The mean of the main parameter by times and images, the times, and the tissue."""
    import jax.numpy as jnp

    import jaxqmri
    from jaxqmri import physics

    build, main, times, tissue = {
        "T1rhoDecay": (physics.T1rhoDecay, "t1rho", [0, 10, 30, 50], {"s0": 1.0, "t1rho": 45.0}),
        "T2DecayOffset": (
            physics.T2DecayOffset, "t2", [10, 20, 30, 40, 50, 60, 70, 80],
            {"s0": 1.0, "t2": 40.0, "offset": 0.1},
        ),
        "MultiEchoSpinEcho": (
            physics.MultiEchoSpinEcho, "t2", [10, 20, 30, 40, 50, 60, 70, 80],
            {"s0": 1.0, "t2": 45.0, "b1": 0.8, "t1": 1000.0},
        ),
    }[name]  # fmt: skip
    free = ("b1",) if "b1" in tissue else ()

    def mean(times: Any, images: Any) -> Any:
        result = jaxqmri.fit(build(times), images, free=free, quality=False)
        estimates = getattr(result.params, main)
        return jnp.mean(jnp.where(jnp.isfinite(estimates), estimates, 0.0))

    return mean, np.array(times, np.float32), tissue


def measured(name: str, settings: Settings) -> list[dict[str, Any]]:
    """Median seconds and memory of a fit, and of a fit with its derivative."""
    import jax

    from jaxqmri import physics

    mean, times, tissue = programs(name)
    model = getattr(physics, name)(times)
    clean = np.asarray(model(model.Params(**tissue)))
    noise = np.random.default_rng(0).normal(0, 1 / SNR, (settings.voxels, clean.size))
    images = np.abs(clean + noise).astype(np.float32)
    kinds = {"fit": mean, "fit and slopes": jax.value_and_grad(mean, argnums=(0, 1))}
    compiled = {
        kind: jax.jit(function).lower(times, images).compile() for kind, function in kinds.items()
    }
    on_device = jax.device_put((times, images))
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(settings.repeats + 1):
        for kind, program in compiled.items():
            began = time.perf_counter()
            jax.block_until_ready(program(*on_device))
            seconds[kind].append(time.perf_counter() - began)
    median = {kind: float(np.median(own[1:])) for kind, own in seconds.items()}
    return [
        {
            "model": name,
            "program": kind,
            "voxels": settings.voxels,
            "seconds": median[kind],
            "fits": median[kind] / median["fit"],
            "MiB": memory_of(program),
        }
        for kind, program in compiled.items()
    ]


def memory_of(program: Any) -> float:
    """MiB that a compiled program needs beside its arguments and results."""
    return program.memory_analysis().temp_size_in_bytes / 2**20


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, and write down."""
    import tyro

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    configure_jax(settings.devices)
    from benchmarks.report import machine
    from jaxqmri.io.files import write_json

    rows = [
        row
        for name in ("T1rhoDecay", "T2DecayOffset", "MultiEchoSpinEcho")
        for row in measured(name, settings)
    ]
    print(f"{'model':<18}{'program':<16}{'voxels':>9}{'seconds':>9}{'fits':>7}{'MiB':>8}")
    for row in rows:
        print(
            f"{row['model']:<18}{row['program']:<16}{row['voxels']:>9,}{row['seconds']:>9.3f}"
            f"{row['fits']:>7.2f}{row['MiB']:>8.1f}"
        )
    most = max(row["fits"] for row in rows) - 1.0
    print(f"\nslopes cost {most:.2f} fits at most, asked at most {ASKED:g}")
    if settings.out is not None:
        write_json(settings.out, {"benchmark": "derivatives", "machine": machine(), "rows": rows})


if __name__ == "__main__":
    main()
