"""Whole slices of subjects with matrices of their own, scaled, masked, and back to voxels."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.knee_cv import slices as slicing
from experiments.knee_cv.results import Study
from experiments.knee_cv.slices import CHANNELS, Slices
from experiments.knee_cv.steps import seen_by
from experiments.knee_cv.subjects import Subject, Whole
from jaxqmri.training import Patches

SHAPES = ((5, 70, 20), (30, 66, 4))  # slices along the first axis, and along the last
EDGES = ((4.0, 0.5, 0.5), (0.5, 0.5, 4.0))


@pytest.fixture
def two(monkeypatch):
    """Two subjects of different matrices: study, whole images, and a way to make slices."""
    rng = np.random.default_rng(0)
    subjects, wholes = [], []
    for shape, edges in zip(SHAPES, EDGES, strict=True):
        images = rng.uniform(10, 100, (*shape, len(CHANNELS))).astype(np.float32)
        images[..., -1] *= 3
        images[:, :4, :, -1] = np.nan  # outside the PD-weighted scan's field of view
        cartilage = rng.random(shape) < 0.05
        tissue = rng.random(shape) < 0.2
        index = np.flatnonzero(cartilage)
        signals = images.reshape(-1, len(CHANNELS))[index]
        subjects.append(
            Subject(
                spin_lock=signals[:, :-1],
                pd=signals[:, -1],
                label=np.ones(index.size, np.int16),
                truth=signals[:, 0],
                position=index,
                shape=np.array(shape),
                affine=np.diag([*edges, 1.0]),
                similarity=np.ones(2),
                motion=np.zeros(2),
                muscle=np.zeros(3),
            )
        )
        wholes.append(Whole(images, tissue))
    monkeypatch.setattr(slicing, "whole_images", lambda task: wholes[task])
    study = Study([{"sub": "01"}, {"sub": "02"}], subjects, [{}, {}], simulated=False)
    return study, wholes, lambda scaling="scanner": Slices.of(study, [0, 1], scaling)


def test_from_voxels_to_slices_and_back(two):
    study, _, make = two
    slices = make()
    values = np.arange(study.label.size, dtype=np.float32)
    maps = slices.maps(values)
    np.testing.assert_array_equal(slices.of_voxels(maps)[:, 0], values)
    np.testing.assert_array_equal(np.isfinite(maps[..., 0]), slices.mask)
    np.testing.assert_array_equal(slices.voxel_subject, study.owner)
    signals = slices.of_voxels(slices.images)
    np.testing.assert_array_equal(signals[:, :4], study.images("0+10+30+50"))
    np.testing.assert_array_equal(signals[:, 4], np.nan_to_num(study.images("PD+10")[:, 0]))


def test_subjects_of_different_matrices_share_one_stack(two):
    _, wholes, make = two
    slices = make()
    assert slices.images.shape == (9, 70, 66, 5)
    np.testing.assert_array_equal(slices.subject, [0] * 5 + [1] * 4)
    np.testing.assert_array_equal(slices.images[:5, :, :20, :4], wholes[0].images[..., :4])
    last = np.moveaxis(wholes[1].images, 2, 0)
    np.testing.assert_array_equal(slices.images[5:, :30, :66, :4], last[..., :4])
    assert not slices.images[:5, :, 20:].any()
    assert not slices.images[5:, 30:].any()


def test_slices_without_cartilage_are_left_out(two):
    study, wholes, make = two
    first = study.subjects[0]
    keep = np.unravel_index(first.position, SHAPES[0])[0] != 2
    study.subjects[0] = Subject(*(value[keep] for value in first[:5]), first.shape, *first[6:])
    slices = make()
    np.testing.assert_array_equal(slices.subject, [0] * 4 + [1] * 4)
    np.testing.assert_array_equal(slices.images[2, :, :20, 0], wholes[0].images[3, ..., 0])


def test_a_masked_input_is_cartilage_alone(two):
    slices = two[2]()
    constants = slices.constants(np.array([0, 1]))
    whole, masked = (slices.inputs("0+50", constants, m) for m in (False, True))
    assert not masked[~slices.mask].any()
    np.testing.assert_array_equal(masked[slices.mask], whole[slices.mask])
    assert whole[~slices.mask].any()


def test_outside_the_field_of_view_is_zero(two):
    slices = two[2]()
    images = slices.inputs("PD+50", slices.constants(np.array([0])), False)
    assert np.isfinite(images).all()
    assert not images[:, :4, :4, 0].any()  # both subjects' corners
    assert images[:5, :4, :20, 1].all()


def test_scanner_units_are_of_the_training_subjects_alone(two):
    _, wholes, make = two
    alone = make().constants(np.array([0]))
    expected = [np.nanpercentile(wholes[0].images[..., k], 99) for k in (0, -1)]
    np.testing.assert_allclose(alone, expected, rtol=1e-6)
    wholes[1].images[...] *= 7
    slices = make()
    assert slices.constants(np.array([0])) == alone
    assert slices.constants(np.array([1])) != alone
    images = slices.inputs("PD+50", alone, False)
    np.testing.assert_allclose(images[..., 0], slices.images[..., 4] / alone.pd, rtol=1e-6)
    np.testing.assert_allclose(images[..., 1], slices.images[..., 3] / alone.t1rho, rtol=1e-6)


@pytest.mark.parametrize("scaling", ["percentile", "reference-tissue"])
def test_own_scales_take_a_subjects_gain_away(two, scaling):
    _, wholes, make = two

    def inputs():
        slices = make(scaling)
        return slices.inputs("PD+50", slices.constants(np.array([0])), False)

    before = inputs()
    wholes[1].images[..., :-1] *= 5
    wholes[1].images[..., -1] *= 0.2
    np.testing.assert_allclose(inputs(), before, rtol=1e-5)


def test_each_scaling_divides_by_what_it_says(two):
    _, wholes, make = two
    measures = {
        "percentile": lambda whole, k: np.nanpercentile(whole.images[..., k], 99),
        "reference-tissue": lambda whole, k: np.nanmedian(whole.images[whole.tissue][:, k]),
    }
    for scaling, measure in measures.items():
        slices = make(scaling)
        images = slices.inputs("PD+50", slices.constants(np.array([0])), False)
        for index, whole in enumerate(wholes):
            own = slices.subject == index
            for channel, k, source in ((0, -1, 4), (1, 0, 3)):
                np.testing.assert_allclose(
                    images[own][..., channel],
                    slices.images[own][..., source] / measure(whole, k),
                    rtol=1e-5,
                )


def test_a_masked_network_sees_cartilage_undimmed_and_nothing_else():
    mask = np.zeros((1, 4, 4, 1), bool)
    mask[0, 1:3, 1:3] = True
    batch = Patches(jnp.full((1, 4, 4, 2), 0.7), jnp.zeros((1, 4, 4, 1)), jnp.asarray(mask))
    seen = np.asarray(seen_by(batch, jnp.array(True)).images)
    assert np.array_equal(seen, np.where(mask, np.float32(0.7), 0.0).repeat(2, axis=-1))
    assert np.array_equal(seen_by(batch, jnp.array(False)).images, batch.images)
