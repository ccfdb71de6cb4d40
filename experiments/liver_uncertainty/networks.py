"""Training of all networks: every method, fold and seed through the same compiled step."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from experiments.kept_networks import End, KeptNetworks
from experiments.liver_uncertainty.fits import CutOff
from experiments.liver_uncertainty.methods import RECIPES, Recipe
from experiments.liver_uncertainty.paper import LBRU, LBUDR
from experiments.liver_uncertainty.patients import Study
from experiments.liver_uncertainty.settings import Settings
from experiments.liver_uncertainty.steps import (
    Batch,
    Fold,
    architecture,
    batch_of,
    doubting_the_trivial,
    loss,
    make_trainer,
    numbers,
    seen,
    split_output,
)
from experiments.run import Run
from experiments.spin_lock import SPIN_LOCK_TIMES
from experiments.together import share_out
from jaxqmri import training
from jaxqmri.training import PlateauRule, Point, Split, Variables

AT_A_TIME = 12  # slices of a prediction, and slices that a training is watched on
BRIGHT = 99.0  # percentile of a slice at TSL 0 that its signals are scaled by
SURE = 10.0  # percentile of the validation's scale below which a cut-off pixel is trivial
SAVED_EVERY = 20.0  # seconds between checkpoints


class OneTraining(NamedTuple):
    """One training."""

    method: str
    fold: int
    seed: int

    @property
    def label(self) -> str:
        """For folders."""
        return f"{self.method.replace(' ', '-')}_fold-{self.fold}_seed-{self.seed}"


class Learner:
    """Trains the networks of one study.

    Parameters
    ----------
    run
        Where trainings are kept.
    study
        All slices.
    splits
        Training, validation and test patients of every fold.
    noise
        Of each patient's images, scanner units.
    """

    def __init__(
        self,
        run: Run[Settings],
        study: Study,
        splits: Sequence[Split],
        noise: Float[np.ndarray, " patients"],
    ) -> None:
        settings, learning = run.settings, run.settings.learning
        self.study, self.splits, self.settings = study, splits, settings
        self.seed, self.kept = run.command.seed, KeptNetworks(run)
        bright = np.percentile(study.images[..., 0], BRIGHT, axis=(1, 2))
        scale = np.maximum(bright, np.finfo(np.float32).tiny)
        self.signals = (study.images / scale[:, None, None, None]).astype(np.float32)
        self.noise = (noise[study.owner] / scale).astype(np.float32)
        self.liver = study.label > 0
        rule = PlateauRule(learning.improvement, learning.patience)
        self.course = training.Course(learning.checks, rule, SAVED_EVERY)
        self.side_by_side = learning.side_by_side or len(jax.local_devices())
        self.trainer = make_trainer(learning, settings.cut_off, study.images.shape[2])
        self._predict = jax.jit(self._predicted)
        self._judge = jax.jit(self._judged)
        self._refit = jax.jit(partial(_refitted, cut_off=settings.cut_off))

    def learn(
        self,
        arms: Sequence[OneTraining],
        said: Callable[[OneTraining, Point], None],
        done: Callable[[], None],
        doubts: Mapping[OneTraining, End] | None = None,
    ) -> Iterator[tuple[OneTraining, End]]:
        """Train every arm, or read what an earlier session has kept.

        Parameters
        ----------
        arms
            What to train.
        said
            Called with each check.
        done
            Called after each training.
        doubts
            The trainings that :data:`LBUDR` takes its weights from.

        Yields
        ------
        arm, end
            Predictions for the drawn region of all patients that were not trained on, ``t1rho``
            and ``log_scale`` by pixel, NaN elsewhere; ``map``, the log scale of all slices, where
            others use it; and ``example``, both for the first test patient's slices.
        """
        yield from share_out(
            self.kept,
            arms,
            lambda arm: arm.label,
            self._made_from,
            partial(self._train, said=said, doubts=doubts or {}),
            done,
        )

    def _train(
        self,
        arms: Sequence[OneTraining],
        said: Callable[[OneTraining, Point], None],
        doubts: Mapping[OneTraining, End],
    ) -> Iterator[tuple[OneTraining, End]]:
        trainings = (self._training(arm, partial(said, arm), doubts) for arm in arms)
        for number, trained in training.train(
            self.trainer, trainings, self.course, side_by_side=self.side_by_side
        ):
            arm = arms[number]
            end = self._ended(arm, trained)
            self.kept.write(
                arm.label, self._made_from(arm), end, trained.variables, self._described(arm)
            )
            yield arm, end

    def apply(
        self, one: OneTraining, slices: Int[np.ndarray, " s"]
    ) -> Float[np.ndarray, "s h w 2"]:
        """T1rho (ms, cut off) and log scale of whole slices by a network as it was kept."""
        return self._maps(one, self.kept.variables(one.label), slices)

    def example(self, fold: int) -> Int[np.ndarray, " _"]:
        """Slices of the first test patient of a fold."""
        return np.flatnonzero(self.study.owner == self.splits[fold].test[0])

    def _training(
        self, arm: OneTraining, said: Callable[[Point], None], doubts: Mapping[OneTraining, End]
    ) -> training.Training:
        recipe, split = RECIPES[arm.method], self.splits[arm.fold]
        maps = np.zeros((*self.liver.shape, 2), np.float32)
        maps[..., 1] = self.noise[:, None, None]
        if recipe.spatial:
            doubt = doubts[OneTraining(LBRU, arm.fold, arm.seed)]
            maps[..., 0] = self._spatial(doubt, split)
        chosen = np.flatnonzero(np.isin(self.study.owner, split.train))
        centres, count = training.centres_in(self.liver, chosen)
        data = Fold(
            training.Slices(
                jnp.asarray(self.signals),
                jnp.asarray(maps),
                jnp.ones(self.liver.shape, bool),
                jnp.asarray(centres),
                jnp.asarray(count),
            ),
            numbers(recipe, self.settings.cut_off_pixels),
        )
        return training.Training(
            data,
            self._watch(recipe, split),
            training.fold_seed(arm.seed, arm.fold),
            self.kept.checkpoints(arm.label, self._made_from(arm)),
            said,
        )

    def _watch(self, recipe: Recipe, split: Split) -> Callable[[Variables], float]:
        """What a network is to make small, in the drawn region of the validation patients.

        A likelihood is told as the constant Laplace scale that is as likely, in ms.
        """
        drawn = self.study.roi.any(axis=(1, 2))
        aside = np.flatnonzero(np.isin(self.study.owner, split.validation) & drawn)
        few = np.unique(np.linspace(0, aside.size - 1, AT_A_TIME).round().astype(int))
        slices = np.resize(aside[few], AT_A_TIME)  # as many for all folds
        batch = self._refit(
            jnp.asarray(self.signals[slices]),
            jnp.asarray(self.study.roi[slices]),
            jnp.asarray(self.noise[slices]),
            numbers(recipe._replace(spatial=0.0), cut_off_pixels=True),
        )
        likelihood = recipe.laplace + recipe.own > 0

        def metric(variables: Variables) -> float:
            found = float(self._judge(variables, batch))
            return math.exp(found - 1.0) / 2.0 if likelihood else found

        return metric

    def _judged(self, variables: Variables, batch: Batch) -> Any:
        return loss(self.trainer.predict(variables, batch.images), batch)[0]

    def _predicted(self, variables: Variables, signals: Any, sees: Any) -> Any:
        inputs = seen(signals, sees, self.settings.cut_off)
        return jnp.stack(split_output(self.trainer.predict(variables, inputs)), axis=-1)

    def _maps(
        self, arm: OneTraining, variables: Variables, slices: Int[np.ndarray, " _"]
    ) -> Float[np.ndarray, "s h w 2"]:
        """T1rho (ms, cut off) and log scale of whole slices."""
        sees = numbers(RECIPES[arm.method], True).sees
        parts = []
        for first in range(0, slices.size, AT_A_TIME):
            own = slices[first : first + AT_A_TIME]
            signals = jnp.asarray(self.signals[np.resize(own, AT_A_TIME)])
            parts.append(np.asarray(self._predict(variables, signals, sees))[: own.size])
        found = np.concatenate(parts)
        found[..., 0] = np.clip(found[..., 0], *self.settings.cut_off)
        return found

    def _ended(self, arm: OneTraining, trained: training.Trained) -> End:
        """What a network says of the patients that it was not trained on."""
        split = self.splits[arm.fold]
        unseen = np.isin(self.study.owner, np.concatenate([split.validation, split.test]))
        wanted = np.flatnonzero(unseen | (arm.method == LBRU))
        found = np.full((*self.liver.shape, 2), np.nan, np.float32)
        found[wanted] = self._maps(arm, trained.variables, wanted)
        pixels = found[self.study.roi]
        pixels[~unseen[self.study.pixel_slice]] = np.nan
        predicted = {
            "t1rho": pixels[:, 0],
            "log_scale": pixels[:, 1],
            "example": found[self.example(arm.fold)],
        }
        if arm.method == LBRU:
            predicted["map"] = found[..., 1]
        return End(predicted, trained.curve, trained.plateau.reached)

    def _spatial(self, doubt: End, split: Split) -> Float[np.ndarray, "s h w"]:
        """The log scale that weights are made of, see :func:`doubting_the_trivial`.

        Sure is a network of a pixel where it doubts less than in nine of ten pixels of the
        validation patients' drawn region.
        """
        found = np.array(doubt.predicted["map"])
        aside = np.isin(self.study.pixel_owner, split.validation)
        sure = float(np.percentile(doubt.predicted["log_scale"][aside], SURE))
        train = np.flatnonzero(np.isin(self.study.owner, split.train))
        for first in range(0, train.size, AT_A_TIME):
            own = train[first : first + AT_A_TIME]
            padded = np.resize(own, AT_A_TIME)
            target = self._refit(
                jnp.asarray(self.signals[padded]),
                jnp.ones((AT_A_TIME, *self.liver.shape[1:]), bool),
                jnp.asarray(self.noise[padded]),
                numbers(RECIPES[LBUDR], cut_off_pixels=True),
            ).target
            target = np.asarray(target)[: own.size]
            found[own] = doubting_the_trivial(found[own], target, sure, self.settings.cut_off)
        return np.nan_to_num(found)

    def _made_from(self, arm: OneTraining) -> str:
        """Fingerprint of the images, the regions and the fold that a training is made from."""
        parts = [part.tolist() for part in self.splits[arm.fold]]
        made_from = f"{self.study.fingerprint} {self.noise[0]:.4g} {parts}"
        return hashlib.blake2b(made_from.encode(), digest_size=8).hexdigest()

    def _described(self, arm: OneTraining) -> dict[str, Any]:
        recipe = RECIPES[arm.method]
        return {
            "architecture": architecture(self.settings.learning),
            "model": arm.method,
            "spin_lock_times": list(SPIN_LOCK_TIMES),
            "sees": recipe.sees,
            "output": ["T1rho", "log scale"],
            "units": "ms",
            "limits": list(self.settings.cut_off),
            "test_subjects": [
                self.study.patients[i].entities["sub"] for i in self.splits[arm.fold].test
            ],
            "simulated": self.study.simulated,
        }


def _refitted(signals: Any, inside: Any, noise: Any, recipe: Any, *, cut_off: CutOff) -> Batch:
    """Whole slices as a batch."""
    flat = jnp.zeros(inside.shape, jnp.float32)
    noise = jnp.broadcast_to(noise[:, None, None], inside.shape)
    return batch_of(signals, inside, flat, noise, recipe, cut_off)
