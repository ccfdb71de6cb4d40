"""A known motion is recovered, on grids of other axes, voxels and fields of view."""

import sys

import numpy as np
import pytest

from jaxqmri import io, preprocessing
from jaxqmri.preprocessing import Registration, Transform, itk, registration
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
    found = preprocessing.find_transform(*pair(motion)).affine
    assert displacement(found, motion) < 0.2
    np.testing.assert_allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-6)


def test_the_registered_image_is_the_one_an_unmoved_scan_would_give():
    pytest.importorskip("ants")
    moving, fixed = pair(rigid((1, -1.5, 2), (1.5, -2, 1.2)), noise=0.5)
    unmoved, _ = pair(np.eye(4), noise=0.5)
    wanted = preprocessing.resample(unmoved, fixed)
    registered = preprocessing.register(moving, fixed).data
    before = preprocessing.resample(moving, fixed)
    seen = np.isfinite(wanted) & np.isfinite(registered) & np.isfinite(before)
    assert registered.shape == fixed.data.shape
    assert np.median(np.abs(registered - wanted)[seen]) < 15  # noise, of signals up to 4500
    off, was_off = (np.abs(image - wanted)[seen].mean() for image in (registered, before))
    assert off < 0.25 * was_off


def test_the_same_images_give_the_same_transform_to_the_last_digit():
    pytest.importorskip("ants")
    moving, fixed = pair(rigid((1, 0, 1), (1, 0, -1)))
    settings = Registration("deformable")
    first = preprocessing.find_transform(moving, fixed, settings)
    again = preprocessing.find_transform(moving, fixed, settings)
    np.testing.assert_array_equal(again.affine, first.affine)
    np.testing.assert_array_equal(again.displacement, first.displacement)


@pytest.mark.parametrize("deformable", [False, True])
def test_a_transform_is_computed_once(tmp_path, monkeypatch, deformable):
    calls = []
    motion = rigid((0, 0, 1), (1, 0, 0))
    moving, fixed = pair(motion)
    field = None
    if deformable:
        noise = 5 * np.random.default_rng(0).standard_normal((*fixed.data.shape, 3))
        field = registration.rounded(noise.astype(np.float32))  # as ANTs gives it

    def counted(*images, **_):
        calls.append(images)
        return Transform(motion, field)

    monkeypatch.setattr(registration, "find_transform", counted)
    first = preprocessing.register(moving, fixed, cache=tmp_path)
    again = preprocessing.register(moving, fixed, cache=tmp_path)
    assert len(calls) == 1
    np.testing.assert_array_equal(again.transform.affine, motion)
    if deformable:
        np.testing.assert_array_equal(again.transform.displacement, field)
    np.testing.assert_array_equal(again.data, first.data)
    brighter = moving._replace(data=moving.data + 1)
    preprocessing.register(brighter, fixed, cache=tmp_path)
    preprocessing.register(moving, fixed, Registration("affine"), cache=tmp_path)
    preprocessing.register(moving, fixed, within=fixed.data > 20, cache=tmp_path)
    assert len(calls) == 4


def test_an_affine_scale_is_recovered():
    pytest.importorskip("ants")
    wanted = rigid((0.5, 0, -1), (1, -1, 0.5)) @ np.diag([1.03, 0.96, 1.05, 1.0])
    moving, fixed = pair(wanted)
    affine = preprocessing.find_transform(moving, fixed, Registration("affine")).affine
    alone = preprocessing.find_transform(moving, fixed, Registration("rigid")).affine
    np.testing.assert_allclose(
        np.linalg.norm(affine[:3, :3], axis=0), [1.03, 0.96, 1.05], atol=0.015
    )
    assert displacement(affine, wanted) < 1.0  # a third of a slice, at the corners of the knee
    assert displacement(alone, wanted) > 2.5


def test_a_bump_is_found_by_the_deformable_stage_alone():
    pytest.importorskip("ants")
    _, fixed = pair(np.eye(4))
    index = np.stack(np.meshgrid(*map(np.arange, fixed.data.shape), indexing="ij"), -1)
    points = index @ fixed.affine[:3, :3].T + fixed.affine[:3, 3]
    centre = np.array([0.0, 34.0, 20.0])  # at the edge of two of the object's parts
    near = np.exp(-((np.linalg.norm(points - centre, axis=-1) / 18.0) ** 2))
    bump = near[..., None] * np.array([0.0, 4.0, 0.0])
    unmoved, _ = pair(np.eye(4))
    bent = preprocessing.resample(  # what a scan of the bent object would be
        unmoved, fixed, Transform(np.eye(4), -bump.astype(np.float32)), match_resolution=False
    )
    moving = io.nifti.Image(np.nan_to_num(bent), fixed.affine, fixed.path)
    inside = (near > 0.5) & (fixed.data > 8)
    error = {}
    for stage in ("affine", "deformable"):
        affine, field = preprocessing.find_transform(moving, fixed, Registration(stage))
        start = points if field is None else points + field
        found = start @ affine[:3, :3].T + affine[:3, 3] - points
        error[stage] = np.linalg.norm((found - bump)[inside], axis=-1).mean()
    assert error["deformable"] < 0.75 * error["affine"]


def test_only_what_lies_within_is_matched():
    """Two halves that moved apart: each is followed where the match is judged in it."""
    pytest.importorskip("ants")
    up, down = rigid((0, 0, 0), (0, 0, 3)), rigid((0, 0, 0), (0, 0, -3))
    upper, fixed = pair(up)
    lower, _ = pair(down)
    points = np.indices(upper.data.shape).reshape(3, -1).T @ upper.affine[:3, :3].T
    height = (points + upper.affine[:3, 3])[:, 2].reshape(upper.data.shape)
    moving = upper._replace(data=np.where(height > 0, upper.data, lower.data))
    z = fixed.affine[2, 2] * np.arange(fixed.data.shape[2]) + fixed.affine[2, 3]
    above = np.broadcast_to(z > 8, fixed.data.shape)
    for within, shift in ((above, 3), (~above & (z < -8), -3)):
        found = preprocessing.find_transform(moving, fixed, within=within).affine
        there = np.array([0, 0, 35.0 * np.sign(shift), 1])
        assert abs((found @ there - there)[2] - shift) < 1.0


def test_what_cannot_be_registered_is_refused_in_one_line(monkeypatch):
    pytest.importorskip("ants")
    moving, fixed = pair(np.eye(4))
    empty = moving._replace(data=np.zeros_like(moving.data))
    with pytest.raises(io.InputError, match=r"synthetic\.nii\.gz: no contrast"):
        preprocessing.find_transform(empty, fixed)
    shear = np.eye(4)
    shear[0, 1] = 0.2
    with pytest.raises(io.InputError, match="sheared"):
        preprocessing.find_transform(moving._replace(affine=shear @ moving.affine), fixed)
    monkeypatch.setitem(sys.modules, "ants", None)
    with pytest.raises(io.InputError, match=r"antspyx.*pip install"):
        preprocessing.find_transform(moving, fixed)


def test_too_few_slices_for_a_deformation_are_told():
    pytest.importorskip("ants")
    moving, fixed = pair(np.eye(4))
    thin = fixed._replace(data=fixed.data[16:20], affine=fixed.affine.copy())
    thin.affine[:3, 3] += fixed.affine[:3, :3] @ [16, 0, 0]
    with pytest.raises(io.InputError, match="too few for a deformable"):
        preprocessing.find_transform(moving, thin, Registration("deformable"))


def test_resampling_agrees_with_ants():
    ants = pytest.importorskip("ants")
    moving, fixed = pair(np.eye(4))
    theirs = ants.apply_transforms(
        fixed=itk.to_ants(ants, fixed),
        moving=itk.to_ants(ants, moving),
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


def test_an_image_on_the_same_thick_slices_is_not_averaged_again():
    _, fixed = pair(np.eye(4))
    np.testing.assert_allclose(preprocessing.resample(fixed, fixed), fixed.data, rtol=1e-6)
    turned = preprocessing.resample(fixed, fixed, rigid((0, 0, 1), (0, 0, 0)))
    read = preprocessing.resample(fixed, fixed, rigid((0, 0, 1), (0, 0, 0)), match_resolution=False)
    np.testing.assert_array_equal(turned, read)


def test_a_constant_displacement_is_a_shift():
    moving, fixed = pair(np.eye(4))
    shift = np.array([1.5, -2.0, 0.7])
    field = np.broadcast_to(shift, (*fixed.data.shape, 3)).astype(np.float32)
    tilt = rigid((2, 1, -3), (0, 0, 0))
    moved = rigid((0, 0, 0), shift)
    np.testing.assert_allclose(
        preprocessing.resample(moving, fixed, Transform(tilt, field)),
        preprocessing.resample(moving, fixed, tilt @ moved),
        rtol=1e-3,
        atol=0.5,  # of signals up to 4500
    )


def test_a_written_transform_does_the_same_in_ants(tmp_path):
    ants = pytest.importorskip("ants")
    moving, fixed = pair(np.eye(4))
    points = np.indices(fixed.data.shape) / 10.0
    field = 2.0 * np.sin(np.moveaxis(points, 0, -1)).astype(np.float32)
    transform = Transform(rigid((1, -2, 1), (1, 2, -1)) @ np.diag([1.02, 1, 0.98, 1]), field)
    paths = preprocessing.write_itk(tmp_path / "xfm.txt", transform, fixed.affine)
    theirs = ants.apply_transforms(
        fixed=itk.to_ants(ants, fixed),
        moving=itk.to_ants(ants, moving),
        transformlist=[str(path) for path in reversed(paths)],
        interpolator="linear",
    ).numpy()
    ours = preprocessing.resample(moving, fixed, transform, match_resolution=False)
    seen = np.isfinite(ours)
    assert seen.mean() > 0.5
    np.testing.assert_allclose(ours[seen], theirs[seen], rtol=1e-3, atol=3.0)


def test_coarser_voxels_hold_the_mean_and_stay_in_place():
    moving, _ = pair(np.eye(4))
    coarse = preprocessing.coarsened(moving, 3.2)
    np.testing.assert_allclose(
        coarse.data[3, 4, 5], moving.data[6:8, 8:10, 10:12].mean(), rtol=1e-5
    )
    np.testing.assert_allclose(
        coarse.affine @ [3, 4, 5, 1], moving.affine @ [6.5, 8.5, 10.5, 1], rtol=1e-9
    )
    same = preprocessing.coarsened(moving, 0.5)
    np.testing.assert_allclose(same.data, moving.data, rtol=1e-6)


def test_outside_the_field_of_view_there_is_no_number():
    small = sample((20, 20, 20), grid_affine((20,) * 3, (1,) * 3, np.eye(3), (0, 0, 0)), CONTRAST)
    wide = sample((40, 20, 20), grid_affine((40, 20, 20), (1,) * 3, np.eye(3), (0, 0, 0)), CONTRAST)
    result = preprocessing.resample(small, wide)
    assert np.isnan(result[:10]).all()
    assert np.isnan(result[30:]).all()
    np.testing.assert_allclose(result[10:30], small.data, rtol=1e-6)
