"""What turns a network's last features into quantities: a range, or a value with its spread."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float


def limiter(
    x: Float[Array, "*shape"], lower: float, upper: float, leak: float = 0.0
) -> Float[Array, "*shape"]:
    """Keep a regressed quantity in its range: ``y = min(relu(x) + lower, upper)``.

    Parameters
    ----------
    x
        What the last layer gives: the quantity above ``lower``.
    lower, upper
        Range of the quantity, in its unit.
    leak
        Slope outside the range. At 0 a prediction that has left the range has no gradient and
        cannot come back; a small slope, 1e-3 say, lets it, and lets ``y`` pass the limits by as
        much.

    Returns
    -------
    Array
        The quantity, same shape as ``x``.

    Raises
    ------
    ValueError
        If ``upper`` is not above ``lower``, or ``leak`` is not between 0 and 1.
    """
    if not lower < upper:
        raise ValueError(f"the upper limit must be above the lower, got {lower} and {upper}")
    if not 0 <= leak <= 1:
        raise ValueError(f"leak must be between 0 and 1, got {leak}")
    inside = jnp.clip(x, 0.0, upper - lower)
    return lower + inside + leak * (x - inside)


class Regressor(nnx.Module):
    """A linear layer over the last axis, and the range of what it regresses.

    Parameters
    ----------
    in_features, out_features
        Width of the last axis of what comes in and goes out.
    limits
        Lower and upper limit of every output (see :func:`limiter`); None for no limits.
    leak
        Slope outside the limits.
    start
        Value of every output before training; the middle of the limits, or 0 without, when None.
        An output that starts at a limit has no gradient.
    rngs
        Keys for the weights.

    Raises
    ------
    ValueError
        If the limits are in the wrong order or ``start`` is not inside them.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        limits: tuple[float, float] | None = None,
        leak: float = 0.0,
        start: float | None = None,
        rngs: nnx.Rngs,
    ):
        if limits is not None:
            start = 0.5 * (limits[0] + limits[1]) if start is None else start
            if not limits[0] < start < limits[1]:
                raise ValueError(f"start {start} must be inside the limits {limits}")
        self.limits, self.leak = limits, leak
        self.linear = nnx.Linear(in_features, out_features, rngs=rngs)
        offset = (0.0 if start is None else start) - (0.0 if limits is None else limits[0])
        # without a dtype the array is weakly typed, and changes its type in the first update
        self.linear.bias = nnx.Param(jnp.full(out_features, offset, jnp.float32))

    def __call__(self, x: Float[Array, "*batch in"]) -> Float[Array, "*batch out"]:
        """Regressed quantities, inside the limits if there are any."""
        x = self.linear(x)
        return x if self.limits is None else limiter(x, *self.limits, leak=self.leak)


def laplace_std(log_scale: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Standard deviation of a Laplace distribution, ``sqrt(2) exp(S)`` with ``S`` its log scale.

    A head that predicts a value and how sure it is of it has two outputs: the median, through a
    :func:`limiter` or not, and ``S``, as it is.

    References
    ----------
    Kendall and Gal, NeurIPS 2017.
    """
    return jnp.sqrt(2.0) * jnp.exp(log_scale)
