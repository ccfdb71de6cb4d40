"""Boxes found and boxes drawn: overlap, suppression of doubles, average precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

Boxes = Float[np.ndarray, "n 4"]

THRESHOLDS = tuple(k / 100 for k in range(50, 100, 5))  # overlaps that precision is averaged over
RECALLS = np.linspace(0.0, 1.0, 101)
BEYOND = 0.01  # how far past the last recall YOLOv7's curve falls to zero


class Detections(NamedTuple):
    """Boxes found in any number of images.

    Attributes
    ----------
    boxes
        Corners ``(x1, y1, x2, y2)`` in pixels, shape ``(n, 4)``.
    scores
        Confidence, shape ``(n,)``.
    classes, images
        Class and image of each, whole numbers, shape ``(n,)``.
    """

    boxes: Boxes
    scores: Float[np.ndarray, " n"]
    classes: Int[np.ndarray, " n"]
    images: Int[np.ndarray, " n"]


class Objects(NamedTuple):
    """Boxes drawn: what there is to find. Fields as in :class:`Detections`, without scores."""

    boxes: Boxes
    classes: Int[np.ndarray, " n"]
    images: Int[np.ndarray, " n"]


class AveragePrecision(NamedTuple):
    """Average precision of one class.

    Attributes
    ----------
    label
        The class.
    at_half
        At an overlap of at least one half. NaN for a class without objects.
    mean
        Mean over overlaps of at least 0.50, 0.55, ..., 0.95.
    objects, detections
        Of this class, in all images.
    """

    label: int
    at_half: float
    mean: float
    objects: int
    detections: int


def iou(a: Float[np.ndarray, "n 4"], b: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m"]:
    """Intersection over union of every box of one set with every box of another.

    Parameters
    ----------
    a, b
        Corners ``(x1, y1, x2, y2)``, shapes ``(n, 4)`` and ``(m, 4)``.

    Returns
    -------
    ndarray
        Between 0 and 1, shape ``(n, m)``; 0 where neither box has an area.
    """
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0.0), axis=-1)
    union = np.prod(a[:, 2:] - a[:, :2], axis=-1)[:, None] + np.prod(b[:, 2:] - b[:, :2], axis=-1)
    union = union - both
    return np.divide(both, union, out=np.zeros_like(both), where=union > 0)


def non_maximum_suppression(
    boxes: Boxes,
    scores: Float[np.ndarray, " n"],
    threshold: float,
    classes: Int[np.ndarray, " n"] | None = None,
) -> Int[np.ndarray, " kept"]:
    """Leave out boxes that overlap one with a higher score by more than a threshold.

    Parameters
    ----------
    boxes, scores
        Of one image, shapes ``(n, 4)`` and ``(n,)``.
    threshold
        Largest intersection over union of two boxes that both stay.
    classes
        Class of each box; boxes of different classes then never suppress each other.

    Returns
    -------
    ndarray
        Places of the boxes that stay, highest score first.
    """
    overlaps = iou(boxes, boxes) > threshold
    if classes is not None:
        overlaps &= classes[:, None] == classes[None]
    gone = np.zeros(len(boxes), bool)
    kept = []
    for place in np.argsort(-scores, kind="stable"):
        if not gone[place]:
            kept.append(place)
            gone |= overlaps[place]
    return np.array(kept, np.int64)


def average_precision(
    found: Detections,
    drawn: Objects,
    wanted: Sequence[int] | None = None,
    *,
    v5_metric: bool = False,
) -> list[AveragePrecision]:
    """Average precision of every class, as YOLOv7 computes it.

    In the order of their scores, detections of a class take the object of that class in their
    image that they overlap most and that is not taken yet; those that find none with enough
    overlap are false. Precision, made to fall with recall from the right, is interpolated at 101
    recalls and integrated by the trapezoidal rule. Past the last recall ``r`` it falls to zero at
    ``r + 0.01``, so that a perfect detector scores 1, or at 1, where it scores 0.995.

    Parameters
    ----------
    found, drawn
        Detections, after suppression of doubles, and objects, of all images.
    wanted
        Classes to report, in this order; when None those that have objects, in ascending order.
    v5_metric
        Let precision fall to zero at a recall of 1, as YOLOv5 does, rather than at ``r + 0.01``.

    References
    ----------
    Wang et al., CVPR 2023, doi:10.48550/arXiv.2207.02696, and its software. Overlaps and
    recalls: Lin et al., ECCV 2014, doi:10.1007/978-3-319-10602-1_48.
    """
    labels = [int(label) for label in (np.unique(drawn.classes) if wanted is None else wanted)]
    rows = []
    for label in labels:
        count = int(np.sum(drawn.classes == label))
        true = _found_right(found, drawn, label)
        each = [_area(column, count, v5_metric) for column in true.T]
        rows.append(AveragePrecision(label, each[0], float(np.mean(each)), count, len(true)))
    return rows


def _found_right(
    found: Detections, drawn: Objects, label: int
) -> Bool[np.ndarray, "detections thresholds"]:
    """Which detections of a class find an object, at each overlap; highest score first."""
    own = np.flatnonzero(found.classes == label)
    own = own[np.argsort(-found.scores[own], kind="stable")]
    right = np.zeros((own.size, len(THRESHOLDS)), bool)
    for image in np.unique(found.images[own]):
        places = np.flatnonzero(found.images[own] == image)
        there = (drawn.images == image) & (drawn.classes == label)
        overlaps = iou(found.boxes[own[places]], drawn.boxes[there])
        for k, threshold in enumerate(THRESHOLDS):
            left = overlaps.copy()
            for place, row in zip(places, left, strict=True):
                if row.size and row.max() >= threshold:
                    right[place, k] = True
                    left[:, row.argmax()] = -1.0
    return right


def _area(right: Bool[np.ndarray, " detections"], objects: int, v5_metric: bool) -> float:
    if not objects:
        return np.nan
    if not right.size:
        return 0.0
    hits = np.cumsum(right)
    recall, precision = hits / objects, hits / np.arange(1, right.size + 1)
    end = 1.0 if v5_metric else recall[-1] + BEYOND
    recall = np.concatenate([[0.0], recall, [end]])
    falling = np.maximum.accumulate(np.concatenate([[1.0], precision, [0.0]])[::-1])[::-1]
    return float(np.trapezoid(np.interp(RECALLS, recall, falling), RECALLS))
