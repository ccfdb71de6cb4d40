"""Outliers are judged by the middle of the values, whatever the outliers are."""

import numpy as np
import pytest

from jaxqmri.analysis.outliers import OUTLYING, robust_z


def test_z_of_normal_values_has_a_spread_of_one():
    values = np.random.default_rng(0).normal(40.0, 3.0, 20_000)
    assert robust_z(values).std() == pytest.approx(1.0, rel=0.02)


def test_one_outlier_does_not_move_the_others():
    values = np.random.default_rng(1).normal(40.0, 3.0, 50)
    alone, beside = robust_z(values), robust_z(np.append(values, 1e6))
    np.testing.assert_allclose(beside[:-1], alone, atol=0.2)
    assert beside[-1] > OUTLYING


def test_values_that_are_mostly_the_same_and_values_that_are_not_there():
    z = robust_z(np.array([5.0, 5.0, 5.0, np.nan, 6.0, 4.0]))
    np.testing.assert_array_equal(z, [0.0, 0.0, 0.0, np.nan, np.inf, -np.inf])
    assert np.isnan(robust_z(np.full(3, np.nan))).all()
    assert robust_z(np.empty(0)).shape == (0,)
