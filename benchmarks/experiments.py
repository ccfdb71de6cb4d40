"""Whole experiments on the clock: with nothing kept, and again with cohort and programs kept.

``python -m benchmarks.experiments --preset smoke`` runs each experiment twice, in a process and a
cache folder of its own. Other presets take as long as the experiments do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.failure import last_words
from experiments.command import Preset

ROOT = Path(__file__).resolve().parents[1]
NAMES = (
    "knee_cv", "liver_uncertainty", "knee_rmq", "knee_t2", "disc_phases", "physics_weight",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Time whole experiments."""

    names: tuple[str, ...] = NAMES
    """Which."""
    preset: Preset = "smoke"
    """Their size."""
    out: Path | None = None
    """JSON file to write."""


def timed(name: str, preset: Preset) -> dict[str, Any]:
    """Seconds of a run with nothing kept, and of the same run again."""
    with tempfile.TemporaryDirectory() as scratch:
        surroundings = {**os.environ, "JAXQMRI_CACHE": f"{scratch}/cache"}
        words = [sys.executable, "-m", f"experiments.{name}", "--preset", preset]
        row: dict[str, Any] = {"experiment": name, "preset": preset}
        for label, more in (("first_s", ()), ("again_s", ("--overwrite",))):
            began = time.perf_counter()
            done = subprocess.run(
                [*words, "--out", f"{scratch}/run", *more],
                cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                return row | {"error": last_words(done.stderr, done.returncode)}
            row[label] = time.perf_counter() - began
    return row


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    if "error" in row:
        return f"{row['experiment']:<20}failed: {row['error']}"
    return f"{row['experiment']:<20}{row['first_s']:>12.0f}{row['again_s']:>12.0f}"


def main(arguments: list[str] | None = None) -> None:
    """Run, print, and write down."""
    import tyro

    from benchmarks.report import machine
    from jaxqmri.io.files import write_json

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    print(f"{'experiment':<20}{'first run s':>12}{'again s':>12}", flush=True)
    rows = []
    for name in settings.names:
        rows.append(timed(name, settings.preset))
        print(line(rows[-1]), flush=True)
    if settings.out is not None:
        found = {"benchmark": "experiments", "data": "simulated", "machine": machine()}
        write_json(settings.out, found | {"rows": rows})


if __name__ == "__main__":
    main()
