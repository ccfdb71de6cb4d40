"""Training of the networks: both readers, every choice of the search, through one step a choice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.kept_networks import End, KeptNetworks
from experiments.knee_t2.paper import KEPT_EMPTY
from experiments.knee_t2.settings import Choice, Settings
from experiments.knee_t2.steps import architecture, make_trainer
from experiments.knee_t2.study import Study
from experiments.run import Run
from experiments.together import share_out
from jaxqmri import training
from jaxqmri.training import PlateauRule, Point, Split, Trainer, Variables

SECOND = 1  # of the echoes that a network may see, the one it is judged by
AT_A_TIME = 8  # slices of a prediction
WATCHED = 64  # slices that a training is watched on
SAVED_EVERY = 20.0  # seconds between checkpoints
OF_A_SLICE = 50  # places around which patches of a slice with cartilage are cut


class OneTraining(NamedTuple):
    """One training: on whose cartilage, with which settings, from which seed.

    ``search`` is for a few checks alone, after which choices are compared.
    """

    reader: str
    choice: Choice
    seed: int
    search: bool = False

    @property
    def label(self) -> str:
        """For folders."""
        label = f"{self.reader}_{self.choice.label}_seed-{self.seed}"
        return f"search_{label}" if self.search else label


class Learner:
    """Trains the networks of one study.

    Parameters
    ----------
    run
        Where trainings are kept.
    study
        All visits.
    cartilage
        What each reader drew and T2 confirms, by reader, all slices.
    split
        Training, validation and test subjects.
    """

    def __init__(
        self,
        run: Run[Settings],
        study: Study,
        cartilage: Mapping[str, Bool[np.ndarray, "s h w"]],
        split: Split,
    ) -> None:
        self.study, self.cartilage, self.split = study, cartilage, split
        self.learning, self.kept = run.settings.learning, KeptNetworks(run)
        self.seen = np.concatenate([self.slices_of(split.validation), self.slices_of(split.test)])
        rule = PlateauRule(self.learning.improvement, self.learning.patience)
        self.course = training.Course(self.learning.checks, rule, SAVED_EVERY)
        self.search_course = self.course._replace(checks=self.learning.search_checks)
        self.side_by_side = self.learning.side_by_side or len(jax.local_devices())
        self.made_from = {reader: self._fingerprint(drawn) for reader, drawn in cartilage.items()}

    def slices_of(self, subjects: Int[np.ndarray, " _"]) -> Int[np.ndarray, " _"]:
        """Numbers of the slices of some subjects."""
        return np.flatnonzero(np.isin(self.study.visit_of, self.study.visits_of(subjects)))

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
            What to train; those of one choice and one length side by side.
        said
            Called with each check.
        done
            Called after each training.

        Yields
        ------
        arm, end
            Of the slices :attr:`seen` the ``probability`` of cartilage.
        """
        yield from share_out(
            self.kept,
            arms,
            lambda arm: arm.label,
            lambda arm: self.made_from[arm.reader],
            partial(self._train, said=said),
            done,
        )

    def _train(
        self, arms: Sequence[OneTraining], said: Callable[[OneTraining, Point], None]
    ) -> Iterator[tuple[OneTraining, End]]:
        for (choice, search), own in groupby(arms, key=lambda arm: (arm.choice, arm.search)):
            group = list(own)
            course = self.search_course if search else self.course
            trainer = make_trainer(self.learning, choice, self.study.slices.shape[2])
            predict = jax.jit(partial(_probability, trainer))
            trainings = (self._training(arm, predict, partial(said, arm)) for arm in group)
            for number, trained in training.train(
                trainer, trainings, course, side_by_side=self.side_by_side
            ):
                arm = group[number]
                found = apply(predict, trained.variables, self.study.slices[self.seen])
                end = End({"probability": found}, trained.curve, trained.plateau.reached)
                made_from = self.made_from[arm.reader]
                self.kept.write(arm.label, made_from, end, trained.variables, self._described(arm))
                yield arm, end

    def _training(
        self, arm: OneTraining, predict: Callable[..., Any], said: Callable[[Point], None]
    ) -> training.Training:
        drawn = self.cartilage[arm.reader]
        centres, count = self._centres(drawn, arm.seed)
        data = training.Slices(
            jnp.asarray(self.study.slices),
            jnp.asarray(drawn[..., None]),
            jnp.asarray(drawn),
            jnp.asarray(centres),
            jnp.asarray(count, jnp.int32),
        )
        return training.Training(
            data,
            self._watch(drawn, predict),
            arm.seed,
            self.kept.checkpoints(arm.label, self.made_from[arm.reader]),
            said,
        )

    def _watch(
        self, drawn: Bool[np.ndarray, "s h w"], predict: Callable[..., Any]
    ) -> Callable[[Variables], float]:
        """One minus the overlap in some slices of the validation subjects taken together."""
        own = self.slices_of(self.split.validation)
        own = own[drawn[own].any(axis=(1, 2))]
        few = own[np.unique(np.linspace(0, own.size - 1, WATCHED).round().astype(int))]
        images, inside = self.study.slices[few], drawn[few].astype(np.float32)

        def watch(variables: Variables) -> float:
            found = apply(predict, variables, images).astype(np.float32)
            return 1.0 - float(2.0 * (found * inside).sum() / (found.sum() + inside.sum()))

        return watch

    def _centres(
        self, drawn: Bool[np.ndarray, "s h w"], seed: int
    ) -> tuple[Int[np.ndarray, "k 3"], int]:
        """Places around which patches are cut: as many in every slice with cartilage.

        A tenth as many in slices without, where other slices of the visit have some. Padded; and
        how many there are.
        """
        rng = np.random.default_rng(seed)
        places = []
        for visit in self.study.visits_of(self.split.train):
            own = np.flatnonzero(self.study.visit_of == visit)
            anywhere = np.argwhere(drawn[own].any(axis=0))
            for k in own:
                there = np.argwhere(drawn[k])
                count = OF_A_SLICE if there.size else round(KEPT_EMPTY * OF_A_SLICE)
                chosen = rng.choice(there if there.size else anywhere, count)
                places.append(np.column_stack([np.full(count, k), chosen]))
        found = np.concatenate(places).astype(np.int32)
        # every reader's as long as the longest could be: one program trains them all
        padded = np.zeros((OF_A_SLICE * self.slices_of(self.split.train).size, 3), np.int32)
        padded[: len(found)] = found
        return padded, len(found)

    def _fingerprint(self, drawn: Bool[np.ndarray, "s h w"]) -> str:
        """Fingerprint of the images, the cartilage and the subjects of a training."""
        digest = hashlib.blake2b(digest_size=8)
        for part in (self.study.slices, drawn, *self.split):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()

    def _described(self, arm: OneTraining) -> dict[str, Any]:
        people = self.study.participants
        return {
            "architecture": architecture(self.learning, arm.choice),
            "model": "U-Net",
            "reader": arm.reader,
            "output": ["cartilage"],
            "test_subjects": [people[i]["participant_id"] for i in self.split.test],
            "simulated": self.study.simulated,
        }


def apply(
    predict: Callable[..., Any], variables: Variables, images: Float[np.ndarray, "s h w 3"]
) -> Float[np.ndarray, "s h w"]:
    """Probability of cartilage in some slices, from their second echo."""
    found = []
    for first in range(0, len(images), AT_A_TIME):
        own = images[first : first + AT_A_TIME, ..., SECOND : SECOND + 1].astype(np.float32)
        padded = np.resize(own, (AT_A_TIME, *own.shape[1:]))
        found.append(np.asarray(predict(variables, padded))[: len(own)].astype(np.float16))
    return np.concatenate(found)


def _probability(trainer: Trainer, variables: Variables, images: Any) -> Any:
    return jax.nn.sigmoid(trainer.predict(variables, images))[..., 0]
