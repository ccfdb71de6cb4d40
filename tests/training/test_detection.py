"""Decoding, overlap, assignment and loss against hand-worked cases and a loop in float64."""

from __future__ import annotations

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxqmri.training import (
    ANCHORS,
    anchors_for,
    assign_predictions,
    complete_iou,
    decode_predictions,
    detection,
    detection_loss,
)
from tests.reference import detection as reference

SIZE, BATCH, CLASSES = 96, 3, 5
# wide and flat, as discs are
OWN = np.array(
    [
        [[10, 6], [16, 8], [24, 10]],
        [[30, 9], [34, 14], [44, 18]],
        [[50, 20], [60, 24], [80, 40]],
    ]
)
ASSIGN = {
    "published": jax.jit(partial(assign_predictions, anchors=anchors_for(SIZE))),
    "own": jax.jit(partial(assign_predictions, anchors=anchors_for(SIZE, OWN))),
}
WHOSE = {"published": None, "own": OWN}


@cache
def loss_of(whose, derivative=False):
    """Loss and its terms, or with its derivative, compiled."""
    loss = partial(detection_loss, image_size=SIZE, anchors=WHOSE[whose])
    return jax.jit(jax.value_and_grad(loss, has_aux=True) if derivative else loss)


def random_outputs(seed, spread=1.0, batch=BATCH):
    rng = np.random.default_rng(seed)
    return tuple(
        jnp.float32(rng.normal(0, spread, (batch, SIZE // s, SIZE // s, 3, 5 + CLASSES)))
        for s in detection.STRIDES
    )


def random_objects(seed):
    """Discs, one under the other: five in the first image, four, and three."""
    rng = np.random.default_rng(seed)
    shape = BATCH, CLASSES
    x, y = rng.uniform(30, 66, shape), 14.3 * (1 + np.arange(CLASSES)) + rng.uniform(-3, 3, shape)
    half_w, half_h = rng.uniform(8, 20, shape), rng.uniform(3.5, 7, shape)
    boxes = np.stack([x - half_w, y - half_h, x + half_w, y + half_h], axis=-1)
    present = np.arange(CLASSES) < (CLASSES - np.arange(BATCH))[:, None]
    boxes = np.where(present[..., None], boxes, np.nan)
    classes = np.where(present, np.arange(CLASSES), -7)
    return jnp.float32(boxes), jnp.int32(classes), jnp.asarray(present)


def listed(objects):
    """What the reference takes: boxes and labels of each image."""
    boxes, classes, present = (np.asarray(one) for one in objects)
    return [
        (boxes[k][present[k]].astype(float).tolist(), classes[k][present[k]].tolist())
        for k in range(len(boxes))
    ]


def placed(assignment, outputs, image):
    """What an assignment says, in the reference's form."""
    names = [one[:4] for one in reference.every_prediction(outputs, image)]
    index, taken, objects = (np.asarray(part)[image] for part in assignment)
    assert len(set(index[taken])) == taken.sum()
    return {names[i]: int(m) for i, m in zip(index[taken], objects[taken], strict=True)}


def test_anchors_are_scaled_or_a_studys_own():
    np.testing.assert_allclose(anchors_for(320), ANCHORS / 2)
    np.testing.assert_allclose(anchors_for((320, 640)), ANCHORS)
    np.testing.assert_allclose(anchors_for(SIZE, OWN), OWN)
    with pytest.raises(ValueError, match=r"\(3, 3, 2\), got \(9, 2\)"):
        anchors_for(SIZE, OWN.reshape(9, 2))
    with pytest.raises(ValueError, match="positive"):
        anchors_for(SIZE, OWN - 10)


def test_zero_is_a_box_of_the_anchors_size_in_the_middle_of_its_cell():
    outputs = tuple(jnp.zeros_like(level) for level in random_outputs(0))
    found = decode_predictions(outputs, anchors_for(SIZE, OWN))
    n = 3 * (12**2 + 6**2 + 3**2)
    assert found.boxes.shape == (BATCH, n, 4)
    assert found.probabilities.shape == (BATCH, n, CLASSES)
    np.testing.assert_allclose(found.objectness, 0.5)
    # the first level's row 1, column 2, last anchor: centre (20, 12), 24 x 10 pixels
    np.testing.assert_allclose(found.boxes[0, 3 * (12 + 2) + 2], [8, 7, 32, 17])
    # the last cell of the last level, its first anchor
    np.testing.assert_allclose(found.boxes[1, -3], [80 - 25, 80 - 10, 80 + 25, 80 + 10])


def test_decoding_is_that_of_the_loop():
    outputs, anchors = random_outputs(1, spread=2.0), anchors_for(SIZE)
    found = jax.tree.map(np.asarray, decode_predictions(outputs, anchors))
    for image in range(BATCH):
        for k, (level, *cell, a, raw) in enumerate(reference.every_prediction(outputs, image)):
            row, column = cell
            size, stride = anchors[level][a], reference.STRIDES[level]
            box = reference.decode_one(raw, column, row, stride, size)
            np.testing.assert_allclose(found.boxes[image, k], box, rtol=1e-4, atol=1e-4)
            chances = [found.objectness[image, k], *found.probabilities[image, k]]
            expected = [reference.sigmoid(logit) for logit in raw[4:]]
            np.testing.assert_allclose(chances, expected, rtol=1e-5)


def test_complete_overlap_by_hand():
    a = jnp.array([[0.0, 0, 10, 10]])
    assert float(complete_iou(a, a)[0]) == pytest.approx(1, abs=1e-6)
    # next to each other: centres 10 apart, 20 x 10 around both
    assert float(complete_iou(a, a + jnp.array([10.0, 0, 10, 0]))[0]) == pytest.approx(-100 / 500)
    # around one centre, half as high: overlap 1/2, angles atan 1 and atan 2
    flat = jnp.array([[0.0, 2.5, 10, 7.5]])
    v = 4 / np.pi**2 * (np.arctan(2) - np.pi / 4) ** 2
    assert float(complete_iou(flat, a)[0]) == pytest.approx(0.5 - v**2 / (0.5 + v), abs=1e-6)
    assert float(detection.iou(flat, a)[0]) == pytest.approx(0.5)


def test_complete_overlap_is_that_of_the_loop():
    rng = np.random.default_rng(4)
    corners = rng.uniform(0, 50, (2, 40, 2))
    a, b = np.concatenate([corners, corners + rng.uniform(2, 40, (2, 40, 2))], axis=-1)
    expected = [reference.complete_overlap(p, q) for p, q in zip(a, b, strict=True)]
    np.testing.assert_allclose(complete_iou(jnp.float32(a), jnp.float32(b)), expected, atol=1e-5)
    plain = [[reference.overlap(p, q) for q in b] for p in a]
    found = detection.iou(jnp.float32(a)[:, None], jnp.float32(b)[None])
    np.testing.assert_allclose(found, plain, atol=1e-6)


def test_no_derivative_goes_through_the_weight_of_the_shape():
    a, b = np.array([0.0, 0, 12, 10]), np.array([1.0, 2, 8, 17])
    with jax.enable_x64(True):
        slope = jax.grad(lambda box: complete_iou(box[None], jnp.asarray(b)[None])[0])(
            jnp.asarray(a)
        )
    v = 4 / np.pi**2 * (np.arctan(7 / 15) - np.arctan(12 / 10)) ** 2
    alpha = v / (1 - reference.overlap(a, b) + v)

    def held(box):
        """The same with the weight at its value here."""
        shape = (
            4
            / np.pi**2
            * (np.arctan(7 / 15) - np.arctan((box[2] - box[0]) / (box[3] - box[1]))) ** 2
        )
        around = np.maximum(box[2:], b[2:]) - np.minimum(box[:2], b[:2])
        apart = (box[:2] + box[2:] - b[:2] - b[2:]) / 2
        distance = np.sum(apart**2) / np.sum(around**2)
        return reference.overlap(box, b) - distance - alpha * shape

    assert held(a) == pytest.approx(reference.complete_overlap(a, b))
    numeric = [(held(a + step) - held(a - step)) / 2e-5 for step in 1e-5 * np.eye(4)]
    np.testing.assert_allclose(slope, numeric, atol=1e-6)


@pytest.mark.parametrize("whose", ["published", "own"])
@pytest.mark.parametrize("seed", range(4))
def test_assignment_is_that_of_the_loop(seed, whose):
    anchors = anchors_for(SIZE, WHOSE[whose])
    outputs, objects = random_outputs(seed), random_objects(seed)
    found = ASSIGN[whose](outputs, *objects)
    for image, (boxes, labels) in enumerate(listed(objects)):
        expected = reference.assign(outputs, boxes, labels, anchors, image)
        assert expected
        assert placed(found, outputs, image) == expected


# of these only one fits objects of 4 to 32 by 2 to 16 pixels, at the first level
ALONE = np.full((3, 3, 2), 500.0)
ALONE[0, 1] = 16, 8
ASSIGN["alone"] = jax.jit(partial(assign_predictions, anchors=anchors_for(SIZE, ALONE)))


def assigned(outputs, *boxes):
    """Assignment of one image's objects, the first of class 0, to the one anchor of ``ALONE``."""
    given = jnp.float32(np.concatenate([boxes, np.zeros((2 - len(boxes), 4))]))[None]
    present = jnp.arange(2)[None] < len(boxes)
    return placed(ASSIGN["alone"](outputs, given, jnp.array([[0, 1]]), present), outputs, 0)


def test_assignment_by_hand():
    # its centre is at (3.2, 5.8) in cells: the nearest beside it is to the left, and below
    x, y = 8 * 3.2, 8 * 5.8
    box = [x - 8, y - 4, x + 8, y + 4]
    outputs = tuple(jnp.zeros_like(level) for level in random_outputs(0, batch=1))
    # the anchor in the middles of the three cells, (28, 44), (20, 44) and (28, 52)
    overlaps = []
    for dx, dy in ((2.4, 2.4), (5.6, 2.4), (2.4, 5.6)):
        both = (16 - dx) * (8 - dy)
        overlaps.append(both / (2 * 128 - both))
    assert sum(overlaps) < 1  # so it gets one
    assert assigned(outputs, box) == {(0, 5, 3, 1): 0}

    # with the last moved to where the object is they add up to between one and two
    exact = logit(np.array([(3.2 - 3 + 0.5) / 2, (5.8 - 6 + 0.5) / 2]))
    moved = (outputs[0].at[0, 6, 3, 1, :2].set(jnp.float32(exact)), *outputs[1:])
    assert 1.4 < 1 + sum(overlaps[:2]) < 2
    assert assigned(moved, box) == {(0, 6, 3, 1): 0}

    # with the first moved as well, to 2.29
    exact = logit(np.array([(3.2 - 3 + 0.5) / 2, (5.8 - 5 + 0.5) / 2]))
    moved = (moved[0].at[0, 5, 3, 1, :2].set(jnp.float32(exact)), *outputs[1:])
    assert assigned(moved, box) == {(0, 5, 3, 1): 0, (0, 6, 3, 1): 0}


def test_an_object_takes_what_its_class_is_likeliest_for():
    outputs = tuple(jnp.zeros_like(level) for level in random_outputs(0, batch=1))
    # in the middle between two cells: the same overlap with both
    box = [32.0 - 8, 28 - 4, 32 + 8, 28 + 4]
    left, right = (0, 3, 3, 1), (0, 3, 4, 1)
    for better, worse in ((left, right), (right, left)):
        level = outputs[0].at[0, *better[1:], 5].set(2.0).at[0, *worse[1:], 5].set(1.0)
        assert better in assigned((level, *outputs[1:]), box)


def test_neighbours_outside_the_image_are_no_candidates():
    outputs = tuple(jnp.zeros_like(level) for level in random_outputs(0, batch=1))
    index, possible = detection.assignment.candidates(
        jnp.array([[-6.0, -2, 8, 6], [88.0, 90, 100, 97]]),
        jnp.ones(2, bool),
        tuple(level.shape[1:3] for level in outputs),
        ALONE,
    )
    # centres (1, 2) and (94, 93.5): of the first and the last cell, the nearest lie outside
    expected = [[1], [3 * (11 * 12 + 11) + 1]]
    for own, usable, cells in zip(
        index.reshape(2, -1), possible.reshape(2, -1), expected, strict=True
    ):
        assert own[usable].tolist() == cells


def test_an_object_that_no_anchor_fits_is_given_nothing():
    outputs = tuple(jnp.zeros_like(level) for level in random_outputs(0, batch=1))
    assert assigned(outputs, [40.0, 40.0, 43.9, 48.0]) == {}
    assert assigned(outputs, [40.0, 40.0, 44.1, 48.0]) != {}
    assert assigned(outputs, [10.0, 40.0, 74.1, 48.0]) == {}


def test_a_prediction_that_two_objects_want_goes_to_the_cheaper():
    outputs = tuple(jnp.zeros_like(level) for level in random_outputs(0, batch=1))
    # the box of cell (4, 4) is 28 to 44 by 32 to 40, the best for both objects
    far, near = [29.5, 33.5, 45.5, 41.5], [28.5, 32.5, 44.5, 40.5]
    assert assigned(outputs, far) == {(0, 4, 4, 1): 0}
    assert assigned(outputs, far, near)[0, 4, 4, 1] == 1
    assert assigned(outputs, near, far)[0, 4, 4, 1] == 0


@pytest.mark.parametrize("whose", ["published", "own"])
def test_loss_is_that_of_the_loop(whose):
    outputs, objects = random_outputs(7), random_objects(7)
    total, terms = loss_of(whose)(outputs, *objects)
    anchors = anchors_for(SIZE, WHOSE[whose])
    expected = reference.loss(outputs, listed(objects), anchors, SIZE)
    assert set(terms) == set(expected)
    for name, value in expected.items():
        assert value > 0
        assert float(terms[name]) == pytest.approx(value, rel=2e-5)
    assert float(total) == pytest.approx(sum(expected.values()), rel=2e-5)


def logit(p):
    return np.log(p) - np.log1p(-p)


def true_outputs(objects, anchors):
    """Outputs whose assigned predictions are right, and that see no object anywhere else."""
    boxes, classes, present = (np.asarray(one) for one in objects)
    outputs = [np.full(np.shape(level), -20.0) for level in random_outputs(0)]
    for image, m in np.argwhere(present):
        x1, y1, x2, y2 = boxes[image, m]
        for level, row, column, k in reference.candidates(boxes[image, m], outputs, anchors):
            stride, (w, h) = reference.STRIDES[level], anchors[level][k]
            near = np.array([(x1 + x2) / 2 / stride - column, (y1 + y2) / 2 / stride - row])
            size = np.sqrt([(x2 - x1) / w, (y2 - y1) / h])
            one = outputs[level][image, row, column, k]
            one[:4] = logit(np.concatenate([(near + 0.5) / 2, size / 2]))
            one[5:] = np.where(np.arange(CLASSES) == classes[image, m], 20.0, -20.0)
    found = ASSIGN["own"](tuple(map(jnp.float32, outputs)), *objects)
    for image in range(BATCH):
        for level, row, column, k in placed(found, outputs, image):
            outputs[level][image, row, column, k, 4] = 20.0
    return tuple(map(jnp.float32, outputs))


def test_the_truth_costs_nothing():
    objects, anchors = random_objects(3), anchors_for(SIZE, OWN)
    outputs = true_outputs(objects, anchors)
    total, terms = loss_of("own")(outputs, *objects)
    assert float(terms["box"]) < 1e-5
    assert float(terms["objectness"]) < 1e-5
    assert float(terms["class"]) < 1e-6
    wrong = tuple(level.at[..., 5:].multiply(-1) for level in outputs)
    assert float(loss_of("own")(wrong, *objects)[1]["class"]) > 0.3
    moved = objects[0] + 3, *objects[1:]
    assert float(loss_of("own")(outputs, *moved)[0]) > float(total) + 0.01
    # what is assigned is found again by decoding, every object at least once
    seen = jax.tree.map(np.asarray, decode_predictions(outputs, anchors))
    for image, (boxes, labels) in enumerate(listed(objects)):
        sure = seen.objectness[image] > 0.5
        called = np.argmax(seen.probabilities[image], axis=-1)
        assert set(called[sure]) == set(labels)
        for box, label in zip(boxes, labels, strict=True):
            own = seen.boxes[image, sure & (called == label)]
            np.testing.assert_allclose(own, np.tile(box, (len(own), 1)), atol=1e-2)


def test_a_batch_without_objects_has_only_objectness_to_learn():
    outputs, (boxes, classes, present) = random_outputs(5), random_objects(5)
    none = jnp.zeros_like(present)
    (total, terms), slopes = loss_of("own", True)(outputs, boxes, classes, none)
    assert (float(terms["box"]), float(terms["class"])) == (0, 0)
    expected = reference.loss(outputs, [([], [])] * BATCH, OWN, SIZE)
    assert float(total) == pytest.approx(expected["objectness"], rel=1e-5)
    for slope in map(np.asarray, slopes):
        assert np.isfinite(slope).all()
        assert (slope[..., 4] > 0).all()
        assert not slope[..., [0, 1, 2, 3, *range(5, 5 + CLASSES)]].any()


@pytest.mark.parametrize("spread", [1.0, 60.0])
def test_derivatives_are_finite_and_reach_only_what_is_assigned(spread):
    outputs, objects = random_outputs(6, spread=spread), random_objects(6)
    _, slopes = loss_of("own", True)(outputs, *objects)
    given = ASSIGN["own"](outputs, *objects)
    for image in range(BATCH):
        own = placed(given, outputs, image)
        for *place, slope in reference.every_prediction(slopes, image):
            assert np.isfinite(slope).all()
            if tuple(place) not in own:
                assert not slope[[0, 1, 2, 3, *range(5, 5 + CLASSES)]].any()
            elif spread == 1.0:
                assert slope.all()


def test_following_the_slope_finds_the_boxes():
    outputs, objects = random_outputs(8, spread=0.1), random_objects(8)
    optimiser = optax.adam(0.1)
    state, learn = optimiser.init(outputs), loss_of("own", True)
    (first, _), _ = learn(outputs, *objects)
    for _ in range(250):
        _, slopes = learn(outputs, *objects)
        change, state = optimiser.update(slopes, state)
        outputs = optax.apply_updates(outputs, change)
    (last, terms), _ = learn(outputs, *objects)
    assert float(last) < 0.05 * float(first)
    assert float(terms["box"]) < 0.01


def test_outputs_must_be_of_the_image_size():
    with pytest.raises(ValueError, match=r"expected \(\(8, 12\), \(4, 6\), \(2, 3\)\) of images"):
        detection_loss(random_outputs(0), *random_objects(0), (64, 96))
