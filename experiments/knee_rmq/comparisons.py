"""What is better than what: correlations that fall with the images, paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Float

from experiments.knee_rmq.estimates import (
    CONSTANT,
    NETWORK,
    PRIOR_FIT,
    REGRESSION,
    Estimates,
    Test,
)
from experiments.knee_rmq.metrics import (
    DICE,
    FALL,
    L1,
    L1_INTERIOR,
    PLACE,
    T1_LESS_T1RHO,
    TO_TRUTH,
    UNIT,
    UNPRINTED,
    VOXEL_R_DRAWN,
    P,
    of,
    row,
)
from experiments.knee_rmq.pairs import mean_correlation, sums_of, voxel_pairs
from experiments.knee_rmq.paper import INPUTS, QUANTITIES, WHOLE, printed_fall
from experiments.knee_rmq.results import by_subject, dice_overlap
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri import analysis
from jaxqmri.analysis import Interval, resampling
from jaxqmri.report import compared

# measure: the maps that errors are to, and where
ERRORS = {
    L1: ("maps", "drawn"),
    L1_INTERIOR: ("maps", "interior"),
    TO_TRUTH: ("truth", "drawn"),
}


def fall_rows(test: Test, found: Mapping[Arm, Estimates], seed: int) -> list[Result]:
    """How far voxels' correlation falls from all images to fewer, and T1's less T1rho's."""
    rows = []
    for (model, name), fewer in found.items():
        if name == WHOLE or name not in INPUTS or (model, WHOLE) not in found:
            continue
        falls = correlation_falls(test, found[model, WHOLE], fewer, seed)
        for quantity, interval in zip((*QUANTITIES, T1_LESS_T1RHO), falls, strict=True):
            n, metric = test.subjects.size, of(FALL, quantity)
            printed = printed_fall(name, quantity) if model == NETWORK else UNPRINTED
            rows.append(row((model, name), metric, "", interval, n=n, printed=printed))
    return rows


def correlation_falls(test: Test, whole: Estimates, fewer: Estimates, seed: int) -> list[Interval]:
    """Fall of T1's, of T1rho's, and the one less the other, over the same resampled subjects."""
    sums = [
        sums_of(voxel_pairs(test, estimates, quantity, drawn=True), test.subjects.size)
        for quantity in QUANTITIES
        for estimates in (whole, fewer)
    ]

    def falls(*drawn: np.ndarray) -> np.ndarray:
        r = [mean_correlation(one) for one in drawn]
        t1, t1rho = r[0] - r[1], r[2] - r[3]
        return np.stack([t1, t1rho, t1 - t1rho], axis=-1)

    return resampling.bootstrap(falls, tuple(sums), seed=seed)


def comparison_rows(test: Test, found: Mapping[Arm, Estimates], seed: int) -> list[Result]:
    """Paired differences over the test subjects: of errors, correlations and overlap."""
    rows: list[Result] = []
    tests: list[tuple[Arm, str, float, int]] = []
    for first, second in compared_arms(found):
        name, both = compared(first, second), (found[first], found[second])
        for quantity in QUANTITIES:
            for metric, (reference, where) in ERRORS.items():
                each = slice_differences(test, *both, quantity, reference, where)
                over = analysis.over_slices(each, test.owner, seed=seed)
                if not over.n:
                    continue
                rows.append(row(name, of(metric, quantity), UNIT, over.mean, n=over.subjects))
                means = by_subject(each, test.owner, test.subjects.size)
                p = analysis.paired_difference(means, np.zeros_like(means)).p_t
                tests.append((name, of(metric, quantity), p, over.subjects))
            if CONSTANT not in (first[0], second[0]):
                difference = correlation_difference(test, *both, quantity, seed)
                metric = of(VOXEL_R_DRAWN, quantity)
                rows.append(row(name, metric, "", difference, n=test.subjects.size))
        if both[0].classes is not None and both[1].classes is not None:
            dice = [
                dice_overlap(test, one.classes[..., 0], 0)
                for one in both
                if one.classes is not None
            ]
            difference = analysis.paired_difference(*dice, seed=seed)
            rows.append(row(name, DICE, "", difference.difference, n=difference.n))
            tests.append((name, DICE, difference.p_t, difference.n))
    corrected = analysis.holm([p for *_, p, _ in tests])
    for (name, metric, _, n), p in zip(tests, corrected, strict=True):
        rows.append(row(name, f"{metric}, {P}", "", float(p), n=n))
    return rows


def compared_arms(found: Mapping[Arm, Estimates]) -> Iterator[tuple[Arm, Arm]]:
    """What is compared: the network with its competitors, with physics, with fewer images."""
    for model, name in found:
        if model == NETWORK:
            pixelwise = ((PRIOR_FIT, name), (REGRESSION, name))
            for other in (*pixelwise, *(a for a in found if a[0] == CONSTANT)):
                if other in found:
                    yield (model, name), other
            if name != WHOLE and (NETWORK, WHOLE) in found:
                yield (model, name), (NETWORK, WHOLE)
        elif model.startswith(NETWORK) and (NETWORK, name) in found:
            yield (model, name), (NETWORK, name)


def slice_differences(
    test: Test, first: Estimates, second: Estimates, quantity: str, reference: str, where: str
) -> Float[np.ndarray, " s"]:
    """Mean absolute error of each slice, the first's less the second's, over the same voxels."""
    k, true = PLACE[quantity], getattr(test, reference)[..., PLACE[quantity]]
    known = getattr(test, where).copy()
    for maps in (*first.maps, *second.maps):
        known &= np.isfinite(maps[..., k])
    means = [
        np.mean([analysis.slice_errors(true, maps[..., k], known).l1 for maps in one.maps], axis=0)
        for one in (first, second)
    ]
    return means[0] - means[1]


def correlation_difference(
    test: Test, first: Estimates, second: Estimates, quantity: str, seed: int
) -> Interval:
    """Voxel r of the first less that of the second, in the drawn cartilage."""
    count = test.subjects.size
    sums = [sums_of(voxel_pairs(test, one, quantity, drawn=True), count) for one in (first, second)]
    (found,) = resampling.bootstrap(
        lambda a, b: mean_correlation(a) - mean_correlation(b), tuple(sums), seed=seed
    )
    return found
