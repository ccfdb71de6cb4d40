"""Scores of classes against a published table, scikit-learn, and a loop over resamples."""

import numpy as np
import pytest
from sklearn import metrics

from jaxqmri import analysis

# rows true, phases 1 to 3 of 50 discs: the only matrix that gives table 3 of
# Li et al., doi:10.1002/jmri.29499
PUBLISHED = np.array([[21, 4, 0], [1, 11, 0], [3, 0, 10]])
TABLE = {
    "classes": [(0.840, 0.840, 0.840, 25), (0.733, 0.917, 0.815, 12), (1.000, 0.769, 0.870, 13)],
    "macro": (0.858, 0.842, 0.841, 50),
    "weighted": (0.856, 0.840, 0.842, 50),
}


def labels_of(confusion):
    rows, columns = np.indices(confusion.shape)
    return np.repeat(rows, confusion.ravel()), np.repeat(columns, confusion.ravel())


def printed(scores):
    return *(round(one.value, 3) for one in scores[:3]), scores.support


def test_scores_of_the_published_confusion_matrix_are_the_published_table():
    truth, predicted = labels_of(PUBLISHED)
    np.testing.assert_array_equal(analysis.confusion_matrix(truth, predicted, 3), PUBLISHED)
    found = analysis.classification_scores(truth, predicted, 3)
    assert [printed(one) for one in found.classes] == TABLE["classes"]
    assert printed(found.macro) == TABLE["macro"]
    assert printed(found.weighted) == TABLE["weighted"]
    assert round(found.accuracy.value, 3) == 0.840
    assert found.owners == 50


def test_scores_are_scikit_learns():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    predicted = np.where(rng.uniform(size=200) < 0.5, truth, rng.integers(0, 4, 200))
    np.testing.assert_array_equal(
        analysis.confusion_matrix(truth, predicted, 4), metrics.confusion_matrix(truth, predicted)
    )
    found = analysis.classification_scores(truth, predicted, 4)
    expected = metrics.classification_report(truth, predicted, output_dict=True)
    names = [*"0123", "macro avg", "weighted avg"]
    for name, scores in zip(names, [*found.classes, found.macro, found.weighted], strict=True):
        row = [expected[name][key] for key in ("precision", "recall", "f1-score", "support")]
        np.testing.assert_allclose([*(one.value for one in scores[:3]), scores.support], row)
    assert found.accuracy.value == pytest.approx(expected["accuracy"])


def test_accuracy_interval_is_that_of_the_binomial():
    truth, predicted = labels_of(PUBLISHED)
    found = analysis.classification_scores(truth, predicted, 3).accuracy
    assert found.sd == pytest.approx(np.sqrt(0.84 * 0.16 / 50), rel=0.03)
    assert (found.low, found.high) == (0.74, 0.94)  # 37 and 47 of 50: binomial quantiles


def test_what_is_not_defined_is_nan_and_not_zero():
    # class 1 is never predicted, class 2 neither predicted nor there
    found = analysis.classification_scores([0, 0, 1, 1], [0, 0, 0, 0], 3)
    assert np.isnan(found.classes[1].precision.value)
    assert (found.classes[1].recall.value, found.classes[1].f1.value) == (0, 0)
    assert np.isnan([one.value for one in found.classes[2][:3]]).all()
    assert found.classes[1].precision.skipped == 10_000
    assert np.isnan(found.macro.recall.value)
    assert found.weighted.recall.value == pytest.approx(0.5)  # what has no case has no weight
    assert np.isnan(found.weighted.precision.value)


def test_resamples_in_which_a_number_is_not_defined_are_counted():
    # one case of three is called class 1: without it in (2/3)^3 of the resamples
    found = analysis.classification_scores([0, 1, 1], [0, 1, 0], 2).classes[1].precision
    assert found.skipped / 10_000 == pytest.approx((2 / 3) ** 3, abs=0.02)
    assert (found.value, found.low, found.high, found.sd) == (1, 1, 1, 0)


def test_patients_with_like_discs_make_wider_intervals():
    rng = np.random.default_rng(2)
    right = np.repeat(rng.uniform(size=20) < 0.7, 5)
    truth = rng.integers(0, 3, 100)
    predicted = np.where(right, truth, (truth + 1) % 3)
    owner = np.repeat([f"sub-{k:02d}" for k in range(20)], 5)
    alone = analysis.classification_scores(truth, predicted, 3)
    together = analysis.classification_scores(truth, predicted, 3, owner=owner)
    assert (alone.owners, together.owners) == (100, 20)
    assert together.accuracy.value == alone.accuracy.value
    assert together.accuracy.sd / alone.accuracy.sd == pytest.approx(np.sqrt(5), rel=0.1)


def test_one_patient_has_no_interval():
    found = analysis.classification_scores([0, 1], [0, 1], 2, owner=[7, 7]).accuracy
    assert found.value == 1
    assert np.isnan(found[1:4]).all()


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([0, 1], [0, 1, 1], r"shapes \(2,\) and \(3,\)"),
        ([0, 3], [0, 1], "whole numbers from 0 to 2: 3"),
        ([0, 0.5], [0, 1], "whole numbers from 0 to 2: 0.5"),
        ([[0, 1]], [[0, 1]], r"one class for each case, got shape \(1, 2\)"),
        ([], [], "no case"),
    ],
)
def test_labels_must_be_classes(truth, predicted, message):
    with pytest.raises(ValueError, match=message):
        analysis.classification_scores(truth, predicted, 3)
