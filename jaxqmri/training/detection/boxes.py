"""Where a detector's raw outputs lie, and the boxes that they stand for."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import ArrayLike

STRIDES = (8, 16, 32)  # pixels between the cells of each level
TRAINED_AT = 640  # pixels, the image size that the anchors are for

# widths and heights in pixels, three a level, of YOLOv7
ANCHORS: Float[np.ndarray, "3 3 2"] = np.array(
    [
        [[12, 16], [19, 36], [40, 28]],
        [[36, 75], [76, 55], [72, 146]],
        [[142, 110], [192, 243], [459, 401]],
    ],
    np.float32,
)

ImageSize = int | tuple[int, int]
Anchors = Float[np.ndarray, "3 3 2"]
Outputs = tuple[Float[Array, "b _ _ 3 _"], Float[Array, "b _ _ 3 _"], Float[Array, "b _ _ 3 _"]]


class Predictions(NamedTuple):
    """What a detector says of a batch of images: a box at every cell, for every anchor.

    Attributes
    ----------
    boxes
        Corners ``(x1, y1, x2, y2)`` in pixels, shape ``(b, n, 4)``.
    objectness
        Probability that there is an object, shape ``(b, n)``.
    probabilities
        Of each class, if there is one, shape ``(b, n, classes)``. Times the objectness they are
        the scores by which detections are ranked.
    """

    boxes: Float[Array, "b n 4"]
    objectness: Float[Array, "b n"]
    probabilities: Float[Array, "b n classes"]


class Places(NamedTuple):
    """Where predictions lie, level by level, row by row, cell by cell, anchor by anchor.

    Attributes
    ----------
    cells
        Column and row of the cell, shape ``(n, 2)``.
    strides
        Of the level, in pixels, shape ``(n, 1)``.
    anchors
        Width and height in pixels, shape ``(n, 2)``.
    """

    cells: Float[Array, "*n 2"] | Float[np.ndarray, "*n 2"]
    strides: Float[Array, "*n 1"] | Float[np.ndarray, "*n 1"]
    anchors: Float[Array, "*n 2"] | Float[np.ndarray, "*n 2"]


def anchors_for(image_size: ImageSize, own: ArrayLike | None = None) -> Anchors:
    """Anchors in pixels: those of YOLOv7 scaled to an image size, or a study's own.

    Parameters
    ----------
    image_size
        Height and width in pixels, or one number for both; the larger is compared with the 640
        pixels that YOLOv7's anchors are for.
    own
        Widths and heights in pixels of this image size, shape ``(3, 3, 2)``, three for each of
        the strides 8, 16 and 32.

    Raises
    ------
    ValueError
        If a study's own have another shape, or are not all positive.
    """
    if own is None:
        return ANCHORS * np.float32(max(height_and_width(image_size)) / TRAINED_AT)
    found = np.asarray(own, np.float32)
    if found.shape != ANCHORS.shape:
        raise ValueError(f"expected anchors of shape {ANCHORS.shape}, got {found.shape}")
    if not (found > 0).all():
        raise ValueError("widths and heights of anchors must be positive")
    return found


def height_and_width(image_size: ImageSize) -> tuple[int, int]:
    """Both, of one number or two."""
    return (image_size, image_size) if isinstance(image_size, int) else image_size


def grids_of(outputs: Outputs) -> tuple[tuple[int, int], ...]:
    """Rows and columns of the cells of every level."""
    return tuple((level.shape[1], level.shape[2]) for level in outputs)


def places_of(grids: tuple[tuple[int, int], ...], anchors: Anchors) -> Places:
    """Where the predictions of grids of cells lie, in the order of :func:`flatten`."""
    levels = []
    for (rows, columns), stride, sizes in zip(grids, STRIDES, anchors, strict=True):
        y, x, which = np.indices((rows, columns, len(sizes))).reshape(3, -1)
        cells = np.stack([x, y], axis=-1).astype(np.float32)
        levels.append((cells, np.full((x.size, 1), stride, np.float32), sizes[which]))
    return Places(*(np.concatenate(parts) for parts in zip(*levels, strict=True)))


def flatten(outputs: Outputs) -> Float[Array, "b n channels"]:
    """All predictions of all levels in one row."""
    return jnp.concatenate(
        [level.reshape(level.shape[0], -1, level.shape[-1]) for level in outputs], axis=1
    )


def take(places: Places, index: Int[Array, "*s"]) -> Places:
    """Some of the places."""
    return Places(*(jnp.asarray(part)[index] for part in places))


def boxes_of(raw: Float[Array, "*n _"], places: Places) -> Float[Array, "*n 4"]:
    r"""Boxes of raw outputs at known places.

    With the logistic function :math:`\sigma`, the cell :math:`c`, stride ``s`` and anchor ``a``,

    .. math:: (x, y) = \big(2 \sigma(t_{xy}) - \tfrac12 + c\big)\, s, \quad
        (w, h) = \big(2 \sigma(t_{wh})\big)^2 a .

    Parameters
    ----------
    raw
        The first four of its last axis are ``t_x, t_y, t_w, t_h``.
    places
        Of each.

    Returns
    -------
    Array
        Corners ``(x1, y1, x2, y2)`` in pixels.
    """
    near = 2 * jax.nn.sigmoid(raw[..., :4])
    centre = (near[..., :2] - 0.5 + places.cells) * places.strides
    half = near[..., 2:] ** 2 * places.anchors / 2
    return jnp.concatenate([centre - half, centre + half], axis=-1)


def decode_predictions(outputs: Outputs, anchors: Anchors) -> Predictions:
    """Boxes, objectness and class probabilities of a detector's raw outputs.

    Parameters
    ----------
    outputs
        Of the levels with strides 8, 16 and 32, each ``(b, rows, columns, 3, 5 + classes)``: four
        numbers of the box (:func:`boxes_of`), the logit of objectness, and those of the classes.
    anchors
        In pixels, see :func:`anchors_for`.

    References
    ----------
    Wang et al., CVPR 2023, doi:10.48550/arXiv.2207.02696, and its software.
    """
    raw = flatten(outputs)
    boxes = boxes_of(raw, places_of(grids_of(outputs), anchors))
    rest = jax.nn.sigmoid(raw[..., 4:])
    return Predictions(boxes, rest[..., 0], rest[..., 1:])
