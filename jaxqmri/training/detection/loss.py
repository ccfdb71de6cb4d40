"""What a network that finds boxes is trained to make small."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import ArrayLike

from jaxqmri.training.detection.assignment import Assignment, assign_predictions, objects_or_none
from jaxqmri.training.detection.boxes import (
    STRIDES,
    TRAINED_AT,
    ImageSize,
    Outputs,
    anchors_for,
    boxes_of,
    flatten,
    grids_of,
    height_and_width,
    places_of,
    take,
)
from jaxqmri.training.detection.overlap import complete_iou
from jaxqmri.training.losses import binary_cross_entropy

BALANCE = (4.0, 1.0, 0.4)  # weights of the levels' objectness, finest first
GAINS = (0.05, 0.7, 0.3)  # of box, objectness and class
CLASSES = 80  # that the gain of the class loss is for


def detection_loss(
    outputs: Outputs,
    boxes: Float[Array, "b m 4"],
    classes: Int[Array, "b m"],
    present: Bool[Array, "b m"],
    image_size: ImageSize,
    *,
    anchors: ArrayLike | None = None,
    gains: tuple[float, float, float] = GAINS,
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    r"""Loss of YOLOv7 with its assignment: of boxes, of objectness and of classes.

    With all predictions :math:`A_l` of level ``l``, those :math:`P_l` of them that
    :func:`assign_predictions` gives to objects, and means over both,

    .. math::
        L = 0.05 \sum_l \overline{1 - CIoU}_{P_l}
        + 0.7 \frac{h w}{640^2} \sum_l \beta_l \, \overline{BCE(o, \max(CIoU, 0))}_{A_l}
        + 0.3 \frac{C}{80} \sum_l \overline{BCE(p_c, [c = c_t])}_{P_l, c},

    with :math:`\beta = (4, 1, 0.4)` and a target of 0 for the objectness of predictions that have
    no object. A level to which no object is given counts 0 in the first and the last.

    Parameters
    ----------
    outputs
        Raw outputs, as :func:`jaxqmri.training.decode_predictions` takes them.
    boxes, classes, present
        Up to ``m`` objects of each image: corners ``(x1, y1, x2, y2)`` in pixels, class, and
        whether there is one. Where there is none the others may hold anything.
    image_size
        Height and width in pixels, or one number for both.
    anchors
        A study's own, in pixels; those of YOLOv7 for this image size when None.
    gains
        Of the three terms, before they are scaled to the image size and the number of classes.

    Returns
    -------
    loss, terms
        The sum, and its terms ``"box"``, ``"objectness"`` and ``"class"`` with their gains. The
        published software multiplies the sum by the batch size.

    Raises
    ------
    ValueError
        If the outputs are not of this image size.

    References
    ----------
    Wang et al., CVPR 2023, doi:10.48550/arXiv.2207.02696, and its software.
    """
    height, width = _checked(outputs, image_size)
    sizes = anchors_for(image_size, anchors)
    assignment = assign_predictions(outputs, boxes, classes, present, sizes)
    index, taken, objects = assignment
    boxes, classes = objects_or_none(boxes, classes, present)
    raw, places = flatten(outputs), places_of(grids_of(outputs), sizes)
    near = jnp.take_along_axis(raw, index[..., None], axis=1)
    overlap = complete_iou(
        boxes_of(near, take(places, index)),
        jnp.take_along_axis(boxes, objects[..., None], axis=1),
    )
    wanted = jax.nn.one_hot(
        jnp.take_along_axis(classes, objects, axis=1), raw.shape[-1] - 5, dtype=raw.dtype
    )
    target = _objectness(assignment, overlap, raw.shape[1])
    strides = take(places, index).strides[..., 0]
    ends = np.cumsum([rows * columns * sizes.shape[1] for rows, columns in grids_of(outputs)])
    goals = jnp.split(target, ends[:-1], axis=1)
    box = objectness = label = jnp.zeros((), raw.dtype)
    for level, goal, stride, balance in zip(outputs, goals, STRIDES, BALANCE, strict=True):
        of_level = taken & (strides == stride)
        box += jnp.sum(jnp.where(of_level, 1 - overlap, 0)) / jnp.maximum(jnp.sum(of_level), 1)
        label += binary_cross_entropy(near[..., 5:], wanted, mask=of_level[..., None])
        logits = level[..., 4]
        objectness += balance * binary_cross_entropy(logits, goal.reshape(logits.shape))
    terms = {
        "box": gains[0] * box,
        "objectness": gains[1] * height * width / TRAINED_AT**2 * objectness,
        "class": gains[2] * wanted.shape[-1] / CLASSES * label,
    }
    return terms["box"] + terms["objectness"] + terms["class"], terms


def _checked(outputs: Outputs, image_size: ImageSize) -> tuple[int, int]:
    height, width = height_and_width(image_size)
    expected = tuple((height // stride, width // stride) for stride in STRIDES)
    if grids_of(outputs) != expected:
        raise ValueError(
            f"outputs with {grids_of(outputs)} cells, expected {expected} of images of "
            f"{height} x {width} pixels"
        )
    return height, width


def _objectness(
    assignment: Assignment, overlap: Float[Array, "b s"], count: int
) -> Float[Array, "b n"]:
    """Overlap at the predictions that are taken, 0 at all others; without derivative."""
    target = jnp.maximum(jax.lax.stop_gradient(overlap), 0)
    places = jnp.where(assignment.taken, assignment.places, count)  # the last is dropped
    images = jnp.arange(len(target))[:, None]
    return jnp.zeros((len(target), count), target.dtype).at[images, places].set(target, mode="drop")
