"""The training step of ``jaxqmri.training`` on one batch of random patches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.step_timing import Prepared, serve

REPEATS = 3  # of a convolution alone; the fastest counts


def prepare(problem: dict[str, Any]) -> Prepared:
    """U-Nets trained with L1 and Adam, the cores dealt out to them: one has its batch on all."""
    import jax
    import jax.numpy as jnp

    from jaxqmri.cli.accelerator import available_cores

    count = problem["trainings"]
    jax.config.update("jax_num_cpu_devices", available_cores())

    from jaxqmri.networks import UNet
    from jaxqmri.training import (
        Patches,
        Trainer,
        l1,
        make_optimiser,
        supervised_and_physics,
    )

    shape = (problem["batch"], problem["size"], problem["size"])
    images = jax.random.normal(jax.random.key(0), (*shape, 2))
    data = Patches(images, jnp.full((*shape, 1), 45.0), jnp.ones((*shape, 1), bool))
    trainer = Trainer(
        lambda rngs: UNet(2, 1, tuple(problem["features"]), start=45.0, rngs=rngs),
        make_optimiser("adam", 1e-3),
        lambda _, batch: batch,
        supervised_and_physics(lambda p, b: l1(p, b.targets, mask=b.mask)),
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
        return convolutions_alone(trainer, state, data, layout)

    return Prepared(step, weights, alone)


def convolutions_alone(trainer: Any, states: Any, data: Any, layout: Any) -> float:
    """Seconds that the convolutions of a step take, forward and back, each run by itself."""
    import jax

    one = (jax.tree.map(lambda leaf: leaf[0], tree) for tree in (states, data))
    traced = jax.make_jaxpr(trainer.advance)(*one)
    return sum(_seconds_alone(each, layout) for each in _convolutions(traced.jaxpr))


def _convolutions(jaxpr: Any) -> Iterator[Any]:
    """Those of a program and of all programs inside it."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "conv_general_dilated":
            yield equation
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from _convolutions(inner)


def _seconds_alone(equation: Any, layout: Any) -> float:
    import jax
    import jax.numpy as jnp

    def convolved(*operands: Any) -> Any:
        return equation.primitive.bind(*(layout.shared_out(each) for each in operands), **params)

    params = equation.params
    operands = [jnp.ones(each.aval.shape, each.aval.dtype) for each in equation.invars]
    run = jax.jit(layout.one_by_one(convolved))
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
