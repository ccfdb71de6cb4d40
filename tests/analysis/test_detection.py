"""Detection against values worked by hand and a loop over detections."""

import numpy as np
import pytest

from jaxqmri import analysis
from jaxqmri.analysis import Detections, Objects

SQUARE = np.array([0.0, 0.0, 10.0, 10.0])


def drawn(count, *, images=1):
    """Boxes of class 0, ten pixels wide and twenty apart, dealt out to images in turn."""
    places = 20.0 * np.arange(count)[:, None] * np.array([1, 0, 1, 0])
    return Objects(SQUARE + places, np.zeros(count, int), np.arange(count) % images)


def found(objects, scores, extra=()):
    """Every object found exactly, then false boxes elsewhere with the scores of ``extra``."""
    n, false = len(objects.boxes), np.tile(SQUARE + 1000.0, (len(extra), 1))
    return Detections(
        np.concatenate([objects.boxes, false]),
        np.concatenate([np.broadcast_to(scores, n), np.asarray(extra, float)]),
        np.zeros(n + len(extra), int),
        np.concatenate([objects.images, np.zeros(len(extra), int)]),
    )


def test_overlap_by_hand():
    others = np.array(
        [
            [0, 0, 10, 10],
            [5, 0, 15, 10],
            [5, 5, 15, 15],
            [10, 0, 20, 10],
            [2, 2, 7, 7],
            [3, 3, 3, 3],
        ]
    )
    expected = [1, 50 / 150, 25 / 175, 0, 25 / 100, 0]
    np.testing.assert_allclose(analysis.iou(SQUARE[None], others.astype(float))[0], expected)
    np.testing.assert_allclose(analysis.iou(others.astype(float), SQUARE[None])[:, 0], expected)
    empty = np.zeros((1, 4))
    assert analysis.iou(empty, empty)[0, 0] == 0
    assert analysis.iou(np.zeros((0, 4)), SQUARE[None]).shape == (0, 1)


def test_doubles_are_suppressed_by_the_best():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [2, 0, 12, 10], [50, 0, 60, 10]], float)
    scores = np.array([0.5, 0.9, 0.6, 0.1])
    # 9 / 11 with its neighbours, 8 / 12 between the outer two
    assert analysis.non_maximum_suppression(boxes, scores, 0.8).tolist() == [1, 3]
    # a box that is itself suppressed suppresses none
    chain = np.array([0.9, 0.6, 0.5, 0.1])
    assert analysis.non_maximum_suppression(boxes, chain, 0.8).tolist() == [0, 2, 3]
    assert analysis.non_maximum_suppression(boxes, scores, 0.85).tolist() == [1, 2, 0, 3]
    classes = np.array([0, 1, 0, 0])
    assert analysis.non_maximum_suppression(boxes, scores, 0.5, classes).tolist() == [1, 2, 3]
    none = analysis.non_maximum_suppression(np.zeros((0, 4)), np.zeros(0), 0.5)
    assert none.tolist() == []


@pytest.mark.parametrize(("v5", "expected"), [(False, 1.000), (True, 0.995)])
def test_perfect_detection_of_ten_objects(v5, expected):
    objects = drawn(10, images=3)
    (row,) = analysis.average_precision(found(objects, 0.9), objects, v5_metric=v5)
    assert row.at_half == pytest.approx(expected, abs=1e-12)
    assert row.mean == pytest.approx(expected, abs=1e-12)
    assert (row.label, row.objects, row.detections) == (0, 10, 10)


@pytest.mark.parametrize("extra", [1, 3, 10])
def test_false_boxes_after_all_true_ones_cost_almost_nothing(extra):
    objects = drawn(10)
    everything = found(objects, 0.9, extra=np.linspace(0.5, 0.1, extra))
    (row,) = analysis.average_precision(everything, objects)
    assert row.at_half == pytest.approx(1 - 0.005 * (1 - 10 / (10 + extra)), abs=1e-12)


def test_a_false_box_before_all_true_ones():
    objects = drawn(4)
    (row,) = analysis.average_precision(found(objects, 0.5, extra=[0.9]), objects, v5_metric=True)
    # precision 0, 1/2, 2/3, 3/4, 4/5 becomes 4/5 from 0 to 0.99, and 0 at 1
    assert row.at_half == pytest.approx(0.8 - 0.8 * 0.005, abs=1e-12)


def test_half_of_the_objects_missed():
    objects = drawn(10)
    few = found(Objects(*(field[:5] for field in objects)), 0.9)
    (default,) = analysis.average_precision(few, objects)
    assert default.at_half == pytest.approx(0.505, abs=1e-12)  # 1 up to 0.5, 0 from 0.51
    (v5,) = analysis.average_precision(few, objects, v5_metric=True)
    assert v5.at_half == pytest.approx(0.5 + 0.5 / 2, abs=0.011)  # a line from there to 0 at 1


def test_each_object_is_found_once():
    objects = drawn(1)
    twice = found(objects, 0.9)
    twice = Detections(*(np.concatenate([field, field]) for field in twice))
    twice = twice._replace(scores=np.array([0.9, 0.8]))
    (row,) = analysis.average_precision(twice, objects)
    assert row.at_half == pytest.approx(1 - 0.005 * 0.5, abs=1e-12)


def test_images_and_classes_are_kept_apart():
    objects = drawn(2, images=2)
    right = found(objects, 0.9)
    swapped = right._replace(images=right.images[::-1].copy())
    assert analysis.average_precision(swapped, objects)[0].at_half == 0
    other = right._replace(classes=np.ones(2, int))
    (row,) = analysis.average_precision(other, objects)
    assert (row.at_half, row.detections) == (0, 0)
    rows = analysis.average_precision(other, objects, [1, 0])
    assert [row.label for row in rows] == [1, 0]
    assert np.isnan(rows[0].at_half)


def test_mean_over_overlaps_by_hand():
    objects = drawn(1)
    # 10 x 7.2 in 10 x 10: enough for 0.50, 0.55, 0.60, 0.65 and 0.70
    near = found(objects, 0.9)._replace(boxes=np.array([[0.0, 0.0, 10.0, 7.2]]))
    (row,) = analysis.average_precision(near, objects)
    assert row.at_half == pytest.approx(1)
    assert row.mean == pytest.approx(5 / 10)
    # an overlap of exactly a half is enough
    half = near._replace(boxes=np.array([[0.0, 0.0, 10.0, 5.0]]))
    assert analysis.average_precision(half, objects)[0].mean == pytest.approx(1 / 10)


def by_loop(found, objects, label, threshold, v5):
    """Average precision from the definition: detection by detection, recall by recall."""
    order = sorted(
        (k for k in range(len(found.scores)) if found.classes[k] == label),
        key=lambda k: -found.scores[k],
    )
    count = sum(c == label for c in objects.classes)
    taken, points, hits = set(), [(0.0, 1.0)], 0
    for rank, k in enumerate(order, 1):
        best, best_overlap = None, threshold
        for m in range(len(objects.boxes)):
            if m in taken or objects.classes[m] != label or objects.images[m] != found.images[k]:
                continue
            (ax, ay, bx, by), (cx, cy, dx, dy) = found.boxes[k], objects.boxes[m]
            both = max(0, min(bx, dx) - max(ax, cx)) * max(0, min(by, dy) - max(ay, cy))
            overlap = both / ((bx - ax) * (by - ay) + (dx - cx) * (dy - cy) - both)
            if overlap >= best_overlap:
                best, best_overlap = m, overlap
        if best is not None:
            taken.add(best)
            hits += 1
        points.append((hits / count, hits / rank))
    points.append((1.0 if v5 else points[-1][0] + 0.01, 0.0))
    recall = [r for r, _ in points]
    best_after = [max(p for _, p in points[k:]) for k in range(len(points))]
    heights = np.interp(np.linspace(0, 1, 101), recall, best_after)
    return np.sum((heights[1:] + heights[:-1]) / 2) / 100


@pytest.mark.parametrize("v5", [False, True])
def test_random_detections_are_scored_as_by_a_loop(v5):
    rng = np.random.default_rng(8)
    corners = rng.uniform(0, 60, (30, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(15, 30, (30, 2))], axis=1)
    objects = Objects(boxes, rng.integers(0, 2, 30), rng.integers(0, 4, 30))
    guesses = np.repeat(boxes, 3, axis=0) + rng.normal(0, 2, (90, 4))
    detections = Detections(
        guesses, rng.uniform(size=90), np.repeat(objects.classes, 3), np.repeat(objects.images, 3)
    )
    for row in analysis.average_precision(detections, objects, v5_metric=v5):
        each = [by_loop(detections, objects, row.label, k / 100, v5) for k in range(50, 100, 5)]
        assert 0.1 < row.at_half < 0.95
        assert row.at_half == pytest.approx(each[0], abs=1e-12)
        assert row.mean == pytest.approx(np.mean(each), abs=1e-12)
