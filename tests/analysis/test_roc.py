"""Areas under ROC curves against scikit-learn, SciPy, and a loop over resamples."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from jaxqmri import analysis

RNG = np.random.default_rng(5)
TRUTH = RNG.choice(3, 60, p=[0.5, 0.2, 0.3])
# rounded, so that there are ties
SCORES = np.round(RNG.dirichlet(np.ones(3), 60) + 0.4 * np.eye(3)[TRUTH], 1)


def by_ranks(positive, scores):
    inside = np.asarray(positive, bool)
    n, m = inside.sum(), (~inside).sum()
    return (stats.rankdata(scores)[inside].sum() - n * (n + 1) / 2) / (n * m)


def averages(truth, scores, area):
    each = [area(truth == c, scores[:, c]) for c in range(3)]
    share = np.bincount(truth) / truth.size
    micro = area(np.eye(3)[truth].ravel(), scores.ravel())
    return [*each, np.mean(each), np.sum(share * each), micro]


def numbers(found):
    return [*found.classes, found.macro, found.weighted, found.micro]


def test_areas_are_scikit_learns():
    found = analysis.area_under_curve(TRUTH, SCORES)
    expected = averages(TRUTH, SCORES, metrics.roc_auc_score)
    np.testing.assert_allclose([one.value for one in numbers(found)], expected)
    assert (found.cases, found.owners) == (60, 60)


def test_area_is_the_statistic_of_mann_and_whitney():
    found = analysis.area_under_curve(TRUTH, SCORES).classes[1].value
    inside, outside = SCORES[TRUTH == 1, 1], SCORES[TRUTH != 1, 1]
    u = stats.mannwhitneyu(inside, outside).statistic
    assert found == pytest.approx(u / (inside.size * outside.size))


def test_pairs_by_hand():
    # of the pairs of class 1 with the rest one is right, one tied
    found = analysis.area_under_curve([1, 0, 0], np.array([[0.5, 0.5], [0.9, 0.1], [0.5, 0.5]]))
    assert found.classes[1].value == 0.75


def test_intervals_are_those_of_a_loop_over_resampled_patients():
    owner = np.repeat(np.arange(12), 5)
    found = analysis.area_under_curve(TRUTH, SCORES, owner=owner)
    assert found.owners == 12
    rng, drawn = np.random.default_rng(99), []
    for _ in range(600):
        rows = np.concatenate([5 * k + np.arange(5) for k in rng.integers(0, 12, 12)])
        drawn.append(averages(TRUTH[rows], SCORES[rows], by_ranks))
    sd, ends = np.std(drawn, axis=0, ddof=1), np.percentile(drawn, (2.5, 97.5), axis=0)
    for k, one in enumerate(numbers(found)):
        assert one.sd == pytest.approx(sd[k], rel=0.12)
        # the standard error of a 2.5 % quantile of 600 draws is about 0.11 standard deviations
        np.testing.assert_allclose([one.low, one.high], ends[:, k], atol=0.4 * sd[k])


def test_resamples_that_lack_a_class_are_skipped_and_counted():
    truth = np.array([0, 0, 0, 1, 1, 1, 2])
    found = analysis.area_under_curve(truth, np.eye(3)[truth])
    # by inclusion and exclusion of the classes that are missed
    expected = (4 / 7) ** 7 * 2 + (6 / 7) ** 7 - (1 / 7) ** 7 - 2 * (3 / 7) ** 7
    for one in numbers(found):
        assert (one.value, one.low, one.high) == (1, 1, 1)
        assert one.skipped / 10_000 == pytest.approx(expected, abs=0.02)


def test_a_class_without_cases_has_no_area():
    truth = TRUTH.copy()
    truth[truth == 2] = 0
    found = analysis.area_under_curve(truth, SCORES)
    assert np.isnan(found.classes[2].value)
    assert np.isnan(found.macro.value)
    expected = metrics.roc_auc_score(truth == 1, SCORES[:, 1])
    assert found.classes[1].value == pytest.approx(expected)
    assert found.classes[1].low < expected < found.classes[1].high


def test_curve_is_scikit_learns():
    positive, scores = TRUTH == 0, SCORES[:, 0]
    found = analysis.roc_curve(positive, scores)
    expected = metrics.roc_curve(positive, scores, drop_intermediate=False)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs)
    area = np.trapezoid(found.true_positive, found.false_positive)
    assert area == pytest.approx(analysis.area_under_curve(TRUTH, SCORES).classes[0].value)


def test_curve_without_positives():
    found = analysis.roc_curve([False, False], [0.1, 0.4])
    assert np.isnan(found.true_positive).all()
    np.testing.assert_array_equal(found.false_positive, [0, 0.5, 1])


def test_scores_must_fit_the_cases():
    with pytest.raises(ValueError, match=r"scores of 60 cases, got shape \(59, 3\)"):
        analysis.area_under_curve(TRUTH, SCORES[1:])
    with pytest.raises(ValueError, match=r"\(cases, classes\), got shape \(60,\)"):
        analysis.area_under_curve(TRUTH, SCORES[:, 0])
    with pytest.raises(ValueError, match="not finite"):
        analysis.area_under_curve([0, 1], [[0.1, np.nan], [0.2, 0.3]])
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        analysis.roc_curve([True, False], [0.1, 0.2, 0.3])


def test_difference_of_two_sets_of_scores_is_paired():
    rng = np.random.default_rng(5)
    truth = np.repeat([0, 1, 2], 20)
    good = np.eye(3)[truth] + 0.5 * rng.standard_normal((60, 3))
    nearly = good + 0.01 * rng.standard_normal(good.shape)
    poor = rng.standard_normal((60, 3))
    owner = rng.integers(0, 15, 60)
    found = analysis.area_difference(truth, good, poor, owner=owner)
    each = [analysis.area_under_curve(truth, s, owner=owner).macro for s in (good, poor)]
    assert found.value == pytest.approx(each[0].value - each[1].value)
    assert found.low > 0
    close = analysis.area_difference(truth, good, nearly, owner=owner)
    assert close.high - close.low < 0.2 * (each[0].high - each[0].low)


def test_only_pairs_of_one_stratum_count():
    fold = np.arange(60) % 3

    def within(positive, scores):
        right = pairs = 0.0
        for k in range(3):
            own = fold == k if positive.size == 60 else np.repeat(fold, 3) == k
            n = positive[own].sum() * (~positive[own].astype(bool)).sum()
            right, pairs = right + n * by_ranks(positive[own], scores[own]), pairs + n
        return right / pairs

    found = analysis.area_under_curve(TRUTH, SCORES, stratum=fold)
    own = [one.value for one in numbers(found)]
    assert own == pytest.approx(averages(TRUTH, SCORES, within))
    same = analysis.area_difference(TRUTH, SCORES, SCORES, stratum=fold)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    between = analysis.area_difference(
        TRUTH, SCORES, SCORES, stratum=fold, second_stratum=np.zeros(60)
    )
    pooled = analysis.area_under_curve(TRUTH, SCORES).macro.value
    assert between.value == pytest.approx(found.macro.value - pooled)
    with pytest.raises(ValueError, match="stratum of 60 cases"):
        analysis.area_under_curve(TRUTH, SCORES, stratum=fold[1:])


def test_a_constant_told_in_folds_is_worth_nothing_within_them_and_less_across():
    """What is rare in a fold is frequent in what its classifier has learnt."""
    fold = np.arange(60) % 3
    prior = np.stack([np.bincount(TRUTH[fold != k], minlength=3) for k in range(3)])[fold]
    within = analysis.area_under_curve(TRUTH, prior / 40, stratum=fold)
    assert [one.value for one in within.classes] == [0.5, 0.5, 0.5]
    assert analysis.area_under_curve(TRUTH, prior / 40).macro.value < 0.5
