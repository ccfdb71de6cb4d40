"""The subjects: voxels at four spin-lock times, their noise, and the fit to all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

import jaxqmri
from experiments import run as shared
from experiments.cohorts import TRUE_MAPS, Cohort, is_simulated
from experiments.fingerprint import dataset_fingerprint
from experiments.knee_cv import subjects as knees
from experiments.liver_uncertainty.fits import noise_of
from experiments.liver_uncertainty.patients import read_study as read_patients
from experiments.physics_weight.settings import Settings
from experiments.preparing import label_of, prepare_all
from experiments.run import Run
from experiments.spin_lock import SPIN_LOCK_TIMES
from experiments.subjects import find_subjects, person_of
from jaxqmri.io import InputError, bids

READER = "manual"
NO_NOISE = "no-noise"  # folder of checkpoints
STILL = {"reposition": (0.0, 0.0)}  # of the simulated knees: no registration, which costs minutes
FREQUENCY = {"knee": 300.0, "liver": 400.0}  # Hz, of the spin lock
NOISELESS = {  # and nothing else changed: the same subjects in the same place
    "knee": {"snr": 1e4, "snr_sd": 0.0, "pd_snr": 1e4},
    "liver": {"snr": 1e4, "snr_sd": 0.0},
}
COHORT = {"knee": "knee_t1rho", "liver": "liver_t1rho"}


@dataclass(frozen=True)
class Study:
    """All subjects' voxels, one subject after another.

    Attributes
    ----------
    names
        Of the subjects.
    owner
        Number of the subject of each voxel.
    spin_lock
        Signals at the four spin-lock times, scanner units.
    pd
        PD-weighted signal, scanner units; None where there is none.
    noise
        Standard deviation of each subject's noise, scanner units.
    amplitude, reference
        ``s0`` (scanner units) and T1rho (ms) fitted to all four images; NaN without an estimate.
    standard
        T1rho that errors are counted from, ms. Of simulated test subjects the fit to the same
        four images without noise, so that no error is shared with what a network sees; of real
        data the reference. NaN of subjects that are not tested.
    truth
        The simulator's T1rho of the tissue, ms, of which a fit reads more where there is fluid
        in the voxel; NaN for real data.
    frequency
        Of the spin lock, Hz.
    simulated
        Whether nobody was scanned.
    """

    names: Sequence[str]
    owner: Int[np.ndarray, " v"]
    spin_lock: Float[np.ndarray, "v 4"]
    pd: Float[np.ndarray, " v"] | None
    noise: Float[np.ndarray, " s"]
    amplitude: Float[np.ndarray, " v"]
    reference: Float[np.ndarray, " v"]
    standard: Float[np.ndarray, " v"]
    truth: Float[np.ndarray, " v"]
    frequency: float
    simulated: bool

    @cached_property
    def first_signal(self) -> Float[np.ndarray, " s"]:
        """Median signal of each subject at spin-lock time zero, scanner units."""
        return np.array(
            [np.median(self.spin_lock[self.owner == k, 0]) for k in range(len(self.names))]
        )


def cohort_of(settings: Settings, seed: int) -> Cohort:
    """The digital subjects of a run."""
    count = max(settings.subjects) + settings.validation_subjects + settings.test_subjects
    changed = STILL if settings.organ == "knee" else {}
    return Cohort(COHORT[settings.organ], settings.simulated_grid, count, seed, changed)


def noiseless(settings: Settings, seed: int) -> Cohort:
    """The same scans of the simulated test subjects, which are the first, without noise."""
    cohort = cohort_of(settings, seed)
    still = {**cohort.settings, **NOISELESS[settings.organ]}
    return replace(cohort, subjects=settings.test_subjects, settings=still)


def fingerprint(data: Path) -> str:
    """Of all that a run reads."""
    return dataset_fingerprint(data, (READER, TRUE_MAPS))


def read_study(run: Run[Settings]) -> Study:
    """Read every subject and fit all four images; of simulated ones also those without noise.

    Raises
    ------
    InputError
        If a subject lacks something and incomplete ones are not to be skipped, or has no noise
        that could be measured.
    """
    read = _read_knees if run.settings.organ == "knee" else _read_livers
    study = read(run, run.data, "")
    if run.command.data is not None:
        return study
    again = read(run, noiseless(run.settings, run.command.seed).make(run.settings.organ), NO_NOISE)
    standard = np.full(study.reference.shape, np.nan, np.float32)
    standard[: again.reference.size] = again.reference
    return replace(study, standard=standard)


def fit_t1rho(
    signals: Float[np.ndarray, "v n"], times: Sequence[float], bounds: tuple[float, float]
) -> Any:
    """T1rho of every voxel from images at some spin-lock times (ms)."""
    from jaxqmri.physics import T1rhoDecay

    model = T1rhoDecay(spin_lock_times=np.array(times))
    return jaxqmri.fit(model, signals, bounds={"t1rho": bounds}, quality=len(times) > 2)


def _read_knees(run: Run[Settings], data: Path, part: str) -> Study:
    """Cartilage; its noise from what the fit leaves of the images."""
    settings, simulated = run.settings, is_simulated(data)
    registration = settings.registration
    if registration == "auto":
        registration = "none" if run.command.data is None else "deformable"
    folder = run.checkpoint(part) if part else run.folder / "maps"
    tasks = [
        knees.Task(
            data=data,
            entities=entities,
            kept=run.checkpoint(f"subjects/{part}{label_of(entities)}.npz"),
            registered=folder / bids.map_name(person_of(entities), "PDw", "registered"),
            transforms=shared.cache_folder() / "registrations",
            match_resolution=True,
            registration=registration,
        )
        for entities in find_subjects(data, settings.skip_incomplete)
    ]
    tasks, kept = prepare_all(
        run, tasks, knees.prepare, unit="knee", skip_incomplete=settings.skip_incomplete
    )
    found = [_kept(path) for path in kept]
    owner = np.repeat(np.arange(len(found)), [one.label.size for one in found])
    spin_lock = np.concatenate([one.spin_lock for one in found]).astype(np.float32)
    fitted = fit_t1rho(spin_lock, SPIN_LOCK_TIMES, settings.t1rho_bounds)
    return Study(
        _names(tasks),
        owner,
        spin_lock,
        np.concatenate([one.pd for one in found]).astype(np.float32),
        _residual_noise(np.asarray(fitted.rmse), owner, _names(tasks)),
        np.asarray(fitted.params.s0),
        np.asarray(fitted.params.t1rho),
        np.asarray(fitted.params.t1rho),
        np.concatenate([one.truth for one in found]).astype(np.float32),
        FREQUENCY["knee"],
        simulated,
    )


def _read_livers(run: Run[Settings], data: Path, part: str) -> Study:
    """Drawn parenchyma; its noise from neighbours, as residuals hold flow and breathing as well."""
    del part  # nothing is kept of a liver
    settings = run.settings
    study = read_patients(data, settings.skip_incomplete)
    spin_lock = study.images[study.roi]
    fitted = fit_t1rho(spin_lock, SPIN_LOCK_TIMES, settings.t1rho_bounds)
    return Study(
        [patient.entities["sub"] for patient in study.patients],
        study.pixel_owner,
        spin_lock,
        None,
        noise_of(study),
        np.asarray(fitted.params.s0),
        np.asarray(fitted.params.t1rho),
        np.asarray(fitted.params.t1rho),
        study.truth.astype(np.float32),
        FREQUENCY["liver"],
        study.simulated,
    )


def _names(tasks: Sequence[Any]) -> list[str]:
    named: list[Mapping[str, str]] = [task.entities for task in tasks]
    return [entities["sub"] for entities in named]


def _kept(path: Path) -> knees.Subject:
    subject = knees.read(path)
    assert subject is not None, path
    return subject


def _residual_noise(
    rmse: Float[np.ndarray, " v"], owner: Int[np.ndarray, " v"], names: Sequence[str]
) -> Float[np.ndarray, " s"]:
    """From residuals of four images and two parameters, pooled over each subject's voxels."""
    known, n = np.isfinite(rmse), len(SPIN_LOCK_TIMES)
    squares = np.bincount(owner[known], rmse[known] ** 2, minlength=len(names))
    counts = np.bincount(owner[known], minlength=len(names))
    for name, square, count in zip(names, squares, counts, strict=True):
        if count == 0 or square == 0:
            raise InputError(
                f"sub-{name}: no voxel whose fit leaves a residual, which is the noise"
            )
    return np.sqrt(squares / counts * n / (n - 2))
