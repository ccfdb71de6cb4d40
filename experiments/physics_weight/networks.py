"""Trains every arm: many at a time in one program, scored and kept as each ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from experiments.kept_networks import End, KeptNetworks
from experiments.knee_cv.learning import LIMITS
from experiments.physics_weight.arms import Arm, Equation
from experiments.physics_weight.images import PAIR, Images, images_of, inputs_of
from experiments.physics_weight.scores import score
from experiments.physics_weight.settings import Settings
from experiments.physics_weight.split import Parts, drawn, with_errors
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
from experiments.together import share_out
from jaxqmri import training
from jaxqmri.io import InputError
from jaxqmri.training import PlateauRule, Point, Trainer, Variables

WATCHED = 4096  # voxels of the validation subjects that a training is watched on
VALIDATION = "validation error"  # of the kept network on them from the judged pair, by their labels
METHOD = 3  # of drawing, training and scoring: another number, and nothing kept counts


class Learner:
    """Trains the arms of one study.

    Parameters
    ----------
    run
        Where what trainings end with is kept.
    study, parts
        Voxels, and what each subject is for.

    Raises
    ------
    InputError
        If a test subject has no voxel with a signal in every image.
    """

    def __init__(self, run: Run[Settings], study: Study, parts: Parts) -> None:
        settings = run.settings
        self.study, self.parts, self.settings = study, parts, settings
        self.seed, self.kept = run.command.seed, KeptNetworks(run)
        self.scale = float(np.median(study.first_signal[parts.train]))
        self.pool = np.flatnonzero(np.isin(study.owner, parts.train))
        self.watched = np.flatnonzero(np.isin(study.owner, parts.validation))
        self.tested = lru_cache(self._tested)
        self.inputs = lru_cache(self._inputs)
        self.images = lru_cache(partial(images_of, study, settings=settings, seed=self.seed))
        self._trainer = lru_cache(partial(make_trainer, settings.learning))
        self._judge, self._predict = jax.jit(self._judged), jax.jit(self._predicted)
        digest = hashlib.blake2b(f"{METHOD} {self.seed}".encode(), digest_size=8)
        arrays = (
            study.spin_lock, study.pd, study.owner, study.noise, study.reference, study.standard,
            study.truth, *parts,
        )  # fmt: skip
        for array in arrays:
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
        self._made_from = digest.hexdigest()

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
        yield from share_out(
            self.kept,
            arms,
            lambda arm: arm.label,
            lambda _: self._made_from,
            partial(self._train_all, said=said),
            done,
        )

    def _train_all(
        self, arms: Sequence[Arm], said: Callable[[Arm, Point], None]
    ) -> Iterator[tuple[Arm, End]]:
        for apart in (False, True):
            own = [arm for arm in arms if (arm.condition.imaged > arm.condition.subjects) == apart]
            if own:
                yield from self._train(own, self._trainer(apart=apart), said)

    def _train(
        self,
        arms: Sequence[Arm],
        trainer: Trainer,
        said: Callable[[Arm, Point], None],
    ) -> Iterator[tuple[Arm, End]]:
        learning = self.settings.learning
        course = training.Course(
            learning.checks, PlateauRule(learning.improvement, learning.patience)
        )
        trainings = (
            training.Training(
                self._data(arm), self._watch(arm), arm.seed, progress=partial(said, arm)
            )
            for arm in arms
        )
        for number, trained in training.train(
            trainer, trainings, course, side_by_side=learning.side_by_side
        ):
            arm = arms[number]
            scores = self._scores(arm, trained.variables)
            end = End(scores, trained.curve, trained.plateau.reached)
            self.kept.write(arm.label, self._made_from, end)
            yield arm, end

    def _tested(self, equation: Equation) -> Int[np.ndarray, " _"]:
        """Voxels that everything is judged by: with a signal in every image, and a standard."""
        images, owner = self.images(equation), self.study.owner
        known = np.asarray(images.usable & np.isfinite(images.standard))
        known &= np.isin(owner, self.parts.test)
        for number in self.parts.test:
            if not known[owner == number].any():
                raise InputError(
                    f"sub-{self.study.names[number]}: no voxel with a signal in every image "
                    f"({equation}) and a fit"
                )
        return np.flatnonzero(known)

    def _inputs(self, equation: Equation) -> Mapping[str, Any]:
        """What maps of the tested voxels are made from to be judged, by its name."""
        rows = self.tested(equation)
        return inputs_of(self.images(equation).signals[rows], self.noise(rows), self.seed)

    def noise(self, voxels: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Standard deviation of the noise of some voxels, scanner units."""
        return self.study.noise[self.study.owner[voxels]]

    def _labels(self, arm: Arm, images: Images) -> Float[np.ndarray, " v"]:
        condition = arm.condition
        return with_errors(images.label, self.study.owner, condition.label_noise, arm.seed)

    def _data(self, arm: Arm) -> Voxels:
        """The training subjects' voxels, and which of them count for what."""
        condition, own = arm.condition, self.study.owner[self.pool]
        images = self.images(condition.equation)
        target, usable = self._labels(arm, images)[self.pool], images.usable[self.pool]
        known = usable & np.isfinite(target)
        labelled, imaged = (
            np.flatnonzero(np.isin(own, drawn(self.parts, count, arm.seed)) & rows)
            for count, rows in ((condition.subjects, known), (condition.imaged, usable))
        )
        return self._voxels(images, self.pool, np.nan_to_num(target), labelled, imaged, arm.weight)

    def _voxels(
        self,
        images: Images,
        rows: Int[np.ndarray, " n"],
        target: Float[np.ndarray, " n"],
        labelled: Int[np.ndarray, " _"],
        imaged: Int[np.ndarray, " _"],
        weight: float,
    ) -> Voxels:
        return Voxels(
            jnp.asarray(images.signals[rows] / np.float32(self.scale)),
            jnp.asarray(target),
            jnp.asarray((self.noise(rows) / self.scale).astype(np.float32)),
            *_padded(labelled, rows.size),
            *_padded(imaged, rows.size),
            terms_of(weight),
        )

    def _watched(self, arm: Arm, which: Int[np.ndarray, " n"]) -> Batch:
        """Voxels of the validation subjects, each seen by the pair ``which`` of :data:`PAIRS`."""
        images = self.images(arm.condition.equation)
        target = self._labels(arm, images)
        usable = self.watched[images.usable[self.watched] & np.isfinite(target[self.watched])]
        if usable.size == 0:
            raise InputError("no voxel of the validation subjects has a signal in every image")
        rows = usable[np.linspace(0, usable.size - 1, WATCHED).round().astype(int)]
        every = np.arange(WATCHED)
        data = self._voxels(images, rows, target[rows], every, every, arm.weight)
        everywhere = jnp.ones(WATCHED, bool)
        return batch_of(data, jnp.asarray(every), jnp.asarray(which), everywhere, everywhere)

    def _watch(self, arm: Arm) -> Callable[[Variables], float]:
        """The arm's own loss: what it is to make small, in subjects that it does not see."""
        batch = self._watched(arm, np.arange(WATCHED) % len(PAIRS))
        return lambda variables: float(self._judge(variables, batch)[0])

    def _judged(self, variables: Variables, batch: Batch) -> Any:
        return loss(self._trainer(apart=False).predict(variables, batch.images), batch)

    def _predicted(self, variables: Variables, images: Any) -> Any:
        predicted = self._trainer(apart=False).predict(variables, images)
        return jnp.clip(predicted[:, 0], *LIMITS)

    def _scores(self, arm: Arm, variables: Variables) -> Mapping[str, np.ndarray]:
        """Every metric of the test subjects, and the error by the validation subjects' labels."""
        study, images = self.study, self.images(arm.condition.equation)
        rows = self.tested(arm.condition.equation)
        signals, noise = images.signals[rows], self.noise(rows)
        predicted = {
            name: np.asarray(
                self._predict(
                    variables,
                    seen(jnp.asarray(pair / np.float32(self.scale)), jnp.asarray(times)),
                )
            )
            for name, (pair, times) in self.inputs(arm.condition.equation).items()
        }
        standard, truth = images.standard[rows], study.truth[rows]
        found = score(predicted, standard, truth, signals, noise, study.owner[rows])
        batch = self._watched(arm, np.full(WATCHED, PAIRS.tolist().index(list(PAIR))))
        error = float(self._judge(variables, batch)[1]["supervised"])
        return {**found, VALIDATION: np.array([error])}


def _padded(rows: Int[np.ndarray, " _"], length: int) -> tuple[Any, Any]:
    """Rows padded to a length that all trainings share, and how many they are."""
    padded = np.zeros(length, np.int32)
    padded[: rows.size] = rows
    return jnp.asarray(padded), jnp.asarray(rows.size, jnp.int32)
