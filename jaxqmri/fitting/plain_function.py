"""Any plain function as the equation of a fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxqmri.fitting.equation import Equation
from jaxqmri.physics.base import Scalar, Signals


class FunctionEquation(Equation):
    """Any function of a pytree of scalars, with the start that gives the pytree its form."""

    function: Callable = eqx.field(static=True)
    structure: Any = eqx.field(static=True)
    paths: tuple[str, ...] = eqx.field(static=True)
    args: tuple

    def __init__(self, function: Callable, start: Any, args: tuple):
        paths, self.structure = jax.tree_util.tree_flatten_with_path(start)
        self.function = function
        self.paths = tuple(
            jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths
        )
        self.args = args

    @property
    def names(self) -> tuple[str, ...]:
        """Where each leaf sits in the pytree."""
        return self.paths

    def signal(self, values: Mapping[str, Scalar]) -> Signals:
        """Call the function."""
        return jnp.atleast_1d(self.function(self.build(values), *self.args))

    def samples(self) -> int:
        """Number of signals that one call of the function returns."""
        ones = {name: jnp.ones(()) for name in self.names}
        return jax.eval_shape(self.signal, ones).shape[0]

    def starts(
        self,
        signals: Signals,
        count: int,
        held: Mapping[str, Scalar],
        away_from: Mapping[str, Scalar],
        weights: Signals | None,
    ) -> list[dict]:
        """A plain function has no start of its own."""
        raise TypeError("a fit of a plain function needs start=, a pytree of numbers or maps")

    def limits(self) -> dict[str, tuple[Any, Any]]:
        """No bounds unless they are given."""
        return {name: (-np.inf, np.inf) for name in self.names}

    def build(self, values: Mapping[str, Any]) -> Any:
        """The pytree that the function takes."""
        return self.structure.unflatten([values[name] for name in self.names])

    def parts(self, structure: Any, what: str) -> dict[str, Any]:
        """A pytree like the start, with None where a parameter is not meant."""
        leaves, found = jax.tree.flatten(structure, is_leaf=lambda leaf: leaf is None)
        if found != self.structure:
            raise ValueError(f"{what} must have the structure of start, {self.structure}")
        pairs = zip(self.names, leaves, strict=True)
        return {name: leaf for name, leaf in pairs if leaf is not None}
