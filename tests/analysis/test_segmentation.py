"""Overlaps against sets of voxels."""

from __future__ import annotations

import numpy as np
import pytest

from jaxqmri.analysis import overlap, summarise, summarise_overlaps


def volumes(seed: int):
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 3, (4, 5, 6))
    return drawn, np.where(rng.uniform(size=drawn.shape) < 0.3, rng.integers(0, 3), drawn)


def test_dice_and_jaccard_of_sets():
    drawn, found = volumes(0)
    rows = overlap(drawn, found)
    assert [row.label for row in rows] == [1, 2]
    for row in rows:
        a, b = (set(np.flatnonzero(each == row.label)) for each in (drawn, found))
        assert row.dice == pytest.approx(2 * len(a & b) / (len(a) + len(b)))
        assert row.jaccard == pytest.approx(len(a & b) / len(a | b))
        assert row.jaccard == pytest.approx(row.dice / (2 - row.dice))
        assert (row.reference, row.predicted) == (len(a), len(b))


def test_masks_and_labels_that_are_not_there():
    mask = np.zeros((2, 3), bool)
    mask[0] = True
    assert overlap(mask, mask) == [(1, 1.0, 1.0, 3, 3)]
    assert overlap(mask, ~mask)[0].dice == 0
    (absent,) = overlap(mask, mask, [4])
    assert np.isnan([absent.dice, absent.jaccard]).all()
    with pytest.raises(ValueError, match=r"shape \(2, 3\), prediction \(3, 2\)"):
        overlap(mask, mask.T)


def test_summary_over_the_subjects_that_have_a_label():
    subjects = [overlap(*volumes(seed), wanted=[2, 1, 7]) for seed in range(5)]
    first, second, third = summarise_overlaps(subjects, seed=2)
    assert [first.label, second.label, third.label] == [1, 2, 7]
    assert first.dice == summarise([rows[1].dice for rows in subjects], seed=2)
    assert second.jaccard == summarise([rows[0].jaccard for rows in subjects], seed=2)
    assert third.dice.n == 0
