"""What a small regional error hides: differences between subjects, and between groups."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from experiments.knee_cv.comparisons import Arm
from experiments.knee_cv.results import CARTILAGE, Maps, Study
from experiments.run import Result
from jaxqmri import analysis
from jaxqmri.analysis import Interval

SLOPE, ICC = "slope of subject means", "ICC(2,1)"
DIFFERENCE, RETAINED = "patients less volunteers", "share of the reference's difference"
HIDDEN = (SLOPE, ICC, DIFFERENCE, RETAINED)
PATIENT = "patient"


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
    """How much of the difference between subjects, and between groups, each model keeps."""
    wanted = subject_means(study, reference.t1rho)
    patient = np.array([person.get("group") == PATIENT for person in study.participants])
    grouped = patient.any() and not patient.all()
    rows = []
    for (model, name), maps in found.items():
        means = subject_means(study, maps.t1rho)
        line = analysis.regression(wanted, means, seed=seed)
        rows.append(_row(model, name, SLOPE, "", line.slope, line.n))
        both = analysis.intraclass_correlation(np.stack([wanted, means], -1), seed=seed)
        rows.append(_row(model, name, ICC, "", both.single, both.n))
        if grouped:
            kept = analysis.retained_difference(wanted, means, patient, seed=seed)
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
