"""A known motion is recovered, on grids of other axes, voxels and fields of view."""

import sys

import numpy as np
import pytest

from jaxqmri import io, preprocessing
from jaxqmri.preprocessing import registration
from tests.preprocessing.knee_like import grid_affine, pair, rigid, sample

KNEE = np.array([[x, y, z] for x in (-30, 0, 30) for y in (-30, 0, 30) for z in (-30, 0, 30)])
CONTRAST = (12, 15, 10, 55, 70, 80)


def displacement(transform, expected):
    """Largest distance (mm) between where two transforms put the corners of a knee."""
    difference = transform - expected
    return np.linalg.norm(KNEE @ difference[:3, :3].T + difference[:3, 3], axis=1).max()


@pytest.mark.parametrize(
    ("degrees", "shift"),
    [((0, 0, 0), (0, 0, 0)), ((1, -1.5, 2), (1.5, -2, 1.2)), ((-2, 0.5, -1), (-1, 3, 2))],
)
def test_a_known_motion_is_recovered(degrees, shift):
    pytest.importorskip("ants")
    motion = rigid(degrees, shift)
    found = preprocessing.rigid_transform(*pair(motion))
    assert displacement(found, motion) < 0.2
    np.testing.assert_allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-6)


def test_the_registered_image_is_the_one_an_unmoved_scan_would_give():
    pytest.importorskip("ants")
    moving, fixed = pair(rigid((1, -1.5, 2), (1.5, -2, 1.2)), noise=0.5)
    unmoved, _ = pair(np.eye(4), noise=0.5)
    wanted = preprocessing.resample(unmoved, fixed)
    registered = preprocessing.register_rigid(moving, fixed).data
    before = preprocessing.resample(moving, fixed)
    seen = np.isfinite(wanted) & np.isfinite(registered) & np.isfinite(before)
    assert registered.shape == fixed.data.shape
    assert np.median(np.abs(registered - wanted)[seen]) < 15  # noise, of signals up to 4500
    off, was_off = (np.abs(image - wanted)[seen].mean() for image in (registered, before))
    assert off < 0.25 * was_off


def test_the_same_images_give_the_same_transform_to_the_last_digit():
    pytest.importorskip("ants")
    moving, fixed = pair(rigid((1, 0, 1), (1, 0, -1)))
    first = preprocessing.rigid_transform(moving, fixed)
    np.testing.assert_array_equal(preprocessing.rigid_transform(moving, fixed), first)


def test_a_transform_is_computed_once(tmp_path, monkeypatch):
    calls = []
    motion = rigid((0, 0, 1), (1, 0, 0))

    def counted(*images):
        calls.append(images)
        return motion

    monkeypatch.setattr(registration, "rigid_transform", counted)
    moving, fixed = pair(motion)
    first = preprocessing.register_rigid(moving, fixed, cache=tmp_path)
    again = preprocessing.register_rigid(moving, fixed, cache=tmp_path)
    assert len(calls) == 1
    np.testing.assert_array_equal(again.transform, motion)
    np.testing.assert_array_equal(again.data, first.data)
    preprocessing.register_rigid(moving._replace(data=moving.data + 1), fixed, cache=tmp_path)
    assert len(calls) == 2


def test_what_cannot_be_registered_is_refused_in_one_line(monkeypatch):
    pytest.importorskip("ants")
    moving, fixed = pair(np.eye(4))
    empty = moving._replace(data=np.zeros_like(moving.data))
    with pytest.raises(io.InputError, match=r"synthetic\.nii\.gz: no contrast"):
        preprocessing.rigid_transform(empty, fixed)
    shear = np.eye(4)
    shear[0, 1] = 0.2
    with pytest.raises(io.InputError, match="sheared"):
        preprocessing.rigid_transform(moving._replace(affine=shear @ moving.affine), fixed)
    monkeypatch.setitem(sys.modules, "ants", None)
    with pytest.raises(io.InputError, match=r"antspyx.*pip install"):
        preprocessing.rigid_transform(moving, fixed)


def test_resampling_agrees_with_ants():
    ants = pytest.importorskip("ants")
    moving, fixed = pair(np.eye(4))
    theirs = ants.apply_transforms(
        fixed=registration._to_ants(ants, fixed),
        moving=registration._to_ants(ants, moving),
        transformlist=[],
        interpolator="linear",
    ).numpy()
    ours = preprocessing.resample(moving, fixed, match_resolution=False)
    seen = np.isfinite(ours)
    assert seen.mean() > 0.5
    np.testing.assert_allclose(ours[seen], theirs[seen], rtol=1e-3, atol=2.0)


def test_resampling_keeps_units_and_averages_over_the_voxel():
    fine = sample((30, 30, 30), grid_affine((30,) * 3, (1,) * 3, np.eye(3), (0, 0, 0)), CONTRAST)
    ramp = fine._replace(data=np.arange(30, dtype=np.float32)[:, None, None] * np.ones((1, 30, 30)))
    coarse_affine = grid_affine((6, 10, 10), (3, 1, 1), np.eye(3), (0, 0, 0))
    coarse = sample((6, 10, 10), coarse_affine, CONTRAST)
    slices = preprocessing.resample(ramp, coarse)
    np.testing.assert_allclose(slices[:, 5, 5], 14.5 + 3 * (np.arange(6) - 2.5), rtol=1e-6)
    bump = ramp._replace(
        data=np.where(np.arange(30) == 13, 9.0, 0.0)[:, None, None] + 0 * ramp.data
    )
    np.testing.assert_allclose(  # positions -1.5 +- 1.5 hold the bump at -1.5 mm: a third of it
        preprocessing.resample(bump, coarse)[:, 5, 5], [0, 0, 3, 0, 0, 0], atol=1e-5
    )


def test_outside_the_field_of_view_there_is_no_number():
    small = sample((20, 20, 20), grid_affine((20,) * 3, (1,) * 3, np.eye(3), (0, 0, 0)), CONTRAST)
    wide = sample((40, 20, 20), grid_affine((40, 20, 20), (1,) * 3, np.eye(3), (0, 0, 0)), CONTRAST)
    result = preprocessing.resample(small, wide)
    assert np.isnan(result[:10]).all()
    assert np.isnan(result[30:]).all()
    np.testing.assert_allclose(result[10:30], small.data, rtol=1e-6)
