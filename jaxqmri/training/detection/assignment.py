"""Which predictions are to learn which object: the ones that already come nearest to it."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxqmri.training.detection.boxes import (
    STRIDES,
    Anchors,
    Outputs,
    boxes_of,
    flatten,
    grids_of,
    places_of,
    take,
)
from jaxqmri.training.detection.overlap import iou

RATIO = 4.0  # an anchor fits an object if both sides agree within this factor
BEST = 10  # overlaps that are added up to the number of predictions an object gets
OVERLAP_WEIGHT = 3.0
SMALLEST = 1e-8  # overlap below which the cost grows no more


class Assignment(NamedTuple):
    """Predictions that could learn an object, and those that do.

    The ``s = m * 3 * 9`` candidates stand object by object, for each level by level, and there
    cell by cell and anchor by anchor.

    Attributes
    ----------
    places
        Row of the candidate among all predictions, shape ``(b, s)``; 0 where there is none.
    taken
        Whether it is to learn an object, shape ``(b, s)``. No prediction is taken twice.
    objects
        Which one, shape ``(b, s)``; 0 where it is not taken.
    """

    places: Int[Array, "b s"]
    taken: Bool[Array, "b s"]
    objects: Int[Array, "b s"]


def assign_predictions(
    outputs: Outputs,
    boxes: Float[Array, "b m 4"],
    classes: Int[Array, "b m"],
    present: Bool[Array, "b m"],
    anchors: Anchors,
) -> Assignment:
    r"""Assign predictions to objects by what they cost, a simple form of optimal transport.

    Candidates are the anchors that fit an object, neither side larger or smaller by a factor of
    four or more, on the cell that holds its centre and on the nearest cell beside it and above or
    below it, at every level. All candidates of an image are open to all its objects, at

    .. math:: C = \sum_c BCE\big(\sqrt{\sigma_c \sigma_o}, [c = c_t]\big)
        - 3 \log(IoU + 10^{-8}),

    with probabilities :math:`\sigma` of classes and objectness. An object gets as many of them as
    its ten best overlaps add up to, rounded down but at least one: those that cost least. One that
    several objects want goes to the object of the image for which it costs least.

    Parameters
    ----------
    outputs
        Raw outputs, as :func:`jaxqmri.training.decode_predictions` takes them.
    boxes, classes, present
        Up to ``m`` objects of each image: corners ``(x1, y1, x2, y2)`` in pixels, class, and
        whether there is one. Where there is none the others may hold anything.
    anchors
        In pixels.

    Returns
    -------
    Assignment
        Without derivatives.

    References
    ----------
    Ge et al., doi:10.48550/arXiv.2103.14259 and doi:10.48550/arXiv.2107.08430; in this form Wang
    et al., CVPR 2023, doi:10.48550/arXiv.2207.02696, and its software.
    """
    grids = grids_of(outputs)
    places = places_of(grids, anchors)
    raw = jax.lax.stop_gradient(flatten(outputs))
    boxes, classes = objects_or_none(boxes, classes, present)

    def of_image(raw: Array, boxes: Array, classes: Array, present: Array) -> Assignment:
        index, possible = candidates(boxes, present, grids, anchors)
        # what is a candidate of several objects is counted once
        same = jnp.tril((index[:, None] == index) & possible, -1)
        possible &= ~jnp.any(same, axis=1)
        index = jnp.where(possible, index, 0)
        overlap = iou(boxes[:, None], boxes_of(raw[index], take(places, index)))
        cost = class_cost(raw[index, 4:], classes) - OVERLAP_WEIGHT * jnp.log(overlap + SMALLEST)
        return Assignment(index, *match(cost, overlap, present[:, None] & possible))

    return jax.vmap(of_image)(raw, boxes, classes, present)


def objects_or_none(
    boxes: Float[Array, "b m 4"], classes: Int[Array, "b m"], present: Bool[Array, "b m"]
) -> tuple[Float[Array, "b m 4"], Int[Array, "b m"]]:
    """Boxes and classes, with a unit box of class 0 where there is no object."""
    none = jnp.array([0, 0, 1, 1], boxes.dtype)
    return jnp.where(present[..., None], boxes, none), jnp.where(present, classes, 0)


def candidates(
    boxes: Float[Array, "m 4"],
    present: Bool[Array, " m"],
    grids: tuple[tuple[int, int], ...],
    anchors: Anchors,
) -> tuple[Int[Array, " s"], Bool[Array, " s"]]:
    """Predictions that lie near one image's objects and whose anchor fits them.

    Returns
    -------
    places, possible
        Row among all predictions, and whether there is such a candidate, shape ``(m * 3 * 9,)``.
    """
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    found, first = [], 0
    for (rows, columns), stride, sizes in zip(grids, STRIDES, anchors, strict=True):
        ratio = size[:, None] / sizes
        fits = jnp.max(jnp.maximum(ratio, 1 / ratio), axis=-1) < RATIO
        within = centre / stride
        cell = jnp.floor(within)
        beside = jnp.where(within - cell < 0.5, -1, 1)
        steps = jnp.array([[0, 0], [1, 0], [0, 1]])
        x, y = jnp.moveaxis(cell.astype(jnp.int32)[:, None] + steps * beside[:, None], -1, 0)
        inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows) & present[:, None]
        index = first + (y * columns + x)[..., None] * len(sizes) + jnp.arange(len(sizes))
        found.append((index, inside[..., None] & fits[:, None]))
        first += rows * columns * len(sizes)
    index, possible = (jnp.stack(parts, axis=1).reshape(-1) for parts in zip(*found, strict=True))
    return index, possible


def class_cost(logits: Float[Array, "s _"], classes: Int[Array, " m"]) -> Float[Array, "m s"]:
    """Cross-entropy of ``sqrt(class * objectness)`` at every candidate, for every object's class.

    Parameters
    ----------
    logits
        Of objectness, then of the classes.
    classes
        Of the objects.
    """
    on, off = jax.nn.log_sigmoid(logits), jax.nn.log_sigmoid(-logits)
    log_y = (on[:, :1] + on[:, 1:]) / 2
    # 1 - y = (1 - y^2) / (1 + y), which keeps its digits where y is near 1
    log_rest = jnp.logaddexp(off[:, 1:], on[:, 1:] + off[:, :1]) - jnp.log1p(jnp.exp(log_y))
    return -(jnp.sum(log_rest, axis=1) + (log_y - log_rest)[:, classes].T)


def match(
    cost: Float[Array, "m s"], overlap: Float[Array, "m s"], usable: Bool[Array, "m s"]
) -> tuple[Bool[Array, " s"], Int[Array, " s"]]:
    """Give every object its cheapest candidates, as many as its best overlaps add up to.

    Parameters
    ----------
    cost, overlap
        Of each candidate for each object.
    usable
        Whether both exist.

    Returns
    -------
    taken, objects
        Whether a candidate is given to an object, and to which.
    """
    best = jax.lax.top_k(jnp.where(usable, overlap, 0), min(BEST, overlap.shape[1]))[0]
    number = jnp.maximum(jnp.floor(jnp.sum(best, axis=1, keepdims=True)), 1)
    cost = jnp.where(usable, cost, jnp.inf)
    rank = jnp.argsort(jnp.argsort(cost, axis=1), axis=1)
    wanted = (rank < number) & usable
    cheapest = jnp.where(jnp.sum(wanted, axis=0) > 1, jnp.argmin(cost, 0), jnp.argmax(wanted, 0))
    return jnp.any(wanted, axis=0), cheapest
