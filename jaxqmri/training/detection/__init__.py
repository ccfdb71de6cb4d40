"""How a network that finds boxes learns: anchors, decoding, assignment and the loss of YOLOv7."""

from jaxqmri.training.detection.assignment import Assignment, assign_predictions
from jaxqmri.training.detection.boxes import (
    ANCHORS,
    STRIDES,
    Predictions,
    anchors_for,
    decode_predictions,
)
from jaxqmri.training.detection.loss import detection_loss
from jaxqmri.training.detection.overlap import complete_iou, iou

__all__ = [
    "ANCHORS",
    "STRIDES",
    "Assignment",
    "Predictions",
    "anchors_for",
    "assign_predictions",
    "complete_iou",
    "decode_predictions",
    "detection_loss",
    "iou",
]
