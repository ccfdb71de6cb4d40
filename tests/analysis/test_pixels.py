"""Pixels of slices of subjects: what is left out, what means are taken of."""

import numpy as np
import pytest

from jaxqmri.analysis import Pixels, relative_error, slice_means
from tests.reference import uncertainty as reference

NAN = np.nan
# slice 0 and 1 of subject 0, slice 2 of subject 1, slice 3 of subject 2 without pixels
SUBJECTS = [0, 0, 1, 2]
SLICES = [0, 0, 1, 2, 2, 2]
TARGET = [40.0, 50.0, 20.0, 10.0, 10.0, 10.0]
PREDICTION = [44.0, 45.0, 22.0, 10.0, 11.0, NAN]
UNCERTAINTY = [1.0, 3.0, 5.0, 2.0, 4.0, 9.0]
SMALL = Pixels.of(TARGET, PREDICTION, UNCERTAINTY, SLICES, SUBJECTS)


def test_pixels_without_an_estimate_are_left_out_and_counted():
    assert SMALL.target.tolist() == TARGET[:5]
    assert SMALL.uncertainty.tolist() == UNCERTAINTY[:5]
    assert SMALL.left_out == 1
    without = [NAN, 1.0, np.inf, 1.0, 1.0, 1.0]
    assert Pixels.of(TARGET, PREDICTION, without, SLICES, SUBJECTS).left_out == 3
    stateless = Pixels.of(TARGET, PREDICTION, None, SLICES, SUBJECTS)
    assert stateless.left_out == 1
    with pytest.raises(ValueError, match="5 of 5 pixels have no uncertainty"):
        stateless.stated()


def test_relative_error_by_hand():
    found = relative_error(SMALL)
    # slices: (10 + 10) / 2, 10, (0 + 10) / 2 percent
    assert found.by_slice == pytest.approx([10.0, 10.0, 5.0, NAN], nan_ok=True)
    assert found.by_subject == pytest.approx([10.0, 5.0, NAN], nan_ok=True)
    assert found.rmre.value == pytest.approx(25 / 3)
    assert found.sd == pytest.approx(np.std([10.0, 10.0, 5.0], ddof=1))
    assert (found.slices, found.n, found.left_out) == (3, 2, 1)


def test_relative_error_is_the_loops():
    rng = np.random.default_rng(0)
    slices = rng.integers(0, 20, 3000)
    y = rng.uniform(30, 50, 3000)
    p = y + rng.laplace(0, 2, 3000)
    pixels = Pixels.of(y, p, None, slices, np.arange(20) // 2)
    found = relative_error(pixels)
    assert found.rmre.value == pytest.approx(reference.rmre(y, p, slices, 20))
    assert found.rmre.low < found.rmre.value < found.rmre.high


def test_interval_is_over_subjects_not_slices():
    # three slices that are copies tell no more than one
    rng = np.random.default_rng(1)
    error = rng.uniform(1, 3, 40)
    y = np.full(40, 100.0)
    once = relative_error(Pixels.of(y, y + error, None, np.arange(40), np.arange(40)))
    thrice = Pixels.of(
        np.tile(y, 3), np.tile(y + error, 3), None, np.arange(120), np.tile(np.arange(40), 3)
    )
    assert relative_error(thrice).rmre == pytest.approx(once.rmre)


def test_slice_means_by_hand():
    means = slice_means(SMALL)
    assert means.uncertainty == pytest.approx([2.0, 5.0, 3.0])
    assert means.absolute_error == pytest.approx([4.5, 2.0, 0.5])
    assert means.difference == pytest.approx([0.5, 2.0, 0.5])  # +4 and -5 cancel
    assert means.subjects.tolist() == [0, 0, 1]


def test_some_subjects_keep_their_indices():
    second = SMALL.of_subjects([False, True, False])
    assert second.slices.tolist() == [2, 2]
    assert relative_error(second).by_subject == pytest.approx([NAN, 5.0, NAN], nan_ok=True)
    with pytest.raises(ValueError, match="each of 3 subjects"):
        SMALL.of_subjects([True, False])


def test_nothing_has_no_error():
    nothing = Pixels.of([], [], [], [], [])
    assert np.isnan(relative_error(nothing).rmre).all()
    assert slice_means(nothing).subjects.size == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TARGET[:5], PREDICTION, UNCERTAINTY, SLICES, SUBJECTS), r"target \(5,\)"),
        ((TARGET, PREDICTION, UNCERTAINTY[:2], SLICES, SUBJECTS), r"uncertainty \(2,\)"),
        ((TARGET, PREDICTION, None, SLICES, SUBJECTS[:2]), "slice 2, but subjects names 2"),
        ((TARGET, PREDICTION, None, [0.5] * 6, SUBJECTS), "slices must be indices"),
        ((TARGET, PREDICTION, None, SLICES, [-1, 0, 0]), "subjects must be indices"),
        ((TARGET, PREDICTION, [-1.0, *UNCERTAINTY[1:]], SLICES, SUBJECTS), "negative in 1 of 6"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Pixels.of(*arguments)


def test_targets_of_a_relative_error_are_positive():
    with pytest.raises(ValueError, match="1 of 2 are not"):
        relative_error(Pixels.of([0.0, 1.0], [1.0, 1.0], None, [0, 0], [0]))
