"""What a small regional error hides: differences between subjects, and between groups."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from experiments.knee_cv.results import ALL_TIMES, CARTILAGE, REFERENCE, Maps, Study
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri import analysis
from jaxqmri.analysis import Interval

SLOPE, ICC = "slope of subject means", "ICC(2,1)"
DIFFERENCE, RETAINED = "patients less volunteers", "share of the reference's difference"
HIDDEN = (SLOPE, ICC, DIFFERENCE, RETAINED)
PATIENT, VOLUNTEER = "patient", "volunteer"


def subject_means(study: Study, t1rho: Float[np.ndarray, " v"]) -> Float[np.ndarray, " s"]:
    """Mean T1rho of each subject's cartilage over the voxels that have an estimate."""
    return np.array(
        [
            np.nanmean(t1rho[part]) if np.isfinite(t1rho[part]).any() else np.nan
            for part in study.slices
        ]
    )


def agreement_rows(
    study: Study, reference: Maps, found: Mapping[Arm, Maps], seed: int
) -> list[Result]:
    """How much of the difference between subjects, and between groups, each model keeps.

    Groups are told by ``participants.tsv``; whoever is in neither does not count for their
    difference. The reference has a row of its own for it.
    """
    wanted = subject_means(study, reference.t1rho)
    group = np.array([str(person.get("group")) for person in study.participants])
    known, patient = np.isin(group, (PATIENT, VOLUNTEER)), group == PATIENT
    grouped = patient.any() and (group == VOLUNTEER).any()
    rows = []
    if grouped:
        own = analysis.group_difference(wanted[known], patient[known], seed=seed)
        count = own.inside + own.outside
        rows.append(_row(REFERENCE, ALL_TIMES, DIFFERENCE, "ms", own.difference, count))
    for (model, name), maps in found.items():
        means = subject_means(study, maps.t1rho)
        line = analysis.regression(wanted, means, seed=seed)
        rows.append(_row(model, name, SLOPE, "", line.slope, line.n))
        both = analysis.intraclass_correlation(np.stack([wanted, means], -1), seed=seed)
        rows.append(_row(model, name, ICC, "", both.single, both.n))
        if grouped:
            kept = analysis.retained_difference(
                wanted[known], means[known], patient[known], seed=seed
            )
            own = kept.prediction
            count = own.inside + own.outside
            rows.append(_row(model, name, DIFFERENCE, "ms", own.difference, count))
            rows.append(_row(model, name, RETAINED, "", kept.share, count))
    return rows


def _row(model: str, name: str, metric: str, unit: str, value: Interval, n: int) -> Result:
    return Result(
        model, metric, unit, name, CARTILAGE,
        n=n, ours=value.value, low=value.low, high=value.high,
    )  # fmt: skip
