"""Training of the paper's networks: every fold of every input through the same compiled steps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from nibabel.orientations import aff2axcodes

from experiments.kept_networks import End, KeptNetworks
from experiments.knee_cv.learning import LIMITS, Learning
from experiments.knee_cv.paper import MASKED, MLP, UNMASKED
from experiments.knee_cv.results import ALL_TIMES, CARTILAGE, Study
from experiments.knee_cv.slices import Slices
from experiments.knee_cv.steps import PATCH, Fold, architecture, make_trainer
from experiments.run import Run
from experiments.together import share_out
from experiments.trainings import Arm
from jaxqmri import training
from jaxqmri.preprocessing.resampling import spacing
from jaxqmri.training import PlateauRule, Point, Split, Trainer, Variables

STRIDE = 48  # between the tiles of a prediction
WATCHED = 12  # slices of the validation part that a training is watched on, evenly chosen
SAVED_EVERY = 20.0  # seconds between checkpoints

Inputs = Float[np.ndarray, "... 2"]  # of slices or voxels, as a network sees them


class Learnt(NamedTuple):
    """One model at one input, all folds.

    Attributes
    ----------
    t1rho
        Prediction for every cartilage voxel (ms) by the network that has not seen its subject.
    curves
        Each fold's checks.
    settled
        Whether each fold reached its plateau.
    """

    t1rho: Float[np.ndarray, " v"]
    curves: tuple[tuple[Point, ...], ...]
    settled: tuple[bool, ...]


class Learner:
    """Trains the networks of one study; steps are compiled once and serve all folds and inputs.

    Parameters
    ----------
    run
        Where trainings are kept.
    study, slices
        Voxels and whole slices.
    targets
        Reference T1rho of every cartilage voxel, ms; NaN where it has none.
    splits
        Training, validation and test subjects of every fold.
    learning
        How they learn.
    physics_weight
        Weight of the physics-consistency loss: the predicted T1rho against all spin-lock images.
    sigma
        Noise of the spin-lock images in scanner units, the unit of that loss.
    """

    def __init__(
        self,
        run: Run[Any],
        study: Study,
        slices: Slices,
        targets: Float[np.ndarray, " v"],
        splits: Sequence[Split],
        learning: Learning,
        physics_weight: float,
        sigma: float,
    ) -> None:
        self.run, self.study, self.slices, self.splits = run, study, slices, splits
        self.learning, self.targets = learning, targets
        self.known = np.isfinite(targets)
        self.kept = KeptNetworks(run)
        rule = PlateauRule(learning.improvement, learning.patience)
        self.course = training.Course(learning.checks, rule, SAVED_EVERY)
        self.side_by_side = learning.side_by_side or len(jax.local_devices())
        maps = slices.maps(np.where(self.known, targets, np.nan))
        self._mask = np.isfinite(maps)[..., 0]
        self._seen = hashlib.blake2b(digest_size=8)
        scales = np.array(slices.own_scales)
        for part in (slices.images, slices.voxel, slices.subject, scales, targets):
            self._seen.update(part.tobytes())
        if physics_weight:
            signals = [slices.maps(signal) for signal in study.images(ALL_TIMES).T]
            maps = np.concatenate([maps, *signals], axis=-1)
        self._maps = np.nan_to_num(maps)
        self._unet, self._mlp = (
            make_trainer(model, learning, physics_weight, sigma) for model in (UNMASKED, MLP)
        )

    def learn(
        self,
        arms: Sequence[Arm],
        said: Callable[[Arm, int, Point], None],
        done: Callable[[], None],
    ) -> Iterator[tuple[Arm, Learnt]]:
        """Train every fold of every arm, or read what an earlier session has kept.

        Arms of one kind of network wait in one line: where a training ends the next begins.

        Parameters
        ----------
        arms
            Model, one of the paper's networks, and input, such as ``PD+50``.
        said
            Called with the arm, the fold and each of its checks.
        done
            Called after each fold.

        Yields
        ------
        arm, learnt
            As soon as all its folds are there.
        """
        for perceptron in (False, True):
            own = [arm for arm in arms if (arm[0] == MLP) == perceptron]
            yield from self._learn_kind(own, self._mlp if perceptron else self._unet, said, done)

    def _learn_kind(
        self,
        arms: Sequence[Arm],
        trainer: Trainer,
        said: Callable[[Arm, int, Point], None],
        done: Callable[[], None],
    ) -> Iterator[tuple[Arm, Learnt]]:
        folds = [(arm, fold) for arm in arms for fold in range(len(self.splits))]
        ends: dict[tuple[Arm, int], End] = {}
        for (arm, fold), end in share_out(
            self.kept,
            folds,
            lambda one: _label(*one),
            lambda one: self._made_from(one[1]),
            partial(self._train, trainer=trainer, said=said),
            done,
        ):
            ends[arm, fold] = end
            if self._whole(arm, ends):
                yield arm, self._learnt(arm, ends)

    def _train(
        self,
        folds: Sequence[tuple[Arm, int]],
        trainer: Trainer,
        said: Callable[[Arm, int, Point], None],
    ) -> Iterator[tuple[tuple[Arm, int], End]]:
        inputs: dict[tuple[Arm, int], Inputs] = {}

        def trainings() -> Iterator[training.Training]:
            for arm, fold in folds:
                own = inputs[arm, fold] = self._inputs(self.slices, arm, self.splits[fold])
                yield self._training(arm, fold, own, partial(said, arm, fold))

        for number, trained in training.train(
            trainer,
            trainings(),
            self.course,
            # as many places however few are missing: another program rounds differently
            side_by_side=self.side_by_side,
        ):
            arm, fold = folds[number]
            yield (arm, fold), self._keep(arm, fold, inputs.pop((arm, fold)), trained)

    def _whole(self, arm: Arm, ends: Mapping[tuple[Arm, int], End]) -> bool:
        return all((arm, fold) in ends for fold in range(len(self.splits)))

    def _learnt(self, arm: Arm, ends: Mapping[tuple[Arm, int], End]) -> Learnt:
        own = [ends[arm, fold] for fold in range(len(self.splits))]
        t1rho = np.full(self.targets.shape, np.nan, np.float32)
        for split, end in zip(self.splits, own, strict=True):
            t1rho[np.isin(self.slices.voxel_subject, split.test)] = end.predicted["t1rho"]
        return Learnt(t1rho, tuple(e.curve for e in own), tuple(e.settled for e in own))

    def apply(self, model: str, name: str, slices: Slices) -> Float[np.ndarray, " v"]:
        """T1rho of other subjects' cartilage voxels by the first fold's network, as it was kept."""
        fold = 0
        variables = self.kept.variables(_label((model, name), fold))
        inputs = self._inputs(slices, (model, name), self.splits[fold])
        everywhere = np.ones(slices.voxel.size, bool)
        return self._predict(slices, model, inputs, everywhere, variables)

    def _keep(self, arm: Arm, fold: int, inputs: Inputs, trained: training.Trained) -> End:
        """Predict the subjects that a network has not seen, and keep both."""
        (model, name), split = arm, self.splits[fold]
        own = np.isin(self.slices.voxel_subject, split.test)
        values = self._predict(self.slices, model, inputs, own, trained.variables)
        end = End({"t1rho": values}, trained.curve, trained.plateau.reached)
        first = self.study.subjects[0]
        description = {
            "architecture": architecture(model, self.learning),
            "model": model,
            "input": name.split("+"),
            "spin_lock_times": list(self.study.times(name)),
            "masked": model == MASKED,
            "registration": self.run.settings.registration,
            "scaling": self.slices.scaling,
            "scales": list(self.slices.constants(split.train)),
            "tile": {"size": PATCH, "stride": STRIDE},
            "output": "T1rho",
            "region": CARTILAGE,
            "voxel_size": [round(float(edge), 4) for edge in spacing(first.affine)],
            "orientation": "".join(aff2axcodes(first.affine)),
            "units": "ms",
            "limits": list(LIMITS),
            "test_subjects": [self.study.entities[i]["sub"] for i in split.test],
            "simulated": self.study.simulated,
        }
        self.kept.write(
            _label(arm, fold), self._made_from(fold), end, trained.variables, description
        )
        return end

    def _made_from(self, fold: int) -> str:
        """Fingerprint of the images, the cartilage and the fold that a training is made from."""
        digest = self._seen.copy()
        for part in self.splits[fold]:
            digest.update(f"{part.tolist()}".encode())
        return digest.hexdigest()

    def _training(
        self, arm: Arm, fold: int, inputs: Inputs, said: Callable[[Point], None]
    ) -> training.Training:
        split = self.splits[fold]
        return training.Training(
            self._data(arm, inputs, split),
            self._watch(arm[0], inputs, split),
            training.fold_seed(self.run.command.seed, fold),
            self.kept.checkpoints(_label(arm, fold), self._made_from(fold)),
            said,
        )

    def _data(self, arm: Arm, inputs: Inputs, split: Split) -> Any:
        """What a fold's training samples from."""
        model, name = arm
        if model == MLP:
            rows = np.flatnonzero(np.isin(self.slices.voxel_subject, split.train) & self.known)
            padded = np.zeros(self.targets.size, np.int32)
            padded[: rows.size] = rows
            return training.Voxels(
                jnp.asarray(inputs),
                jnp.asarray(self.slices.of_voxels(self._maps)),
                jnp.asarray(padded),
                jnp.asarray(rows.size, jnp.int32),
            )
        chosen = np.flatnonzero(np.isin(self.slices.subject, split.train))
        centres, count = training.centres_in(self._mask, chosen)
        # a batch is masked after its interpolation
        whole = self._inputs(self.slices, (UNMASKED, name), split) if model == MASKED else inputs
        return Fold(
            training.Slices(
                jnp.asarray(whole),
                jnp.asarray(self._maps),
                jnp.asarray(self._mask),
                jnp.asarray(centres),
                jnp.asarray(count),
            ),
            jnp.asarray(model == MASKED),
        )

    def _watch(self, model: str, inputs: Inputs, split: Split) -> Callable[[Variables], float]:
        """Mean absolute error over slices of the inner validation part."""
        aside = np.flatnonzero(np.isin(self.slices.subject, split.validation))
        few = aside[np.unique(np.linspace(0, aside.size - 1, WATCHED).round().astype(int))]
        own = np.isin(self.slices.voxel_slice, few)
        wanted = self.targets[own]

        def error(variables: Variables) -> float:
            found = self._predict(self.slices, model, inputs, own, variables)
            return float(np.nanmean(np.abs(found - wanted)))

        return error

    def _inputs(self, slices: Slices, arm: Arm, split: Split) -> Inputs:
        """Whole slices for a U-Net, cartilage voxels for the perceptron; scaled."""
        model, name = arm
        whole = slices.inputs(name, self.slices.constants(split.train), model == MASKED)
        return slices.of_voxels(whole) if model == MLP else whole

    def _predict(
        self,
        slices: Slices,
        model: str,
        inputs: Inputs,
        own: Bool[np.ndarray, " v"],
        variables: Variables,
    ) -> Float[np.ndarray, " t"]:
        """T1rho of some of the cartilage voxels, within the limits."""
        if model == MLP:
            found = training.predict_voxels(self._mlp.predict, variables, inputs[own])[:, 0]
        else:
            inside = np.zeros(slices.mask.shape, bool)
            inside.flat[slices.voxel[own]] = True
            used = np.flatnonzero(inside.any(axis=(1, 2)))
            maps = np.full(inside.shape, np.nan, np.float32)
            maps[used] = training.sliding_window(
                self._unet.predict,
                variables,
                inputs[used],
                size=PATCH,
                stride=STRIDE,
                mask=inside[used],
            )[..., 0]
            found = maps.flat[slices.voxel[own]]
        return np.clip(found, *LIMITS).astype(np.float32)


def _label(arm: Arm, fold: int) -> str:
    model, name = arm
    return f"{model.replace(' ', '-')}_{name.replace('+', '-')}_fold-{fold}"
