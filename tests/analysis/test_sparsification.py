"""Uncertainties that know the order of the errors, do not, or reverse it."""

import numpy as np
import pytest
from scipy import stats

from jaxqmri.analysis import Pixels, rank_correlation, relative_error, sparsification
from tests.reference import uncertainty as reference

SUBJECTS, SLICES, EACH = 20, 40, 250
OWNERS = np.arange(SLICES) // 2
AT = np.repeat(np.arange(SLICES), EACH)
RNG = np.random.default_rng(0)
SCALE = RNG.lognormal(0.0, 0.5, AT.size) * RNG.lognormal(0.0, 0.3, SLICES)[AT]
TARGET = RNG.normal(42.0, 3.0, AT.size)
PREDICTION = TARGET + RNG.laplace(0.0, SCALE)


def pixels_with(uncertainty):
    return Pixels.of(TARGET, PREDICTION, uncertainty, AT, OWNERS)


HEAD = pixels_with(SCALE)
RELATIVE = HEAD.relative_error
KNOWING = pixels_with(RELATIVE)
CONSTANT = pixels_with(np.ones(AT.size))


def test_curve_and_oracle_are_the_loops():
    found = sparsification(HEAD)
    curve, left = reference.sparsified(SCALE, RELATIVE, AT, SLICES)
    assert found.error == pytest.approx(curve)
    assert found.slices.tolist() == left
    assert found.oracle == pytest.approx(reference.sparsified(RELATIVE, RELATIVE, AT, SLICES)[0])
    assert found.removed == pytest.approx(np.arange(20) / 20)
    assert found.n == SUBJECTS


def test_nothing_removed_is_the_relative_error():
    found, whole = sparsification(HEAD), relative_error(HEAD)
    assert found.error[0] == pytest.approx(whole.rmre.value)
    assert (found.low[0], found.high[0]) == pytest.approx(whole.rmre[1:])
    assert found.random == pytest.approx(whole.rmre.value)


def test_areas_by_the_trapezoidal_rule():
    found = sparsification(HEAD)
    area = np.sum((found.error - found.oracle)[:-1] + (found.error - found.oracle)[1:]) * 0.05 / 2
    assert found.ause.value == pytest.approx(area)
    gained = found.random - found.error
    assert found.gain.value == pytest.approx(np.sum(gained[:-1] + gained[1:]) * 0.05 / 2)
    assert found.gain.low > 0  # a Laplace head that is right beats a random order
    assert found.ause.low > 0  # and does not know single errors


def test_who_knows_the_error_is_the_oracle():
    found = sparsification(KNOWING)
    assert found.error == pytest.approx(found.oracle)
    assert found.ause == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)


def test_a_constant_removes_at_random():
    whole = relative_error(CONSTANT).rmre.value
    found = np.mean([sparsification(CONSTANT, seed=seed).error for seed in range(5)], axis=0)
    assert found[:15] == pytest.approx(whole, rel=0.03)
    flat = sparsification(CONSTANT)
    assert flat.gain.low < 0 < flat.gain.high


def test_the_reverse_order_is_worse_than_none():
    found = sparsification(pixels_with(1.0 / (0.01 + RELATIVE)))
    assert found.gain.high < 0
    assert np.all(np.diff(found.error[:10]) > 0)


def test_only_the_order_counts():
    found = sparsification(HEAD)
    assert sparsification(pixels_with(np.sqrt(SCALE))).error == pytest.approx(found.error)
    mixed = np.random.default_rng(1).permutation(AT.size)
    other = Pixels.of(TARGET[mixed], PREDICTION[mixed], SCALE[mixed], AT[mixed], OWNERS)
    assert sparsification(other).error == pytest.approx(found.error)


def test_in_one_slice_nothing_is_below_the_oracle():
    one = Pixels.of(TARGET, PREDICTION, SCALE, np.zeros_like(AT), [0])
    found = sparsification(one)
    assert np.all(found.oracle <= found.error + 1e-12)
    assert np.all(np.diff(found.oracle) <= 0)
    assert np.isnan(found.ause.low)  # of one subject


def test_within_slices_only_the_order_in_a_slice_counts():
    found = sparsification(HEAD, within_slices=True)
    assert np.all(found.slices == SLICES)
    of_slices = np.linspace(1, 100, SLICES)[AT]
    shifted = sparsification(pixels_with(SCALE * of_slices), within_slices=True)
    assert shifted.error == pytest.approx(found.error)
    pairs = zip(SCALE.reshape(SLICES, EACH), RELATIVE.reshape(SLICES, EACH), strict=True)
    parts = [reference.sparsified(u, relative, [0] * EACH, 1)[0] for u, relative in pairs]
    assert found.error == pytest.approx(np.mean(parts, axis=0))
    # who knows only how bad a slice is removes whole slices, or in a slice at random
    knows_slices = pixels_with(HEAD.by_slice(RELATIVE)[AT])
    together = sparsification(knows_slices)
    assert together.gain.value > 0.3
    assert together.slices[-1] == 2
    within = sparsification(knows_slices, within_slices=True).gain
    assert within.low < 0 < within.high


def test_steps_that_do_not_divide_the_whole():
    assert sparsification(HEAD, step=0.3).removed == pytest.approx([0.0, 0.3, 0.6, 0.9])
    coarse = reference.sparsified(SCALE, RELATIVE, AT, SLICES, 0.25)[0]
    assert sparsification(HEAD, step=0.25).error == pytest.approx(coarse)
    for step in (0.0, 1.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            sparsification(HEAD, step=step)


def test_rank_correlation_is_scipys():
    found = rank_correlation(HEAD)
    error = HEAD.absolute_error
    assert found.pooled.value == pytest.approx(stats.spearmanr(SCALE, error).statistic)
    owner = OWNERS[AT]
    own = [stats.spearmanr(SCALE[owner == s], error[owner == s]).statistic for s in range(SUBJECTS)]
    assert found.by_subject == pytest.approx(own)
    assert found.mean.value == pytest.approx(np.mean(own))
    assert found.pooled.low < found.pooled.value < found.pooled.high
    assert found.n == SUBJECTS


def test_ranks_that_agree_reverse_or_are_equal():
    error = HEAD.absolute_error
    assert rank_correlation(pixels_with(error)).pooled.value == pytest.approx(1.0)
    reverse = rank_correlation(pixels_with(1 / (1 + error)))
    assert reverse.mean == pytest.approx((-1.0, -1.0, -1.0))
    constant = rank_correlation(CONSTANT)
    assert constant.n == 0
    assert np.isnan(constant.pooled).all()
    # ties have their mean rank
    tied = np.round(SCALE)
    expected = stats.spearmanr(tied, error).statistic
    assert rank_correlation(pixels_with(tied)).pooled.value == pytest.approx(expected)


def test_subjects_and_slices_without_pixels_do_not_count():
    rest = HEAD.of_subjects(np.arange(SUBJECTS) < 5)
    assert sparsification(rest).slices[0] == 10
    assert sparsification(rest).n == 5
    assert rank_correlation(rest).n == 5
    nothing = HEAD.of_subjects(np.zeros(SUBJECTS, bool))
    assert np.isnan(sparsification(nothing).error).all()
    assert np.isnan(rank_correlation(nothing).pooled).all()


def test_the_excess_is_the_worst_step_up_to_half_its_interval_paired_over_subjects():
    found = sparsification(HEAD)
    assert found.excess.value == pytest.approx(np.max((found.error - found.random)[1:11]))
    assert found.excess.low < found.excess.value < found.excess.high < 0
    # subjects differ by more than the order of removal does: unpaired, the interval is wider
    at = 1 + int(np.argmax(found.error[1:11]))
    assert found.excess.high - found.excess.low < found.high[at] - found.low[at]
    reversed_order = sparsification(pixels_with(1.0 / SCALE))
    assert reversed_order.excess.low > 0
