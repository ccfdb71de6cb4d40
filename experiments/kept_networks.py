"""Trained networks in the run folder: how a training went, what it predicted, the model itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from flax import nnx
from jaxtyping import Float

from experiments.kept_arrays import keep_arrays, kept_arrays
from experiments.run import Run
from jaxqmri import networks, training
from jaxqmri.io.files import write_bytes
from jaxqmri.training import Point, Variables


class End(NamedTuple):
    """What one training ended with.

    Attributes
    ----------
    predicted
        By name, what the network says of subjects that it has not seen.
    curve
        The checks.
    settled
        Whether the plateau was reached.
    """

    predicted: Mapping[str, Float[np.ndarray, ...]]
    curve: tuple[Point, ...]
    settled: bool


class KeptNetworks:
    """Trainings of one run by their label; each tells what it was made from."""

    def __init__(self, run: Run[Any]) -> None:
        self._run = run

    def model(self, label: str) -> Path:
        """Folder of a trained network."""
        return self._run.folder / "models" / label

    def variables(self, label: str) -> Variables:
        """What a trained network has learnt."""
        network, _ = training.load_model(self.model(label), networks.build)
        return Variables(*nnx.split(network, nnx.Param, ...)[1:])

    def checkpoints(
        self, label: str, made_from: str, *, together: bool = False
    ) -> training.Checkpoints:
        """Where a training is kept until it ends, by one process or by all ``together``."""
        folder = self._run.checkpoint(f"trainings/{label}/{made_from}")
        return training.Checkpoints(folder, together=together)

    def read(self, label: str, made_from: str) -> End | None:
        """What a training ended with, None if it has not, or was made from other data."""
        path = self._record(label)
        record = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if record.get("made_from") != made_from:
            return None
        predicted = kept_arrays(path.with_suffix(".npz"))
        return End(predicted, tuple(Point(*one) for one in record["curve"]), record["settled"])

    def write(
        self,
        label: str,
        made_from: str,
        end: End,
        variables: Variables | None = None,
        description: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep what a training ended with, the record last; before it the network, if given."""
        if variables is not None:
            training.save_model(self.model(label), variables, description or {})
        path = self._record(label)
        keep_arrays(path.with_suffix(".npz"), end.predicted)
        record = {
            "curve": [list(point) for point in end.curve],
            "settled": end.settled,
            "made_from": made_from,
        }
        write_bytes(path, json.dumps(record).encode())

    def _record(self, label: str) -> Path:
        return self._run.checkpoint(f"networks/{label}.json")
