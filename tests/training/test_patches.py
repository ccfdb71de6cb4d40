"""Patches are pieces of the slices, turned as asked; tiles put back together are the whole."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jaxqmri.training import (
    Augmentation,
    Slices,
    Voxels,
    centres_in,
    sample_patches,
    sample_voxels,
    sliding_window,
    tile_corners,
)
from jaxqmri.training.patches import _grid, _warp

S, H, W = 4, 40, 48
sample = jax.jit(sample_patches, static_argnames=("batch", "size"))


def stack(outside: float = np.nan) -> Slices:
    """Slices that hold their own coordinates: slice, row and column."""
    where = np.stack(np.meshgrid(np.arange(S), np.arange(H), np.arange(W), indexing="ij"), -1)
    mask = np.zeros((S, H, W), bool)
    mask[:, 10:30, 15:35] = True
    targets = np.where(mask, 100 + where[..., 1], outside)[..., None]
    centres, count = centres_in(mask, np.array([1, 3]))
    return Slices(
        jnp.float32(where), jnp.float32(targets), jnp.asarray(mask), jnp.asarray(centres),
        jnp.asarray(count),
    )  # fmt: skip


def test_without_augmentation_patches_are_pieces_of_the_allowed_slices():
    data = stack()
    assert data.centres.shape == (S * 400, 3)
    batch = sample(jax.random.key(0), data, Augmentation(), batch=32, size=16)
    assert batch.images.shape == (32, 16, 16, 3)
    assert batch.labels is None
    for image, target, mask in zip(*map(np.asarray, batch[:3]), strict=True):
        number, row, column = image[0, 0].astype(int)
        assert number in (1, 3)
        piece = (number, slice(row, row + 16), slice(column, column + 16))
        np.testing.assert_allclose(image, data.images[piece], atol=1e-4)
        np.testing.assert_array_equal(mask[..., 0], data.mask[piece])
        assert mask.any()
        expected = np.where(mask, np.asarray(data.targets[piece]), 0.0)
        np.testing.assert_allclose(target, expected, rtol=1e-6)


def test_one_warp_is_a_flip_a_turn_and_a_shift():
    image = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(H, W)), 2)
    grid = _grid(jax.random.key(5), jnp.array([10.0, 12.0]), 16, Augmentation(1.0, 30.0, 3.0))
    ours = np.asarray(_warp(jnp.float32(image)[..., None], grid)[..., 0])
    theirs = ndimage.map_coordinates(image, np.asarray(grid), order=1)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    rows, columns = np.asarray(grid)
    steps = np.array([[rows[1, 0] - rows[0, 0], rows[0, 1] - rows[0, 0]],
                      [columns[1, 0] - columns[0, 0], columns[0, 1] - columns[0, 0]]])  # fmt: skip
    np.testing.assert_allclose(steps @ steps.T, np.eye(2), atol=1e-4)
    assert steps[0, 0] < 0  # both directions flipped: a turn by half a circle and the angle
    assert steps[1, 1] < 0
    angle = np.degrees(np.arctan2(-steps[1, 0], -steps[0, 0]))
    assert 0.1 < abs(angle) <= 30
    away = np.array([rows.mean(), columns.mean()]) - [10 + 7.5, 12 + 7.5]
    assert np.all(np.abs(away) <= 3)
    assert np.any(np.abs(away) > 0.01)


def test_maps_of_a_turned_mask_hold_values_of_the_mask_alone():
    batch = sample(jax.random.key(1), stack(), Augmentation(0.5, 45.0, 4.0), batch=32, size=16)
    inside = np.asarray(batch.targets)[np.asarray(batch.mask)]
    assert np.all(np.isfinite(batch.targets))
    assert inside.min() >= 110 - 1e-3
    assert inside.max() <= 129 + 1e-3
    shares = np.asarray(batch.mask).mean((1, 2, 3))
    assert 0.1 < shares.mean() < 0.9


def test_many_images_and_maps_and_labels_go_through_one_warp():
    data, rng = stack(), np.random.default_rng(0)
    tissues = np.zeros((S, H, W, 2), bool)
    tissues[:, 5:22, 10:25, 0] = True  # reaches out of the mask on two sides
    tissues[:, 18:34, 20:40, 1] = True
    scale = np.arange(1.0, 12.0)
    images = tissues[..., :1] * scale + rng.normal(size=(S, H, W, 1))
    targets = jnp.where(data.mask[..., None], jnp.float32(tissues @ [[3.0], [5.0]]), jnp.nan)
    data = data._replace(
        images=jnp.float32(images),
        targets=jnp.concatenate([data.targets, targets, 2 * targets], -1),
        labels=jnp.asarray(tissues),
    )
    batch = sample(jax.random.key(2), data, Augmentation(0.5, 30.0, 3.0), batch=16, size=16)
    assert batch.images.shape == (16, 16, 16, 11)
    assert batch.targets.shape == (16, 16, 16, 3)
    labels = np.asarray(batch.labels)
    assert labels.shape == (16, 16, 16, 2)
    assert set(np.unique(labels)) == {0.0, 1.0}
    share = np.asarray(batch.images[..., 1] - batch.images[..., 0])  # of the first tissue, warped
    clear = np.abs(share - 0.5) > 1e-3
    np.testing.assert_array_equal(labels[..., 0][clear], share[clear] > 0.5)
    mask = np.asarray(batch.mask[..., 0])
    assert labels[~mask].any()
    first, second = np.moveaxis(np.asarray(batch.targets[..., 1:]), -1, 0)
    np.testing.assert_allclose(second, 2 * first, rtol=1e-5, atol=1e-5)
    whole = np.isin(np.round(first, 3), (0.0, 3.0, 5.0, 8.0)) & mask
    assert whole.mean() > 0.2
    np.testing.assert_allclose(first[whole], (labels @ [3.0, 5.0])[whole], atol=1e-3)


def test_noise_has_its_standard_deviation_and_keys_decide():
    data = stack()

    def draw(k: int, noise: float):
        return sample(jax.random.key(k), data, Augmentation(noise=noise), batch=32, size=16)

    apart = np.asarray(draw(0, 2.0).images - draw(0, 0.0).images)
    assert apart.std() == pytest.approx(2.0, rel=0.05)
    np.testing.assert_array_equal(draw(3, 1.0).images, draw(3, 1.0).images)
    assert np.any(np.asarray(draw(3, 1.0).images) != np.asarray(draw(4, 1.0).images))


def test_voxels_come_from_the_rows_allowed():
    table = jnp.arange(20.0)[:, None]
    voxels = Voxels(table, 10 * table, jnp.array([3, 5, 0, 0]), jnp.array(2))
    batch = sample_voxels(jax.random.key(0), voxels, batch=64)
    assert set(np.asarray(batch.images).ravel()) == {3.0, 5.0}
    np.testing.assert_array_equal(batch.targets, 10 * batch.images)


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(ValueError, match="patches of 64 pixels do not fit into slices of 40 x 48"):
        sample_patches(jax.random.key(0), stack(), Augmentation(), batch=1, size=64)
    with pytest.raises(ValueError, match="0 pixels in the mask"):
        centres_in(np.zeros((2, 3, 3), bool), np.array([0]))
    with pytest.raises(ValueError, match="tiles of 64"):
        tile_corners((1, 40, 48), 64, 32)
    with pytest.raises(ValueError, match="stride"):
        tile_corners((1, 40, 48), 16, 17)


def doubled(variables, tiles):
    return variables * tiles[..., :1]


@pytest.mark.parametrize("weighting", ["mean", "centre"])
def test_tiles_put_back_together_are_the_whole(weighting):
    images = np.random.default_rng(0).normal(size=(2, 40, 50, 3)).astype(np.float32)
    whole = sliding_window(
        doubled, jnp.float32(2), images, size=16, stride=12, weighting=weighting, batch=5
    )
    np.testing.assert_allclose(whole, 2 * images[..., :1], rtol=1e-5, atol=1e-6)


def edge_error(variables, tiles):
    return jnp.zeros_like(tiles[..., :1]).at[:, 0].set(variables)


def test_overlaps_are_averaged_and_edges_count_less_about_the_centre():
    images = np.zeros((1, 24, 16, 1), np.float32)
    even = sliding_window(edge_error, jnp.float32(8), images, size=16, stride=8)
    assert even[0, 8, 3, 0] == pytest.approx(4)
    centred = sliding_window(
        edge_error, jnp.float32(8), images, size=16, stride=8, weighting="centre"
    )
    assert 0 < centred[0, 8, 3, 0] < 0.2


def test_only_tiles_with_the_mask_are_predicted():
    images = np.ones((2, 48, 48, 1), np.float32)
    mask = np.zeros((2, 48, 48), bool)
    mask[1, 2:6, 40:46] = True
    maps = sliding_window(doubled, jnp.float32(3), images, size=16, stride=16, mask=mask)
    assert np.all(maps[mask] == 3)
    assert np.isnan(maps[0]).all()
    assert np.isfinite(maps).sum() == 256
