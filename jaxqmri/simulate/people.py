"""Who takes part: ages, sexes and grades of 30 patients and 10 volunteers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

GROUPS = {0: 10, 1: 2, 2: 13, 3: 6, 4: 9}  # subjects by Kellgren–Lawrence grade


class Person(NamedTuple):
    """What participants.tsv says of a subject, as numbers."""

    grade: float
    male: float
    age: float
    body_mass_index: float
    left: float


def take_turns(counts: Mapping[Any, int]) -> list[Any]:
    """Every key as often as its count, so that each beginning of the list is balanced."""
    total, taken, order = sum(counts.values()), dict.fromkeys(counts, 0), []
    for k in range(1, total + 1):
        behind = max(counts, key=lambda key: counts[key] * k / total - taken[key])
        taken[behind] += 1
        order.append(behind)
    return order


def person(k: int, seed: int) -> Person:
    """Subject ``k`` of the study (from 0): 30 patients and 10 volunteers in every 40."""
    turn = k % sum(GROUPS.values())
    grades = take_turns(GROUPS)
    grade = grades[turn]
    group = [i for i, other in enumerate(grades) if (other > 0) == (grade > 0)]
    males = take_turns({0: 21, 1: 9} if grade > 0 else {0: 5, 1: 5})
    z = np.random.default_rng([seed, k]).standard_normal(3)
    age, bmi = (67.63 + 5.80 * z[0], 26.0 + 4.08 * z[1])
    if grade == 0:
        age, bmi = (24.9 + 2.59 * z[0], 22.75 + 4.51 * z[1])
    return Person(
        float(grade),
        float(males[group.index(turn)]),
        float(np.clip(age, 18.0, 90.0)),
        float(np.clip(bmi, 17.0, 42.0)),
        float(z[2] > 0),
    )


COLUMNS = {
    "participant_id": {"Description": "Digital subject"},
    "age": {"Description": "Age", "Units": "year"},
    "sex": {"Description": "Sex", "Levels": {"M": "male", "F": "female"}},
    "bmi": {"Description": "Body mass index", "Units": "kg/m^2"},
    "kl_grade": {"Description": "Kellgren-Lawrence grade, 0 to 4"},
    "group": {
        "Description": "Group",
        "Levels": {"patient": "osteoarthritis", "volunteer": "healthy"},
    },
    "side": {"Description": "Knee", "Levels": {"L": "left", "R": "right"}},
}


def participant(who: Person) -> dict[str, Any]:
    """The subject's row of participants.tsv, without the name."""
    return {
        "age": round(who.age, 1),
        "sex": "M" if who.male else "F",
        "bmi": round(who.body_mass_index, 1),
        "kl_grade": int(who.grade),
        "group": "patient" if who.grade > 0 else "volunteer",
        "side": "L" if who.left else "R",
    }
