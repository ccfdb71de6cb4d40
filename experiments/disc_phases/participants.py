"""Who took part, what their discs are like, and how well readers agree: ours beside the paper's."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Int

from experiments.disc_phases import paper
from experiments.disc_phases.metrics import MEAN, PARTS, row
from experiments.disc_phases.phases import PHASES
from experiments.disc_phases.study import Study
from experiments.run import Result
from jaxqmri.analysis import Interval, cohen_kappa, intraclass_correlation

PATIENTS, DISCS, READERS = "patients", "discs", "readers"
COUNT = "number"
BETWEEN, SINGLE, AVERAGE = "between readers", "single", "average"
ICC, KAPPA = "intraclass correlation", "Cohen's kappa"
GRADES = ("I", "II", "III", "IV", "V")
WEIGHTINGS: tuple[tuple[str, Literal["none", "linear"]], ...] = (
    ("unweighted", "none"),
    ("linear weights", "linear"),
)


def participant_rows(
    study: Study, train: Int[np.ndarray, " _"], test: Int[np.ndarray, " _"]
) -> list[Result]:
    """Patients and discs: parts, sex, age, phases and grades."""
    rows = [
        row(PATIENTS, name, COUNT, None, "", float(part.size), paper=float(paper.PATIENTS[name]))
        for name, part in (("train", train), ("test", test))
    ]
    sexes = [person["sex"] for person in study.people if person.get("sex")]
    if sexes:
        rows.append(
            row(PATIENTS, "men", COUNT, None, "", float(sexes.count("M")), n=len(sexes),
                paper=float(paper.MEN))
        )  # fmt: skip
    ages = np.array([float(person["age"]) for person in study.people])
    rows.append(
        row(PATIENTS, "age", "mean", None, "years", float(ages.mean()), n=ages.size,
            sd=float(ages.std(ddof=1)), paper=paper.AGE, paper_sd=paper.AGE_SD)
    )  # fmt: skip
    for name, patients in (("all", None), ("train", train), ("test", test)):
        own = np.isin(study.owner, np.arange(len(study.people)) if patients is None else patients)
        counts = np.bincount(study.phases[own], minlength=len(PHASES))
        rows += [
            row(DISCS, name, COUNT, phase, "", float(count), n=int(own.sum()), paper=float(printed))
            for phase, count, printed in zip(PHASES, counts, paper.PHASES[name], strict=True)
        ]
    if (study.agreed_grades > 0).all():
        counts = np.bincount(study.agreed_grades, minlength=len(GRADES) + 1)[1:]
        rows += [
            row(DISCS, "all", COUNT, f"grade {grade}", "", float(count), n=study.phases.size,
                paper=float(printed))
            for grade, count, printed in zip(GRADES, counts, paper.GRADES, strict=True)
        ]  # fmt: skip
    return rows


def reliability_rows(study: Study, seed: int) -> list[Result]:
    """Agreement of the readings of T1rho, between and within readers, and of the grades."""
    readings = np.moveaxis(study.readings, 3, 1).reshape(-1, *study.readings.shape[1:3], 3)
    rows = []
    for k, part in enumerate(PARTS):
        own = readings[..., k]  # discs, readers, readings
        compared = {BETWEEN: np.nanmean(own, axis=2)} if own.shape[1] > 1 else {}
        compared |= {f"within reader {r + 1}": own[:, r] for r in range(own.shape[1])}
        for name, ratings in compared.items():
            if ratings.shape[1] < 2 or not np.isfinite(ratings).all(axis=1).any():
                continue
            found = intraclass_correlation(ratings, seed=seed)
            for kind, interval in ((SINGLE, found.single), (AVERAGE, found.average)):
                rows.append(row(READERS, f"{name}, {kind}", ICC, part, "", interval, n=found.n))
    first, *others = np.moveaxis(study.grades, 1, 0).reshape(study.grades.shape[1], -1)
    for other in others:
        if (first > 0).all() and (other > 0).all():
            for name, weighting in WEIGHTINGS:
                kappa = cohen_kappa(first, other, weighting=weighting, owner=study.owner, seed=seed)
                rows.append(
                    row(READERS, f"{BETWEEN}, {name}", KAPPA, "grade", "",
                        Interval(*kappa[:3]), n=first.size, sd=kappa.sd)
                )  # fmt: skip
    return rows


def mean_t1rho(study: Study) -> float:
    """Over all discs, of the mean in the nucleus, ms."""
    return float(np.nanmean(study.t1rho[:, PARTS.index(MEAN)]))
