"""What a network is trained to make small: errors to a reference, and to the signal equation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxqmri.physics import SignalModel, profile_amplitudes

Values = Float[Array, "*_"]
Loss = Callable[[Any, Any], tuple[Float[Array, ""], dict[str, Float[Array, ""]]]]


def l1(
    predicted: Values,
    target: Values,
    *,
    mask: Bool[Array, "*_"] | None = None,
    weights: Values | None = None,
) -> Float[Array, ""]:
    """Mean absolute error ``sum(w |y - t|) / sum(w)`` over the mask.

    Parameters
    ----------
    predicted, target
        Same shape. What ``target`` holds outside the mask does not matter, NaN included.
    mask, weights
        Which elements count, and how much; they broadcast against ``predicted``.

    Returns
    -------
    Array
        A scalar in the unit of the target; 0 if nothing counts.
    """
    error = jnp.abs(predicted - _inside(target, mask, predicted))
    return _mean(error, mask, weights)


def laplace_nll(
    predicted: Values,
    log_scale: Values,
    target: Values,
    *,
    mask: Bool[Array, "*_"] | None = None,
    weights: Values | None = None,
) -> Float[Array, ""]:
    """Negative log-likelihood of a Laplace distribution, ``mean(exp(-S) |y - t| + S + log 2)``.

    Parameters
    ----------
    predicted, log_scale
        Median ``y`` and logarithm ``S`` of the scale, same shape.
    target
        Values ``t``.
    mask, weights
        As for :func:`l1`.

    References
    ----------
    Kendall and Gal, NeurIPS 2017.
    """
    error = jnp.abs(predicted - _inside(target, mask, predicted))
    return _mean(jnp.exp(-log_scale) * error + log_scale + jnp.log(2.0), mask, weights)


def soft_dice(
    probabilities: Float[Array, "n ..."], labels: Float[Array, "n ..."], smooth: float = 1e-7
) -> Float[Array, ""]:
    """One minus the Dice overlap, ``1 - (2 sum(p y) + e) / (sum(p) + sum(y) + e)``, per image.

    Parameters
    ----------
    probabilities, labels
        Between 0 and 1, same shape, images along the first axis.
    smooth
        ``e``, which makes an empty prediction of an empty image perfect.

    References
    ----------
    Milletari et al., 3DV 2016, doi:10.1109/3DV.2016.79.
    """
    axes = tuple(range(1, probabilities.ndim))
    both = 2 * jnp.sum(probabilities * labels, axes) + smooth
    return jnp.mean(1 - both / (jnp.sum(probabilities + labels, axes) + smooth))


def binary_cross_entropy(
    logits: Values,
    labels: Values,
    *,
    mask: Bool[Array, "*_"] | None = None,
    weights: Values | None = None,
) -> Float[Array, ""]:
    """Mean of ``-y log p - (1 - y) log(1 - p)`` with ``p`` the logistic function of ``logits``.

    Parameters
    ----------
    logits, labels
        Same shape; labels between 0 and 1.
    mask, weights
        As for :func:`l1`.
    """
    entropy = jax.nn.softplus(logits) - _inside(labels, mask, logits) * logits
    return _mean(entropy, mask, weights)


def physics_consistency(
    model: SignalModel,
    predicted: Mapping[str, Values] | tuple,
    images: Float[Array, "*voxels n"],
    *,
    mask: Bool[Array, "*voxels"] | None = None,
    weights: Float[Array, "*_"] | None = None,
    sigma: Float[Array, "*_"] | float | None = None,
    robust: float | None = None,
) -> Float[Array, ""]:
    """How far images are from the signal equation at the predicted maps.

    The mean over voxels and samples of ``w ((S(theta) - I) / sigma)^2``. Linear amplitudes that
    are not predicted are profiled out: each voxel gets those that fit its samples best, in closed
    form, so that a network that predicts T1rho alone can be held to the equation.

    Parameters
    ----------
    model
        Signal equation with ``n`` samples.
    predicted
        Maps by name, or the model's ``Params`` of maps, with None for what is not predicted.
        Parameters that are missing are amplitudes, or at the model's default. Values outside the
        model's bounds are taken to the bound, and have no gradient.
    images
        Measured signals, contrast last.
    mask
        Voxels that count. What maps and images hold elsewhere does not matter, NaN included.
    weights
        Weight of each sample, broadcast against ``images``; amplitudes are weighted alike.
    sigma
        Standard deviation of the noise, a number or a map over the voxels; 1 when None.
    robust
        Size of a residual, in sigma, above which it counts linearly rather than squared (Huber).

    Returns
    -------
    Array
        A scalar: 0 for noise-free images of the predicted maps; on average
        ``(n - amplitudes profiled) / n`` for noisy images of them.

    Raises
    ------
    ValueError
        If a parameter is neither predicted, an amplitude nor at a default, if a name is not the
        model's, or if the images have another number of samples.
    """
    maps = _maps(model, predicted)
    shape, n = images.shape[:-1], images.shape[-1]
    if n != model.samples:
        raise ValueError(f"images have {n} samples, the signal model {model.samples}")
    inside = jnp.ones(shape, bool) if mask is None else mask
    lower, upper = model.bounds()
    middle = {name: values[0] for name, values in model.grid().items()}
    flat = {}
    for name, values in maps.items():
        usable = jnp.where(inside, jnp.broadcast_to(values, shape), middle.get(name, 1.0))
        limited = jnp.clip(usable, getattr(lower, name), getattr(upper, name))
        flat[name] = limited.reshape(-1)
    signals = jnp.where(inside[..., None], images, 0.0).reshape(-1, n)
    by_sample = jnp.ones((1, n)) if weights is None else weights
    by_sample = jnp.broadcast_to(by_sample, images.shape).reshape(-1, n)

    def residuals(voxel: dict[str, Any], measured: Any, weight: Any) -> Any:
        known = {**model.defaults, **voxel}
        found = profile_amplitudes(model, known, measured, weight)
        return model(model.Params(**found)) - measured

    apart = jax.vmap(residuals)(flat, signals, by_sample)
    if sigma is not None:
        apart = apart / jnp.broadcast_to(sigma, shape).reshape(-1, 1)
    cost = apart**2
    if robust is not None:
        size = jnp.abs(apart)
        cost = jnp.where(size <= robust, cost, robust * (2 * size - robust))
    return _mean(cost, inside.reshape(-1, 1), by_sample)


def supervised_and_physics(
    supervised: Callable[[Any, Any], Float[Array, ""]],
    physics: Callable[[Any, Any], Float[Array, ""]] | None = None,
    weight: float = 0.0,
) -> Loss:
    """One loss of two: ``supervised + weight * physics``, each a function of prediction and batch.

    Parameters
    ----------
    supervised, physics
        Called with what the network predicts and the batch it was given.
    weight
        Weight of the second; at 0 it is not computed.

    Returns
    -------
    callable
        The loss that :class:`jaxqmri.training.Trainer` takes: the sum, and its terms by name.

    Raises
    ------
    ValueError
        If ``weight`` is negative, or is not 0 while there is no ``physics``.
    """
    if weight < 0 or (weight > 0 and physics is None):
        raise ValueError(f"weight of the physics loss must be 0, or above with a loss: {weight}")

    def loss(predicted: Any, batch: Any) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        terms = {"supervised": supervised(predicted, batch)}
        total = terms["supervised"]
        if physics is not None and weight > 0:
            terms["physics"] = physics(predicted, batch)
            total = total + weight * terms["physics"]
        return total, terms

    return loss


def _maps(model: SignalModel, predicted: Any) -> dict[str, Any]:
    given = predicted if isinstance(predicted, Mapping) else predicted._asdict()
    maps = {name: values for name, values in given.items() if values is not None}
    names = model.Params._fields
    strange = [name for name in maps if name not in names]
    missing = [n for n in names if n not in (*maps, *model.amplitudes, *model.defaults)]
    if strange or missing:
        what = f"{strange[0]!r} is not one of them" if strange else f"{missing[0]!r} is missing"
        raise ValueError(f"the signal model has the parameters {', '.join(names)}: {what}")
    return maps


def _inside(values: Any, mask: Any, instead: Any) -> Any:
    """Replace what lies outside the mask, so that a NaN there cannot reach a derivative."""
    if mask is None:
        return values
    return jnp.where(mask, values, jax.lax.stop_gradient(instead))


def _mean(values: Any, mask: Any, weights: Any) -> Float[Array, ""]:
    counted = jnp.ones((), values.dtype) if weights is None else weights
    if mask is not None:
        counted = jnp.where(mask, counted, 0.0)
        values = jnp.where(mask, values, 0.0)
    counted = jnp.broadcast_to(counted, values.shape)
    total = jnp.sum(counted)
    return jnp.sum(counted * values) / jnp.where(total > 0, total, 1.0)
