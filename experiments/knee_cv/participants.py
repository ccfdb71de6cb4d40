"""Who took part: Table 1 of the knee T1rho study, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.knee_cv.paper import PARTICIPANTS
from experiments.run import Result

Person = Mapping[str, Any]

GROUPS = {"patient": "OA", "volunteer": "healthy"}
MEANS = {"age": "age", "BMI": "bmi"}  # measure: column of participants.tsv


class Told(NamedTuple):
    """A mean, count or share over the ``n`` participants of whom it is known."""

    value: float | None = None
    sd: float | None = None
    n: int | None = None


def participant_rows(people: Sequence[Person]) -> list[Result]:
    """Every number of Table 1; ours None where ``participants.tsv`` does not say.

    Parameters
    ----------
    people
        Rows of ``participants.tsv``, empty for subjects that it does not have.
    """
    rows = []
    for (group, metric, unit), paper in PARTICIPANTS.items():
        chosen = [p for p in people if group == "all" or GROUPS.get(str(p.get("group"))) == group]
        ours = _mean(chosen, MEANS[metric]) if metric in MEANS else _count(chosen, metric, unit)
        rows.append(
            Result(
                "participants", metric, unit, group,
                n=ours.n, ours=ours.value, ours_sd=ours.sd, paper=paper.mean, paper_sd=paper.sd,
            )
        )  # fmt: skip
    return rows


def _mean(people: Sequence[Person], column: str) -> Told:
    values = [p[column] for p in people if p.get(column) is not None]
    if not values:
        return Told()
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Told(float(np.mean(values)), spread, len(values))


def _count(people: Sequence[Person], metric: str, unit: str) -> Told:
    column, holds = _condition(metric)
    known = [p for p in people if column is None or p.get(column) is not None]
    if not known:
        return Told()
    count = sum(holds(p) for p in known)
    return Told(float(count) if unit == "subjects" else 100.0 * count / len(known), n=len(known))


def _condition(metric: str) -> tuple[str | None, Callable[[Person], bool]]:
    """Column that tells, and whether a participant counts."""
    if metric in ("male", "female"):
        return "sex", lambda person: person["sex"] == metric[0].upper()
    if metric.startswith("KL grade"):
        return "kl_grade", lambda person: person["kl_grade"] == int(metric[-1])
    return None, lambda person: True
