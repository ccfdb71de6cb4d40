"""Random patches of slices and random voxels, cut on the device inside the compiled step."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.ndimage import map_coordinates
from jaxtyping import Array, Bool, Float, Int

Key = Array
Scalar = Float[Array, ""] | float


class Slices(NamedTuple):
    """All subjects' slices in one stack, and those of them that a training may use.

    Attributes
    ----------
    images
        Shape ``(s, h, w, c)``.
    targets
        Maps to learn, shape ``(s, h, w, t)``; outside the mask they may hold anything.
    mask
        Where the maps count, shape ``(s, h, w)``.
    centres
        Slice, row and column of pixels in the mask around which patches are cut, padded at the
        end to a length that is the same for all folds; see :func:`centres_in`.
    centre_count
        How many of them there are before the padding.
    labels
        Tissues to segment, in the mask and out of it, shape ``(s, h, w, l)``; they may overlap.
        None where nothing is segmented.
    """

    images: Float[Array, "s h w c"]
    targets: Float[Array, "s h w t"]
    mask: Bool[Array, "s h w"]
    centres: Int[Array, "k 3"]
    centre_count: Int[Array, ""]
    labels: Bool[Array, "s h w l"] | None = None


class Voxels(NamedTuple):
    """All subjects' voxels in one table, and the rows that a training may use.

    Attributes
    ----------
    signals, targets
        Shapes ``(v, c)`` and ``(v, t)``.
    rows
        Rows to draw from, padded at the end to a length that is the same for all folds.
    row_count
        How many of them there are before the padding.
    """

    signals: Float[Array, "v c"]
    targets: Float[Array, "v t"]
    rows: Int[Array, " k"]
    row_count: Int[Array, ""]


class Augmentation(NamedTuple):
    """How much patches are changed at random. Arrays rather than settings: none recompiles.

    Attributes
    ----------
    flip
        Probability of a flip, for rows and for columns.
    angle
        Largest rotation, degrees.
    shift
        Largest translation, pixels.
    noise
        Standard deviation of Gaussian noise, in the unit of the images.
    """

    flip: Scalar = 0.0
    angle: Scalar = 0.0
    shift: Scalar = 0.0
    noise: Scalar = 0.0


class Patches(NamedTuple):
    """A batch: images ``(b, p, p, c)``, targets ``(b, p, p, t)`` and their mask ``(b, p, p, 1)``.

    Labels, if there are any, are 0 or 1 and have the shape ``(b, p, p, l)``. For voxels the shapes
    are ``(b, c)``, ``(b, t)`` and ``(b, 1)``.
    """

    images: Float[Array, "b ... c"]
    targets: Float[Array, "b ... t"]
    mask: Bool[Array, "b ... 1"]
    labels: Float[Array, "b ... l"] | None = None


def centres_in(
    mask: Bool[np.ndarray, "s h w"], slices: Int[np.ndarray, " _"], length: int | None = None
) -> tuple[Int[np.ndarray, "k 3"], Int[np.ndarray, ""]]:
    """Pixels of some slices' mask, as centres of patches, padded to ``length``.

    Parameters
    ----------
    mask
        Shape ``(s, h, w)``.
    slices
        Slices to use: those of a fold's training subjects.
    length
        Rows of the result; all pixels of the whole mask when None, which serves every fold.

    Returns
    -------
    centres, count
        Shape ``(length, 3)`` and how many are not padding.

    Raises
    ------
    ValueError
        If the slices have no pixel in the mask, or more than ``length``.
    """
    length = int(mask.sum()) if length is None else length
    chosen = np.zeros(mask.shape[0], bool)
    chosen[slices] = True
    found = np.argwhere(mask & chosen[:, None, None]).astype(np.int32)
    if not 0 < len(found) <= length:
        raise ValueError(f"{len(found)} pixels in the mask, expected 1 to {length}")
    padded = np.zeros((length, 3), np.int32)
    padded[: len(found)] = found
    return padded, np.array(len(found), np.int32)


def sample_patches(
    key: Key,
    slices: Slices,
    augmentation: Augmentation,
    *,
    batch: int,
    size: int = 64,
    spread: float = 0.5,
) -> Patches:
    """Cut random patches near the mask, flipped, turned and shifted in one interpolation.

    Centres are pixels of the mask moved by up to ``spread`` patches in each direction, then moved
    so that the patch lies inside the image. Images and maps are interpolated linearly, the maps
    from the mask's pixels alone; mask and labels are what remains of them above a half. What lies
    outside the image is zero, outside the mask and without a label.

    Parameters
    ----------
    key
        Random key.
    slices
        What to draw from.
    augmentation
        How much to change; ``Augmentation()`` crops.
    batch, size
        Number of patches and their width in pixels.
    spread
        Largest distance of the patch's centre from the drawn pixel, in patches.

    Returns
    -------
    Patches
        Images, targets (zero outside the mask), mask, and labels if the slices have any.

    Raises
    ------
    ValueError
        If patches are larger than the slices.
    """
    _, h, w, _ = slices.images.shape
    if size > min(h, w):
        raise ValueError(f"patches of {size} pixels do not fit into slices of {h} x {w}")
    draw, move, turn, add = jax.random.split(key, 4)
    chosen = jax.random.randint(draw, (batch,), 0, slices.centre_count)
    number, *centre = jnp.moveaxis(slices.centres[chosen], -1, 0)
    away = spread * size * jax.random.uniform(move, (batch, 2), minval=-1.0, maxval=1.0)
    limits = jnp.array([h - size, w - size])
    corner = jnp.clip(jnp.round(jnp.stack(centre, -1) + away - size // 2), 0, limits)
    grids = jax.vmap(lambda k, c: _grid(k, c, size, augmentation))(
        jax.random.split(turn, batch), corner
    )

    def cut(which: Array, grid: Array) -> tuple[Array, Array, Array, Array | None]:
        inside = slices.mask[which]
        share = _warp(inside[..., None].astype(jnp.float32), grid)
        known = jnp.where(inside[..., None], slices.targets[which], 0.0)
        labels = None
        if slices.labels is not None:
            labels = _warp(slices.labels[which].astype(jnp.float32), grid) > 0.5
        return _warp(slices.images[which], grid), _warp(known, grid), share, labels

    images, targets, share, labels = jax.vmap(cut)(number, grids)
    images = images + augmentation.noise * jax.random.normal(add, images.shape)
    mask = share > 0.5
    targets = jnp.where(mask, targets / jnp.maximum(share, 0.5), 0.0)
    return Patches(images, targets, mask, None if labels is None else labels.astype(jnp.float32))


def sample_voxels(key: Key, voxels: Voxels, noise: Scalar = 0.0, *, batch: int) -> Patches:
    """Draw random voxels with replacement, with Gaussian noise added to their signals."""
    draw, add = jax.random.split(key)
    chosen = voxels.rows[jax.random.randint(draw, (batch,), 0, voxels.row_count)]
    signals = voxels.signals[chosen]
    signals = signals + noise * jax.random.normal(add, signals.shape)
    return Patches(signals, voxels.targets[chosen], jnp.ones((batch, 1), bool))


def _grid(key: Key, corner: Array, size: int, augmentation: Augmentation) -> Array:
    """Where in the slice each pixel of one patch comes from, shape ``(2, size, size)``."""
    flip, angle, shift = jax.random.split(key, 3)
    signs = jnp.where(jax.random.uniform(flip, (2,)) < augmentation.flip, -1.0, 1.0)
    turned = jnp.deg2rad(augmentation.angle) * jax.random.uniform(angle, minval=-1.0, maxval=1.0)
    moved = augmentation.shift * jax.random.uniform(shift, (2,), minval=-1.0, maxval=1.0)
    middle = (size - 1) / 2
    pixels = jnp.arange(size) - middle
    rows, columns = signs[0] * pixels[:, None], signs[1] * pixels[None, :]
    cos, sin = jnp.cos(turned), jnp.sin(turned)
    origin = corner + middle + moved
    return jnp.stack(
        [origin[0] + cos * rows - sin * columns, origin[1] + sin * rows + cos * columns]
    )


def _warp(images: Float[Array, "h w c"], grid: Array) -> Float[Array, "p q c"]:
    """Linear interpolation of every channel at the same places, zero outside."""
    one = lambda channel: map_coordinates(channel, list(grid), order=1)  # noqa: E731
    return jax.vmap(one, in_axes=-1, out_axes=-1)(images)
