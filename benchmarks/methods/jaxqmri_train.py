"""The training step of ``jaxqmri.training`` on one batch of random patches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.step_timing import serve


def prepare(problem: dict[str, Any]) -> tuple[Callable[[], None], int]:
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
    layout = trainer.layout(count)
    state, data = layout.stacked(state), layout.stacked(data)

    def step() -> None:
        nonlocal state
        state, terms = trainer.run_several(state, data)
        jax.block_until_ready((state.step, terms))

    return step, weights


if __name__ == "__main__":
    serve(prepare)
