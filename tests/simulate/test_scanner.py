from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri.simulate.acquisition import shifted
from jaxqmri.simulate.geometry import Grid, Pose
from jaxqmri.simulate.sequence import fat_left, lock_efficiency

GRID = Grid((6, 5, 4), (1.0, 1.25, 3.0), (2.0, -3.0, 1.0), (2, 3, 2))


def test_points_lie_where_the_affine_says():
    points = np.asarray(GRID.points())
    affine = GRID.affine()
    np.testing.assert_allclose(
        points[2, 3, 1], affine[:3, :3] @ [2, 3, 1] + affine[:3, 3], atol=1e-4
    )
    np.testing.assert_allclose(points.mean(axis=(0, 1, 2)), GRID.centre, atol=1e-4)
    np.testing.assert_allclose(GRID.points(jnp.array([2]))[:, :, 0], points[:, :, 2], atol=1e-4)


def test_axes_run_to_posterior_inferior_and_right():
    points = np.asarray(GRID.points())
    assert points[1, 0, 0, 1] < points[0, 0, 0, 1]
    assert points[0, 1, 0, 2] < points[0, 0, 0, 2]
    assert points[0, 0, 1, 0] > points[0, 0, 0, 0]


def test_samples_average_to_the_voxel_centre():
    fine = jnp.moveaxis(GRID.refined().points(), (2, 0, 1), (0, 1, 2))
    means = [GRID.average(fine[..., i]) for i in range(3)]
    expected = np.moveaxis(np.asarray(GRID.points()), (2, 0, 1), (0, 1, 2))
    np.testing.assert_allclose(np.stack(means, axis=-1), expected, atol=1e-4)


def test_pose_and_its_inverse():
    pose = Pose(jnp.array([3.0, -2.0, 5.0]), jnp.array([1.0, 2.0, -4.0]))
    knee = np.array([10.0, -20.0, 5.0])
    scanner = np.asarray(pose.affine())[:3, :3] @ knee + np.asarray(pose.shift)
    np.testing.assert_allclose(pose.to_knee(jnp.asarray(scanner), 0.0), knee, atol=1e-4)
    np.testing.assert_allclose(
        pose.to_knee(jnp.asarray(scanner), 1.0), knee * [-1, 1, 1], atol=1e-4
    )


def test_motion_moves_the_samples():
    grid = Grid((8, 8, 4), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0))
    still = Pose(jnp.zeros(3), jnp.zeros(3))
    samples = jnp.zeros((4, 8, 8)).at[1, 3, 4].set(1.0)
    np.testing.assert_allclose(shifted(samples, grid, still, still), samples, atol=1e-5)
    moved = shifted(samples, grid, Pose(jnp.zeros(3), jnp.array([2.0, -1.0, 0.0])), still)
    assert np.unravel_index(int(jnp.argmax(moved)), moved.shape) == (2, 4, 4)


def test_perfect_fields_lose_nothing():
    kept = lock_efficiency((0.0, 10.0, 50.0), 300.0, jnp.ones(2), jnp.zeros(2))
    np.testing.assert_allclose(kept, 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("time", "b1", "off_resonance", "expected"),
    [(0.0, 0.9, 0.0, 0.9988), (0.0, 0.85, 100.0, 0.9941), (30.0, 0.9, 60.0, 0.5125 / 0.5134)],
)
def test_imperfect_fields_cost_what_the_propagators_say(time, b1, off_resonance, expected):
    kept = lock_efficiency((time,), 300.0, jnp.array(b1), jnp.array(off_resonance))
    assert abs(float(kept[0]) - expected) < 3e-4


def test_fat_comes_back_where_the_field_is_off():
    near, far = fat_left(jnp.array([0.0, 400.0]), 0.08)
    assert 0.08 <= float(near) < 0.1
    assert float(far) > 0.99
