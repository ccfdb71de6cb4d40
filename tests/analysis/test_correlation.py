"""Correlations against SciPy, and their intervals against resampling every voxel."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from jaxqmri.analysis import (
    clustered_correlation,
    correlation_difference,
    correlation_of,
    correlation_sums,
)
from jaxqmri.analysis.errors import INTERVAL, RESAMPLES


def study(seed: int = 0, subjects: int = 6):
    """Subjects of unlike size, each with an offset that its voxels share."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(subjects), rng.integers(4, 12, subjects))
    x = 1000 + 60 * rng.normal(size=subjects)[owner] + 30 * rng.normal(size=owner.size)
    y = x + 40 * rng.normal(size=owner.size)
    z = x + 90 * rng.normal(size=owner.size)
    return x, y, z, owner


def by_voxel(statistic, owner, seed: int, *, draws: int = RESAMPLES) -> np.ndarray:
    """The statistic of the rows of subjects drawn with replacement."""
    rows = [np.flatnonzero(owner == k) for k in range(owner.max() + 1)]
    drawn = np.random.default_rng(seed).integers(0, len(rows), (draws, len(rows)))
    return np.array([statistic(np.concatenate([rows[k] for k in one])) for one in drawn])


def test_coefficient_and_p_are_those_of_scipy():
    x, y, _, owner = study()
    found, expected = clustered_correlation(x, y, owner), stats.pearsonr(x, y)
    assert found.correlation.value == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.n, found.subjects) == (x.size, 6)


def test_interval_is_that_of_subjects_resampled_voxel_by_voxel():
    x, y, z, owner = study()
    found = clustered_correlation(x, y, owner, seed=3).correlation
    each, other = by_voxel(lambda k: np.corrcoef([x[k], y[k], z[k]])[0, 1:], owner, 3).T
    assert (found.low, found.high) == pytest.approx(np.percentile(each, INTERVAL), rel=1e-9)
    apart = correlation_difference(x, y, x, z, owner, seed=3)
    ends = apart.difference.low, apart.difference.high
    assert ends == pytest.approx(np.percentile(each - other, INTERVAL), rel=1e-9)
    assert apart.first == pytest.approx(found)
    assert apart.second == clustered_correlation(x, z, owner, seed=3).correlation
    assert apart.difference.value == pytest.approx(apart.first.value - apart.second.value)


def test_owners_may_be_any_numbers_and_what_is_missing_is_left_out():
    x, y, _, owner = study()
    y[owner == 2] = np.nan
    x[0] = np.inf
    known = np.isfinite(x) & np.isfinite(y)
    found = clustered_correlation(x, y, 100 - 7 * owner)
    assert (found.n, found.subjects) == (int(known.sum()), 5)
    assert found.correlation.value == pytest.approx(stats.pearsonr(x[known], y[known])[0])
    apart = correlation_difference(x, x, x, y, owner)
    assert (apart.n, apart.subjects) == (int(known.sum()), 5)


def test_sums_of_subjects_without_pairs_are_zero():
    x, y, _, owner = study()
    sums = correlation_sums(x, y, owner, 8)
    assert not sums[6:].any()
    assert correlation_of(sums.sum(axis=0)) == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert np.isnan(correlation_of(sums[7]))


def test_what_has_no_correlation():
    flat = clustered_correlation([0.1, 0.1, 0.1], [1.0, 2.0, 4.0], [0, 1, 1])
    assert np.isnan([*flat.correlation, flat.p]).all()
    nobody = clustered_correlation([], [], [])
    assert np.isnan(nobody.correlation.value)
    assert nobody.n == 0
    assert np.isnan(correlation_difference([], [], [], [], []).difference.value)
    alone = clustered_correlation([1.0, 2.0, 4.0], [1.0, 2.0, 3.0], [5, 5, 5])
    assert np.isnan(alone.correlation.low)
    with pytest.raises(ValueError, match=r"got shapes \(2,\) and \(2,\) and \(1,\)"):
        clustered_correlation([1.0, 2.0], [1.0, 2.0], [0])


def test_the_smallest_p_is_not_zero():
    x = np.arange(5000.0)
    y = x + np.random.default_rng(0).normal(size=x.size)
    assert clustered_correlation(x, y, np.arange(5000) // 500).p == np.finfo(float).tiny
