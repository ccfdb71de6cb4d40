"""Networks to test: how many weights they have, and ways to get some without long compiling."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from tests.compiled import quickly

Network = TypeVar("Network", bound=nnx.Module)


def number_of_weights(make: Callable[[], nnx.Module]) -> int:
    """Number of weights of a network, without making any of them."""
    state = nnx.state(nnx.eval_shape(make), nnx.Param)
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(state))


def made(make: Callable[[], Network]) -> Network:
    """A network as ``make`` makes it, but for its kernels, which NumPy draws: no compiling."""
    graph, state = nnx.split(nnx.eval_shape(make))

    @quickly
    def vectors() -> list[jax.Array | None]:
        leaves = jax.tree.leaves(nnx.split(make())[1])
        return [None if leaf.ndim > 1 else leaf for leaf in leaves]

    rng = np.random.default_rng(0)

    def kernel(leaf: jax.ShapeDtypeStruct) -> jax.Array:
        deviation = np.sqrt(2 * leaf.shape[-1] / leaf.size)
        return jnp.asarray(rng.normal(0, deviation, leaf.shape), leaf.dtype)

    shapes, structure = jax.tree.flatten(state)
    drawn = [
        kernel(leaf) if vector is None else vector
        for leaf, vector in zip(shapes, vectors(), strict=True)
    ]
    return nnx.merge(graph, jax.tree.unflatten(structure, drawn))


def shake(network: nnx.Module) -> None:
    """Give every normalisation a scale, a shift and statistics of its own, as after training."""
    rng = np.random.default_rng(0)
    for _, norm in nnx.iter_graph(network):
        if isinstance(norm, nnx.BatchNorm):
            size = norm.num_features
            norm.scale[...] = rng.uniform(0.5, 1.5, size).astype(np.float32)
            norm.bias[...] = rng.normal(0, 0.5, size).astype(np.float32)
            norm.mean[...] = rng.normal(0, 0.5, size).astype(np.float32)
            norm.var[...] = rng.uniform(0.5, 2.0, size).astype(np.float32)
