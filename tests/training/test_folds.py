"""Folds: no subject twice, balanced, the same whatever the order, obeyed where given."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from jaxqmri.training import assign_folds, make_splits

BALANCE = ("sex", "kl_grade")


def people() -> list[dict]:
    grades = [0] * 10 + [1] * 2 + [2] * 13 + [3] * 6 + [4] * 9
    sexes = ["M"] * 5 + ["F"] * 5 + ["M", "F", "F"] * 10
    return [
        {"participant_id": f"sub-{k:02d}", "sex": s, "kl_grade": g}
        for k, (s, g) in enumerate(zip(sexes, grades, strict=True))
    ]


def counts(rows, folds, column):
    values = sorted({row[column] for row in rows}, key=str)
    return np.array(
        [
            [
                sum(f == k and row[column] == v for f, row in zip(folds, rows, strict=True))
                for k in range(5)
            ]
            for v in values
        ]
    )


def test_every_column_is_as_even_as_whole_subjects_allow():
    rows = people()
    folds = assign_folds(rows, balance=BALANCE, seed=3)
    assert np.bincount(folds).tolist() == [8] * 5
    for column in BALANCE:
        table = counts(rows, folds, column)
        assert np.all(table.max(1) - table.min(1) <= 1), table


def test_reproducible_and_independent_of_the_order_of_rows():
    rows = people()
    folds = assign_folds(rows, balance=BALANCE, seed=1)
    order = np.random.default_rng(0).permutation(40)
    shuffled = assign_folds([rows[i] for i in order], balance=BALANCE, seed=1)
    np.testing.assert_array_equal(shuffled, folds[order])
    assert np.any(assign_folds(rows, balance=BALANCE, seed=2) != folds)


def test_a_fold_column_is_obeyed():
    rows = [{**row, "fold": "abcde"[k % 5]} for k, row in enumerate(people())]
    np.testing.assert_array_equal(assign_folds(rows), np.arange(40) % 5)
    rows[7]["fold"] = None
    with pytest.raises(ValueError, match="sub-07 has no fold"):
        assign_folds(rows)


def test_parts_are_disjoint_and_the_validation_part_is_balanced():
    rows = people()
    folds = assign_folds(rows, balance=BALANCE)
    splits = make_splits(rows, folds, balance=("sex",), validation=0.125)
    assert sorted(itertools.chain(*(split.test for split in splits))) == list(range(40))
    for split in splits:
        assert sorted(np.concatenate(split)) == list(range(40))
        assert len(split.validation) == 4
        men = sum(rows[i]["sex"] == "M" for i in split.validation)
        assert 1 <= men <= 2
    again = make_splits(rows, folds, balance=("sex",), validation=0.125)
    for one, other in zip(splits, again, strict=True):
        np.testing.assert_array_equal(one.validation, other.validation)
    assert all(len(split.validation) == 0 for split in make_splits(rows, folds, validation=0.0))


def test_errors_name_what_is_wrong():
    rows = people()
    with pytest.raises(ValueError, match="sub-00 appears twice"):
        assign_folds([rows[0], *rows])
    with pytest.raises(ValueError, match="3 subjects cannot make 5 folds"):
        assign_folds(rows[:3])
    with pytest.raises(ValueError, match="no column 'bmi'"):
        assign_folds(rows, balance=("bmi",))
