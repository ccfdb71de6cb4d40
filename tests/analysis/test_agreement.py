"""Agreement against SciPy and numbers worked by hand."""

import numpy as np
import pytest
from scipy import stats

from jaxqmri import analysis

RNG = np.random.default_rng(7)
REFERENCE = RNG.normal(45.0, 5.0, 40)
PREDICTION = 20.0 + 0.6 * REFERENCE + RNG.normal(0.0, 1.5, 40)


def test_bland_altman_by_hand():
    result = analysis.bland_altman([10.0, 20.0, 30.0, np.nan], [11.0, 23.0, 35.0, 1.0])
    assert result.n == 3
    assert result.bias.value == pytest.approx(3.0)
    assert result.sd == pytest.approx(2.0)
    assert result.lower.value == pytest.approx(3.0 - 1.96 * 2.0)
    assert result.upper.value == pytest.approx(3.0 + 1.96 * 2.0)
    population = analysis.bland_altman([10.0, 20.0, 30.0], [11.0, 23.0, 35.0], ddof=0)
    assert population.sd == pytest.approx(np.sqrt(8 / 3))
    assert population.upper.value == pytest.approx(3.0 + 1.96 * np.sqrt(8 / 3))


def test_bland_altman_interval_and_p_are_near_those_of_normal_theory():
    result = analysis.bland_altman(REFERENCE, PREDICTION)
    d = PREDICTION - REFERENCE
    assert result.p == pytest.approx(stats.ttest_rel(PREDICTION, REFERENCE).pvalue)
    half = stats.t.ppf(0.975, 39) * d.std(ddof=1) / np.sqrt(40)
    assert result.bias.high - result.bias.low == pytest.approx(2 * half, rel=0.12)
    # standard error of a limit: sd sqrt(1/n + 1.96^2 / (2 (n - 1))), Bland and Altman 1999
    limit = 2 * 1.96 * d.std(ddof=1) * np.sqrt(1 / 40 + 1.96**2 / (2 * 39))
    assert result.upper.high - result.upper.low == pytest.approx(limit, rel=0.25)


def test_regression_is_scipys():
    result = analysis.regression(REFERENCE, PREDICTION)
    line = stats.linregress(REFERENCE, PREDICTION)
    assert result.slope.value == pytest.approx(line.slope)
    assert result.intercept.value == pytest.approx(line.intercept)
    assert result.correlation.value == pytest.approx(line.rvalue)
    half = stats.t.ppf(0.975, 38) * line.stderr
    assert result.slope.high - result.slope.low == pytest.approx(2 * half, rel=0.25)


def test_one_value_for_every_subject_has_no_slope():
    result = analysis.regression(REFERENCE, np.full(40, 45.3))
    assert result.slope == (0.0, 0.0, 0.0)
    assert np.isnan(result.correlation).all()


def test_slope_interval_covers_the_slope_as_often_as_it_says():
    rng = np.random.default_rng(11)
    covered = 0
    for trial in range(60):
        y = rng.normal(45.0, 5.0, 40)
        low, high = analysis.regression(y, 0.6 * y + rng.normal(0, 2, 40), seed=trial).slope[1:]
        covered += low <= 0.6 <= high
    assert covered >= 51  # binomial(60, 0.92) falls below with a probability of 3 %, seeds fixed


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_subjects_have_no_interval(count):
    one = np.full(count, 40.0)
    assert np.isnan(analysis.bland_altman(one, one).bias[1:]).all()
    assert np.isnan(analysis.regression(one, one).slope).all()
    assert analysis.bland_altman(one, one).n == count


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(3,\) and \(2,\)"):
        analysis.bland_altman(np.zeros(3), np.zeros(2))
