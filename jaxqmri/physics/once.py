"""Keep a compiler from computing one result many times over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Bool


def computed_once(always: Bool[Array, ""], function: Callable, *operands: Any) -> Any:
    """Call a function so that its results are computed once and kept.

    XLA's CPU backend fuses a result into each of its consumers and computes it again in every
    one, which makes a chain of them several times slower; sines and cosines, for which it has
    no vector instructions, cost most. It cannot do so across a branch that it does not know to
    be taken.

    Parameters
    ----------
    always
        A boolean that is true, but known only at run time, and the same for all voxels. NaN is
        returned where it is false.
    function, operands
        What to call; arrays or pytrees of them.
    """
    if not isinstance(always, Tracer):  # op by op there is no compiler to keep from it
        return function(*operands)
    outcome = jax.eval_shape(function, *operands)

    def never(*_: Any) -> Any:
        return jax.tree.map(_nothing, outcome)

    return lax.cond(always, function, never, *operands)


def _nothing(leaf: jax.ShapeDtypeStruct) -> Array:
    inexact = jnp.issubdtype(leaf.dtype, jnp.inexact)
    return jnp.full(leaf.shape, jnp.nan if inexact else 0, leaf.dtype)
