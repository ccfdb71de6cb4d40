"""How fast a training step of a U-Net is, beside the same network in PyTorch.

``python -m benchmarks.train`` times forward pass, derivative and Adam on batches of patches of
64 x 64 pixels with two channels, each framework in a process of its own on the same cores.
PyTorch is installed in an environment of its own and runs channels last. Where there are
several cores each is timed twice: one training on all, and one on each core at the same time, as
the experiments train their folds. How much of our step its convolutions take, each run by itself,
is told as well. About two minutes on two quiet cores: the load is printed with the results.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Settings:
    """Time the training step of a U-Net in JAX and in PyTorch."""

    features: tuple[int, ...] = (16, 32, 64, 128)
    """Channels at each level."""
    batch: int = 16
    """Patches of a step."""
    size: int = 64
    """Width of the patches, pixels."""
    steps: int = 10
    """Timed steps after the first; the fastest and the median count."""
    out: Path | None = None
    """JSON file to write."""


def measured(
    module: str, python: str | Path, settings: Settings, trainings: int = 1
) -> dict[str, Any]:
    """What one framework's program reports, or why it does not."""
    problem = {name: value for name, value in asdict(settings).items() if name != "out"}
    problem["trainings"] = trainings
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "problem.json").write_text(json.dumps(problem), "utf-8")
        done = subprocess.run(
            [python, "-m", module, folder], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            return {"error": said[-1] if said else f"ended with {done.returncode}"}
        return json.loads((folder / "report.json").read_text("utf-8"))


def run(settings: Settings) -> list[dict[str, Any]]:
    """Two rows for each framework: one training on all cores, and one on each."""
    from benchmarks.environments import NotInstalled, interpreter
    from jaxqmri.cli.accelerator import available_cores

    cores = available_cores()
    torch, ours = ("PyTorch", "benchmarks.peers.torch_unet"), "benchmarks.methods.jaxqmri_train"
    rows = []
    try:
        python: str | Path | None = interpreter("torchimize", patience=600)
        reason = ""
    except NotInstalled as error:
        python, reason = None, f"does not install: {error}"
    for name, module, own in ((*torch, python), ("jaxqmri", ours, sys.executable)):
        for trainings in sorted({1, cores}):
            row: dict[str, Any] = {"method": name, "trainings": trainings}
            if own is None:
                row["error"] = reason
            else:
                row |= measured(module, own, settings, trainings)
            rows.append(row)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """One line for each row."""
    head = (
        f"{'method':<12}{'trainings at a time':>21}{'weights':>10}{'patches/s':>11}{'best':>7}"
        f"{'first s':>9}{'cores':>7}{'convolutions':>14}"
    )
    lines = [head]
    for row in rows:
        if "error" in row:
            lines.append(f"{row['method']:<12}{row['trainings']:>21}  failed: {row['error']}")
            continue
        lines.append(
            f"{row['method']:<12}{row['trainings']:>21}{row['weights']:>10,}{row['patches_per_s']:>11.0f}"
            f"{row['best_patches_per_s']:>7.0f}{row['first_s']:>9.2f}{row['cores_busy']:>7.2f}"
            f"{_share(row):>14}"
        )
    return "\n".join(lines)


def _share(row: dict[str, Any]) -> str:
    """Part of a step that its convolutions take when each is run by itself."""
    if "convolutions_s" not in row:
        return ""
    return f"{row['convolutions_s'] / statistics.median(row['seconds']):.0%}"


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table and write it down."""
    import tyro

    from jaxqmri.io.files import write_json

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    before = os.getloadavg()[0]
    rows = run(settings)
    print(f"Random images; load average {before:.1f} to {os.getloadavg()[0]:.1f}\n\n{table(rows)}")
    if settings.out is not None:
        asked = {name: value for name, value in asdict(settings).items() if name != "out"}
        load = [before, os.getloadavg()[0]]
        write_json(
            settings.out, {"benchmark": "train", "settings": asked, "load": load, "rows": rows}
        )


if __name__ == "__main__":
    main()
