"""How the networks learn: settings alone, read before JAX is loaded."""

from __future__ import annotations

from dataclasses import dataclass

LIMITS = (10.0, 100.0)  # ms, of every prediction


@dataclass(frozen=True)
class Learning:
    """Sizes of the networks, and how they learn.

    Attributes
    ----------
    features
        Channels of the U-Net at each level; the paper's own are told in a figure alone.
    mlp_width
        Factor on the published widths of the perceptron.
    unet_batch, mlp_batch
        Patches, and voxels, of a step.
    unet_rate, mlp_rate
        Learning rates of Adam for the U-Nets, of RMSProp for the perceptron.
    weight_decay
        Of both.
    decay_rate, decay_checks
        The learning rate is multiplied by the one after so many checks.
    unet_steps, mlp_steps
        Steps between two checks of the inner validation part.
    side_by_side
        Trainings at a time; 0 is one on each device, such as a CPU core. A GPU has room for more.
    checks
        Most checks of one training.
    improvement, patience
        The plateau: no relative improvement by so much in so many checks.
    validation
        Training subjects set aside to watch the training: their part, or from 1 on their number.
    flip, angle, shift, noise
        Augmentation: probability, degrees, pixels, and SD in units of the scaled images.
    """

    features: tuple[int, ...] = (8, 8, 16, 32)
    mlp_width: float = 0.125
    unet_batch: int = 8
    mlp_batch: int = 512
    unet_rate: float = 1e-2
    mlp_rate: float = 3e-3
    weight_decay: float = 3e-4
    decay_rate: float = 0.7
    decay_checks: int = 2
    unet_steps: int = 50
    mlp_steps: int = 50
    side_by_side: int = 0
    checks: int = 24
    improvement: float = 0.02
    patience: int = 4
    validation: float = 0.125
    flip: float = 0.5
    angle: float = 10.0
    shift: float = 4.0
    noise: float = 0.01
