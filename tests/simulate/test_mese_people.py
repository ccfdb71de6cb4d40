from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from jaxqmri.simulate.mese_people import FOLDS, fold, participant, person


@pytest.fixture(scope="module")
def rows():
    return [participant(person(k, 0), fold(k)) for k in range(143)]


def test_one_hundred_and_forty_three_are_the_papers_cohort(rows):
    assert Counter(row["fold"] for row in rows) == FOLDS
    assert Counter(row["group"] for row in rows) == {"high": 72, "normal": 71}
    assert Counter(row["sex"] for row in rows) == {"F": 69, "M": 74}
    assert {row["kl_grade"] for row in rows} == {0}
    for row in rows:
        assert 45.0 <= row["age"] <= 78.0
        low, most = (30.0, 44.3) if row["group"] == "high" else (18.4, 25.0)
        assert low <= row["bmi"] <= most
    assert 50 <= Counter(row["side"] for row in rows)["L"] <= 95


@pytest.mark.parametrize("column", ["group", "sex"])
def test_folds_are_balanced(rows, column):
    for name in FOLDS:
        counts = Counter(row[column] for row in rows if row["fold"] == name)
        assert np.ptp(list(counts.values())) <= 0.1 * FOLDS[name] + 1


@pytest.mark.parametrize("subjects", [8, 30, 60, 143])
def test_fewer_subjects_have_their_share_of_every_fold(rows, subjects):
    counts = Counter(row["fold"] for row in rows[:subjects])
    for name, size in FOLDS.items():
        assert abs(counts[name] - subjects * size / 143) < 1.0
        assert counts[name] > 0


def test_a_person_is_the_seeds_own():
    assert person(7, 1) == person(7, 1) != person(7, 2)
