"""Who took part, and what their cartilage is like: ours beside the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.knee_t2 import paper
from experiments.knee_t2.comparisons import Visits
from experiments.knee_t2.metrics import CHANGE, MEAN, MS, READER_1, VALUE, VOXELS, of, row
from experiments.knee_t2.readings import NAMES, Reading, means_of, usual_voxels
from experiments.knee_t2.study import Study
from experiments.run import Result
from jaxqmri.analysis import resampling
from jaxqmri.training import Split

PARTICIPANTS = "participants"


def participant_rows(study: Study, split: Split) -> list[Result]:
    """Counts of the parts, women, knees and ages."""
    people = study.participants
    rows = [
        Result(PARTICIPANTS, "subjects", "", name, ours=float(part.size), paper=float(count))
        for part, (name, count) in zip(split, paper.SUBJECTS.items(), strict=True)
    ]
    known = [person["sex"] for person in people if person.get("sex")]
    if known:
        share = 100.0 * float(np.mean([sex == "F" for sex in known]))
        rows.append(
            Result(PARTICIPANTS, "women", "%", "all", n=len(known), ours=share,
                   paper=paper.FEMALE_SHARE)
        )  # fmt: skip
    ages = _numbers(people, "age")
    for told, value, printed in (
        ("youngest", ages.min(initial=np.inf), paper.AGES[0]),
        ("oldest", ages.max(initial=-np.inf), paper.AGES[1]),
    ):
        if ages.size:
            rows.append(
                Result(PARTICIPANTS, f"age, {told}", "years", "all", n=ages.size,
                       ours=float(value), paper=printed)
            )  # fmt: skip
    left = sum(person.get("side") == "L" for person in people)
    rows.append(Result(PARTICIPANTS, "left knees", "", "all", ours=float(left)))
    return rows


def tissue_rows(reading: Reading, visits: Visits, seed: int) -> list[Result]:
    """T2 and its change by region in the test subjects, as Reader 1's cartilage has them."""
    usual = usual_voxels(reading)
    means = means_of(reading, visits.test.ravel().tolist(), usual).reshape(-1, 2, len(NAMES))
    change = means[:, 1] - means[:, 0]
    rows = []
    for k, name in enumerate(NAMES):
        printed = paper.REGIONS[name]
        for quantity, each, mean, sd in (
            (VALUE, np.nanmean(means[..., k], axis=1), printed.mean, printed.sd),
            (CHANGE, change[:, k], printed.change, printed.change_sd),
        ):
            known = np.isfinite(each)
            if known.any():
                rows.append(
                    row(READER_1, READER_1, of(quantity, MEAN), MS,
                        resampling.mean(each, seed=seed), region=name, n=int(known.sum()),
                        sd=_sd(each[known]), paper=mean, paper_sd=sd)
                )  # fmt: skip
        rows.append(row(READER_1, READER_1, VOXELS, "", float(usual[k]), region=name))
    return rows


def _numbers(people: Sequence[Mapping[str, Any]], column: str) -> np.ndarray:
    return np.array([float(p[column]) for p in people if p.get(column) is not None])


def _sd(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1)) if values.size > 1 else None
