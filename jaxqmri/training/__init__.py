"""How a network learns: losses, folds, patches, one compiled step, plateau and checkpoints."""

from __future__ import annotations

from jaxqmri.training.checkpoints import Checkpoints, load_model, save_model
from jaxqmri.training.detection import (
    ANCHORS,
    Assignment,
    Predictions,
    anchors_for,
    assign_predictions,
    complete_iou,
    decode_predictions,
    detection_loss,
)
from jaxqmri.training.folds import Split, assign_folds, fold_seed, make_splits
from jaxqmri.training.loop import Trainer, TrainState, Variables
from jaxqmri.training.losses import (
    binary_cross_entropy,
    l1,
    laplace_nll,
    physics_consistency,
    soft_dice,
    supervised_and_physics,
)
from jaxqmri.training.optimisers import make_optimiser
from jaxqmri.training.patches import (
    Augmentation,
    Patches,
    Slices,
    Voxels,
    centres_in,
    sample_patches,
    sample_voxels,
)
from jaxqmri.training.plateau import Plateau, PlateauRule, check
from jaxqmri.training.segmentation import segmentation_loss
from jaxqmri.training.session import Course, Point, Trained, Training, train
from jaxqmri.training.sliding import predict_voxels, sliding_window, tile_corners, tile_weights

__all__ = [
    "ANCHORS",
    "Assignment",
    "Augmentation",
    "Checkpoints",
    "Course",
    "Patches",
    "Plateau",
    "PlateauRule",
    "Point",
    "Predictions",
    "Slices",
    "Split",
    "TrainState",
    "Trained",
    "Trainer",
    "Training",
    "Variables",
    "Voxels",
    "anchors_for",
    "assign_folds",
    "assign_predictions",
    "binary_cross_entropy",
    "centres_in",
    "check",
    "complete_iou",
    "decode_predictions",
    "detection_loss",
    "fold_seed",
    "l1",
    "laplace_nll",
    "load_model",
    "make_optimiser",
    "make_splits",
    "physics_consistency",
    "predict_voxels",
    "sample_patches",
    "sample_voxels",
    "save_model",
    "segmentation_loss",
    "sliding_window",
    "soft_dice",
    "supervised_and_physics",
    "tile_corners",
    "tile_weights",
    "train",
]
