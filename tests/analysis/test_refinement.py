"""Regions without uncertain pixels, against SciPy and numbers worked by hand."""

import numpy as np
import pytest
from scipy import stats

from jaxqmri.analysis import Pixels, refine, refinement_threshold

OWNERS = np.arange(60) // 3
AT = np.repeat(np.arange(60), 200)


def simulated(seed=0):
    rng = np.random.default_rng(seed)
    scale = rng.lognormal(0, 0.5, AT.size)
    y = rng.normal(42, 3, AT.size)
    return Pixels.of(y, y + rng.laplace(0, scale), scale, AT, OWNERS)


def test_threshold_is_mean_plus_deviation():
    pixels = Pixels.of([1.0] * 4, [1.0] * 4, [1.0, 1.0, 3.0, 3.0], [0, 0, 0, 1], [0, 0])
    assert refinement_threshold(pixels) == pytest.approx(3.0)
    with pytest.raises(ValueError, match="at least one pixel"):
        refinement_threshold(pixels.of_subjects([False]))


def test_refinement_by_hand():
    pixels = Pixels.of(
        np.zeros(6), [1.0, 3.0, 2.0, 4.0, 5.0, 7.0], [1.0, 9.0, 1.0, 2.0, 9.0, 9.0],
        [0, 0, 1, 1, 2, 2], [0, 0, 1],
    )  # fmt: skip
    found = refine(pixels, 2.0)  # what is at the threshold stays
    assert found.before == pytest.approx([2.0, 3.0, 6.0])
    assert found.after == pytest.approx([1.0, 3.0, np.nan], nan_ok=True)
    assert found.emptied == 1
    assert found.kept.value == pytest.approx((3 / 4 + 0) / 2)
    assert found.by_slice.difference.value == pytest.approx(-0.5)
    assert found.by_slice.n == 2
    # the emptied slice is in neither mean
    assert found.by_subject.difference.value == pytest.approx(-0.5)
    assert found.by_subject.n == 1


def test_tests_are_scipys_over_slices_and_over_subjects():
    pixels = simulated()
    found = refine(pixels, refinement_threshold(pixels))
    assert found.by_slice.p_t == pytest.approx(stats.ttest_rel(found.after, found.before).pvalue)
    before, after = (v.reshape(20, 3).mean(axis=1) for v in (found.before, found.after))
    assert found.by_subject.p_t == pytest.approx(stats.ttest_rel(after, before).pvalue)
    assert found.by_subject.n == 20
    assert found.by_subject.difference.high < 0


def test_an_uncertainty_that_knows_nothing_changes_nothing():
    pixels = simulated(1)
    shuffled = np.random.default_rng(2).permutation(pixels.uncertainty)
    found = refine(pixels._replace(uncertainty=shuffled), refinement_threshold(pixels))
    assert found.by_subject.difference.low < 0 < found.by_subject.difference.high
    whole = refine(pixels, np.inf)
    assert whole.by_slice.difference == (0.0, 0.0, 0.0)
    assert whole.kept.value == 1.0


def test_each_subject_may_have_its_folds_threshold():
    pixels = simulated(3)
    folds = np.arange(20) % 2
    found = refine(pixels, np.where(folds == 0, 1.0, 2.0))
    first, second = (refine(pixels.of_subjects(folds == f), 1.0 + f) for f in (0, 1))
    expected = np.where(folds[OWNERS] == 0, first.after, second.after)
    assert found.after == pytest.approx(expected)
    with pytest.raises(ValueError, match="each of 20 subjects"):
        refine(pixels, [1.0, 2.0])
