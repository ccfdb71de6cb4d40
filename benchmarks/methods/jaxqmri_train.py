"""The training step of ``jaxqmri.training`` on one batch of random patches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.step_timing import serve


def prepare(problem: dict[str, Any]) -> tuple[Callable[[], None], int]:
    """U-Nets trained with L1 and Adam, each on cores of its own where there are several."""
    import jax
    import jax.numpy as jnp

    count = problem["trainings"]
    jax.config.update("jax_num_cpu_devices", count)

    from jaxqmri.networks import UNet
    from jaxqmri.training import (
        Patches,
        Trainer,
        l1,
        make_optimiser,
        supervised_and_physics,
    )
    from jaxqmri.training.side_by_side import stacked

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
    run = trainer.run
    if count > 1:
        state, data, run = stacked(state, count), stacked(data, count), trainer.run_several

    def step() -> None:
        nonlocal state
        state, terms = run(state, data)
        jax.block_until_ready((state.step, terms))

    return step, weights


if __name__ == "__main__":
    serve(prepare)
