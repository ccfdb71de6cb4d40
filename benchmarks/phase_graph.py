"""How fast echo trains are simulated by extended phase graph, beside another package.

``python -m benchmarks.phase_graph`` simulates multi-echo spin-echo trains of T2 30 to 150 ms and B1
0.6 to 1 by :class:`jaxqmri.physics.MultiEchoSpinEcho` and by EpyG, installed in an environment of
its own, each in a process; and says how far apart the signals are. About a minute.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxqmri.cli.accelerator import configure_jax


@dataclass(frozen=True)
class Settings:
    """Time the simulation of multi-echo spin-echo trains."""

    trains: int = 1_000_000
    """Echo trains; EpyG, which makes one after another, is given the first of them."""
    echoes: int = 8
    """Echoes of a train."""
    spacing: float = 10.0
    """Between echoes, ms."""
    t1: float = 1000.0
    """T1 of all, ms."""
    repeats: int = 7
    """Timed calls after the first; the median counts."""
    devices: int | None = None
    """CPU devices of jaxqmri; all the cores unless given."""
    seed: int = 0
    """Random seed of T2 and B1."""
    out: Path | None = None
    """JSON file to write."""


def run(settings: Settings) -> list[dict[str, Any]]:
    """A row for each package; ``difference`` is the largest from ours, for unit magnetisation."""
    from benchmarks.environments import SIMULATORS
    from benchmarks.fit import Method, measured

    draw = np.random.default_rng(settings.seed)
    tissue = draw.uniform((30.0, 0.6), (150.0, 1.0), (settings.trains, 2)).astype(np.float32)
    methods = [
        Method("jaxqmri", "benchmarks.methods.jaxqmri_phase_graph", settings.trains),
        *(Method(n, f"benchmarks.peers.{n}", p.voxels, n) for n, p in SIMULATORS.items()),
    ]
    rows: list[dict[str, Any]] = []
    ours: np.ndarray | None = None
    with tempfile.TemporaryDirectory() as scratch:
        np.save(Path(scratch) / "images.npy", tissue)
        for method in methods:
            problem = {
                "echoes": settings.echoes, "spacing": settings.spacing, "t1": settings.t1,
                "devices": settings.devices, "voxels": min(method.voxels, settings.trains),
                "repeats": settings.repeats, "at_least": min(3, settings.repeats), "patience": 20,
            }  # fmt: skip
            row = {"method": method.name, **measured(method, problem, Path(scratch))}
            if "error" not in row:
                signals = row.pop("estimates")
                ours = signals if ours is None else ours
                row["trains"] = row.pop("voxels")
                row["trains_per_s"] = row.pop("voxels_per_s")
                row["best_trains_per_s"] = row.pop("best_voxels_per_s")
                row["difference"] = float(np.abs(signals - ours[: len(signals)]).max())
            rows.append(row)
            print(f"{method.name}: done", file=sys.stderr, flush=True)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """One line for each row."""
    lines = [
        f"{'method':<10}{'trains':>11}{'trains/s':>13}{'best':>13}{'first s':>9}{'cores':>7}"
        f"{'difference':>12}"
    ]
    for row in rows:
        if "error" in row:
            lines.append(f"{row['method']:<10} failed: {row['error']}")
            continue
        lines.append(
            f"{row['method']:<10}{row['trains']:>11,}{row['trains_per_s']:>13,.0f}"
            f"{row['best_trains_per_s']:>13,.0f}{row['first_s']:>9.2f}{row['cores_busy']:>7.2f}"
            f"{row['difference']:>12.1e}"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table and write it down."""
    import tyro

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    configure_jax(settings.devices)
    from benchmarks.report import machine
    from jaxqmri.io.files import write_json

    before = os.getloadavg()
    rows, here = run(settings), machine()
    load = {"before": before, "after": os.getloadavg()}
    print(f"{settings.echoes} echoes; {here['cpu']}, {here['cores']} cores, load average ", end="")
    print(f"{before[0]:.1f} to {load['after'][0]:.1f}\n\n{table(rows)}")
    if settings.out is not None:
        asked = {name: value for name, value in asdict(settings).items() if name != "out"}
        found = {"benchmark": "phase_graph", "data": "simulated", "settings": asked}
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        write_json(settings.out, found | {"machine": here, "load_average": load, "rows": rows})
        print(f"\nWritten: {settings.out}")


if __name__ == "__main__":
    main()
