"""The bound that a design makes small: of one parameter, over a range of tissue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.physics import SignalModel, cramer_rao_bound

Values = Float[Array, " n"] | Float[np.ndarray, " n"]
Build = Callable[[Values], SignalModel]


def relative_bounds(
    build: Build,
    values: Values,
    tissue: Any,
    sigma: Float[Array, ""] | float,
    target: str,
    *,
    likelihood: str = "gaussian",
    free: Sequence[str] | None = None,
) -> Float[Array, " k"]:
    r"""Smallest standard deviation of a parameter over its value, :math:`\sigma_T / T`.

    Parameters
    ----------
    build
        From times (ms) or angles (degrees) to the signal model.
    values
        Of one acquisition; may be traced.
    tissue
        The model's ``Params``, of ``k`` tissues: every field of shape ``(k,)`` or a number.
    sigma
        Standard deviation of the noise in one channel, in the unit of the signal.
    target
        Parameter to be measured.
    likelihood, free
        As for :func:`jaxqmri.physics.cramer_rao_bound`.

    References
    ----------
    Alexander, Magnetic Resonance in Medicine 2008, doi:10.1002/mrm.21646.
    """
    count = max(jnp.size(leaf) for leaf in jax.tree.leaves(tissue))
    spread = jax.tree.map(lambda leaf: jnp.broadcast_to(jnp.asarray(leaf), (count,)), tissue)
    model = build(values)

    def bound(params: Any) -> Float[Array, ""]:
        return getattr(cramer_rao_bound(model, params, sigma, likelihood, free), target)

    return jax.vmap(bound)(spread) / getattr(spread, target)
