"""Folds of subjects, with validation subjects as a part or as a number."""

import pytest

from experiments.folds import split_people
from jaxqmri.io import InputError

PEOPLE = [{"participant_id": f"sub-{k:02d}", "sex": "FM"[k % 2]} for k in range(12)]


@pytest.mark.parametrize(("validation", "count"), [(0.25, 2), (2, 2), (3, 3)])
def test_validation_is_a_part_or_a_number(validation, count):
    splits, folds = split_people(PEOPLE, ("sex", "grade"), 3, validation, 0)
    assert [split.validation.size for split in splits] == [count] * 3
    assert sorted(folds.tolist()) == sorted([0, 1, 2] * 4)


@pytest.mark.parametrize(
    ("folds", "validation", "words"),
    [
        (1, 2, "at least 2"),
        (3, 0, "at least 2"),
        (3, 1.5, "whole number"),
        (3, 8, "fewer than the 8"),
    ],
)
def test_what_makes_no_sense_is_refused(folds, validation, words):
    with pytest.raises(InputError, match=words):
        split_people(PEOPLE, ("sex",), folds, validation, 0)
