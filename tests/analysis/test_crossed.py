"""Means over rows and columns, with intervals over both."""

import numpy as np
import pytest
from scipy import stats

from jaxqmri.analysis import crossed_change, crossed_mean


def draws(rows, columns, row_sd, column_sd, cell_sd, count=400):
    """Tables of mean zero with effects of rows, columns and cells."""
    generator = np.random.default_rng(0)
    for _ in range(count):
        yield (
            row_sd * generator.standard_normal((rows, 1))
            + column_sd * generator.standard_normal((1, columns))
            + cell_sd * generator.standard_normal((rows, columns))
        )


@pytest.mark.parametrize("effects", [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 1, 1), (1, 0, 2)])
@pytest.mark.parametrize("shape", [(4, 12), (8, 16), (3, 5)])
def test_intervals_hold_the_mean_as_often_as_they_say(shape, effects):
    held = [found.low < 0 < found.high for found in map(crossed_mean, draws(*shape, *effects))]
    assert np.mean(held) > 0.925  # 95 % less two standard errors
    assert np.mean([crossed_mean(one).p < 0.05 for one in draws(*shape, *effects)]) < 0.075


def test_one_row_gives_the_t_interval_of_the_columns():
    values = np.random.default_rng(1).normal(2.0, 1.0, 9)
    expected = stats.ttest_1samp(values, 0.0)
    found = crossed_mean(values[None])
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_a_change_is_that_of_means_and_pairs_keep_together():
    second = np.random.default_rng(2).uniform(5.0, 15.0, (5, 8))
    found = crossed_change(1.2 * second, second)
    assert found[:3] == pytest.approx((20.0, 20.0, 20.0))
    first = second + np.random.default_rng(3).normal(1.0, 0.3, (5, 8))
    found = crossed_change(first, second)
    assert found.value == pytest.approx(100 * (first.mean() / second.mean() - 1))
    assert found.low < found.value < found.high
    assert found.p < 1e-3


def test_without_a_difference_there_is_none():
    same = np.random.default_rng(4).uniform(5.0, 15.0, (3, 4))
    assert crossed_change(same, same).p == 1.0


def test_one_cell_has_no_interval():
    assert np.isnan(crossed_mean([[3.0]])[1:]).all()
    assert np.isnan(crossed_mean([[3.0, np.nan]])).all()


@pytest.mark.parametrize("table", [[1.0, 2.0], np.empty((0, 2))])
def test_other_shapes_are_refused(table):
    with pytest.raises(ValueError, match="rows and columns"):
        crossed_mean(table)
    with pytest.raises(ValueError, match="one shape"):
        crossed_change([[1.0, 2.0]], [[1.0]])
