"""Optimisers and their schedules, made once for each setting so that nothing is compiled twice."""

from __future__ import annotations

from functools import lru_cache

import optax


@lru_cache
def make_optimiser(
    name: str = "adam",
    learning_rate: float = 1e-3,
    *,
    decay_rate: float = 1.0,
    decay_steps: int = 1,
    cosine_steps: int = 0,
    cosine_periods: int = 1,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> optax.GradientTransformation:
    r"""Adam or RMSProp with weight decay and a learning rate that falls with the steps.

    The learning rate at step ``k`` is ``learning_rate * decay_rate ** floor(k / decay_steps)``,
    or, annealed along cosines of ``T = cosine_steps / cosine_periods`` steps,
    :math:`\frac{\eta}{2} \left(1 + \cos \frac{\pi (k \bmod T)}{T}\right)`: each period starts at
    the full rate and ends near zero, and the last stays at zero.
    The same settings give the same object, so that steps compiled for one fold serve the next.

    Parameters
    ----------
    name
        ``"adam"`` (0.9, 0.999, epsilon 1e-8) or ``"rmsprop"`` (decay 0.99, epsilon 1e-8, added to
        the root, not under it): PyTorch's defaults.
    learning_rate
        At the start.
    decay_rate, decay_steps
        The learning rate is multiplied by the one each time the other has passed.
    cosine_steps, cosine_periods
        Length of the annealing, and how many equal periods it has; not annealed at 0.
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
        If there is no such optimiser, the annealing does not divide into its periods, or the rate
        is both to be annealed and to decay exponentially.

    References
    ----------
    Kingma and Ba, ICLR 2015, doi:10.48550/arXiv.1412.6980; Loshchilov and Hutter, ICLR 2019,
    doi:10.48550/arXiv.1711.05101; Loshchilov and Hutter, ICLR 2017, doi:10.48550/arXiv.1608.03983
    (annealing with restarts).
    """
    if name == "adam":
        scale = optax.scale_by_adam()
    elif name == "rmsprop":
        scale = optax.scale_by_rms(decay=0.99, eps=1e-8, eps_in_sqrt=False)
    else:
        raise ValueError(f"no optimiser {name!r}: there are adam and rmsprop")
    decay = [optax.add_decayed_weights(weight_decay)] if weight_decay else []
    if cosine_steps:
        if decay_rate != 1.0:
            raise ValueError("a learning rate is annealed or decays exponentially, not both")
        schedule = _annealed(learning_rate, cosine_steps, cosine_periods)
    else:
        schedule = optax.exponential_decay(learning_rate, decay_steps, decay_rate, staircase=True)
    parts = [scale, *decay] if decoupled else [*decay, scale]
    return optax.chain(*parts, optax.scale_by_learning_rate(schedule))


def _annealed(learning_rate: float, steps: int, periods: int) -> optax.Schedule:
    if steps < 1 or periods < 1 or steps % periods:
        raise ValueError(f"{steps} steps of annealing do not divide into {periods} periods")
    length = steps // periods
    each = [optax.cosine_decay_schedule(learning_rate, length) for _ in range(periods)]
    return optax.join_schedules(each, [length * k for k in range(1, periods)])
