"""Who takes part in the knee UTE study: ages, sexes and grades of 65 people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxqmri.simulate import people
from jaxqmri.simulate.people import Person, take_turns

GROUPS = {0: 20, 1: 14, 2: 15, 3: 9, 4: 7}
"""Subjects by Kellgren–Lawrence grade. Published are 20 of grade 0, 29 of 1 or 2, and 16 of 3 or
4; how the last two split is assumed."""

SEX_AND_SIDE = {
    0: {"FR": 6, "ML": 5, "MR": 5, "FL": 4},
    1: {"FL": 4, "MR": 4, "FR": 3, "ML": 3},
    2: {"FR": 5, "MR": 4, "ML": 3, "FL": 3},
    3: {"MR": 3, "FL": 2, "FR": 2, "ML": 2},
    4: {"FL": 2, "MR": 2, "FR": 2, "ML": 1},
}
"""Subjects of each grade by sex and side: 33 women, 29 left knees. Published are the sums."""

AGES = {0: 36.0, 1: 59.8, 2: 62.0, 3: 66.5, 4: 68.5}
"""Mean age by grade, assumed; with an SD of 11 years within each, all together are 54.8 ± 16.9
years old, as published."""

COLUMNS: Mapping[str, Mapping[str, Any]] = people.COLUMNS | {
    "group": {
        "Description": "Group by Kellgren-Lawrence grade",
        "Levels": {
            "normal": "grade 0",
            "doubtful-minimal": "grade 1 or 2",
            "moderate-severe": "grade 3 or 4",
        },
    },
}

_GROUP = ("normal", "doubtful-minimal", "doubtful-minimal", "moderate-severe", "moderate-severe")


def person(k: int, seed: int) -> Person:
    """Subject ``k`` of the study (from 0): of every 65 those of the published counts.

    Body mass index is assumed: 24.5 ± 3.5 kg/m^2, and 0.8 more for each grade.
    """
    turn = k % sum(GROUPS.values())
    grades = take_turns(GROUPS)
    grade = grades[turn]
    sex, side = take_turns(SEX_AND_SIDE[grade])[grades[:turn].count(grade)]
    z = np.random.default_rng([seed, k]).standard_normal(2)
    return Person(
        grade=float(grade),
        male=float(sex == "M"),
        age=float(np.clip(AGES[grade] + 11.0 * z[0], 18.0, 90.0)),
        body_mass_index=float(np.clip(24.5 + 0.8 * grade + 3.5 * z[1], 17.0, 42.0)),
        left=float(side == "L"),
    )


def participant(who: Person) -> dict[str, Any]:
    """The subject's row of participants.tsv, without the name."""
    return people.participant(who) | {"group": _GROUP[int(who.grade)]}
