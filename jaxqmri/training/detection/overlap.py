"""How far two boxes are the same: overlap, and overlap with a slope where there is none."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

SMALL = 1e-7  # keeps ratios of empty boxes finite

Boxes = Float[Array, "*n 4"]


def iou(a: Float[Array, "*_ 4"], b: Float[Array, "*_ 4"]) -> Float[Array, "*_"]:
    """Intersection over union of boxes ``(x1, y1, x2, y2)`` that broadcast against each other."""
    sides = jnp.minimum(a[..., 2:], b[..., 2:]) - jnp.maximum(a[..., :2], b[..., :2])
    both = jnp.prod(jnp.maximum(sides, 0), axis=-1)
    areas = jnp.prod(a[..., 2:] - a[..., :2], axis=-1) + jnp.prod(b[..., 2:] - b[..., :2], axis=-1)
    return both / (areas - both + SMALL)


def complete_iou(predicted: Boxes, target: Boxes) -> Float[Array, "*n"]:
    r"""Overlap less penalties for distance and shape.

    .. math::
        CIoU = IoU - \frac{d^2}{c^2} - \alpha v, \quad
        v = \frac{4}{\pi^2} \Big(\arctan\frac{w_t}{h_t} - \arctan\frac{w}{h}\Big)^2, \quad
        \alpha = \frac{v}{1 - IoU + v} .

    With the distance ``d`` of the centres and the diagonal ``c`` of the smallest box around both;
    no derivative goes through :math:`\alpha`.

    Parameters
    ----------
    predicted, target
        Corners ``(x1, y1, x2, y2)`` in one unit, same shape ``(..., 4)``.

    Returns
    -------
    Array
        1 for equal boxes, and above -1.5 for any others.

    References
    ----------
    Zheng et al., AAAI 2020, doi:10.1609/aaai.v34i07.6999.
    """
    overlap = iou(predicted, target)
    around = jnp.maximum(predicted[..., 2:], target[..., 2:]) - jnp.minimum(
        predicted[..., :2], target[..., :2]
    )
    between = (predicted[..., :2] + predicted[..., 2:] - target[..., :2] - target[..., 2:]) / 2
    distance = jnp.sum(between**2, axis=-1) / (jnp.sum(around**2, axis=-1) + SMALL)
    shape = 4 / jnp.pi**2 * (_slant(target) - _slant(predicted)) ** 2
    weight = jax.lax.stop_gradient(shape / (1 - overlap + shape + SMALL))
    return overlap - distance - weight * shape


def _slant(boxes: Boxes) -> Float[Array, "*n"]:
    sides = boxes[..., 2:] - boxes[..., :2]
    return jnp.arctan(sides[..., 0] / (sides[..., 1] + SMALL))
