"""What is better than what: correlations that fall with the images, paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from experiments.knee_rmq.estimates import CONSTANT, NETWORK, PRIOR_FIT, Estimates, Test
from experiments.knee_rmq.metrics import DICE, FALL, L1, T1_LESS_T1RHO, UNIT, P, of, row
from experiments.knee_rmq.pairs import voxel_pairs
from experiments.knee_rmq.paper import INPUTS, QUANTITIES, WHOLE
from experiments.knee_rmq.results import dice_overlap, subject_errors
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri import analysis
from jaxqmri.analysis import Interval, resampling
from jaxqmri.report import compared


def fall_rows(test: Test, found: Mapping[Arm, Estimates], seed: int) -> list[Result]:
    """How far voxels' correlation falls from all images to fewer, and T1's less T1rho's."""
    rows = []
    models = dict.fromkeys(model for model, _ in found if model != CONSTANT)
    for model in models:
        if (model, WHOLE) not in found:
            continue
        for name in INPUTS:
            if name == WHOLE or (model, name) not in found:
                continue
            arms = found[model, WHOLE], found[model, name]
            falls = correlation_falls(test, *arms, seed)
            for quantity, interval in zip((*QUANTITIES, T1_LESS_T1RHO), falls, strict=True):
                rows.append(
                    row((model, name), of(FALL, quantity), "", interval, n=test.subjects.size)
                )
    return rows


def correlation_falls(test: Test, whole: Estimates, fewer: Estimates, seed: int) -> list[Interval]:
    """Fall of T1's, of T1rho's, and the one less the other, over the same resampled subjects."""
    count = test.subjects.size
    sums = []
    for quantity in QUANTITIES:
        for estimates in (whole, fewer):
            pairs = voxel_pairs(test, estimates, quantity, drawn=True)
            sums.append(analysis.correlation_sums(*pairs, count))

    def falls(*drawn: np.ndarray) -> np.ndarray:
        r = [analysis.correlation_of(one.sum(axis=1)) for one in drawn]
        t1, t1rho = r[0] - r[1], r[2] - r[3]
        return np.stack([t1, t1rho, t1 - t1rho], axis=-1)

    return resampling.bootstrap(falls, tuple(sums), seed=seed)


def comparison_rows(test: Test, found: Mapping[Arm, Estimates], seed: int) -> list[Result]:
    """Paired differences over the test subjects: of errors, and of the overlap."""
    rows, tests = [], []
    for first, second in compared_arms(found):
        name = compared(first, second)
        for quantity in QUANTITIES:
            errors = [subject_errors(test, found[arm], quantity) for arm in (first, second)]
            difference = analysis.paired_difference(*errors, seed=seed)
            rows.append(row(name, of(L1, quantity), UNIT, difference.difference, n=difference.n))
            tests.append((name, of(L1, quantity), difference))
        classes = [found[arm].classes for arm in (first, second)]
        if all(one is not None for one in classes):
            dice = [dice_overlap(test, each[..., 0], 0) for each in classes if each is not None]
            difference = analysis.paired_difference(*dice, seed=seed)
            rows.append(row(name, DICE, "", difference.difference, n=difference.n))
            tests.append((name, DICE, difference))
    corrected = analysis.holm([one.p_t for *_, one in tests])
    for (name, metric, difference), p in zip(tests, corrected, strict=True):
        rows.append(row(name, f"{metric}, {P}", "", float(p), n=difference.n))
    return rows


def compared_arms(found: Mapping[Arm, Estimates]) -> Iterator[tuple[Arm, Arm]]:
    """What is compared: the network with its competitors, with physics, with fewer images."""
    for model, name in found:
        if model == NETWORK:
            for other in ((PRIOR_FIT, name), *(a for a in found if a[0] == CONSTANT)):
                if other in found:
                    yield (model, name), other
            if name != WHOLE and (NETWORK, WHOLE) in found:
                yield (model, name), (NETWORK, WHOLE)
        elif model.startswith(NETWORK) and (NETWORK, name) in found:
            yield (model, name), (NETWORK, name)
