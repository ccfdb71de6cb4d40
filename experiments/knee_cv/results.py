"""The numbers of the knee T1rho study: maps compared with the reference, subject by subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from experiments.cohorts import is_simulated
from experiments.knee_cv.paper import (
    GROUND_TRUTH_MEAN,
    INPUTS,
    NETWORKS,
    REGISTRATION_SSIM,
    TABLE_4,
    Printed,
)
from experiments.knee_cv.subjects import REGIONS, Subject
from experiments.run import Result
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri import analysis
from jaxqmri.analysis import SubjectErrors
from jaxqmri.io import bids

CARTILAGE = "cartilage"
REFERENCE = "ground truth"
ALL_TIMES = "0+10+30+50"
METRICS: dict[str, tuple[str, str]] = {  # name: unit, measure
    "Bias": ("ms", "bias"),
    "% Bias": ("%", "bias"),
    "MAE": ("ms", "mae"),
    "MAPE": ("%", "mape"),
    "MAPE of prediction": ("%", "mape_of_prediction"),
    "RE": ("ms", "re"),
    "RPE": ("%", "rpe"),
    "RPE of prediction": ("%", "rpe_of_prediction"),
}
TRUTH_METRICS = ("Bias", "MAE", "RE", "RPE")
NO_ESTIMATE, AT_BOUND = "no estimate", "at a bound"
UNPRINTED = Printed(None)


class Maps(NamedTuple):
    """T1rho (ms, NaN without an estimate) and fit status of every cartilage voxel."""

    t1rho: Float[np.ndarray, " n"]
    status: UInt8[np.ndarray, " n"]


@dataclass(frozen=True)
class Study:
    """All subjects' cartilage voxels, one subject after another."""

    entities: Sequence[Mapping[str, str]]
    subjects: Sequence[Subject]
    participants: Sequence[Mapping[str, Any]]
    simulated: bool

    @classmethod
    def of(
        cls, data: Path, entities: Sequence[Mapping[str, str]], subjects: Sequence[Subject]
    ) -> Study:
        """Join prepared subjects with what ``participants.tsv`` says of them."""
        known = {}
        if (data / "participants.tsv").exists():
            known = {row["participant_id"]: row for row in bids.read_participants(data)}
        people = [known.get(f"sub-{e['sub']}", {}) for e in entities]
        return cls(list(entities), list(subjects), people, is_simulated(data))

    @cached_property
    def slices(self) -> list[slice]:
        """The voxels of each subject."""
        ends = np.cumsum([0, *(subject.label.size for subject in self.subjects)])
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]

    @cached_property
    def owner(self) -> np.ndarray:
        """Number of the subject of every voxel."""
        return np.repeat(
            np.arange(len(self.subjects)), [subject.label.size for subject in self.subjects]
        )

    @cached_property
    def label(self) -> np.ndarray:
        """Region of every voxel."""
        return np.concatenate([subject.label for subject in self.subjects])

    @cached_property
    def truth(self) -> Float[np.ndarray, " n"]:
        """The simulator's T1rho of every voxel (ms), NaN for real data."""
        return np.concatenate([subject.truth for subject in self.subjects])

    def muscle(self, name: str) -> Float[np.ndarray, " s"]:
        """Median of ``ln(I_PD / I_k)`` in each subject's muscle at an input with PD."""
        k = SPIN_LOCK_TIMES.index(self.times(name)[1]) - 1
        return np.array([subject.muscle[k] for subject in self.subjects])

    def images(self, name: str) -> Float[np.ndarray, "n k"]:
        """Signals of one input: ``PD+10``, ``0+50``, or all spin-lock times."""
        spin_lock = np.concatenate([subject.spin_lock for subject in self.subjects])
        if name == ALL_TIMES:
            return spin_lock
        first, time = name.split("+")
        second = spin_lock[:, SPIN_LOCK_TIMES.index(float(time))]
        if first == "PD":
            pd = np.concatenate([subject.pd for subject in self.subjects])
            return np.stack([pd, second], axis=-1)
        return np.stack([spin_lock[:, SPIN_LOCK_TIMES.index(float(first))], second], axis=-1)

    @staticmethod
    def times(name: str) -> tuple[float, ...]:
        """Spin-lock times of one input in ms; a PD-weighted image counts as time zero."""
        if name == ALL_TIMES:
            return SPIN_LOCK_TIMES
        first, time = name.split("+")
        return (0.0 if first == "PD" else float(first), float(time))


def reference_rows(study: Study, reference: Maps, seed: int) -> list[Result]:
    """The fit to all spin-lock times, on its own and against the simulator's truth."""
    rows = []
    for region, inside in _regions(study):
        means, spreads, counts = [], [], []
        for part in study.slices:
            values = reference.t1rho[part][inside[part] & np.isfinite(reference.t1rho[part])]
            means.append(values.mean() if values.size else np.nan)
            spreads.append(values.std(ddof=1) if values.size > 1 else np.nan)
            counts.append(float(inside[part].sum()))
        paper = Printed(GROUND_TRUTH_MEAN if region == CARTILAGE else None)
        for metric, unit, values, printed in (
            ("mean T1rho", "ms", means, paper),
            ("SD between voxels", "ms", spreads, UNPRINTED),
            ("voxels", "voxels", counts, UNPRINTED),
        ):
            rows.append(
                _row(REFERENCE, ALL_TIMES, region, metric, unit, values, seed, paper=printed)
            )
        rows += _status_rows(study, reference, REFERENCE, ALL_TIMES, region, inside, seed)
        rows += _truth_rows(study, reference, REFERENCE, ALL_TIMES, region, inside, seed)
    return rows


def input_rows(
    study: Study, reference: Maps, found: Maps, model: str, name: str, seed: int
) -> list[Result]:
    """One model's maps at one input against the reference, in every region."""
    rows = []
    for region, inside in _regions(study):
        errors = subject_errors(study, reference.t1rho, found.t1rho, inside)
        printed = TABLE_4.get(model, {}) if region == CARTILAGE else {}
        for metric in METRICS:
            paper = printed.get(metric, {}).get(name, UNPRINTED)
            rows.append(_error_row(model, name, region, metric, errors, seed, paper))
        rows += _status_rows(study, found, model, name, region, inside, seed)
        rows += _truth_rows(study, found, model, name, region, inside, seed)
    return rows


def network_rows(run: Set[tuple[str, str]]) -> list[Result]:
    """What the paper prints for networks, where they are not among the arms that were run."""
    return [
        Result(
            model, metric, METRICS[metric][0], name, CARTILAGE, paper=paper.mean, paper_sd=paper.sd
        )
        for model in NETWORKS
        for metric, entries in TABLE_4[model].items()
        for name, paper in entries.items()
        if name in INPUTS and (model, name) not in run
    ]


def registration_rows(study: Study, seed: int) -> list[Result]:
    """How alike the two scans are before and after registration, and how far it moved them."""
    similarity = np.array([subject.similarity for subject in study.subjects])
    motion = np.array([subject.motion for subject in study.subjects])
    measures = (
        ("SSIM", "", similarity[:, 1], Printed(*REGISTRATION_SSIM)),
        ("SSIM before registration", "", similarity[:, 0], UNPRINTED),
        ("shift found", "mm", motion[:, 0], UNPRINTED),
        ("rotation found", "degrees", motion[:, 1], UNPRINTED),
    )
    return [
        _row("registration", "PD", CARTILAGE, metric, unit, values, seed, paper=paper)
        for metric, unit, values, paper in measures
    ]


def subject_errors(
    study: Study,
    reference: Float[np.ndarray, " n"],
    found: Float[np.ndarray, " n"],
    inside: Bool[np.ndarray, " n"],
) -> list[SubjectErrors]:
    """Errors of every subject over the voxels of a region where both have an estimate."""
    errors = []
    both = inside & np.isfinite(reference) & np.isfinite(found)
    for part in study.slices:
        use = both[part]
        errors.append(analysis.subject_errors(reference[part][use], found[part][use]))
    return errors


def errors_of(
    study: Study, reference: Maps, found: Mapping[tuple[str, str], Maps]
) -> dict[tuple[str, str], list[SubjectErrors]]:
    """Errors of every subject over the whole cartilage, by model and input."""
    whole = np.ones(study.label.size, bool)
    return {
        arm: subject_errors(study, reference.t1rho, maps.t1rho, whole)
        for arm, maps in found.items()
    }


def _regions(study: Study) -> list[tuple[str, Bool[np.ndarray, " n"]]]:
    whole = [(CARTILAGE, np.ones(study.label.size, bool))]
    return whole + [(name, study.label == label) for label, name in REGIONS.items()]


def _error_row(
    model: str,
    name: str,
    region: str,
    metric: str,
    errors: Sequence[SubjectErrors],
    seed: int,
    paper: Printed = UNPRINTED,
    suffix: str = "",
) -> Result:
    unit, measure = METRICS[metric]
    values = [getattr(error, measure) for error in errors]
    base = [error.mean_reference for error in errors] if metric == "% Bias" else None
    return _row(model, name, region, metric + suffix, unit, values, seed, base, paper)


def _truth_rows(
    study: Study,
    found: Maps,
    model: str,
    name: str,
    region: str,
    inside: Bool[np.ndarray, " n"],
    seed: int,
) -> list[Result]:
    if not study.simulated:
        return []
    errors = subject_errors(study, study.truth, found.t1rho, inside)
    return [
        _error_row(model, name, region, metric, errors, seed, suffix=" to truth")
        for metric in TRUTH_METRICS
    ]


def _status_rows(
    study: Study,
    found: Maps,
    model: str,
    name: str,
    region: str,
    inside: Bool[np.ndarray, " n"],
    seed: int,
) -> list[Result]:
    """Share of voxels without an estimate, and with one on a bound."""
    from jaxqmri import Status

    conditions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        NO_ESTIMATE: lambda status: ~np.isin(status, (Status.CONVERGED, Status.AT_BOUND)),
        AT_BOUND: lambda status: status == Status.AT_BOUND,
    }
    rows = []
    for metric, holds in conditions.items():
        shares = []
        for part in study.slices:
            status = found.status[part][inside[part]]
            shares.append(100.0 * float(holds(status).mean()) if status.size else np.nan)
        rows.append(_row(model, name, region, metric, "% of voxels", shares, seed))
    return rows


def _row(
    model: str,
    name: str,
    region: str,
    metric: str,
    unit: str,
    values: Any,
    seed: int,
    base: Any = None,
    paper: Printed = UNPRINTED,
) -> Result:
    summary = analysis.summarise(values, relative_to=base, seed=seed)
    return Result(
        model, metric, unit, name, region,
        n=summary.n, ours=summary.mean, ours_sd=summary.sd, low=summary.low, high=summary.high,
        paper=paper.mean, paper_sd=paper.sd,
    )  # fmt: skip
