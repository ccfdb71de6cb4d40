"""Reliability against published worked examples, scikit-learn, and numbers worked by hand."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from jaxqmri import analysis

# six subjects, four judges: table 2 of Shrout and Fleiss 1979
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)
# eight wines, four judges: the example of pingouin's documentation
WINES = np.array(
    [
        [1, 1, 3, 6, 6, 7, 8, 9],
        [2, 3, 8, 4, 5, 5, 7, 9],
        [0, 3, 1, 3, 5, 6, 7, 9],
        [1, 2, 4, 3, 6, 2, 9, 8],
    ]
).T


def test_coefficients_of_the_published_example():
    found = analysis.intraclass_correlation(JUDGES)
    assert round(found.one_way.value, 2) == 0.17
    assert round(found.single.value, 2) == 0.29
    assert round(found.consistency.value, 2) == 0.71
    assert round(found.average.value, 2) == 0.62
    assert round(found.average_consistency.value, 2) == 0.91
    assert (found.n, found.raters) == (6, 4)


def test_mean_squares_of_the_published_example():
    found = analysis.reliability.mean_squares(JUDGES.astype(float))
    np.testing.assert_allclose(found, [11.24, 32.49, 1.02, 6.26], atol=0.006)


@pytest.mark.parametrize(
    ("ratings", "single", "average", "digits"),
    [
        # what the R package psych prints of the first, and pingouin of the second
        (JUDGES, (0.29, 0.019, 0.76), (0.62, 0.071, 0.93), 2),
        (WINES, (0.728, 0.43, 0.93), (0.914, 0.75, 0.98), 2),
    ],
)
def test_intervals_of_normal_theory_are_those_of_other_software(ratings, single, average, digits):
    found = analysis.agreement_interval(ratings)
    for one, expected in zip(found, (single, average), strict=True):
        np.testing.assert_allclose(one, expected, atol=0.5 * 10.0**-digits + 1e-9)


def test_interval_of_normal_theory_covers_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        subjects, raters = rng.normal(0, 2, (20, 1)), rng.normal(0, 0.7, (1, 4))
        ratings = subjects + raters + rng.normal(0, 1, (20, 4))
        _, low, high = analysis.agreement_interval(ratings)[0]
        covered += low <= 4 / (4 + 0.49 + 1) <= high
    assert 180 <= covered <= 199  # binomial(200, 0.95), three standard deviations, seed fixed


def test_a_constant_difference_costs_agreement_but_no_consistency():
    y = np.array([40.0, 44.0, 50.0, 47.0])
    found = analysis.intraclass_correlation(np.stack([y, y + 3.0], -1))
    assert found.consistency.value == pytest.approx(1.0)
    assert found.average_consistency.value == pytest.approx(1.0)
    # between subjects 2 var(y), between raters 4 (1.5^2) 2: by the formula with nothing left over
    m_r, m_c = 2 * np.var(y, ddof=1), 4 * 2 * 1.5**2
    assert found.single.value == pytest.approx(m_r / (m_r + 2 * m_c / 4))
    assert found.average.value == pytest.approx(m_r / (m_r + m_c / 4))
    # within subjects (1.5^2) 2 on one degree of freedom each
    assert found.one_way.value == pytest.approx((m_r - 4.5) / (m_r + 4.5))


def test_raters_that_agree_in_everything_have_no_interval_of_normal_theory():
    same = np.repeat(np.array([[1.0], [2.0], [5.0]]), 2, axis=1)
    single, average = analysis.agreement_interval(same)
    assert (single.value, average.value) == (1.0, 1.0)
    assert np.isnan([*single[1:], *average[1:]]).all()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_subjects_have_no_coefficient(count):
    assert np.isnan(analysis.intraclass_correlation(np.ones((count, 2))).single).all()
    assert np.isnan(analysis.agreement_interval(np.ones((count, 2)))[0]).all()


def test_subjects_that_a_rater_missed_are_left_out():
    holes = np.vstack([JUDGES, [np.nan, 1, 2, 3]])
    assert analysis.intraclass_correlation(holes) == analysis.intraclass_correlation(JUDGES)
    assert analysis.agreement_interval(holes) == analysis.agreement_interval(JUDGES)


@pytest.mark.parametrize("weighting", ["none", "linear"])
def test_kappa_is_scikit_learns(weighting):
    rng = np.random.default_rng(0)
    first = rng.integers(1, 4, 60)
    second = np.where(rng.uniform(size=60) < 0.6, first, rng.integers(1, 5, 60))
    found = analysis.cohen_kappa(first, second, weighting=weighting)
    weights = None if weighting == "none" else weighting
    assert found.value == pytest.approx(cohen_kappa_score(first, second, weights=weights))
    assert found.low < found.value < found.high
    assert found.skipped == 0


def test_kappa_by_hand():
    # the four cells of two classes hold 20, 5, 10 and 15 of 50
    first, second = (
        np.repeat([0, 0, 1, 1], [20, 5, 10, 15]),
        np.repeat([0, 1, 0, 1], [20, 5, 10, 15]),
    )
    assert analysis.cohen_kappa(first, second).value == pytest.approx((0.7 - 0.5) / (1 - 0.5))


def test_kappa_of_patients_with_like_discs_is_less_sure():
    rng = np.random.default_rng(1)
    first = np.repeat(rng.integers(0, 3, 20), 5)
    second = np.where(np.repeat(rng.uniform(size=20) < 0.7, 5), first, (first + 1) % 3)
    alone = analysis.cohen_kappa(first, second)
    together = analysis.cohen_kappa(first, second, owner=np.repeat(np.arange(20), 5))
    assert together.value == alone.value
    # five like discs are one: the standard error is that of a fifth as many
    assert together.sd / alone.sd == pytest.approx(np.sqrt(5), rel=0.15)


def test_kappa_of_one_class_is_not_defined():
    found = analysis.cohen_kappa([1, 1, 1], [1, 1, 1])
    assert np.isnan(found[:4]).all()
    assert found.skipped == 10_000


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"two or more raters\), got shape \(3, 1\)"):
        analysis.intraclass_correlation(np.zeros((3, 1)))
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        analysis.cohen_kappa([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match=r"each of 2 cases, got shape \(1,\)"):
        analysis.cohen_kappa([0, 1], [0, 1], owner=[0])
    with pytest.raises(ValueError, match="no case"):
        analysis.cohen_kappa([], [])
