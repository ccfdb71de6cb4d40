"""Which gains each scaling takes away, and which it leaves."""

import numpy as np
import pytest

from jaxqmri.io import InputError
from jaxqmri.preprocessing import (
    Scales,
    between_quartiles,
    cohort_scales,
    percentile_scale,
    scales,
)

RNG = np.random.default_rng(3)
FIRST = RNG.gamma(2.0, 100.0, (20, 24, 12)).astype(np.float32)
PD = (0.65 * FIRST + RNG.uniform(0, 20, FIRST.shape)).astype(np.float32)
MUSCLE = np.zeros(FIRST.shape, bool)
MUSCLE[4:8, 5:9, 3:6] = True
COHORT = cohort_scales([800.0, 1000.0, 1300.0], [600.0, 500.0, 700.0])


def scaled(kind, gain):
    pd = gain * PD
    by = scales(kind, FIRST, pd, cohort=COHORT, tissue=MUSCLE)
    return FIRST / by.t1rho, pd / by.pd


def test_scanner_units_keep_a_gain_between_the_scans():
    (first, pd), (same, brighter) = (scaled("scanner", gain) for gain in (1.0, 1.3))
    np.testing.assert_allclose(same, first)
    np.testing.assert_allclose(brighter, 1.3 * pd, rtol=1e-6)
    assert Scales(1000.0, 600.0) == COHORT


@pytest.mark.parametrize("kind", ["percentile", "reference-tissue"])
def test_the_others_take_it_away(kind):
    (first, pd), (same, brighter) = (scaled(kind, gain) for gain in (1.0, 1.3))
    np.testing.assert_allclose(same, first)
    np.testing.assert_allclose(brighter, pd, rtol=1e-5)


def test_values():
    assert (percentile_scale(FIRST) >= FIRST).mean() == pytest.approx(0.99, abs=2e-4)
    by = scales("reference-tissue", FIRST, PD, tissue=MUSCLE)
    assert by.t1rho == pytest.approx(np.median(FIRST[MUSCLE]))
    assert by.pd == pytest.approx(np.median(PD[MUSCLE]))


def test_voxels_outside_the_field_of_view_do_not_count():
    cut = PD.copy()
    cut[:10] = np.nan
    assert percentile_scale(cut) == pytest.approx(percentile_scale(PD[10:]))
    by = scales("reference-tissue", FIRST, np.where(MUSCLE, PD, np.nan), tissue=MUSCLE)
    assert by.pd == pytest.approx(np.median(PD[MUSCLE]))


def test_what_has_no_scale_is_refused():
    with pytest.raises(InputError, match="without a number"):
        percentile_scale(np.full((3, 3, 3), np.nan))
    with pytest.raises(InputError, match="above zero"):
        percentile_scale(np.zeros((3, 3, 3)))
    with pytest.raises(InputError, match="no voxel of the reference tissue"):
        scales("reference-tissue", FIRST, PD, tissue=np.zeros_like(MUSCLE))
    with pytest.raises(ValueError, match="needs its mask"):
        scales("reference-tissue", FIRST, PD)
    with pytest.raises(ValueError, match="scale of the cohort"):
        scales("scanner", FIRST, PD)
    with pytest.raises(InputError, match="found 0 at TSL 0"):
        cohort_scales([], [])
    with pytest.raises(InputError, match="found 2 at TSL 0 and 1"):
        cohort_scales([1.0, 2.0], [1.0])


def test_quartiles_come_to_one_on_either_side_whatever_the_gain():
    scaled_by = between_quartiles(FIRST)
    # a cut at the 3rd and 97th percentile leaves the quartiles where they are
    np.testing.assert_allclose(np.percentile(scaled_by, [25, 75]), [-1.0, 1.0], atol=1e-5)
    low, high = np.percentile(FIRST, [3, 97])
    first, third = np.percentile(FIRST, [25, 75])
    ends = [2 * (x - first) / (third - first) - 1 for x in (low, high)]
    np.testing.assert_allclose([scaled_by.min(), scaled_by.max()], ends, rtol=1e-5)
    np.testing.assert_allclose(between_quartiles(7.0 * FIRST + 3.0), scaled_by, atol=1e-4)


def test_an_image_whose_background_is_constant_has_no_quartiles_apart():
    masked = np.where(MUSCLE, FIRST, 0.0)
    with pytest.raises(InputError, match="quartiles are both 0"):
        between_quartiles(masked)
