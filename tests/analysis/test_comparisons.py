"""Groups, pairs and families of tests, against SciPy and numbers worked by hand."""

import numpy as np
import pytest
from scipy import stats

from jaxqmri import analysis

RNG = np.random.default_rng(3)
GROUP = np.arange(40) >= 10
REFERENCE = RNG.normal(43.0, 4.0, 40) + 6.0 * GROUP


def test_group_difference_by_hand_and_scipy():
    result = analysis.group_difference(
        [1.0, 3.0, 6.0, 8.0, np.nan], [False, False, True, True, True]
    )
    assert result.difference.value == pytest.approx(5.0)
    assert result.effect.value == pytest.approx(5.0 / np.sqrt(2.0))  # both variances are 2
    assert (result.inside, result.outside) == (2, 2)
    whole = analysis.group_difference(REFERENCE, GROUP)
    expected = stats.ttest_ind(REFERENCE[GROUP], REFERENCE[~GROUP], equal_var=False)
    assert whole.p == pytest.approx(expected.pvalue)
    # what resampling within each side converges to
    half = 1.96 * np.sqrt(REFERENCE[GROUP].var() / 30 + REFERENCE[~GROUP].var() / 10)
    assert whole.difference.high - whole.difference.low == pytest.approx(2 * half, rel=0.05)


def test_shrinkage_shows_as_the_share_that_is_retained():
    shrunk = 45.0 + 0.4 * (REFERENCE - 45.0)
    result = analysis.retained_difference(REFERENCE, shrunk, GROUP)
    assert result.share == pytest.approx((0.4, 0.4, 0.4))
    # noise-free shrinkage costs no discrimination: that is why both numbers are given
    assert result.prediction.effect.value == pytest.approx(result.reference.effect.value)
    constant = analysis.retained_difference(REFERENCE, np.full(40, 45.0), GROUP)
    assert constant.share == (0.0, 0.0, 0.0)


def test_a_share_of_what_may_be_nothing_is_unbounded():
    same = np.where(GROUP, 0.0, 0.0) + np.tile([40.0, 50.0], 20)
    result = analysis.retained_difference(same, same + RNG.normal(0, 1, 40), GROUP)
    assert result.reference.difference.low < 0 < result.reference.difference.high
    assert result.share[1:] == (-np.inf, np.inf)


def test_share_interval_covers_the_share_as_often_as_it_says():
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(60):
        y = rng.normal(43.0, 4.0, 40) + 8.0 * GROUP
        p = 20 + 0.5 * y + rng.normal(0.0, 1.5, 40)
        low, high = analysis.retained_difference(y, p, GROUP, seed=trial).share[1:]
        covered += low <= 0.5 <= high
    assert covered >= 50


def test_an_empty_group_has_no_difference():
    result = analysis.retained_difference(REFERENCE, REFERENCE, np.zeros(40, bool))
    assert np.isnan(result.share).all()
    assert np.isnan(result.reference.difference).all()
    assert result.reference.outside == 40


def test_paired_difference_is_scipys():
    first = REFERENCE + RNG.normal(0.6, 1.5, 40)
    first[3] = np.nan
    result = analysis.paired_difference(first, REFERENCE)
    a, b = np.delete(first, 3), np.delete(REFERENCE, 3)
    assert result.n == 39
    assert result.difference.value == pytest.approx(np.mean(a - b))
    assert result.p_t == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert result.p_wilcoxon == pytest.approx(stats.wilcoxon(a, b).pvalue)
    normal = stats.ttest_rel(a, b).confidence_interval()
    assert result.difference.low == pytest.approx(normal.low, abs=0.1)
    swapped = analysis.paired_difference(REFERENCE, first)
    assert swapped.difference.high == pytest.approx(-result.difference.low)


def test_wilcoxon_by_hand():
    # all six differences of one sign: 2 of 2^6 arrangements are as extreme
    result = analysis.paired_difference([2.0, 3.0, 5.0, 8.0, 12.0, 17.0], np.ones(6))
    assert result.p_wilcoxon == pytest.approx(2 / 64)


def test_methods_that_agree_everywhere_do_not_differ():
    result = analysis.paired_difference(REFERENCE, REFERENCE)
    assert result.difference == (0.0, 0.0, 0.0)
    assert (result.p_t, result.p_wilcoxon) == (1.0, 1.0)
    assert np.isnan(analysis.paired_difference([1.0], [2.0]).p_t)
    assert analysis.paired_difference([], []).n == 0


def test_holm_by_hand():
    corrected = analysis.holm([0.01, 0.04, np.nan, 0.03, 0.005])
    # ascending: 4 x .005, 3 x .01, 2 x .03, then 1 x .04 which may not fall below the last
    assert corrected == pytest.approx([0.03, 0.06, np.nan, 0.06, 0.02], nan_ok=True)
    assert analysis.holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert analysis.holm([]).size == 0


def test_repeatability_of_pairs_is_that_of_any_visits():
    retest = REFERENCE + RNG.normal(0.0, 1.2, 40)
    pairs = analysis.pair_repeatability(REFERENCE, retest)
    visits = analysis.repeatability(np.stack([REFERENCE, retest], -1).tolist())
    assert pairs.within_sd.value == pytest.approx(visits.within_sd)
    assert pairs.cv.value == pytest.approx(visits.cv)
    assert pairs.coefficient.value == pytest.approx(visits.coefficient)
    assert pairs.n == 40
    # chi-square interval of a variance with 40 degrees of freedom
    low, high = pairs.within_sd.value * np.sqrt(40 / stats.chi2.ppf([0.975, 0.025], 40))
    assert pairs.within_sd.low == pytest.approx(low, rel=0.1)
    assert pairs.within_sd.high == pytest.approx(high, rel=0.1)


def test_repeatability_of_pairs_leaves_out_single_visits():
    pairs = analysis.pair_repeatability([10.0, 20.0, 9.0], [12.0, 24.0, np.nan])
    assert pairs.n == 2
    assert pairs.within_sd.value == pytest.approx(np.sqrt(5.0))
    assert pairs.change.value == pytest.approx(3.0)
    assert analysis.pair_repeatability([], []).n == 0
