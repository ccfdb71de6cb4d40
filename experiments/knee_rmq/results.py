"""The rows of the knee UTE study: correlations, errors, overlap, what is left of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from experiments.kept_networks import End
from experiments.knee_rmq import paper
from experiments.knee_rmq.estimates import (
    CONSTANT,
    NETWORK,
    REFERENCE,
    Estimates,
    Test,
    named,
)
from experiments.knee_rmq.metrics import (
    BIAS,
    CLASSES,
    DICE,
    GROUPS,
    JACCARD,
    L1,
    L1_INTERIOR,
    L2,
    LONG_BIAS,
    LOST,
    NORMALISED_L1,
    NORMALISED_L2,
    NORMALISED_RMSE,
    PLACE,
    RETAINED,
    RMSE,
    ROI_R,
    ROI_R_DRAWN,
    SEED_SD,
    SHORT_BIAS,
    SLOPE,
    TO_TRUTH,
    TO_TRUTH_INTERIOR,
    UNIT,
    UNPRINTED,
    VOXEL_R,
    VOXEL_R_DRAWN,
    VOXEL_R_INTERIOR,
    P,
    of,
    row,
)
from experiments.knee_rmq.networks import OneTraining
from experiments.knee_rmq.pairs import Pairs, correlation, slice_pairs, voxel_pairs
from experiments.knee_rmq.paper import INPUTS, QUANTITIES, WHOLE, Printed
from experiments.knee_rmq.participants import NORMAL, SEVERE
from experiments.knee_rmq.study import Study
from experiments.run import Result
from experiments.trainings import Arm, training_rows
from jaxqmri import analysis
from jaxqmri.analysis import resampling
from jaxqmri.analysis.pixels import group_means

# metric: its unit, and the paper's numbers by input and quantity
MEASURED: dict[str, tuple[str, Mapping[tuple[str, str], Printed]]] = {
    L1: (UNIT, paper.L1),
    L2: (UNIT, paper.L2),
    RMSE: (UNIT, {}),
    NORMALISED_L1: ("%", paper.NORMALISED_L1),
    NORMALISED_L2: ("%", paper.NORMALISED_L2),
    NORMALISED_RMSE: ("%", {}),
}
FIELDS = {
    L1: "l1", L2: "l2", RMSE: "rmse",
    NORMALISED_L1: "normalised_l1", NORMALISED_L2: "normalised_l2",
    NORMALISED_RMSE: "normalised_rmse",
}  # fmt: skip
CORRELATED: dict[str, tuple[str, Mapping[tuple[str, str], Printed]]] = {
    ROI_R: ("", paper.ROI_R),
    VOXEL_R: ("", paper.VOXEL_R),
}
PRINTED = MEASURED | CORRELATED
THIRDS = (100.0 / 3.0, 200.0 / 3.0)  # percentiles
OTHERS = {"M0": 0, "B1": 2}  # maps that the paper does not judge, and their places in stacks


def estimate_rows(test: Test, arm: Arm, found: Estimates, seed: int) -> list[Result]:
    """Correlations and errors of one model at one input, both quantities."""
    rows = []
    for name, k in OTHERS.items():
        each = [
            analysis.slice_errors(test.maps[..., k], maps[..., k], test.drawn).normalised_l1
            for maps in found.maps
        ]
        over = analysis.over_slices(np.mean(each, axis=0), test.owner, seed=seed)
        rows.append(row(arm, of(NORMALISED_L1, name), "%", over.mean, n=over.n, sd=over.sd))
    for quantity in QUANTITIES:
        lost = np.mean(~np.isfinite(found.maps[0][test.drawn][:, PLACE[quantity]]))
        rows.append(row(arm, of(LOST, quantity), "%", 100.0 * float(lost)))
        if arm[0] != CONSTANT:  # which correlates with nothing
            rows += _correlation_rows(test, arm, found, quantity, seed)
        rows += _slice_rows(test, arm, found, quantity, seed)
        rows += truth_rows(test, arm, found, quantity, seed)
    return rows


def agreement_rows(
    study: Study, test: Test, found: Mapping[Arm, Estimates], seed: int
) -> list[Result]:
    """What a small error can hide: slope of subject means, and what of groups is left."""
    groups = [study.participants[i].get("group") for i in test.subjects]
    known = np.isin(groups, (NORMAL, SEVERE))
    severe = np.array(groups)[known] == SEVERE
    both = severe.any() and not severe.all()
    rows = []
    for arm, estimates in {(REFERENCE, WHOLE): Estimates(test.maps[None]), **found}.items():
        for quantity in QUANTITIES:
            pairs = slice_pairs(test, estimates, quantity, drawn=False)
            y, p = subject_means(test, pairs)
            if arm[0] not in (REFERENCE, CONSTANT):
                line = analysis.regression(y, p, seed=seed)
                rows.append(row(arm, of(SLOPE, quantity), "", line.slope, n=line.n))
                bias = resampling.mean(p - y, seed=seed)
                rows.append(row(arm, of(BIAS, quantity), UNIT, bias, n=line.n))
            if both and arm[0] != CONSTANT:
                kept = analysis.retained_difference(y[known], p[known], severe, seed=seed)
                n = int(known.sum())
                difference = kept.prediction.difference
                rows.append(row(arm, of(GROUPS, quantity), UNIT, difference, n=n))
                if arm[0] != REFERENCE:
                    rows.append(row(arm, of(RETAINED, quantity), "", kept.share, n=n))
    return rows


def compression_rows(test: Test, found: Mapping[Arm, Estimates], seed: int) -> list[Result]:
    """Mean difference over the voxels whose fitted value is in the lowest and the highest third.

    What predicts near the mean is too long in the one and too short in the other, however well
    it correlates.
    """
    rows, count = [], test.subjects.size
    for arm, estimates in found.items():
        for quantity in QUANTITIES:
            pairs = voxel_pairs(test, estimates, quantity, drawn=True)[0]
            if not pairs.fitted.size:
                continue
            low, high = np.percentile(pairs.fitted, THIRDS)
            ends = {SHORT_BIAS: pairs.fitted <= low, LONG_BIAS: pairs.fitted >= high}
            for metric, inside in ends.items():
                difference = (pairs.predicted - pairs.fitted)[inside]
                sums = np.bincount(pairs.owner[inside], difference, count)
                counts = np.bincount(pairs.owner[inside], minlength=count)
                (bias,) = resampling.ratio(sums, counts.astype(float), seed=seed)
                rows.append(row(arm, of(metric, quantity), UNIT, bias, n=int(inside.sum())))
    return rows


def subject_means(
    test: Test, pairs: Sequence[Pairs]
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, " p"]]:
    """Fitted and predicted mean over the slices of each test subject, the mean over seeds."""
    count = test.subjects.size
    fitted, predicted = (
        np.mean([by_subject(getattr(own, name), own.owner, count) for own in pairs], axis=0)
        for name in ("fitted", "predicted")
    )
    return fitted, predicted


def segmentation_rows(test: Test, found: Mapping[Arm, Estimates], seed: int) -> list[Result]:
    """Overlap of the predicted and the drawn regions, subject by subject."""
    rows = []
    for arm, estimates in found.items():
        if estimates.classes is None:
            continue
        for c in range(estimates.classes.shape[-1]):
            dice = dice_overlap(test, estimates.classes[..., c], c)
            for metric, values in ((DICE, dice), (JACCARD, dice / (2.0 - dice))):
                rows.append(
                    row(arm, metric, "", resampling.mean(values, seed=seed), n=values.size,
                        sd=sd_of(values), region=CLASSES[c])
                )  # fmt: skip
    return rows


def unrun_rows(found: Mapping[Arm, Estimates]) -> list[Result]:
    """The paper's numbers at the inputs that were not run."""
    rows = []
    for name in INPUTS:
        if (NETWORK, name) in found:
            continue
        for quantity in QUANTITIES:
            for metric, (unit, table) in PRINTED.items():
                if (printed := table.get((name, quantity))) is not None:
                    own = of(metric, quantity)
                    rows.append(row((NETWORK, name), own, unit, np.nan, printed=printed))
    return rows


def trained_rows(ends: Mapping[OneTraining, End]) -> list[Result]:
    """How the trainings of every network went."""
    rows = []
    for arm in dict.fromkeys((named(one.physics), one.input) for one in ends):
        own = [end for one, end in ends.items() if (named(one.physics), one.input) == arm]
        rows += training_rows(
            arm, [end.curve for end in own], [end.settled for end in own], unit=""
        )
    return rows


def dice_overlap(
    test: Test, predicted: Bool[np.ndarray, "k s h w"], region: int
) -> Float[np.ndarray, " p"]:
    """Dice of each test subject's predicted and drawn volume, the mean over seeds."""
    found = []
    for subject in range(test.subjects.size):
        own = test.owner == subject
        drawn = test.regions[own, ..., region]
        found.append([analysis.overlap(drawn, one[own], (1,))[0].dice for one in predicted])
    return np.mean(found, axis=1)


def _correlation_rows(
    test: Test, arm: Arm, found: Estimates, quantity: str, seed: int
) -> list[Result]:
    pairs_of = {
        ROI_R_DRAWN: slice_pairs(test, found, quantity, drawn=True),
        VOXEL_R_DRAWN: voxel_pairs(test, found, quantity, drawn=True),
        VOXEL_R_INTERIOR: voxel_pairs(test, found, quantity, drawn=True, interior=True),
    }
    if found.classes is not None:
        pairs_of |= {
            ROI_R: slice_pairs(test, found, quantity, drawn=False),
            VOXEL_R: voxel_pairs(test, found, quantity, drawn=False),
        }
    rows = []
    for metric, pairs in pairs_of.items():
        # as the paper counts: every slice or voxel by itself, and one network
        first = analysis.clustered_correlation(*pairs[0], seed=seed)
        name, printed = of(metric, quantity), _printed(arm, metric, quantity)
        r = correlation(pairs, test.subjects.size, seed)
        rows.append(row(arm, name, "", r, n=first.n, printed=printed))
        rows.append(row(arm, f"{name}, {P}", "", first.p, n=first.n))
        if len(pairs) > 1:
            each = [correlation([own], test.subjects.size, seed).value for own in pairs]
            spread = float(np.std(each, ddof=1))
            rows.append(row(arm, of(f"{metric}, {SEED_SD}", quantity), "", spread, n=len(each)))
    return rows


def _slice_rows(test: Test, arm: Arm, found: Estimates, quantity: str, seed: int) -> list[Result]:
    """Table 2: errors of slices' drawn cartilage, and normalised by its mean."""
    k = PLACE[quantity]
    each = [
        analysis.slice_errors(test.maps[..., k], maps[..., k], test.drawn) for maps in found.maps
    ]
    rows = []
    for metric, (unit, _) in MEASURED.items():
        values = np.mean([getattr(one, FIELDS[metric]) for one in each], axis=0)
        over = analysis.over_slices(values, test.owner, seed=seed)
        rows.append(
            row(
                arm, of(metric, quantity), unit, over.mean, n=over.n, sd=over.sd,
                printed=_printed(arm, metric, quantity),
            )
        )  # fmt: skip
    inside = [
        analysis.slice_errors(test.maps[..., k], maps[..., k], test.interior).l1
        for maps in found.maps
    ]
    over = analysis.over_slices(np.mean(inside, axis=0), test.owner, seed=seed)
    rows.append(row(arm, of(L1_INTERIOR, quantity), UNIT, over.mean, n=over.n, sd=over.sd))
    return rows


def truth_rows(test: Test, arm: Arm, found: Estimates, quantity: str, seed: int) -> list[Result]:
    """Distance to the simulator's maps in the drawn cartilage, slice by slice."""
    k = PLACE[quantity]
    true = test.truth[..., k]
    if not np.isfinite(true).any():
        return []
    rows = []
    for metric, inside in ((TO_TRUTH, test.drawn), (TO_TRUTH_INTERIOR, test.interior)):
        each = [analysis.slice_errors(true, maps[..., k], inside).l1 for maps in found.maps]
        over = analysis.over_slices(np.mean(each, axis=0), test.owner, seed=seed)
        rows.append(row(arm, of(metric, quantity), UNIT, over.mean, n=over.n, sd=over.sd))
    return rows


def _printed(arm: Arm, metric: str, quantity: str) -> Printed:
    if arm[0] != NETWORK or metric not in PRINTED:
        return UNPRINTED
    return PRINTED[metric][1].get((arm[1], quantity), UNPRINTED)


def by_subject(
    values: Float[np.ndarray, " n"], owner: np.ndarray, count: int
) -> Float[np.ndarray, " p"]:
    """Mean of each subject's numbers; NaN without any."""
    known = np.isfinite(values)
    return group_means(values[known], owner[known], count)


def sd_of(values: Sequence[float] | Float[np.ndarray, " n"]) -> float | None:
    """SD of the numbers that there are; None of fewer than two."""
    known = np.asarray(values)[np.isfinite(values)]
    return float(known.std(ddof=1)) if known.size > 1 else None
