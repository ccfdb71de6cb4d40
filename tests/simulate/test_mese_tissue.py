from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.mese_tissue import (
    FALL,
    LESIONS,
    MEAN,
    PLACES,
    SD,
    Lesions,
    apparent_t2,
    change,
    lesion_at,
    lesions_of,
    levels,
    mese_cartilage,
    weights,
)

NONE = Lesions(*jnp.zeros((4, LESIONS)))


def middle(place: int) -> Point:
    """A point in the middle of a place, on the circle that cartilage lies near."""
    angle = np.deg2rad((-60.0, 0.0, 60.0)[place % 3])
    right = 20.0 if place < 3 else -20.0
    at = (right, -0.7 - 27.0 * np.sin(angle), 31.0 - 27.0 * np.cos(angle))
    return Point(*(jnp.full(1, c) for c in at))


def even(level, lesions=NONE):
    return mese_cartilage(jnp.zeros((3, 4, 4)), level, lesions, 0.0)


@pytest.mark.parametrize("place", range(6))
def test_the_middle_of_a_place_has_its_means(place):
    found = even((jnp.asarray(MEAN), jnp.zeros((6, 2))))
    assert PLACES[place].startswith("lateral" if place < 3 else "medial")
    for layer, depth in enumerate((0.25, 0.75)):
        value = apparent_t2(middle(place), jnp.asarray(depth), jnp.asarray(0.0), found)
        np.testing.assert_allclose(value, MEAN[place, layer], rtol=1e-4)


def test_places_pass_smoothly_into_each_other():
    angle = np.deg2rad(np.arange(-110.0, 110.0, 0.5))
    x, y, z = np.broadcast_arrays(
        np.arange(-36.0, 36.0, 0.5)[:, None], -0.7 - 27 * np.sin(angle), 31 - 27 * np.cos(angle)
    )
    w = np.asarray(weights(Point(*map(jnp.asarray, (x, y, z)))))
    np.testing.assert_allclose(w.sum(axis=0), 1.0, atol=1e-5)
    assert w.min() >= -1e-6
    assert np.abs(np.diff(w, axis=1)).max() < 0.03
    assert np.abs(np.diff(w, axis=2)).max() < 0.02


def test_subjects_spread_as_published():
    scores = jnp.asarray(np.random.default_rng(0).standard_normal((4000, 14)))
    common, own = jax.vmap(lambda z: levels(z, 1.5))(scores)
    total = np.asarray(common + own)
    np.testing.assert_allclose(total.mean(axis=0), MEAN + 1.5, atol=0.3)
    np.testing.assert_allclose(total.std(axis=0), SD, rtol=0.06)
    places = np.corrcoef(total[:, 0, 0], total[:, 4, 0])[0, 1]
    layers = np.corrcoef(total[:, 4, 0], total[:, 4, 1])[0, 1]
    assert 0.25 < places < layers < 0.8


def test_four_years_lower_t2_most_where_published():
    scores = jnp.asarray(np.random.default_rng(1).standard_normal((4000, 13)))
    fall, moves = jax.vmap(lambda z: change(z, 3.0, 1.5, 2.5))(scores)
    total = np.asarray(fall + moves)
    np.testing.assert_allclose(total.mean(axis=0), -3.0 * FALL / FALL.mean(), atol=0.2)
    assert abs(np.asarray(fall).mean(axis=(1, 2)).std() - 1.5) < 0.05
    assert abs(np.sqrt(np.mean(np.asarray(moves) ** 2)) - 2.5) < 0.05
    fall, moves = change(scores[0], 0.0, 0.0, 0.0)
    assert not np.any(np.asarray(fall))
    assert not np.any(np.asarray(moves))


def test_a_share_of_subjects_has_one_to_three_lesions():
    uniform = jnp.asarray(np.random.default_rng(2).random((4000, 6, LESIONS)))
    new = jax.vmap(lambda u: lesions_of(u, 0.3, (4.0, 12.0), (8.0, 15.0)))(uniform)
    count = np.asarray(new.gain > 0).sum(axis=1)
    assert abs(np.mean(count > 0) - 0.3) < 0.03
    assert abs(count[count > 0].mean() - 2.0) < 0.1
    gain, radius = np.asarray(new.gain), np.asarray(new.radius)
    assert 8.0 <= gain[gain > 0].min() <= gain.max() <= 15.0
    assert 2.0 <= radius.min() <= radius.max() <= 6.0
    assert abs(np.mean(np.asarray(new.right) < 0) - 0.6) < 0.03
    assert not np.any(lesions_of(uniform[0], 0.0, (4.0, 12.0), (8.0, 15.0)).gain)


def test_a_lesion_rises_most_at_the_surface_and_halves_at_its_radius():
    one = Lesions(*(jnp.array([v, *[0.0] * (LESIONS - 1)]) for v in (0.0, 20.0, 5.0, 10.0)))
    bottom = middle(1)
    for away, left in ((0.0, 1.0), (5.0, 0.5), (10.0, 1 / 16)):
        rise, most = lesion_at(Point(bottom.x + away, bottom.y, bottom.z), one)
        np.testing.assert_allclose([rise[0], most[0]], [10.0 * left, left], rtol=1e-3)
    found = even((jnp.full((6, 2), 50.0), jnp.zeros((6, 2))), one)
    rise = lesion_at(bottom, one)[0]
    values = [float(apparent_t2(bottom, jnp.asarray(d), rise, found)[0]) for d in (0.0, 1.0)]
    np.testing.assert_allclose(values, [54.0, 60.0], rtol=1e-3)
