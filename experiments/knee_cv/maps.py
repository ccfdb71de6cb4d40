"""Maps on disk: every subject's, by every method that was asked."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from experiments import run as shared
from experiments.knee_cv.comparisons import COMPETITORS
from experiments.knee_cv.paper import NLLS, PD
from experiments.knee_cv.results import ALL_TIMES, REFERENCE, Maps, Study
from experiments.knee_cv.settings import Settings
from experiments.knee_cv.subjects import Subject
from experiments.run import Run
from experiments.subjects import person_of
from experiments.trainings import Arm
from jaxqmri.cli.accelerator import available_cores
from jaxqmri.io import bids


def write_maps(
    run: Run[Settings], study: Study, reference: Maps, found: Mapping[Arm, Maps]
) -> None:
    """Write every subject's maps, each file whole: NaN outside the cartilage."""
    root = run.folder / "maps"
    bids.write_dataset_description(root, f"T1rho maps of {run.name}", "derivative", [str(run.data)])
    kept = {arm: maps for arm, maps in found.items() if arm[0] not in COMPETITORS}

    def write_one(step: tuple[Mapping[str, str], Subject, slice]) -> None:
        entities, subject, part = step
        for (model, name), maps in {(REFERENCE, ALL_TIMES): reference, **kept}.items():
            volume = np.full(tuple(subject.shape), np.nan, np.float32)
            volume.flat[subject.position] = maps.t1rho[part]
            bids.write_map_file(
                root / bids.map_name(person_of(entities), "T1rho", _described(model, name)),
                volume,
                subject.affine,
                {
                    "Description": f"T1rho of cartilage, {model} of {name}",
                    "Units": "ms",
                    "Images": name.split("+"),
                    "SpinLockTimes": [
                        time / 1e3
                        for time, image in zip(study.times(name), name.split("+"), strict=True)
                        if image != PD
                    ],
                    "Simulated": study.simulated,
                },
                units="s",
            )

    steps = list(zip(study.entities, study.subjects, study.slices, strict=True))
    with ThreadPoolExecutor(available_cores()) as writers:
        written = writers.map(write_one, steps)
        for _ in shared.progress(written, "write maps", "knee", len(steps)):
            pass


def _described(model: str, name: str) -> str | None:
    """The desc entity of a map: none for the reference, the input for NLLS, then the model."""
    if model == REFERENCE:
        return None
    return name if model == NLLS else f"{model.replace('-', '').replace(' ', '')}{name}"
