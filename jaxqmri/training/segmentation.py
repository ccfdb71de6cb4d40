"""What a network that segments is trained to make small."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxqmri.training.losses import binary_cross_entropy, soft_dice


def segmentation_loss(
    logits: Float[Array, "n *place classes"],
    labels: Float[Array, "n *place classes"],
    *,
    weight: float = 0.5,
    mask: Bool[Array, "n *place 1"] | None = None,
) -> Float[Array, ""]:
    r"""Cross-entropy and Dice of every class: :math:`\lambda L_{BCE} + (1 - \lambda) L_{Dice}`.

    Each class is a question of its own, yes or no at every pixel, and classes count alike: the
    cross-entropy is the mean over pixels and classes, the Dice loss the mean over images and
    classes. An image without a class has a Dice loss near 0 where the network finds none of it
    either, and near 1 otherwise.

    Parameters
    ----------
    logits
        What the network gives, images first and classes last.
    labels
        Between 0 and 1, same shape. What they hold outside the mask does not matter.
    weight
        :math:`\lambda`, between 0 and 1.
    mask
        Pixels that count; all when None.

    Returns
    -------
    Array
        A scalar.

    Raises
    ------
    ValueError
        If ``weight`` does not lie between 0 and 1.

    References
    ----------
    Lu et al., Journal of Imaging Informatics in Medicine 2024, doi:10.1007/s10278-024-01089-8,
    equation 2.
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"weight of the cross-entropy must be between 0 and 1, got {weight}")
    counted = None if mask is None else jnp.broadcast_to(mask, logits.shape)
    entropy = binary_cross_entropy(logits, labels, mask=counted)
    probabilities = jax.nn.sigmoid(logits)
    if counted is not None:
        probabilities = jnp.where(counted, probabilities, 0.0)
        labels = jnp.where(counted, labels, 0.0)
    of_class = jax.vmap(soft_dice, in_axes=-1)(probabilities, labels)
    return weight * entropy + (1 - weight) * jnp.mean(of_class)
