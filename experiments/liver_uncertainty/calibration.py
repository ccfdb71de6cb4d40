"""Which noise and short component make the coarse and BM3D rows come near the paper's.

``python -m experiments.liver_uncertainty.calibration`` simulates patients for every pair of
settings of a grid, fits them, and prints how far both rows are from the published ones. No network
takes part: what networks do on data calibrated so is a prediction. A quarter of an hour on two CPU
cores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from experiments import run as shared
from experiments.liver_uncertainty import fits
from experiments.liver_uncertainty.paper import BM3D, COARSE, RMRE
from experiments.liver_uncertainty.patients import Patient, Study
from experiments.liver_uncertainty.settings import Settings as Experiment
from jaxqmri.analysis import Pixels, relative_error

SLICE_AXIS = 2
NEAR = 0.3  # %: settings whose distance is within so much of the best are carried as a range


@dataclass(frozen=True)
class Settings:
    """Calibrate the simulated liver on the rows that no network touches."""

    snr: tuple[float, ...] = (40.0, 50.0, 60.0, 70.0)
    """Signal over noise in the drawn region."""
    short_fraction: tuple[float, ...] = (0.19, 0.20, 0.21)
    """Of the liver's water, with a T1rho of 10 ms."""
    patients: int = 51
    """Digital patients for each pair."""
    seed: int = 0
    """Of the patients."""


class Distance(NamedTuple):
    """One pair of settings: both rows, and the sum of their distances to the paper's, in %."""

    snr: float
    short_fraction: float
    coarse: float
    denoised: float
    total: float


def main(arguments: list[str] | None = None) -> None:
    """Run the grid and print the table, the nearest first."""
    import tyro

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    shared.configure_jax()
    count = len(settings.snr) * len(settings.short_fraction)
    found = sorted(
        shared.progress(distances(settings), "calibrate", "pair", count), key=lambda d: d.total
    )
    print("Simulated data. Mean relative error of the drawn region, %, and distance to the paper's")
    print(f"{'snr':>6}{'short':>8}{COARSE:>12}{BM3D:>8}{'distance':>10}")
    for one in found:
        near = "  near" if one.total <= found[0].total + NEAR else ""
        print(
            f"{one.snr:>6g}{one.short_fraction:>8g}{one.coarse:>12.2f}{one.denoised:>8.2f}"
            f"{one.total:>10.2f}{near}"
        )


def distances(settings: Settings) -> Iterator[Distance]:
    """Every pair of the grid."""
    for snr, fraction in product(settings.snr, settings.short_fraction):
        study = simulated(settings, snr, fraction)
        coarse, denoised = errors(study, Experiment().cut_off)
        gaps = (coarse - (RMRE[COARSE].value or 0.0), denoised - (RMRE[BM3D].value or 0.0))
        yield Distance(snr, fraction, coarse, denoised, sum(abs(gap) for gap in gaps))


def simulated(settings: Settings, snr: float, fraction: float) -> Study:
    """Patients made with one pair of settings, in memory."""
    from jaxqmri.simulate.liver_t1rho import LiverT1rhoStudy

    made = LiverT1rhoStudy().changed({"snr": snr, "short_fraction": fraction})
    patients = []
    for k in range(settings.patients):
        record = made.record(k, settings.seed, 0)
        series = record.series[0]
        label = next(one.data for one in record.maps if one.suffix == "dseg")
        truth = next(one.data for one in record.maps if one.suffix == "T1rho")
        stacks = (np.moveaxis(part, SLICE_AXIS, 0) for part in (series.images, label, truth))
        images, label, truth = stacks
        patients.append(Patient({"sub": f"{k}"}, images, label, truth, series.affine, SLICE_AXIS))
    return Study(patients, [{}] * len(patients), simulated=True)


def errors(study: Study, cut_off: fits.CutOff) -> tuple[float, float]:
    """Mean relative error of the coarse map, and of that map after BM3D, %."""
    target = fits.fit_target(study, cut_off).t1rho
    coarse = fits.two_point(study.images, cut_off)
    smooth = np.stack(
        [fits.denoise_liver(one, label > 0) for one, label in zip(coarse, study.label, strict=True)]
    )

    def error(maps: np.ndarray) -> float:
        pixels = Pixels.of(target, maps[study.roi], None, study.pixel_slice, study.owner)
        return relative_error(pixels).rmre.value

    return error(coarse), error(smooth)


if __name__ == "__main__":
    main()
