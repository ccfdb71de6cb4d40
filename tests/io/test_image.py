"""Two images that lie on one grid, and two that do not."""

from pathlib import Path

import numpy as np
import pytest

from jaxqmri.io import InputError
from jaxqmri.io.image import Image, check_same_grid

AFFINE = np.array(
    [[0.0, -0.6, 0.1, 12.5], [0.625, 0.0, 0.0, -80.0], [0.0, 0.1, 4.0, 3.0], [0.0, 0.0, 0.0, 1.0]]
)


def grid(shape=(4, 5, 6), affine=AFFINE, name="a.nii"):
    return Image(np.zeros(shape, np.float32), affine, Path(name))


def test_grids_must_agree_in_shape_and_place():
    check_same_grid(grid(), grid((4, 5, 6, 3)), "mask")
    rounded = AFFINE.astype(np.float32).astype(np.float64) + 1e-5
    check_same_grid(grid(affine=rounded), grid(), "mask")
    with pytest.raises(InputError, match=r"mask\.nii: mask has shape \(4, 5, 5\)"):
        check_same_grid(grid((4, 5, 5), name="mask.nii"), grid(), "mask")
    moved = AFFINE.copy()
    moved[0, 3] += 0.3
    with pytest.raises(InputError, match=r"another affine, 0\.3 mm"):
        check_same_grid(grid(affine=moved), grid(), "mask")
    with pytest.raises(InputError, match="another affine"):
        check_same_grid(grid(affine=AFFINE * [-1, 1, 1, 1]), grid(), "mask")
