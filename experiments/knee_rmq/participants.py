"""Who took part, and how long the scans take: ours beside the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.knee_rmq import paper
from experiments.knee_rmq.paper import INPUTS, recomputed_acceleration
from experiments.knee_rmq.study import Study
from experiments.run import Result
from jaxqmri.training import Split

PARTICIPANTS, PROTOCOL = "participants", "protocol"
MINUTES, ACCELERATION = "scan time", "acceleration"
WITH_MAP = "acceleration, flip-angle map counted in the whole"
NORMAL, SEVERE = "normal", "moderate-severe"


def participant_rows(study: Study, split: Split) -> list[Result]:
    """Counts of groups, sexes and sides, ages, and what was trained and tested on."""
    people = study.participants
    groups = {
        "all": [True] * len(people),
        "women": [person.get("sex") == "F" for person in people],
        **{
            name: [person.get("group") == name for person in people]
            for name in (NORMAL, "doubtful-minimal", SEVERE)
        },
    }
    rows = [_count(name, sum(chosen), float(paper.COUNTS[name])) for name, chosen in groups.items()]
    for side, told in (("L", "left knees"), ("R", "right knees")):
        own = sum(person.get("side") == side for person in people)
        rows.append(_count(told, own, float(paper.SIDES[side])))
    ages = _ages(people)
    rows.append(
        Result(
            PARTICIPANTS, "age", "years", "all", n=ages.size,
            ours=float(ages.mean()) if ages.size else None,
            ours_sd=float(ages.std(ddof=1)) if ages.size > 1 else None,
            paper=paper.AGE[0], paper_sd=paper.AGE[1],
        )
    )  # fmt: skip
    trained = np.concatenate([split.train, split.validation])
    for name, own, (subjects, slices) in (
        ("training, with validation", trained, paper.TRAINING), ("test", split.test, paper.TEST),
    ):  # fmt: skip
        rows.append(_count(name, own.size, float(subjects)))
        count = float(study.slices_of(own).size)
        rows.append(Result(PARTICIPANTS, "slices", "", name, ours=count, paper=float(slices)))
    return rows


def protocol_rows() -> list[Result]:
    """Scan times and accelerations by the time of each image, beside those printed."""
    rows = []
    for name, one in INPUTS.items():
        own = recomputed_acceleration(name), recomputed_acceleration(name, with_flip_angle_map=True)
        rows += [
            Result(PROTOCOL, MINUTES, "min", name, ours=one.recomputed_minutes, paper=one.minutes),
            Result(PROTOCOL, ACCELERATION, "", name, ours=own[0], paper=one.acceleration),
            Result(PROTOCOL, WITH_MAP, "", name, ours=own[1]),
        ]
    return rows


def _count(name: str, ours: int, printed: float) -> Result:
    return Result(PARTICIPANTS, "subjects", "", name, ours=float(ours), paper=printed)


def _ages(people: Sequence[Mapping[str, Any]]) -> np.ndarray:
    return np.array([float(p["age"]) for p in people if p.get("age") is not None])
