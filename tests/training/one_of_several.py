"""One of several processes that train a network together, or each one of its own.

``python -m tests.training.one_of_several HOW COUNT NUMBER DEVICES ADDRESS FOLDER CHECKS``
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

TOGETHER, APART = "together", "apart"
RATE = 0.125  # of descent


def patches():
    from jaxqmri.training import Patches

    images = jax.random.normal(jax.random.key(0), (16, 16, 16, 2))
    mask = jax.random.uniform(jax.random.key(1), (16, 16, 16, 1)) < 0.4
    return Patches(images, 45.0 + 10.0 * images[..., :1], mask)


def trainer_of(devices):
    """A small U-Net on the whole of its patches; the first step of descent shows the gradient."""
    from jaxqmri.networks import UNet
    from jaxqmri.training import Trainer, l1, supervised_and_physics

    return Trainer(
        lambda rngs: UNet(2, 1, (4,), start=45.0, rngs=rngs),
        optax.sgd(RATE, momentum=0.5),
        lambda _, batch: batch,
        supervised_and_physics(lambda p, b: l1(p, b.targets, mask=b.mask)),
        steps=1,
        devices=devices,
    )


def gradient(trainer):
    """Of the loss of one batch that the devices share, one array after another."""
    state, layout = trainer.init(jax.random.key(2)), trainer.layout(1, patches())
    begun = jax.tree.map(np.asarray, state.variables.params)
    moved, _ = trainer.run_several(layout.stacked(state), layout.stacked(patches()))
    ended = layout.taken(moved, 0).variables.params
    difference = jax.tree.map(lambda a, b: np.ravel(a - np.asarray(b)) / RATE, begun, ended)
    return np.concatenate(jax.tree.leaves(difference))


def losses(trainer, folder, checks, *, together, seed):
    """Of a training that is kept in a folder, after each of its checks."""
    from jaxqmri.training import Checkpoints, Course, PlateauRule, Training, train

    training = Training(
        patches(),
        lambda variables: 1.0 + float(jnp.abs(jax.tree.leaves(variables.params)[0]).sum()),
        seed,
        Checkpoints(folder, together=together),
    )
    ((_, trained),) = train(trainer, [training], Course(checks, PlateauRule(0.0, 100)))
    return np.array([point.loss for point in trained.curve])


def main():
    how, count, number, devices, address, folder, checks = sys.argv[1:]
    jax.config.update("jax_num_cpu_devices", int(devices))
    if int(count) > 1:
        jax.distributed.initialize(address, int(count), int(number))
    folder = Path(folder)
    together = how == TOGETHER
    trainer = trainer_of(jax.devices() if together else jax.local_devices())
    seed = 0 if together else int(number)
    kept = folder / ("training" if together else f"training-{number}")
    found = losses(trainer, kept, int(checks), together=together, seed=seed)
    np.savez(folder / f"process-{number}.npz", gradient=gradient(trainer), losses=found)


if __name__ == "__main__":
    main()
