"""Figures of uncertainty in plain loops over pixels, slices and subjects, in float64."""

import math


def grouped(values, groups, count):
    found = [[] for _ in range(count)]
    for value, group in zip(values, groups, strict=True):
        found[group].append(float(value))
    return found


def average(values):
    values = list(values)
    return math.fsum(values) / len(values)


def rmre(target, prediction, slices, count):
    relative = [abs(p - y) / y for y, p in zip(target, prediction, strict=True)]
    return 100 * average(average(part) for part in grouped(relative, slices, count) if part)


def calibration_error(uncertainty, error, bins):
    """Equal-width bins, the last closed on both sides; each loops over all items."""
    low, high = min(uncertainty), max(uncertainty)
    edges = [low + (high - low) * k / bins for k in range(bins + 1)]
    total = 0.0
    for k in range(bins):
        chosen = [
            i
            for i, u in enumerate(uncertainty)
            if (edges[k] < u <= edges[k + 1]) or (k == 0 and u == low)
        ]
        if chosen:
            gap = average(error[i] for i in chosen) - average(uncertainty[i] for i in chosen)
            total += len(chosen) / len(uncertainty) * abs(gap)
    return total


def sparsified(uncertainty, relative, slices, count, step=0.05):
    """Sort, cut off the top again and again, average what is left over slices with pixels."""
    order = sorted(range(len(relative)), key=lambda i: -uncertainty[i])
    curve, left = [], []
    for k in range(round(1 / step)):
        rest = order[math.ceil(k * step * len(order) - 1e-9) :]
        parts = [
            part
            for part in grouped([relative[i] for i in rest], [slices[i] for i in rest], count)
            if part
        ]
        curve.append(average(average(part) for part in parts))
        left.append(len(parts))
    return curve, left


def weighted_factor(scores_by_subject, level, unseen=1):
    """Smallest score with enough weight at or below it, by trying each."""
    total = len(scores_by_subject) + unseen
    for candidate in sorted(score for part in scores_by_subject for score in part):
        weight = math.fsum(
            sum(score <= candidate for score in part) / len(part) / total
            for part in scores_by_subject
        )
        if weight >= level - 1e-12:
            return candidate
    return math.inf


def upper_end(centres, scales, scores_by_model, level):
    """CV+: weighted quantile of ``p + u R``; scores of each model's subjects, lists of lists."""
    total = sum(len(model) for model in scores_by_model) + 1
    ends = sorted(
        (centre + scale * score, 1 / len(part) / total)
        for centre, scale, model in zip(centres, scales, scores_by_model, strict=True)
        for part in model
        for score in part
    )
    weight = 0.0
    for end, own in ends:
        weight += own
        if weight >= level - 1e-9:
            return end
    return math.inf
