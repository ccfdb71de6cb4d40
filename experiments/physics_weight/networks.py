"""Trains every arm: many at a time in one program, scored and kept as each ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from experiments.kept_networks import End, KeptNetworks
from experiments.knee_cv.learning import LIMITS
from experiments.physics_weight.arms import Arm, Equation
from experiments.physics_weight.images import (
    GIVEN,
    GIVEN_TIMES,
    UNSEEN,
    UNSEEN_TIME,
    images_of,
    with_more_noise,
)
from experiments.physics_weight.scores import NOISY, OTHER_TIMES, PAIR, score
from experiments.physics_weight.settings import Settings
from experiments.physics_weight.split import Parts, drawn, labels
from experiments.physics_weight.steps import (
    PAIRS,
    Batch,
    Voxels,
    batch_of,
    loss,
    make_trainer,
    seen,
    terms_of,
)
from experiments.physics_weight.study import Study
from experiments.run import Run
from jaxqmri import training
from jaxqmri.training import PlateauRule, Point, Variables

WATCHED = 4096  # voxels of the validation subjects that a training is watched on
VALIDATION = "validation"  # error of the kept network on them, by their labels


class Images(NamedTuple):
    """Signals of an equation, scaled, and voxels that have one in every image."""

    signals: Float[np.ndarray, "v 4"]
    complete: Int[np.ndarray, " _"]


class Learner:
    """Trains the arms of one study.

    Parameters
    ----------
    run
        Where what trainings end with is kept.
    study, parts
        Voxels, and what each subject is for.
    """

    def __init__(self, run: Run[Settings], study: Study, parts: Parts) -> None:
        settings = run.settings
        self.study, self.parts, self.settings = study, parts, settings
        self.kept, self.trainer = KeptNetworks(run), make_trainer(settings.learning)
        self.scale = float(np.median(study.first_signal[parts.train]))
        self.noise = (study.noise[study.owner] / self.scale).astype(np.float32)
        self.pool = np.flatnonzero(np.isin(study.owner, parts.train))
        self.watched, self.tested = (
            np.flatnonzero(np.isin(study.owner, part)) for part in (parts.validation, parts.test)
        )
        self.noisier_seed = run.command.seed
        self._images = lru_cache(partial(_scaled, study, settings, self.scale))
        self._judge = jax.jit(self._judged)
        self._predict = jax.jit(self._predicted)
        seen_by = hashlib.blake2b(digest_size=8)
        for part in (study.spin_lock, study.reference, study.noise, *parts):
            seen_by.update(np.ascontiguousarray(part).tobytes())
        if study.pd is not None:
            seen_by.update(study.pd.tobytes())
        self._made_from = seen_by.hexdigest()

    def learn(
        self,
        arms: Sequence[Arm],
        said: Callable[[Arm, Point], None],
        done: Callable[[], None],
    ) -> Iterator[tuple[Arm, End]]:
        """Train every arm, or read what an earlier session has kept.

        Parameters
        ----------
        arms
            What to train.
        said
            Called with each check.
        done
            Called after each training.

        Yields
        ------
        arm, end
            Scores of the test subjects by metric, and how the training went.
        """
        missing = []
        for arm in arms:
            end = self.kept.read(arm.label, self._made_from)
            if end is None:
                missing.append(arm)
                continue
            done()
            yield arm, end
        learning = self.settings.learning
        rule = PlateauRule(learning.improvement, learning.patience)
        trainings = (self._training(arm, partial(said, arm)) for arm in missing)
        for number, trained in training.train(
            self.trainer,
            trainings,
            training.Course(learning.checks, rule),
            side_by_side=learning.side_by_side,
        ):
            arm = missing[number]
            end = End(self._scores(arm, trained.variables), trained.curve, trained.plateau.reached)
            self.kept.write(arm.label, self._made_from, end)
            done()
            yield arm, end

    def _training(self, arm: Arm, said: Callable[[Point], None]) -> training.Training:
        data = self._data(arm)
        return training.Training(data, self._watch(arm), arm.seed, progress=said)

    def _data(self, arm: Arm) -> Voxels:
        """The training subjects' voxels, and which of them count for what."""
        condition, own = arm.condition, self.study.owner[self.pool]
        images, target = self._images(condition.equation), self._labels(arm)[self.pool]
        usable = np.isin(self.pool, images.complete)
        chosen = np.isin(own, drawn(self.parts, condition.subjects, arm.seed)) & usable
        labelled = np.flatnonzero(chosen & np.isfinite(target))
        imaged = np.flatnonzero(usable if condition.unlabelled else chosen)
        return Voxels(
            jnp.asarray(images.signals[self.pool][:, GIVEN]),
            jnp.asarray(np.nan_to_num(target)),
            jnp.asarray(self.noise[self.pool]),
            *_padded(labelled, self.pool.size),
            *_padded(imaged, self.pool.size),
            terms_of(arm.weight),
        )

    def _labels(self, arm: Arm) -> Float[np.ndarray, " v"]:
        return labels(self.study, arm.condition.label_noise, arm.seed)

    def _watched_batch(self, arm: Arm) -> Batch:
        """Voxels of the validation subjects, every pair of images in turn, as the arm's loss."""
        images, target = self._images(arm.condition.equation), self._labels(arm)
        usable = self.watched[
            np.isin(self.watched, images.complete) & np.isfinite(target[self.watched])
        ]
        rows = usable[np.linspace(0, usable.size - 1, WATCHED).round().astype(int)]
        data = Voxels(
            jnp.asarray(images.signals[rows][:, GIVEN]),
            jnp.asarray(target[rows]),
            jnp.asarray(self.noise[rows]),
            *_padded(np.arange(WATCHED), WATCHED),
            *_padded(np.arange(WATCHED), WATCHED),
            terms_of(arm.weight),
        )
        everywhere = jnp.ones(WATCHED, bool)
        which = jnp.arange(WATCHED) % len(PAIRS)
        return batch_of(data, jnp.arange(WATCHED), which, everywhere, everywhere)

    def _watch(self, arm: Arm) -> Callable[[Variables], float]:
        """The arm's own loss: what it is to make small, in subjects that it does not see."""
        batch = self._watched_batch(arm)
        return lambda variables: float(self._judge(variables, batch)[0])

    def _judged(self, variables: Variables, batch: Batch) -> Any:
        return loss(self.trainer.predict(variables, batch.images), batch)

    def _predicted(self, variables: Variables, images: Any) -> Any:
        return jnp.clip(self.trainer.predict(variables, images)[:, 0], *LIMITS)

    def _scores(self, arm: Arm, variables: Variables) -> Mapping[str, np.ndarray]:
        """Every metric of the test subjects, and the error by the validation subjects' labels."""
        study, rows = self.study, self.tested
        signals = self._images(arm.condition.equation).signals[rows]
        noisier = with_more_noise(signals, self.noise[rows], self.noisier_seed)
        last = len(GIVEN) - 1
        seen_as = {
            PAIR: (signals[:, [GIVEN[0], GIVEN[last]]], (GIVEN_TIMES[0], GIVEN_TIMES[last])),
            NOISY: (noisier[:, [GIVEN[0], GIVEN[last]]], (GIVEN_TIMES[0], GIVEN_TIMES[last])),
            OTHER_TIMES: (signals[:, [GIVEN[0], UNSEEN]], (GIVEN_TIMES[0], UNSEEN_TIME)),
        }
        predicted = {
            name: np.asarray(
                self._predict(variables, seen(jnp.asarray(pair), jnp.asarray(times, jnp.float32)))
            )
            for name, (pair, times) in seen_as.items()
        }
        found = score(
            predicted,
            study.reference[rows],
            study.truth[rows],
            signals,
            self.noise[rows],
            study.owner[rows],
        )
        supervised = self._judge(variables, self._watched_batch(arm))[1]["supervised"]
        return {**found, VALIDATION: np.array([float(supervised)])}


def _scaled(study: Study, settings: Settings, scale: float, equation: Equation) -> Images:
    signals = images_of(study, equation, settings) / np.float32(scale)
    return Images(signals, np.flatnonzero(np.isfinite(signals).all(axis=1)))


def _padded(rows: Int[np.ndarray, " _"], length: int) -> tuple[Any, Any]:
    """Rows padded to a length that all trainings share, and how many they are."""
    padded = np.zeros(length, np.int32)
    padded[: rows.size] = rows
    return jnp.asarray(padded), jnp.asarray(rows.size, jnp.int32)
