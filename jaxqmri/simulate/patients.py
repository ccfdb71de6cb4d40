"""Who takes part in the liver study: ages, sexes and fibrosis stages of 51 patients."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jaxqmri.simulate.people import take_turns

STAGES = {0: 24, 1: 13, 2: 14}
"""Patients by fibrosis stage. The published counts, 25, 13 and 14, are one more than the 51
patients; the one too many is taken from the largest group."""

SEXES = {1: 27, 0: 24}  # male, female
AGES = {1: (54.79, 8.95), 0: (60.29, 9.88)}  # mean and SD, years


class Patient(NamedTuple):
    """What participants.tsv says of a patient, as numbers."""

    stage: float
    male: float
    age: float


def patient(k: int, seed: int) -> Patient:
    """Patient ``k`` of the study (from 0): 27 men and 24 women in every 51."""
    turn = k % sum(STAGES.values())
    stage = take_turns(STAGES)[turn]
    # By turns within each stage, so that sex tells nothing of the stage.
    before = [other for other in take_turns(STAGES)[:turn] if other == stage]
    male = SEX_OF_STAGE[stage][len(before)]
    mean, sd = AGES[male]
    z = np.random.default_rng([seed, k]).standard_normal()
    return Patient(float(stage), float(male), float(np.clip(mean + sd * z, 25.0, 85.0)))


SEX_OF_STAGE = {
    stage: take_turns({1: males, 0: STAGES[stage] - males})
    for stage, males in {0: 13, 1: 7, 2: 7}.items()
}
"""Males first, by turns, within each stage: 13, 7 and 7 are 27."""


COLUMNS = {
    "participant_id": {"Description": "Digital subject"},
    "age": {"Description": "Age", "Units": "year"},
    "sex": {"Description": "Sex", "Levels": {"M": "male", "F": "female"}},
    "stage": {
        "Description": "Liver fibrosis stage",
        "Levels": {"F0": "no fibrosis", "F1": "portal fibrosis", "F2": "few septa"},
    },
}


def participant(who: Patient) -> dict[str, Any]:
    """The patient's row of participants.tsv, without the name."""
    return {
        "age": round(who.age, 1),
        "sex": "M" if who.male else "F",
        "stage": f"F{int(who.stage)}",
    }
