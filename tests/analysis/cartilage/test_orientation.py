"""From any orientation to lateral first, superior first, anterior first."""

from itertools import permutations, product

import numpy as np
import pytest

from jaxqmri.analysis.cartilage import layout

SHAPE = (5, 6, 7)
SPACING = np.array([0.5, 0.7, 3.0])


def turned(degrees: float) -> np.ndarray:
    """An oblique scan: turned about all three axes."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return about_x @ about_z


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("side", ["left", "right"])
def test_slices_start_lateral_rows_superior_columns_anterior(axes, side):
    for signs in product([-1.0, 1.0], repeat=3):
        affine = np.eye(4)
        affine[:3, :3] = turned(18.0) @ (np.eye(3)[list(axes)] * signs * SPACING)
        index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
        world = index @ affine[:3, :3].T
        found = layout(affine, side)
        knee = found.to_knee(world[..., 0])
        lateral = 1.0 if side == "right" else -1.0
        assert (np.sign(np.diff(knee, axis=0)) == -lateral).all()
        assert (np.diff(found.to_knee(world[..., 2]), axis=1) < 0).all()
        assert (np.diff(found.to_knee(world[..., 1]), axis=2) < 0).all()
        assert found.spacing == pytest.approx(SPACING[list(found.axes)])
        np.testing.assert_array_equal(found.to_image(knee), world[..., 0])


@pytest.mark.parametrize("side", [None, "", "Left", "L"])
def test_the_side_must_be_said(side):
    with pytest.raises(ValueError, match="does not say which knee it shows; expected 'left' or"):
        layout(np.eye(4), side)


def test_an_affine_without_inverse():
    with pytest.raises(ValueError, match="no inverse"):
        layout(np.diag([1.0, 0.0, 1.0, 1.0]), "left")
