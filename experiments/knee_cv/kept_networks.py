"""Trained networks in the run folder: how a training went, what it predicted, the model itself."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.knee_cv.comparisons import Arm
from experiments.run import Run
from jaxqmri import training
from jaxqmri.io.files import write_bytes
from jaxqmri.training import Point, Variables


class FoldEnd(NamedTuple):
    """What one fold's training ended with.

    Attributes
    ----------
    t1rho
        Prediction for the cartilage voxels of the fold's test subjects, ms.
    curve
        The checks.
    settled
        Whether the plateau was reached.
    """

    t1rho: Float[np.ndarray, " t"]
    curve: tuple[Point, ...]
    settled: bool


class KeptNetworks:
    """Trainings of one run, by model, input and fold; each tells what it was made from."""

    def __init__(self, run: Run[Any]) -> None:
        self._run = run

    def model(self, arm: Arm, fold: int) -> Path:
        """Folder of a trained network."""
        return self._run.folder / "models" / _label(arm, fold)

    def checkpoints(self, arm: Arm, fold: int, made_from: str) -> training.Checkpoints:
        """Where a training is kept until it ends."""
        return training.Checkpoints(
            self._run.checkpoint(f"trainings/{_label(arm, fold)}/{made_from}")
        )

    def read(self, arm: Arm, fold: int, made_from: str) -> FoldEnd | None:
        """What a training ended with, None if it has not, or was made from other data."""
        path = self._record(arm, fold)
        record = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if record.get("made_from") != made_from:
            return None
        curve = tuple(Point(*point) for point in record["curve"])
        return FoldEnd(np.load(path.with_suffix(".npy")), curve, record["settled"])

    def write(
        self,
        arm: Arm,
        fold: int,
        made_from: str,
        end: FoldEnd,
        variables: Variables,
        description: Mapping[str, Any],
    ) -> None:
        """Keep the network and what its training ended with, the record last."""
        training.save_model(self.model(arm, fold), variables, description)
        path, buffer = self._record(arm, fold), io.BytesIO()
        np.save(buffer, end.t1rho)
        write_bytes(path.with_suffix(".npy"), buffer.getvalue())
        record = {
            "curve": [list(point) for point in end.curve],
            "settled": end.settled,
            "made_from": made_from,
        }
        write_bytes(path, json.dumps(record).encode())

    def _record(self, arm: Arm, fold: int) -> Path:
        return self._run.checkpoint(f"networks/{_label(arm, fold)}.json")


def _label(arm: Arm, fold: int) -> str:
    model, name = arm
    return f"{model.replace(' ', '-')}_{name.replace('+', '-')}_fold-{fold}"
