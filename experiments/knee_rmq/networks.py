"""Training of all networks: every input, weight of the physics and seed through one step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from experiments.kept_networks import End, KeptNetworks
from experiments.knee_rmq.fits import Reference
from experiments.knee_rmq.inputs import FLOOR, LIMIT, Whitening, given_of, whitening
from experiments.knee_rmq.paper import INPUTS
from experiments.knee_rmq.settings import Settings
from experiments.knee_rmq.steps import (
    UNITS,
    Fold,
    Recipe,
    architecture,
    batch_of,
    held_to,
    make_trainer,
    supervised,
)
from experiments.knee_rmq.study import QUANTITIES, Study, channels
from experiments.run import Run
from experiments.together import share_out
from jaxqmri import training
from jaxqmri.training import PlateauRule, Point, Split, Variables

AT_A_TIME = 8  # slices of a prediction
WATCHED = 24  # slices that a training is watched on
SAVED_EVERY = 20.0  # seconds between checkpoints


class OneTraining(NamedTuple):
    """One training."""

    input: str
    physics: float
    seed: int

    @property
    def label(self) -> str:
        """For folders."""
        return f"{self.input}_physics-{self.physics:g}_seed-{self.seed}"


class Maps(NamedTuple):
    """What a network says of slices.

    Attributes
    ----------
    maps
        M0 (scanner units), T1 (ms), B1 and T1rho (ms).
    classes
        Probability of each class.
    """

    maps: Float[np.ndarray, "s h w 4"]
    classes: Float[np.ndarray, "s h w classes"]


class Learner:
    """Trains the networks of one study.

    Parameters
    ----------
    run
        Where trainings are kept.
    study
        All slices.
    reference
        The maps that networks learn.
    split
        Training, validation and test subjects.
    """

    def __init__(
        self, run: Run[Settings], study: Study, reference: Reference, split: Split
    ) -> None:
        settings = run.settings
        self.settings, self.study, self.reference, self.split = settings, study, reference, split
        self.kept, self.learning = KeptNetworks(run), settings.learning
        self.typical = typical(study, reference, split)
        regions = [study.cartilage, study.meniscus] if settings.menisci else [study.cartilage]
        self.regions, self.classes = np.stack(regions, axis=-1), len(regions)
        self.images = (study.images / self.typical.signal).astype(np.float32)
        own = study.slices_of(split.train)
        inside = study.cartilage[own] & reference.known[own]
        self.cartilage = self.images[own][inside]
        scale = UNITS * np.array([self.typical.m0, 1.0, 1.0, 1.0], np.float32)
        self.units = scale
        self.learnt = reference.known
        if self.learning.maps_in == "cartilage":
            near = dilate(study.cartilage, self.learning.margin)
            self.learnt = self.learnt & near
        self.targets = np.where(self.learnt[..., None], reference.maps / scale, 0.0)
        self.made_from = self._fingerprint()
        known = held_to(study.acquisition, settings.form)
        self.trainer = make_trainer(self.learning, self.classes, known, self.images.shape[2])
        rule = PlateauRule(self.learning.improvement, self.learning.period)
        self.course = training.Course(self.learning.checks, rule, SAVED_EVERY)
        self.side_by_side = self.learning.side_by_side or len(jax.local_devices())
        self._judge = jax.jit(self._judged)
        self._predict = jax.jit(self._predicted)

    def learn(
        self,
        arms: Sequence[OneTraining],
        said: Callable[[OneTraining, Point], None],
        done: Callable[[], None],
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

        Yields
        ------
        arm, end
            Of the test subjects' slices the ``maps`` and ``classes``, see :class:`Maps`.
        """
        yield from share_out(
            self.kept,
            arms,
            lambda arm: arm.label,
            lambda _: self.made_from,
            partial(self._train, said=said),
            done,
        )

    def _train(
        self, arms: Sequence[OneTraining], said: Callable[[OneTraining, Point], None]
    ) -> Iterator[tuple[OneTraining, End]]:
        trainings = (self._training(arm, partial(said, arm)) for arm in arms)
        for number, trained in training.train(
            self.trainer, trainings, self.course, side_by_side=self.side_by_side
        ):
            arm = arms[number]
            found = self.apply(arm, trained.variables, self.study.slices_of(self.split.test))
            predicted = {"maps": found.maps, "classes": found.classes.astype(np.float16)}
            end = End(predicted, trained.curve, trained.plateau.reached)
            own = only(trained.variables, channels(arm.input))
            self.kept.write(arm.label, self.made_from, end, own, self._described(arm))
            yield arm, end

    def apply(self, arm: OneTraining, variables: Variables, slices: Int[np.ndarray, " s"]) -> Maps:
        """What a network says of some slices."""
        by, parts = self._whitening(arm), []
        for first in range(0, slices.size, AT_A_TIME):
            own = slices[first : first + AT_A_TIME]
            images = jnp.asarray(self.images[np.resize(own, AT_A_TIME)])
            found = self._predict(variables, images, by)
            parts.append([np.asarray(one)[: own.size] for one in found])
        maps, classes = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Maps(maps * self.units, classes)

    def _predicted(self, variables: Variables, images: Any, by: Whitening) -> tuple[Any, Any]:
        found = self.trainer.predict(variables, given_of(images, by))
        return found.maps, jax.nn.sigmoid(found.logits)

    def _judged(self, variables: Variables, batch: Any) -> Any:
        return supervised(self.trainer.predict(variables, batch.images), batch, self.learning)

    def _training(self, arm: OneTraining, said: Callable[[Point], None]) -> training.Training:
        recipe = Recipe(
            self._whitening(arm),
            jnp.float32(arm.physics),
            jnp.asarray(self.typical.noise / self.typical.signal, jnp.float32),
            jnp.float32(self.typical.m0 / self.typical.signal),
        )
        centres, count = training.centres_in(
            self.study.cartilage, self.study.slices_of(self.split.train)
        )
        data = Fold(
            training.Slices(
                jnp.asarray(self.images),
                jnp.asarray(self.targets),
                jnp.asarray(self.learnt),
                jnp.asarray(centres),
                jnp.asarray(count),
                jnp.asarray(self.regions),
            ),
            recipe,
        )
        return training.Training(
            data,
            self._watch(recipe),
            arm.seed,
            self.kept.checkpoints(arm.label, self.made_from),
            said,
        )

    def _watch(self, recipe: Recipe) -> Callable[[Variables], float]:
        """The paper's loss on slices of the validation subjects, whatever the training's is."""
        aside = self.study.slices_of(self.split.validation)
        few = np.unique(np.linspace(0, aside.size - 1, WATCHED).round().astype(int))
        slices = aside[few]
        batch = batch_of(
            jnp.asarray(self.images[slices]),
            jnp.asarray(self.targets[slices]),
            jnp.asarray(self.learnt[slices]),
            jnp.asarray(self.regions[slices], jnp.float32),
            recipe,
        )
        return lambda variables: float(self._judge(variables, batch))

    def _whitening(self, arm: OneTraining) -> Whitening:
        return whitening(self.cartilage, channels(arm.input))

    def _fingerprint(self) -> str:
        """Fingerprint of the maps and the subjects that a training is made from."""
        digest = hashlib.blake2b(digest_size=8)
        for part in (self.targets, self.learnt, self.regions, *self.split):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def _described(self, arm: OneTraining) -> dict[str, Any]:
        chosen, own, by = INPUTS[arm.input], channels(arm.input), self._whitening(arm)
        built = architecture(self.learning, self.classes, own.size)
        people = self.study.participants
        return {
            "architecture": built,
            "model": "RMQ-Net",
            "flip_angles": list(chosen.flip_angles),
            "spin_lock_times": list(chosen.spin_lock_times),
            "physics": arm.physics,
            "output": list(QUANTITIES),
            "output_units": [float(unit) for unit in self.units],
            "signal_unit": self.typical.signal,
            "input": {
                "logarithm_of_at_least": FLOOR,
                "minus": by.centre[own].tolist(),
                "times": by.weights[np.ix_(own, own)].tolist(),
                "clipped_at": LIMIT,
            },
            "classes": ["cartilage", "meniscus"][: self.classes],
            "test_subjects": [people[i]["participant_id"] for i in self.split.test],
            "simulated": self.study.simulated,
        }


class Typical(NamedTuple):
    """Medians over the training subjects' cartilage, in scanner units.

    Attributes
    ----------
    signal
        At a flip angle of 10 degrees: the unit of a network's images.
    m0
        Of the fitted map.
    noise
        Mean of the noise at flip angles and at spin-lock times.
    """

    signal: float
    m0: float
    noise: Float[np.ndarray, " 2"]


def typical(study: Study, reference: Reference, split: Split) -> Typical:
    """What signals and maps are scaled by: one number for everybody, so that nothing is lost."""
    own = study.slices_of(split.train)
    inside = study.cartilage[own] & reference.known[own]
    return Typical(
        float(np.median(study.images[own][inside][:, 1])),
        float(np.median(reference.maps[own][inside][:, 0])),
        np.mean(reference.noise[split.train], axis=0),
    )


def dilate(region: Bool[np.ndarray, "s h w"], pixels: int) -> Bool[np.ndarray, "s h w"]:
    """A region and the pixels around it, slice by slice."""
    if not pixels:
        return region
    disk = np.hypot(*np.indices((2 * pixels + 1,) * 2) - pixels) <= pixels
    return ndimage.binary_dilation(region, disk[None])


def only(variables: Variables, chosen: Int[np.ndarray, " c"]) -> Variables:
    """A network whose first layer takes some of the images, the others being zero."""

    def taken(path: Any, leaf: Any) -> Any:
        first = jax.tree_util.keystr(path).startswith(FIRST_LAYERS)
        return leaf[..., chosen, :] if first else leaf

    return variables._replace(params=jax.tree_util.tree_map_with_path(taken, variables.params))


FIRST_LAYERS = ("['encoder']['blocks'][0]['convs'][0]['kernel']", "['direct']['kernel']")
