"""Who takes part in the spine study: 60 patients with low back pain or radiculopathy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxqmri.simulate.people import take_turns

FOLDS = {"train": 50, "test": 10}
SEXES = {"train": {1: 29, 0: 21}, "test": {1: 6, 0: 4}}  # male, female
AGE, AGE_SD = 36.0, 11.0  # published, years


class SpinePatient(NamedTuple):
    """What participants.tsv says of a patient, as numbers."""

    male: float
    age: float


def fold(k: int) -> str:
    """What patient ``k`` (from 0) is for: every beginning of the cohort has its share of each."""
    return take_turns(FOLDS)[k % sum(FOLDS.values())]


def patient(k: int, seed: int) -> SpinePatient:
    """Patient ``k`` of the study (from 0): of every 60 those of the published counts."""
    turns, turn = take_turns(FOLDS), k % sum(FOLDS.values())
    own = turns[turn]
    male = take_turns(SEXES[own])[turns[:turn].count(own)]
    z = np.random.default_rng([seed, k]).standard_normal()
    return SpinePatient(float(male), float(np.clip(AGE + AGE_SD * z, 18.0, 68.0)))


COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "participant_id": {"Description": "Digital subject"},
    "age": {"Description": "Age", "Units": "year"},
    "sex": {"Description": "Sex", "Levels": {"M": "male", "F": "female"}},
    "fold": {
        "Description": "What the subject is for",
        "Levels": {"train": "a network learns from it", "test": "judges the result"},
    },
}


def participant(who: SpinePatient, fold: str) -> dict[str, Any]:
    """The patient's row of participants.tsv, without the name."""
    return {"age": round(who.age, 1), "sex": "M" if who.male else "F", "fold": fold}
