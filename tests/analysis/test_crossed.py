"""Means over rows and columns, with intervals over both."""

import numpy as np
import pytest
from scipy import stats

from jaxqmri.analysis import crossed_bootstrap
from jaxqmri.analysis.resampling import mean


def only(value):
    return value


def test_the_value_is_the_mean_and_the_interval_holds_it():
    table = np.random.default_rng(0).normal(5.0, 1.0, (6, 9))
    found = crossed_bootstrap(only, table)
    assert found.value == pytest.approx(table.mean())
    assert found.low < found.value < found.high


@pytest.mark.parametrize("axis", [0, 1])
def test_effects_of_one_axis_alone_give_the_interval_over_that_axis(axis):
    effects = np.random.default_rng(1).normal(0.0, 1.0, 15)
    table = np.broadcast_to(np.expand_dims(effects, 1 - axis), (15, 15))
    found, alone = crossed_bootstrap(only, table), mean(effects)
    assert found.high - found.low == pytest.approx(alone.high - alone.low, rel=0.04)


def test_both_axes_add_their_variances():
    generator = np.random.default_rng(2)
    rows, columns = generator.normal(0, 1, 40), generator.normal(0, 2, 40)
    found = crossed_bootstrap(only, rows[:, None] + columns)
    sd = np.sqrt((rows.var() + columns.var()) / 40)
    assert found.high - found.low == pytest.approx(2 * stats.norm.ppf(0.975) * sd, rel=0.05)


def test_pairs_keep_together():
    first = np.random.default_rng(3).normal(0.0, 10.0, (5, 8))
    found = crossed_bootstrap(lambda a, b: a - b, first + 1.0, first)
    assert found == pytest.approx((1.0, 1.0, 1.0))


def test_one_row_and_one_column_have_no_interval():
    assert np.isnan(crossed_bootstrap(only, [[3.0]])[1:]).all()
    assert np.isnan(crossed_bootstrap(only, [[3.0, np.nan]])).all()


@pytest.mark.parametrize("tables", [([1.0, 2.0],), ([[1.0]], [[1.0, 2.0]]), (np.empty((0, 2)),)])
def test_other_shapes_are_refused(tables):
    with pytest.raises(ValueError, match="rows and columns"):
        crossed_bootstrap(lambda *means: means[0], *tables)
