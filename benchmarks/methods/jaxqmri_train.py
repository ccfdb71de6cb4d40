"""The training step of ``jaxqmri.training`` on one batch of random images."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks.step_timing import Prepared, serve

REPEATS = 3  # of a product alone; the fastest counts
PRODUCTS = ("conv_general_dilated", "dot_general")
TARGET = 45.0


class Batch(NamedTuple):
    """Images and nothing else: the target is the same everywhere."""

    images: Any


def prepare(problem: dict[str, Any]) -> Prepared:
    """Networks trained with L1 and Adam, the cores dealt out to them: one has its batch on all."""
    import jax
    import jax.numpy as jnp

    from jaxqmri.cli.accelerator import available_cores

    count = problem["trainings"]
    jax.config.update("jax_num_cpu_devices", available_cores())

    from jaxqmri.networks import build
    from jaxqmri.training import Trainer, l1, make_optimiser, supervised_and_physics

    def error(predicted: Any, _: Batch) -> Any:
        each = [l1(part, jnp.asarray(TARGET)) for part in jax.tree.leaves(predicted)]
        return jnp.sum(jnp.stack(each))

    data = Batch(jax.random.normal(jax.random.key(0), problem["images"]))
    trainer = Trainer(
        lambda rngs: build(problem["network"], rngs),
        make_optimiser("adam", 1e-3),
        lambda _, batch: batch,
        supervised_and_physics(error),
        steps=1,
    )
    state = trainer.init(jax.random.key(0))
    weights = sum(leaf.size for leaf in jax.tree.leaves(state.variables.params))
    layout = trainer.layout(count, data)
    state, data = layout.stacked(state), layout.stacked(data)

    def step() -> None:
        nonlocal state
        state, terms = trainer.run_several(state, data)
        jax.block_until_ready((state.step, terms))

    def alone() -> float:
        return products_alone(trainer, state, data, layout)

    return Prepared(step, weights, alone)


def products_alone(trainer: Any, states: Any, data: Any, layout: Any) -> float:
    """Seconds of a step's convolutions and matrix products, both ways, each run by itself."""
    import jax

    one = (jax.tree.map(lambda leaf: leaf[0], tree) for tree in (states, data))
    traced = jax.make_jaxpr(trainer.advance)(*one)
    return sum(_seconds_alone(each, layout) for each in _products(traced.jaxpr))


def _products(jaxpr: Any) -> Iterator[Any]:
    """Those of a program and of all programs inside it."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in PRODUCTS:
            yield equation
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from _products(inner)


def _seconds_alone(equation: Any, layout: Any) -> float:
    import jax
    import jax.numpy as jnp

    def product(*operands: Any) -> Any:
        return equation.primitive.bind(*(layout.shared_out(each) for each in operands), **params)

    params = equation.params
    operands = [jnp.ones(each.aval.shape, each.aval.dtype) for each in equation.invars]
    run = jax.jit(layout.one_by_one(product))
    stacks = [layout.stacked(each) for each in operands]
    jax.block_until_ready(run(*stacks))
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(run(*stacks))
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    serve(prepare)
