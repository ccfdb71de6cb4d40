"""Whether standard deviations and intervals mean what they say, for every model.

``python -m benchmarks.errors`` simulates voxels with Gaussian noise of known sigma at a high and at
a low SNR. Where all of a model's parameters have a median relative standard deviation below ten per
cent, the spread of ``(estimate - truth) / std`` is judged, which should be 1; elsewhere, where the
normal approximation does not hold for any of them, the share of 95 % profile-likelihood intervals
that hold the truth. About a quarter of an hour on two cores.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxqmri.cli.accelerator import configure_jax

PRECISE = 0.1  # relative standard deviation below which errors are nearly Gaussian
SPREAD, COVERAGE = (0.97, 1.03), (0.94, 0.96)  # what is asked of the SD of z, and of intervals
LOW_SNR = {"t2-offset": 30.0, "biexp": 100.0, "stretched": 30.0}
USUAL_LOW_SNR = 12.0
# The same models with truths that no bound is near, where the usual ones are: full inversion is 1,
# and flip angles end at 180 degrees.
UNBOUNDED = (
    ("t1-ir", {"efficiency": 0.5}, 20.0),
    ("t1-ir-magnitude", {"efficiency": 0.5}, 25.0),
    ("b1-afi", {"b1": 1.2}, 15.0),
)


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


def cases(names: tuple[str, ...]) -> Iterator[tuple[str, Any, tuple[float, ...]]]:
    """What is simulated: a label, the model with its tissue, and the SNRs."""
    from tests.fitting.cases import CASES

    known = {case.name: case for case in CASES}
    for name, case in known.items():
        if not names or name in names:
            yield name, case, (case.precise_snr, LOW_SNR.get(name, USUAL_LOW_SNR))
    for name, changed, snr in UNBOUNDED:
        if not names or name in names:
            case = known[name]
            yield f"{name}, no bound near", replace(case, truth=case.truth | changed), (snr,)


def rows(settings: Settings) -> Iterator[dict[str, Any]]:
    """One row for each model, SNR and fitted parameter."""
    import jaxqmri

    for label, case, snrs in cases(settings.models):
        for snr in snrs:
            began = time.perf_counter()
            images, sigma = case.noisy(settings.voxels, snr, settings.seed)
            options: dict[str, Any] = {**case.options, "sigma": sigma}
            images = images.astype(np.float32)
            result = jaxqmri.fit(case.model, images, **options)
            spread = {name: _spread(result, name, case.truth[name]) for name in result.free}
            precise = all(relative < PRECISE for relative, _, _ in spread.values())
            ends = None
            if not precise:
                ends = jaxqmri.fit(case.model, images, intervals=True, **options).intervals
            for name, (relative, of_z, known) in spread.items():
                yield {
                    "model": label, "snr": snr, "parameter": name, "voxels": known,
                    "relative_std": relative, "sd_of_z": of_z,
                    "covered": None if precise else _covered(ends, name, case.truth[name]),
                    "seconds": round(time.perf_counter() - began, 1),
                }  # fmt: skip


def met(row: dict[str, Any]) -> bool:
    """Whether a row is within what is asked: of its intervals where it has them, else of z."""
    covered = row["covered"]
    value, (low, high) = (row["sd_of_z"], SPREAD) if covered is None else (covered, COVERAGE)
    return low <= value <= high


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
        "| simulated | SNR | parameter | relative std | SD of z | intervals that cover | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found:
        share = "" if row["covered"] is None else f"{100 * row['covered']:.1f} %"
        lines.append(
            f"| {row['model']} | {row['snr']:.0f} | {row['parameter']} | "
            f"{100 * row['relative_std']:.1f} % | {row['sd_of_z']:.3f} | {share} | "
            f"{'yes' if met(row) else 'no'} |"
        )
    return "\n".join(lines)


def verdict(found: list[dict[str, Any]]) -> str:
    """How many rows are within what is asked."""
    judged = [("SD of z", SPREAD, [row for row in found if row["covered"] is None])]
    judged += [("intervals", COVERAGE, [row for row in found if row["covered"] is not None])]
    return "; ".join(
        f"{what} within {low:g} to {high:g}: {sum(met(row) for row in some)} of {len(some)} rows"
        for what, (low, high), some in judged
    )


def main() -> None:
    """Read the command line, measure, print and write."""
    import tyro

    settings = tyro.cli(Settings, prog="python -m benchmarks.errors")
    configure_jax()
    found = []
    for row in rows(settings):
        found.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    print(f"{table(found)}\n\n{verdict(found)}")
    if settings.out is not None:
        settings.out.write_text(json.dumps({"data": "simulated", "rows": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
