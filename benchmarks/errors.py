"""Whether standard deviations and intervals mean what they say, for every model.

``python -m benchmarks.errors`` simulates voxels with Gaussian noise of known sigma at a high and at
a low SNR. Where a parameter's median relative standard deviation is below ten per cent, the
spread of ``(estimate - truth) / std`` is reported, which should be 1; elsewhere the share of
95 % profile-likelihood intervals that hold the truth. About ten minutes on two cores.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxqmri.cli.accelerator import configure_jax

PRECISE = 0.1  # relative standard deviation below which an estimate's error is nearly Gaussian
LOW_SNR = {"t2-offset": 30.0, "biexp": 100.0, "stretched": 30.0}
USUAL_LOW_SNR = 12.0


@dataclass(frozen=True)
class Settings:
    """Compare errors with what they are said to be, on simulated voxels of every model."""

    voxels: int = 100_000
    """Voxels of each model and SNR."""
    seed: int = 0
    """Random seed of the noise."""
    models: tuple[str, ...] = ()
    """Models; all of them unless given."""
    out: Path | None = None
    """JSON file to write."""


def rows(settings: Settings) -> Iterator[dict[str, Any]]:
    """One row for each model, SNR and fitted parameter."""
    import jaxqmri
    from tests.fitting.cases import CASES

    for case in CASES:
        if settings.models and case.name not in settings.models:
            continue
        for snr in (case.precise_snr, LOW_SNR.get(case.name, USUAL_LOW_SNR)):
            began = time.perf_counter()
            images, sigma = case.noisy(settings.voxels, snr, settings.seed)
            options: dict[str, Any] = {**case.options, "sigma": sigma}
            images = images.astype(np.float32)
            result = jaxqmri.fit(case.model, images, **options)
            spread = {name: _spread(result, name, case.truth[name]) for name in result.free}
            ends = None
            if any(relative >= PRECISE for relative, _, _ in spread.values()):
                ends = jaxqmri.fit(case.model, images, intervals=True, **options).intervals
            for name, (relative, of_z, known) in spread.items():
                precise = relative < PRECISE
                yield {
                    "model": case.name, "snr": snr, "parameter": name, "voxels": known,
                    "relative_std": relative, "sd_of_z": of_z if precise else None,
                    "covered": None if precise else _covered(ends, name, case.truth[name]),
                    "seconds": round(time.perf_counter() - began, 1),
                }  # fmt: skip


def _spread(result: Any, name: str, truth: float) -> tuple[float, float, int]:
    """Median relative standard deviation, SD of z, and voxels with both."""
    estimate, std = getattr(result.params, name), getattr(result.std, name)
    known = np.isfinite(estimate) & np.isfinite(std)
    z = (estimate[known] - truth) / std[known]
    return float(np.median(std[known] / abs(truth))), float(z.std()), int(known.sum())


def _covered(ends: Any, name: str, truth: float) -> float:
    lower, upper = (getattr(side, name) for side in ends)
    known = np.isfinite(lower) & np.isfinite(upper)
    return float(np.mean((lower[known] <= truth) & (truth <= upper[known])))


def table(found: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| simulated | SNR | parameter | relative std | SD of z | intervals that cover |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        z = "" if row["sd_of_z"] is None else f"{row['sd_of_z']:.3f}"
        share = "" if row["covered"] is None else f"{100 * row['covered']:.1f} %"
        lines.append(
            f"| {row['model']} | {row['snr']:.0f} | {row['parameter']} | "
            f"{100 * row['relative_std']:.1f} % | {z} | {share} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line, measure, print and write."""
    import tyro

    settings = tyro.cli(Settings, prog="python -m benchmarks.errors")
    configure_jax()
    found = []
    for row in rows(settings):
        found.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    print(table(found))
    if settings.out is not None:
        settings.out.write_text(json.dumps({"data": "simulated", "rows": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
