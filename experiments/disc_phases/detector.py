"""The first stage: where the five lumbar discs are, and which is which."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from experiments.disc_phases.augmentation import boxes_moved, moved
from experiments.disc_phases.column import LEAST_SCORE
from experiments.disc_phases.metrics import (
    DETECTOR,
    LEVELS,
)
from experiments.disc_phases.settings import Detection, Settings
from experiments.kept_networks import End, KeptNetworks
from experiments.run import Run
from experiments.together import share_out
from experiments.trainings import learn_all
from jaxqmri import networks, training
from jaxqmri.analysis import (
    Detections,
    iou,
    non_maximum_suppression,
)
from jaxqmri.cli.together import is_first
from jaxqmri.training import PlateauRule, Point, Trainer, Variables, detection

SAVED_EVERY = 20.0  # seconds between checkpoints
AT_A_TIME = 8  # images of a prediction
SAME = 0.65  # overlap from which two boxes are one
GAINS = (1.0, 10.0, 9.6)  # of boxes, objectness and classes
SHIFT, ZOOM, GAIN = 0.12, 0.12, 0.2  # augmentation: of the image's edges, of its size, brightness


class Images(NamedTuple):
    """Images of all patients with the boxes of their discs, and which may be learnt from."""

    images: Float[Array, "p h w c"]
    boxes: Float[Array, "p 5 4"]
    which: Int[Array, " k"]


class Batch(NamedTuple):
    """Some images, and the discs that are in view."""

    images: Float[Array, "b h w c"]
    boxes: Float[Array, "b 5 4"]
    present: Bool[Array, "b 5"]


def scaled_to(
    images: Float[np.ndarray, "p h w c"], boxes: Float[np.ndarray, "p 5 4"], size: int
) -> tuple[Float[np.ndarray, "p s s c"], Float[np.ndarray, "p 5 4"]]:
    """Images and boxes as the detector sees them: square, over their mean, of one size."""
    count, h, w, channels = images.shape
    shape = (count, size, size, channels)
    resized = np.asarray(jax.image.resize(jnp.asarray(images), shape, "linear", antialias=True))
    mean = resized.mean(axis=(1, 2), keepdims=True)
    factor = np.tile([size / w, size / h], 2)
    return (resized / mean).astype(np.float32), (boxes * factor).astype(np.float32)


def architecture(learning: Detection, channels: int) -> dict[str, Any]:
    """What builds a network."""
    return {
        "network": "DiscDetector",
        "in_channels": channels,
        "classes": len(LEVELS),
        "width": learning.width,
    }


def make_trainer(learning: Detection, channels: int) -> Trainer:
    """The trainer: whole images a little moved, never mirrored or cut, since levels are counted."""
    optimiser = training.make_optimiser(
        "adam",
        learning.detector_rate,
        period=learning.detector_steps * learning.detector_checks,
    )
    built, batch, size = architecture(learning, channels), learning.detector_batch, learning.size

    def sample(key: Array, data: Images) -> Batch:
        keys = jax.random.split(key, 4)
        own = jax.random.choice(keys[0], data.which, (batch,))
        shift = SHIFT * size * jax.random.uniform(keys[1], (batch, 2), minval=-1.0)
        zoom = 1.0 + ZOOM * jax.random.uniform(keys[2], (batch, 2), minval=-1.0)
        gain = 1.0 + GAIN * jax.random.uniform(keys[3], (batch, 1, 1, 1), minval=-1.0)
        images = gain * jax.vmap(moved)(data.images[own], shift, zoom)
        boxes = jax.vmap(boxes_moved, (0, None, 0, 0))(data.boxes[own], (size, size), shift, zoom)
        middle = 0.5 * (boxes[..., :2] + boxes[..., 2:])
        present = jnp.all((middle > 0) & (middle < size), axis=-1)
        return Batch(images, jnp.clip(boxes, 0, size), present)

    def loss(outputs: Any, seen: Batch) -> tuple[Array, dict[str, Array]]:
        return loss_of(outputs, seen.boxes, seen.present, size)

    return Trainer(
        lambda rngs: networks.build(built, rngs),
        optimiser,
        sample,
        loss,
        steps=learning.detector_steps,
        devices=jax.devices() if trained_together(learning) else None,
    )


def loss_of(
    outputs: Any, boxes: Float[Array, "b 5 4"], present: Bool[Array, "b 5"], size: int
) -> tuple[Array, dict[str, Array]]:
    """YOLOv7's loss with gains of its own: images are small, boxes thin, objects few."""
    levels = jnp.broadcast_to(jnp.arange(len(LEVELS)), present.shape)
    return detection.detection_loss(outputs, boxes, levels, present, size, gains=GAINS)


def trained_together(learning: Detection) -> bool:
    """Whether all processes have a part of each batch: there is but one detector."""
    return learning.detector_batch % jax.process_count() == 0


class Detector:
    """A detector of one run: trained, or read where an earlier session has kept it.

    Parameters
    ----------
    run
        Where the training is kept; told the time.
    images, boxes
        Of all patients, boxes in pixels of the images.
    train, watched
        Patients to learn from, and on whom the training is watched.
    described
        What the kept network tells of itself beside its architecture.
    """

    def __init__(
        self,
        run: Run[Settings],
        images: Float[np.ndarray, "p h w c"],
        boxes: Float[np.ndarray, "p 5 4"],
        train: Int[np.ndarray, " _"],
        watched: Int[np.ndarray, " _"],
        described: dict[str, Any],
    ) -> None:
        self.learning = run.settings.detection
        self.kept, self.seed = KeptNetworks(run), run.command.seed
        self.images, self.boxes = scaled_to(images, boxes, self.learning.size)
        self.train, self.watched, self.described = train, watched, described
        self._trainer = make_trainer(self.learning, images.shape[-1])
        self._predict, self._loss = jax.jit(self._decoded), jax.jit(self._loss_of)
        self.end: End = learn_all(run, [DETECTOR], self._learn, str)[DETECTOR]
        self._variables = self.kept.variables(DETECTOR)

    def detect(self, images: Float[np.ndarray, "p h w c"]) -> Detections:
        """Boxes in images of any patients, in pixels of these images."""
        count, h, w, _ = images.shape
        seen, _ = scaled_to(images, np.zeros((count, len(LEVELS), 4)), self.learning.size)
        found = self._detect(self._variables, seen)
        factor = np.tile([w / self.learning.size, h / self.learning.size], 2)
        return found._replace(boxes=found.boxes * factor)

    def _learn(
        self,
        arms: Sequence[str],
        said: Callable[[str, Point], None],
        done: Callable[[], None],
    ) -> Iterator[tuple[str, End]]:
        yield from share_out(
            self.kept,
            arms,
            str,
            lambda _: self._made_from(),
            partial(self._train, said=said),
            done,
            together=trained_together(self.learning),
        )

    def _train(
        self, arms: Sequence[str], said: Callable[[str, Point], None]
    ) -> Iterator[tuple[str, End]]:
        learning, made_from = self.learning, self._made_from()
        together = trained_together(learning)
        rule = PlateauRule(learning.detector_improvement, learning.detector_patience)
        course = training.Course(learning.detector_checks, rule, SAVED_EVERY)
        data = Images(
            jnp.asarray(self.images), jnp.asarray(self.boxes), jnp.asarray(self.train, jnp.int32)
        )
        for arm in arms:
            kept = self.kept.checkpoints(arm, made_from, together=together)
            one = training.Training(data, self._watch, self.seed, kept, partial(said, arm))
            ((_, trained),) = training.train(self._trainer, [one], course)
            # at the last check the rate has fallen to zero: there is nothing left to learn with
            annealed = len(trained.curve) == learning.detector_checks
            end = End({}, trained.curve, trained.plateau.reached or annealed)
            described = {
                "architecture": architecture(learning, self.images.shape[-1]),
                "model": "DiscDetector",
                "output": list(LEVELS),
                **self.described,
            }
            if is_first() or not together:
                self.kept.write(arm, made_from, end, trained.variables, described)
            yield arm, end

    def _watch(self, variables: Variables) -> float:
        """Loss in the patients set aside: precision is zero for long, and then one."""
        losses = []
        for patient in self.watched:
            image, boxes = self.images[patient][None], self.boxes[patient][None]
            losses.append(float(self._loss(variables, image, boxes)))
        return float(np.mean(losses))

    def _detect(self, variables: Variables, images: Float[np.ndarray, "p s s c"]) -> Detections:
        parts = []
        for first in range(0, len(images), AT_A_TIME):
            own = images[first : first + AT_A_TIME]
            boxes, scores = (np.asarray(each) for each in self._predict(variables, _filled(own)))
            parts += [without_doubles(boxes[k], scores[k], first + k) for k in range(len(own))]
        return Detections(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def _decoded(self, variables: Variables, images: Any) -> tuple[Any, Any]:
        """Boxes and the scores of all levels."""
        anchors = detection.anchors_for(self.learning.size)
        found = detection.decode_predictions(self._trainer.predict(variables, images), anchors)
        return found.boxes, found.objectness[..., None] * found.probabilities

    def _loss_of(self, variables: Variables, images: Any, boxes: Any) -> Any:
        outputs = self._trainer.predict(variables, images)
        return loss_of(outputs, boxes, jnp.ones(boxes.shape[:2], bool), self.learning.size)[0]

    def _made_from(self) -> str:
        digest = hashlib.blake2b(digest_size=8)
        for part in (self.images, self.boxes, self.train, self.watched):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()


def without_doubles(
    boxes: Float[np.ndarray, "n 4"], scores: Float[np.ndarray, "n 5"], image: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Detections of one image: doubles merged, each with the weight of its score."""
    # a box without area overlaps nothing, itself neither: its mean would be 0 / 0
    has_area = np.all(boxes[:, 2:] > boxes[:, :2], axis=1)
    place, level = np.nonzero((scores > LEAST_SCORE) & has_area[:, None])
    own, score = boxes[place].astype(float), scores[place, level].astype(float)
    left = non_maximum_suppression(own, score, SAME, level)
    same = (iou(own[left], own) > SAME) & (level[left, None] == level)
    weights = same * score
    mean = weights @ own / weights.sum(axis=1, keepdims=True)
    return mean, score[left], level[left], np.full(left.size, image)


def _filled(images: Float[np.ndarray, "b s s c"]) -> Float[np.ndarray, "n s s c"]:
    return np.resize(images, (AT_A_TIME, *images.shape[1:]))
