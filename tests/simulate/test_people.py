from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from jaxqmri.simulate.people import GROUPS, participant, person, take_turns


@pytest.fixture(scope="module")
def everyone():
    return [person(k, 0) for k in range(40)]


def test_forty_are_the_papers_cohort(everyone):
    assert Counter(int(who.grade) for who in everyone) == GROUPS
    patients = [who for who in everyone if who.grade > 0]
    volunteers = [who for who in everyone if who.grade == 0]
    assert (len(patients), len(volunteers)) == (30, 10)
    assert sum(who.male for who in patients) == 9
    assert sum(who.male for who in volunteers) == 5
    assert abs(np.mean([who.age for who in patients]) - 67.6) < 4
    assert abs(np.mean([who.age for who in volunteers]) - 24.9) < 3


def test_every_beginning_is_balanced():
    order = take_turns(GROUPS)
    for count in (8, 16, 24, 32):
        beginning = Counter(order[:count])
        for grade, total in GROUPS.items():
            assert abs(beginning[grade] - total * count / 40) < 1.5


def test_a_person_depends_on_number_and_seed_alone():
    assert person(7, 1) == person(7, 1)
    assert person(7, 1).age != person(7, 2).age
    assert person(7, 1).age != person(47, 1).age


def test_row_of_the_table():
    row = participant(person(0, 0))
    assert row["group"] == ("volunteer" if row["kl_grade"] == 0 else "patient")
    assert row["sex"] in ("M", "F")
    assert row["side"] in ("L", "R")
