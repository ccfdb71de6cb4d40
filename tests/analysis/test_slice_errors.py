"""Errors of slices against their formulas, and their intervals against resampled subjects."""

from __future__ import annotations

import numpy as np
import pytest

from jaxqmri.analysis import over_slices, slice_errors
from jaxqmri.analysis.errors import INTERVAL, RESAMPLES


def test_errors_of_each_slice():
    rng = np.random.default_rng(0)
    y, p = rng.uniform(800, 1200, (3, 6, 5)), rng.uniform(800, 1200, (3, 6, 5))
    mask = rng.uniform(size=y.shape) < 0.6
    mask[1] = False
    y[0, 0, 0], p[2, 1, 1] = np.nan, np.inf
    mask[0, 0, 0] = mask[2, 1, 1] = True
    found = slice_errors(y, p, mask)
    known = mask & np.isfinite(y) & np.isfinite(p)
    for k in (0, 2):
        e, mean, n = (p - y)[k][known[k]], y[k][known[k]].mean(), known[k].sum()
        l1, l2, rmse = np.abs(e).mean(), np.linalg.norm(e) / n, np.sqrt(np.mean(e**2))
        expected = [l1, l2, rmse, *(100 * np.array([l1, l2, rmse]) / mean), n]
        np.testing.assert_allclose([each[k] for each in found], expected, rtol=1e-12)
    assert np.isnan([each[1] for each in found[:-1]]).all()
    assert found.voxels[1] == 0


def test_mean_over_slices_and_its_interval_over_subjects():
    values = np.array([1.0, 2.0, np.nan, 4.0, 8.0, 3.0, np.nan])
    owner = np.array([0, 0, 0, 2, 2, 3, 4])
    found = over_slices(values, owner, seed=5)
    kept = values[np.isfinite(values)]
    assert found.mean.value == pytest.approx(kept.mean())
    assert found.sd == pytest.approx(kept.std(ddof=1))
    assert (found.n, found.subjects) == (5, 3)
    of_subject = [[1.0, 2.0], [4.0, 8.0], [3.0]]
    drawn = np.random.default_rng(5).integers(0, 3, (RESAMPLES, 3))
    means = [np.mean(np.concatenate([of_subject[k] for k in one])) for one in drawn]
    assert (found.mean.low, found.mean.high) == pytest.approx(np.percentile(means, INTERVAL))


def test_what_has_no_mean():
    nothing = over_slices([np.nan], np.array([0]))
    assert np.isnan([nothing.mean.value, nothing.sd]).all()
    assert nothing.n == nothing.subjects == 0
    with pytest.raises(ValueError, match="one subject a slice"):
        over_slices([1.0, 2.0], np.array([0]))
