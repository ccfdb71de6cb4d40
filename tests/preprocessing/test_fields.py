"""B1 on another grid: values, errors, edges, gaps."""

import numpy as np
import pytest

from jaxqmri.preprocessing.fields import covers, field_on_grid

COARSE, FINE = (12, 10, 6), (24, 20, 12)
HALF = np.diag([2.0, 2.0, 6.0, 1.0])  # voxels of twice the edge, the same field of view
HALF[:3, 3] = [0.5, 0.5, 1.5]
WHOLE = np.diag([1.0, 1.0, 3.0, 1.0])


def plane(shape, affine):
    """A field that is linear in scanner coordinates."""
    places = np.einsum("ij,j...->i...", affine[:3, :3], np.indices(shape, float))
    places += affine[:3, 3][:, None, None, None]
    return (1.0 + 0.01 * places[0] - 0.02 * places[1] + 0.004 * places[2]).astype(np.float32)


def inner(values):
    return values[1:-1, 1:-1, 1:-1]


def test_a_linear_field_is_met_exactly_and_its_edge_is_kept():
    field = field_on_grid(plane(COARSE, HALF), None, HALF, FINE, WHOLE)
    assert field.std is None
    assert np.all(np.isfinite(field.values))
    np.testing.assert_allclose(inner(field.values), inner(plane(FINE, WHOLE)), rtol=1e-6)


def test_axes_in_another_order_and_direction():
    turned = np.array([[0, 0, -1, 11.0], [1, 0, 0, 0], [0, 3.0, 0, 0], [0, 0, 0, 1]])
    field = field_on_grid(plane(COARSE, HALF), None, HALF, (20, 12, 12), turned)
    expected = plane((20, 12, 12), turned)
    np.testing.assert_allclose(inner(field.values), inner(expected), rtol=1e-6)


def test_a_turned_grid():
    c, s = np.cos(0.2), np.sin(0.2)
    turned = np.array([[c, -s, 0, 8.0], [s, c, 0, 4.0], [0, 0, 3.0, 6.0], [0, 0, 0, 1]])
    shape = (8, 8, 6)
    std = np.full(COARSE, 0.1, np.float32)
    field = field_on_grid(plane(COARSE, HALF), std, HALF, shape, turned)
    np.testing.assert_allclose(field.values, plane(shape, turned), rtol=1e-5)
    np.testing.assert_allclose(field.std, 0.1, rtol=1e-6)
    smoothed = field_on_grid(plane(COARSE, HALF), std, HALF, shape, turned, fwhm=6.0)
    assert np.all(smoothed.std < 0.05)


@pytest.mark.parametrize("fwhm", [0.0, 5.0])
def test_errors_are_the_spread_of_the_values(fwhm):
    """Uneven noise, gaps in the map: interpolated and smoothed errors are those of repeats."""
    rng = np.random.default_rng(0)
    std = rng.uniform(0.02, 0.1, COARSE).astype(np.float32)
    std[rng.uniform(size=COARSE) < 0.2] = np.nan
    weights = rng.uniform(0.5, 2.0, COARSE)
    draws = [
        field_on_grid(
            (1.0 + std * rng.normal(size=COARSE)).astype(np.float32),
            std, HALF, FINE, WHOLE, fwhm=fwhm, weights=weights,
        )
        for _ in range(200)
    ]  # fmt: skip
    values, known = np.stack([d.values for d in draws]), np.isfinite(draws[0].std)
    ratio = values.std(axis=0)[known] / draws[0].std[known]
    # a standard deviation of 200 draws is right to 5 %; smooth maps have few of their own
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.03)
    assert np.std(ratio) < 0.06
    assert np.mean(values[:, known]) == pytest.approx(1.0, abs=2e-3)
    assert np.mean(known) > 0.99


def test_smoothing_weighs():
    values, std = np.ones(COARSE, np.float32), np.full(COARSE, 0.01, np.float32)
    weights = np.ones(COARSE)
    values[6, 5, 3], std[6, 5, 3], weights[6, 5, 3] = 3.0, 10.0, 1e-6
    field = field_on_grid(values, std, HALF, FINE, WHOLE, fwhm=6.0, weights=weights)
    np.testing.assert_allclose(field.values, 1.0, atol=1e-5)
    assert np.all(field.std < 0.01)


def test_a_coarser_grid_gets_averages():
    field = field_on_grid(plane(FINE, WHOLE), None, WHOLE, COARSE, HALF)
    np.testing.assert_allclose(inner(field.values), inner(plane(COARSE, HALF)), rtol=1e-6)


def test_nothing_is_invented_far_from_numbers_and_outside():
    values = np.full(COARSE, np.nan, np.float32)
    values[0] = 1.0
    field = field_on_grid(values, None, HALF, FINE, WHOLE, fwhm=2.0)
    assert np.all(np.isfinite(field.values[:2]))
    assert np.all(np.isnan(field.values[8:]))
    away = WHOLE.copy()
    away[0, 3] = 2.0
    field = field_on_grid(np.ones(COARSE, np.float32), None, HALF, FINE, away)
    assert np.all(np.isnan(field.values[-2:]))
    assert np.all(np.isfinite(field.values[:-2]))


def test_covers():
    assert covers(COARSE, HALF, FINE, WHOLE)
    assert not covers(FINE, WHOLE, COARSE, np.diag([3.0, 2.0, 6.0, 1.0]))
    away = WHOLE.copy()
    away[2, 3] = -1.7
    assert not covers(COARSE, HALF, FINE, away)


def test_a_negative_width_is_refused():
    with pytest.raises(ValueError, match="fwhm must be at least 0 mm, got -1"):
        field_on_grid(np.ones(COARSE), None, HALF, FINE, WHOLE, fwhm=-1.0)
