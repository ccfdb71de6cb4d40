"""Who takes part in the knee MESE study: 143 people at risk of osteoarthritis, in two groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxqmri.simulate import people
from jaxqmri.simulate.people import Person, take_turns

FOLDS = {"train": 115, "validation": 14, "test": 14}

GROUPS_AND_SEXES = {
    "train": {"HM": 30, "NM": 30, "HF": 28, "NF": 27},
    "validation": {"HF": 4, "NF": 4, "HM": 3, "NM": 3},
    "test": {"HM": 4, "NM": 4, "HF": 3, "NF": 3},
}
"""Subjects of each fold by body mass index (high or normal) and sex: 72 are high, 69 women.

Published are the folds' sizes, that half have a high body mass index, and 48 % women.
"""

LEFT_SHARE = 0.5
"""Share of left knees, assumed."""

COLUMNS: Mapping[str, Mapping[str, Any]] = people.COLUMNS | {
    "group": {
        "Description": "Group by body mass index",
        "Levels": {"high": "above 30 kg/m^2", "normal": "18.4 to 25 kg/m^2"},
    },
    "fold": {
        "Description": "What the subject is for",
        "Levels": {
            "train": "a network learns from it",
            "validation": "watches the training and sets thresholds",
            "test": "judges the result",
        },
    },
}


def fold(k: int) -> str:
    """What subject ``k`` (from 0) is for: every beginning of the cohort has its share of each."""
    return take_turns(FOLDS)[k % sum(FOLDS.values())]


def person(k: int, seed: int) -> Person:
    """Subject ``k`` of the study (from 0): of every 143 those of the published counts.

    All are of Kellgren–Lawrence grade 0 and 45 to 78 years old at the first visit, with a body
    mass index of 18.4 to 25 or of 30 to 44.3 kg/m^2. The distributions within are assumed.
    """
    turns, turn = take_turns(FOLDS), k % sum(FOLDS.values())
    own = turns[turn]
    group, sex = take_turns(GROUPS_AND_SEXES[own])[turns[:turn].count(own)]
    rng = np.random.default_rng([seed, k])
    z = rng.standard_normal(2)
    spread = 30.1 + 3.4 * abs(z[1]) if group == "H" else 22.7 + 1.5 * z[1]
    return Person(
        grade=0.0,
        male=float(sex == "M"),
        age=float(np.clip(60.0 + 8.0 * z[0], 45.0, 78.0)),
        body_mass_index=float(np.clip(spread, 18.4, 44.3 if group == "H" else 25.0)),
        left=float(rng.random() < LEFT_SHARE),
    )


def is_high(who: Person) -> float:
    """1 for a high body mass index, 0 for a normal one."""
    return float(who.body_mass_index > 30.0)


def participant(who: Person, fold: str) -> dict[str, Any]:
    """The subject's row of participants.tsv, without the name."""
    group = "high" if is_high(who) else "normal"
    return people.participant(who) | {"group": group, "fold": fold}
