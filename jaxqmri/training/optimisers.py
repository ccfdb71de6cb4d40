"""Optimisers and their schedules, made once for each setting so that nothing is compiled twice."""

from __future__ import annotations

from functools import lru_cache

import jax.numpy as jnp
import optax


@lru_cache
def make_optimiser(
    name: str = "adam",
    learning_rate: float = 1e-3,
    *,
    decay_rate: float = 1.0,
    decay_steps: int = 1,
    period: int = 0,
    betas: tuple[float, float] = (0.9, 0.999),
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> optax.GradientTransformation:
    r"""Adam or RMSProp with weight decay and a learning rate that falls with the steps.

    The learning rate at step ``k`` is ``learning_rate * decay_rate ** floor(k / decay_steps)``,
    or, annealed along a cosine that starts anew after every ``T`` steps,
    :math:`\frac{\eta}{2} \left(1 + \cos \frac{\pi (k \bmod T)}{T}\right)`, which is near zero at
    the end of each. A training of ``3 T`` steps is annealed in three.
    The same settings give the same object, so that steps compiled for one fold serve the next.

    Parameters
    ----------
    name
        ``"adam"`` (epsilon 1e-8) or ``"rmsprop"`` (decay 0.99, epsilon 1e-8, added to
        the root, not under it): PyTorch's defaults.
    learning_rate
        At the start.
    decay_rate, decay_steps
        The learning rate is multiplied by the one each time the other has passed.
    period
        Steps ``T`` of one cosine; not annealed at 0.
    betas
        Of Adam: how much of its means of gradients and of their squares each step keeps.
    weight_decay
        Factor of the weights that is added to their gradient.
    decoupled
        Add it to the update instead, after the gradient has been normalised.

    Returns
    -------
    optax.GradientTransformation
        The optimiser.

    Raises
    ------
    ValueError
        If there is no such optimiser, the period is negative, or the rate is both to be annealed
        and to decay exponentially.

    References
    ----------
    Kingma and Ba, ICLR 2015, doi:10.48550/arXiv.1412.6980; Loshchilov and Hutter, ICLR 2019,
    doi:10.48550/arXiv.1711.05101; Loshchilov and Hutter, ICLR 2017, doi:10.48550/arXiv.1608.03983
    (annealing with restarts).
    """
    if name == "adam":
        scale = optax.scale_by_adam(*betas)
    elif name == "rmsprop":
        scale = optax.scale_by_rms(decay=0.99, eps=1e-8, eps_in_sqrt=False)
    else:
        raise ValueError(f"no optimiser {name!r}: there are adam and rmsprop")
    decay = [optax.add_decayed_weights(weight_decay)] if weight_decay else []
    if period < 0:
        raise ValueError(f"period of the annealing must be 0 or more steps, got {period}")
    if period and decay_rate != 1.0:
        raise ValueError(
            f"a rate annealed in periods of {period} is not multiplied by {decay_rate}"
        )
    schedule = optax.exponential_decay(learning_rate, decay_steps, decay_rate, staircase=True)
    if period:
        schedule = _annealed(learning_rate, period)
    parts = [scale, *decay] if decoupled else [*decay, scale]
    return optax.chain(*parts, optax.scale_by_learning_rate(schedule))


def _annealed(learning_rate: float, period: int) -> optax.Schedule:
    cosine = optax.cosine_decay_schedule(learning_rate, period)
    return lambda step: cosine(jnp.mod(step, period))
