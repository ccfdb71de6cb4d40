"""How well discs are found and named: rows of the detector, and of the likeliest column."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from experiments.disc_phases.column import Column
from experiments.disc_phases.metrics import (
    AP,
    AP_STRICT,
    COLUMN,
    DETECTOR,
    LEVELS,
    LOWEST,
    NAMED_RIGHT,
    row,
)
from experiments.disc_phases.paper import AVERAGE_PRECISION
from experiments.run import Result
from jaxqmri.analysis import Detections, Objects, average_precision, iou

SURE, IN_COLUMN = 0.25, 0.05  # score from which a disc counts as found: alone, among others


def objects_of(boxes: Float[np.ndarray, "p 5 4"]) -> Objects:
    """Drawn boxes as what is to be found."""
    count = len(boxes)
    return Objects(
        boxes.reshape(-1, 4).astype(float),
        np.tile(np.arange(len(LEVELS)), count),
        np.repeat(np.arange(count), len(LEVELS)),
    )


def best_boxes(found: Detections, patients: int, sure: float = SURE) -> Float[np.ndarray, "p 5 4"]:
    """Of each level the box with the highest score; NaN where none reaches ``sure``."""
    boxes = np.full((patients, len(LEVELS), 4), np.nan)
    scores = np.full((patients, len(LEVELS)), sure)
    for box, score, level, patient in zip(*found, strict=True):
        if score >= scores[patient, level]:
            boxes[patient, level], scores[patient, level] = box, score
    return boxes


def detection_rows(
    found: Detections,
    drawn: Float[np.ndarray, "p 5 4"],
    source: str,
    *,
    model: str = DETECTOR,
    beside: bool = False,
) -> list[Result]:
    """Average precision of every level, the lowest and the mean, and how many are named right."""
    precision = average_precision(found, objects_of(drawn))
    rows = []
    for metric, values in (
        (AP, [one.at_half for one in precision]),
        (AP_STRICT, [one.mean for one in precision]),
    ):
        printed = AVERAGE_PRECISION if beside and metric == AP else {}
        rows += [
            row(model, source, metric, level, "", value, n=len(drawn), paper=printed.get(level))
            for level, value in zip(LEVELS, values, strict=True)
        ]
        rows += [
            row(model, source, f"{metric}, {LOWEST}", None, "", float(np.min(values)),
                paper=min(printed.values()) if printed else None),
            row(model, source, f"{metric}, mean", None, "", float(np.mean(values)),
                paper=printed.get("all")),
        ]  # fmt: skip
    boxes = best_boxes(found, len(drawn), SURE if model == DETECTOR else IN_COLUMN)
    right = [
        np.diag(iou(np.nan_to_num(one), own)) >= 0.5 for one, own in zip(boxes, drawn, strict=True)
    ]
    share = 100.0 * float(np.mean(right))
    rows.append(row(model, source, NAMED_RIGHT, None, "%", share, n=drawn.shape[0] * 5))
    return rows


def all_detection_rows(
    found: Detections,
    column: Column,
    drawn: Float[np.ndarray, "p 5 4"],
    source: str,
    *,
    beside: bool = False,
) -> list[Result]:
    """Rows of the detector by itself, and of the likeliest column of what it found."""
    return [
        *detection_rows(found, drawn, source, beside=beside),
        *detection_rows(column.choose(found), drawn, source, model=COLUMN),
    ]
