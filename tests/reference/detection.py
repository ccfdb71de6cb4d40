"""Boxes, their overlap, assignment and loss of a detector, prediction by prediction in float64."""

from __future__ import annotations

import math

import numpy as np

STRIDES = (8, 16, 32)
BALANCE = (4.0, 1.0, 0.4)


def sigmoid(t):
    return 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))


def decode_one(raw, column, row, stride, anchor):
    x = (2 * sigmoid(raw[0]) - 0.5 + column) * stride
    y = (2 * sigmoid(raw[1]) - 0.5 + row) * stride
    w = (2 * sigmoid(raw[2])) ** 2 * anchor[0]
    h = (2 * sigmoid(raw[3])) ** 2 * anchor[1]
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def every_prediction(outputs, image):
    """Level, row, column and anchor of all predictions of an image, in order."""
    for level, output in enumerate(outputs):
        for row, column, anchor in np.ndindex(output.shape[1:4]):
            yield level, row, column, anchor, np.asarray(output[image, row, column, anchor], float)


def area(box):
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def overlap(a, b):
    both = (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    return area(both) / (area(a) + area(b) - area(both))


def complete_overlap(a, b):
    plain = overlap(a, b)
    centre_a, centre_b = (((z[0] + z[2]) / 2, (z[1] + z[3]) / 2) for z in (a, b))
    around = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
    diagonal = math.hypot(around[2] - around[0], around[3] - around[1])
    distance = math.dist(centre_a, centre_b)
    slants = [math.atan((z[2] - z[0]) / (z[3] - z[1])) for z in (a, b)]
    v = 4 / math.pi**2 * (slants[1] - slants[0]) ** 2
    alpha = v / (1 - plain + v) if v else 0.0
    return plain - distance**2 / diagonal**2 - alpha * v


def candidates(box, outputs, anchors):
    """Level, row, column and anchor of what lies near a box and fits it."""
    found = []
    for level, stride in enumerate(STRIDES):
        rows, columns = outputs[level].shape[1:3]
        x, y = (box[0] + box[2]) / 2 / stride, (box[1] + box[3]) / 2 / stride
        column, row = math.floor(x), math.floor(y)
        cells = [
            (row, column),
            (row, column - 1 if x - column < 0.5 else column + 1),
            (row - 1 if y - row < 0.5 else row + 1, column),
        ]
        for r, c in cells:
            for k, (w, h) in enumerate(anchors[level]):
                ratios = (box[2] - box[0]) / w, (box[3] - box[1]) / h
                fits = all(0.25 < ratio < 4 for ratio in ratios)
                if fits and 0 <= r < rows and 0 <= c < columns:
                    found.append((level, r, c, k))
    return found


def cost_of(raw, box, plain, label):
    total = -3 * math.log(plain + 1e-8)
    for c, logit in enumerate(raw[5:]):
        y = math.sqrt(sigmoid(logit) * sigmoid(raw[4]))
        total -= math.log(y) if c == label else math.log(1 - y)
    return total


def assign(outputs, boxes, labels, anchors, image):
    """Which object each prediction of an image is to learn: a dictionary by its place."""
    pool = list(dict.fromkeys(p for box in boxes for p in candidates(box, outputs, anchors)))
    costs, wanted = {}, {}
    for m, (box, label) in enumerate(zip(boxes, labels, strict=True)):
        plains = []
        for place in pool:
            level, row, column, k = place
            raw = np.asarray(outputs[level][image, row, column, k], float)
            own = decode_one(raw, column, row, STRIDES[level], anchors[level][k])
            plains.append(overlap(own, box))
            costs[m, place] = cost_of(raw, box, plains[-1], label)
        number = max(1, int(sum(sorted(plains, reverse=True)[:10])))
        for place in sorted(pool, key=lambda p, m=m: costs[m, p])[:number]:
            wanted.setdefault(place, []).append(m)
    for place, many in wanted.items():
        if len(many) > 1:
            wanted[place] = [min(range(len(boxes)), key=lambda m, p=place: costs[m, p])]
    return {place: many[0] for place, many in wanted.items()}


def cross_entropy(logit, target):
    return max(logit, 0) - logit * target + math.log1p(math.exp(-abs(logit)))


def loss(outputs, images, anchors, image_size):
    """Box, objectness and class terms; ``images`` has a list of boxes and of labels of each."""
    classes = outputs[0].shape[-1] - 5
    box, objectness, label = ([[] for _ in STRIDES] for _ in range(3))
    for image, (boxes, labels) in enumerate(images):
        given = assign(outputs, boxes, labels, anchors, image)
        for level, row, column, k, raw in every_prediction(outputs, image):
            target = 0.0
            if (level, row, column, k) in given:
                m = given[level, row, column, k]
                own = decode_one(raw, column, row, STRIDES[level], anchors[level][k])
                near = complete_overlap(own, boxes[m])
                target = max(near, 0.0)
                box[level].append(1 - near)
                label[level] += [
                    cross_entropy(raw[5 + c], float(c == labels[m])) for c in range(classes)
                ]
            objectness[level].append(cross_entropy(raw[4], target))
    mean = [[np.mean(level) if level else 0.0 for level in term] for term in (box, label)]
    return {
        "box": 0.05 * sum(mean[0]),
        "objectness": 0.7
        * (image_size / 640) ** 2
        * sum(b * np.mean(level) for b, level in zip(BALANCE, objectness, strict=True)),
        "class": 0.3 * classes / 80 * sum(mean[1]),
    }
