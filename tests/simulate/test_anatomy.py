from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri.simulate.anatomy.bones import femur, patella, tibia
from jaxqmri.simulate.anatomy.distance import Point, capsule, ellipsoid, smooth_union
from jaxqmri.simulate.anatomy.knee import REGIONS, TISSUES, knee
from jaxqmri.simulate.anatomy.shape import sample_knee

STEP = 1.0
AXES = (np.arange(-44, 45, STEP), np.arange(-46, 56, STEP), np.arange(-14, 62, STEP))


def grid() -> Point:
    return Point(*(jnp.asarray(a.ravel()) for a in np.meshgrid(*AXES, indexing="ij")))


@pytest.fixture(scope="module")
def filled():
    compiled = jax.jit(lambda s: knee(grid(), s, STEP))

    def fill(seed: int, grade: float):
        shape = sample_knee(jax.random.key(seed), grade, 25.0, 1.0)
        return shape, compiled(shape)

    return fill


def volumes(found) -> dict[str, float]:
    return {
        name: float(region.sum()) * STEP**3 / 1000
        for name, region in zip(REGIONS, found.regions, strict=True)
    }


def test_every_sample_is_filled_once(filled):
    _, found = filled(0, 2.0)
    total = np.sum([np.asarray(f) for f in found.fractions], axis=0)
    np.testing.assert_allclose(total, 1.0, atol=1e-5)
    assert min(float(f.min()) for f in found.fractions) >= 0.0


def test_regions_are_the_cartilage(filled):
    _, found = filled(0, 2.0)
    cartilage = found.fractions[TISSUES.index("cartilage")]
    np.testing.assert_allclose(sum(found.regions), cartilage, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_healthy_cartilage_has_the_volumes_of_the_literature(filled, seed):
    found = volumes(filled(seed, 0.0)[1])
    assert 16.6 <= sum(found.values()) <= 31.4
    assert found["femoral"] > found["patellar"] > found["medial tibial"] / 2
    assert min(found.values()) > 1.0


@pytest.mark.parametrize(
    ("bone", "mean", "low", "high"),
    [
        (femur, "femoral_cartilage", 1.57, 2.9),
        (tibia, "tibial_cartilage", 1.57, 2.9),
        (patella, "patellar_cartilage", 1.9, 4.0),
    ],
)
def test_healthy_cartilage_has_the_thickness_of_the_literature(bone, mean, low, high):
    shape = sample_knee(jax.random.key(0), 0.0, 25.0, 1.0)
    distance, cover = bone(grid(), shape)
    thickness = np.asarray(getattr(shape, mean) * cover)[np.abs(np.asarray(distance)) < 0.5]
    assert low < thickness[thickness > 0.5].mean() < high


def test_osteoarthritis_thins_medial_cartilage(filled):
    ratios = []
    for seed in range(4):
        healthy, ill = (volumes(filled(seed, grade)[1]) for grade in (0.0, 4.0))
        ratios.append([ill[name] / healthy[name] for name in ("medial tibial", "lateral tibial")])
    medial, lateral = np.mean(ratios, axis=0)
    assert medial < 0.85
    assert medial < lateral - 0.05


def test_lesions_come_with_osteoarthritis(filled):
    assert float(filled(2, 0.0)[1].lesion.max()) == 0.0
    shares = []
    for seed in range(4):
        _, ill = filled(seed, 4.0)
        cartilage = np.asarray(ill.fractions[TISSUES.index("cartilage")]) > 0.5
        shares.append(np.mean(np.asarray(ill.lesion)[cartilage] > 0.25))
    assert 0.05 < np.mean(shares) < 0.15


def test_depth_runs_from_bone_to_surface(filled):
    shape, found = filled(0, 0.0)
    distance, _ = femur(Point(*(c / shape.scale for c in grid())), shape)
    inside = np.asarray(found.regions[0]) > 0.9
    depth, distance = np.asarray(found.depth)[inside], np.asarray(distance)[inside]
    assert np.corrcoef(depth, distance)[0, 1] > 0.8
    assert depth.min() >= 0.0
    assert depth.max() <= 1.0


def test_medial_is_medial(filled):
    _, found = filled(0, 0.0)
    x = np.asarray(grid().x)
    assert (
        x[np.asarray(found.regions[1]) > 0.5].max()
        < 0
        < x[np.asarray(found.regions[2]) > 0.5].min()
    )


def test_no_two_knees_are_the_same(filled):
    totals = [sum(volumes(filled(seed, 0.0)[1]).values()) for seed in range(4)]
    assert np.std(totals) > 0.3


def test_distances_to_a_sphere_and_a_rod():
    p = Point(jnp.array([0.0, 3.0, 6.0]), jnp.zeros(3), jnp.zeros(3))
    ball = ellipsoid(p, (0.0, 0.0, 0.0), (3.0, 3.0, 3.0))
    np.testing.assert_allclose(ball[1:], [0.0, 3.0], atol=1e-5)
    rod = capsule(p, (0.0, 0.0, -5.0), (0.0, 0.0, 5.0), 2.0)
    np.testing.assert_allclose(rod, [-2.0, 1.0, 4.0], atol=1e-5)
    assert float(smooth_union(ball, rod, 2.0)[0]) <= min(float(ball[0]), float(rod[0]))
