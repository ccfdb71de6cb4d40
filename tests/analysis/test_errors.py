"""The measures against numbers worked by hand."""

import numpy as np
import pytest

from jaxqmri import analysis

TRUTH = np.array([40.0, 50.0, 20.0])
PREDICTION = np.array([50.0, 40.0, 80.0])
# y - p: -10, 10, -60; mean(y) = 110/3, mean(p) = 170/3


def test_voxelwise_errors_by_hand():
    assert analysis.mean_absolute_error(TRUTH, PREDICTION) == pytest.approx(80 / 3)
    by_reference = 100 * (10 / 40 + 10 / 50 + 60 / 20) / 3
    by_prediction = 100 * (10 / 50 + 10 / 40 + 60 / 80) / 3
    assert analysis.mean_absolute_percentage_error(TRUTH, PREDICTION) == pytest.approx(by_reference)
    assert analysis.mean_absolute_percentage_error(
        TRUTH, PREDICTION, "prediction"
    ) == pytest.approx(by_prediction)


def test_regional_errors_by_hand():
    assert analysis.bias(TRUTH, PREDICTION) == pytest.approx(20.0)
    assert analysis.bias(PREDICTION, TRUTH) == pytest.approx(-20.0)
    assert analysis.regional_error(PREDICTION, TRUTH) == pytest.approx(20.0)
    assert analysis.regional_percentage_error(TRUTH, PREDICTION) == pytest.approx(100 * 60 / 110)
    assert analysis.regional_percentage_error(TRUTH, PREDICTION, "prediction") == pytest.approx(
        100 * 60 / 170
    )


def test_subject_errors_gathers_them():
    errors = analysis.subject_errors(TRUTH, PREDICTION)
    assert errors.bias == pytest.approx(20.0)
    assert errors.mae == pytest.approx(80 / 3)
    assert errors.mape > errors.mape_of_prediction
    assert errors.rpe == pytest.approx(100 * 60 / 110)
    assert errors.mean_reference == pytest.approx(110 / 3)
    assert errors.mean_prediction == pytest.approx(170 / 3)


def test_the_papers_row_is_only_possible_relative_to_the_prediction():
    # mean reference 45.36 ms and bias 45.47 ms, as printed: RPE 49.45 % is of the prediction
    y, p = np.array([45.36]), np.array([45.36 + 45.47])
    assert analysis.regional_percentage_error(y, p) == pytest.approx(100.2, abs=0.1)
    assert analysis.regional_percentage_error(y, p, "prediction") == pytest.approx(50.1, abs=0.1)


def test_perfect_and_empty_and_missing():
    assert analysis.subject_errors(TRUTH, TRUTH)[:7] == (0.0,) * 7
    assert all(np.isnan(analysis.subject_errors([], [])))
    assert np.isnan(analysis.subject_errors([40.0, np.nan], [40.0, 50.0]).mae)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(3,\), prediction \(2,\)"):
        analysis.bias(TRUTH, PREDICTION[:2])
    with pytest.raises(ValueError, match="one number for each subject"):
        analysis.summarise(np.zeros((2, 2)))


def test_summary_by_hand():
    summary = analysis.summarise([1.0, 2.0, 6.0, np.nan])
    assert summary.mean == pytest.approx(3.0)
    assert summary.sd == pytest.approx(np.sqrt(7.0))
    assert summary.n == 3
    assert 1.0 <= summary.low < 3.0 < summary.high <= 6.0


def test_percentage_bias_is_relative_to_the_cohort_mean():
    # per subject the ratios are 100 % and 10 %, their mean 55 %; of the pooled mean it is 40/60
    summary = analysis.summarise([20.0, 10.0], relative_to=[20.0, 100.0])
    assert summary.mean == pytest.approx(100 * 15 / 60)
    assert summary.sd == pytest.approx(100 * np.std([20.0, 10.0], ddof=1) / 60)


def test_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for trial in range(300):
        summary = analysis.summarise(rng.normal(10.0, 2.0, 40), seed=trial)
        covered += summary.low <= 10.0 <= summary.high
    assert 0.90 <= covered / 300 <= 0.98  # 95 % less the few percent small samples cost


def test_summary_is_repeatable_and_paired():
    values = np.random.default_rng(0).normal(size=40)
    assert analysis.summarise(values, seed=5) == analysis.summarise(values, seed=5)
    assert analysis.summarise(values, seed=5).low != analysis.summarise(values, seed=6).low
    shifted = analysis.summarise(values + 1.0, seed=5)
    assert shifted.low == pytest.approx(analysis.summarise(values, seed=5).low + 1.0)


@pytest.mark.parametrize(("count", "n"), [(0, 0), (1, 1)])
def test_too_few_subjects_have_no_interval(count, n):
    summary = analysis.summarise(np.full(count, 4.0))
    assert summary.n == n
    assert np.isnan([summary.low, summary.high, summary.sd]).all()
