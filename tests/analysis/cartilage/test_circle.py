"""The circle of least squared differences of radius."""

import numpy as np
import pytest
from scipy.optimize import minimize

from jaxqmri.analysis.cartilage import fit_circle


def test_an_arc_gives_its_circle():
    angles = np.radians(np.linspace(-100, 80, 40))
    found = fit_circle(5.0 + 20.0 * np.cos(angles), -3.0 + 20.0 * np.sin(angles))
    assert found == pytest.approx((5.0, -3.0, 20.0))


def test_is_the_minimum_of_the_squares():
    rng = np.random.default_rng(0)
    angles = np.radians(rng.uniform(-110, 90, 300))
    radii = 25.0 + rng.normal(0.0, 2.0, 300)
    rows, columns = 30.0 + radii * np.cos(angles), 40.0 + radii * np.sin(angles)

    def misfit(centre):
        return np.hypot(rows - centre[0], columns - centre[1]).var()

    best = minimize(misfit, [30.0, 40.0], method="Nelder-Mead", options={"xatol": 1e-8}).x
    assert fit_circle(rows, columns)[:2] == pytest.approx(best, abs=1e-4)


def test_angles_count_from_distal_to_posterior():
    circle = fit_circle(*(np.array(c, float) for c in ([0, 10, 20, 10], [10, 0, 10, 20])))
    rows, columns = np.array([20.0, 10.0, 10.0, 0.0]), np.array([10.0, 0.0, 20.0, 10.0])
    angles, radii = circle.polar(rows, columns)
    np.testing.assert_allclose(angles, [0.0, -90.0, 90.0, 180.0], atol=1e-6)
    np.testing.assert_allclose(radii, 10.0)


@pytest.mark.parametrize("points", [[], [(1, 1)], [(1, 1), (2, 2)], [(1, 1), (2, 2), (3, 3)]])
def test_too_few_points(points):
    rows, columns = np.array(points, float).reshape(-1, 2).T
    with pytest.raises(ValueError, match="no circle"):
        fit_circle(rows, columns)
