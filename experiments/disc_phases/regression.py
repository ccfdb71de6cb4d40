"""The second stage: maximum, minimum and mean T1rho of a disc from what its box shows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from experiments.disc_phases.augmentation import moved
from experiments.disc_phases.settings import Regression, Settings
from experiments.kept_networks import End, KeptNetworks
from experiments.run import Run
from experiments.together import share_out
from jaxqmri import networks, training
from jaxqmri.training import PlateauRule, Point, Trainer, Variables

Predict = Callable[..., Any]
MIDDLE, SPREAD = 100.0, 45.0  # ms: networks predict how many spreads from the middle
SAVED_EVERY = 20.0  # seconds between checkpoints
AT_A_TIME = 50  # discs of a prediction
SHIFT, ZOOM, GAIN = 0.06, 0.08, 0.1  # augmentation: of the crop's edges, of its size, of brightness


@dataclass(frozen=True, eq=False)
class OneTraining:
    """One training: which discs it learns from, and on which it is watched.

    Attributes
    ----------
    label
        For folders and tables.
    train, watched
        Numbers of discs; no disc is in both.
    seed
        Random seed.
    """

    label: str
    train: Int[np.ndarray, " _"]
    watched: Int[np.ndarray, " _"]
    seed: int


class Discs(NamedTuple):
    """Crops of all discs, what was measured in each, which may be learnt from, and how many."""

    crops: Float[Array, "d h w c"]
    targets: Float[Array, "d 3"]
    which: Int[Array, " k"]
    learnt: Int[Array, ""]


class Batch(NamedTuple):
    """Crops of some discs, and what was measured in them."""

    images: Float[Array, "b h w c"]
    targets: Float[Array, "b 3"]


def scaled(t1rho: Float[np.ndarray, "*d"]) -> Float[np.ndarray, "*d"]:
    """T1rho in ms as networks predict it."""
    return ((t1rho - MIDDLE) / SPREAD).astype(np.float32)


def architecture(learning: Regression, channels: int) -> dict[str, Any]:
    """What builds a network."""
    return {
        "network": "WideResNet",
        "in_channels": channels,
        "out_features": 3,
        "depth": learning.depth,
        "width": learning.widening,
    }


@lru_cache
def make_trainer(learning: Regression, channels: int) -> tuple[Trainer, Predict]:
    """The trainer of all regressions, and its compiled prediction: the same for every cohort.

    Crops are a little moved; the loss is a smooth absolute difference.
    """
    optimiser = training.make_optimiser(
        "adam",
        learning.rate,
        decay_rate=learning.decay,
        decay_steps=learning.steps,
    )
    built = architecture(learning, channels)

    def sample(key: Array, data: Discs) -> Batch:
        keys = jax.random.split(key, 4)
        place = jax.random.randint(keys[0], (learning.batch,), 0, data.learnt)
        own = data.which[place]
        crops = data.crops[own]
        size = jnp.asarray(crops.shape[1:3], jnp.float32)
        shift = SHIFT * size * jax.random.uniform(keys[1], (learning.batch, 2), minval=-1.0)
        zoom = 1.0 + ZOOM * jax.random.uniform(keys[2], (learning.batch, 2), minval=-1.0)
        gain = 1.0 + GAIN * jax.random.uniform(keys[3], (learning.batch, 1, 1, 1), minval=-1.0)
        return Batch(gain * jax.vmap(moved)(crops, shift, zoom), data.targets[own])

    def loss(
        predicted: Float[Array, "b 3"], batch: Batch
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        total = jnp.mean(optax.losses.huber_loss(predicted, batch.targets))
        return total, {"smooth L1": total}

    trainer = Trainer(
        lambda rngs: networks.build(built, rngs), optimiser, sample, loss, steps=learning.steps
    )
    return trainer, jax.jit(trainer.predict)


class Learner:
    """Trains the regressions of one study.

    Parameters
    ----------
    run
        Where trainings are kept.
    crops, t1rho
        Of all discs; maximum, minimum and mean in ms.
    described
        What a kept network tells of itself beside its architecture.
    """

    def __init__(
        self,
        run: Run[Settings],
        crops: Float[np.ndarray, "d h w c"],
        t1rho: Float[np.ndarray, "d 3"],
        described: dict[str, Any],
    ) -> None:
        self.learning, self.kept = run.settings.regression, KeptNetworks(run)
        self.crops, self.t1rho, self.described = crops, t1rho, described
        rule = PlateauRule(self.learning.improvement, self.learning.patience)
        self.course = training.Course(self.learning.checks, rule, SAVED_EVERY)
        self.side_by_side = self.learning.side_by_side or len(jax.local_devices())

    def learn(
        self,
        arms: Sequence[OneTraining],
        said: Callable[[OneTraining, Point], None],
        done: Callable[[], None],
    ) -> Iterator[tuple[OneTraining, End]]:
        """Train every arm, or read what an earlier session has kept.

        Yields
        ------
        arm, end
            Of all discs the ``t1rho`` in ms.
        """
        yield from share_out(
            self.kept,
            arms,
            lambda arm: arm.label,
            self._made_from,
            partial(self._train, said=said),
            done,
        )

    def _train(
        self, arms: Sequence[OneTraining], said: Callable[[OneTraining, Point], None]
    ) -> Iterator[tuple[OneTraining, End]]:
        trainer, predict = make_trainer(self.learning, self.crops.shape[-1])
        for number, trained in training.train(
            trainer,
            (self._training(arm, predict, partial(said, arm)) for arm in arms),
            self.course,
            side_by_side=self.side_by_side,
        ):
            arm = arms[number]
            found = self._apply(predict, trained.variables, np.arange(len(self.crops)))
            end = End({"t1rho": found}, trained.curve, trained.plateau.reached)
            described = {
                "architecture": architecture(self.learning, self.crops.shape[-1]),
                "model": "WideResNet",
                "output": ["maximum", "minimum", "mean"],
                **self.described,
            }
            self.kept.write(arm.label, self._made_from(arm), end, trained.variables, described)
            yield arm, end

    def _training(
        self, arm: OneTraining, predict: Predict, said: Callable[[Point], None]
    ) -> training.Training:
        which = np.resize(arm.train, len(self.crops)).astype(np.int32)
        data = Discs(
            jnp.asarray(self.crops),
            jnp.asarray(scaled(self.t1rho)),
            jnp.asarray(which),
            jnp.asarray(arm.train.size, jnp.int32),
        )

        def watch(variables: Variables) -> float:
            found = self._apply(predict, variables, arm.watched)
            return float(np.mean(np.abs(found - self.t1rho[arm.watched])))

        kept = self.kept.checkpoints(arm.label, self._made_from(arm))
        return training.Training(data, watch, arm.seed, kept, said)

    def _apply(
        self, predict: Predict, variables: Variables, discs: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n 3"]:
        found = []
        for first in range(0, discs.size, AT_A_TIME):
            own = discs[first : first + AT_A_TIME]
            padded = np.resize(own, AT_A_TIME)
            found.append(np.asarray(predict(variables, self.crops[padded]))[: own.size])
        return MIDDLE + SPREAD * np.concatenate(found)

    def _made_from(self, arm: OneTraining) -> str:
        digest = hashlib.blake2b(digest_size=8)
        for part in (self.crops, self.t1rho, arm.train, arm.watched):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()
