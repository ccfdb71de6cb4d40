"""Conformal intervals: quantiles by plain loops, and coverage over many simulated cohorts."""

import numpy as np
import pytest

from jaxqmri.analysis import (
    Pixels,
    conformal_factor,
    conformal_interval,
    cross_conformal,
    interval_coverage,
)
from tests.reference import uncertainty as reference


def cohort(seed, subjects=34, each=40, spread=0.3, first=0):
    """Errors whose size differs between subjects by more than their uncertainty says."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(each // 2, 2 * each, subjects)
    owner = np.repeat(np.arange(subjects), counts)
    u = rng.lognormal(0, 0.4, owner.size)
    y = rng.normal(42, 3, owner.size)
    e = rng.laplace(0, u) * rng.lognormal(0, spread, subjects)[owner]
    return Pixels.of(y, y + e, u, owner + first, np.arange(first + subjects))


def scores(pixels):
    ratio, owner = pixels.absolute_error / pixels.uncertainty, pixels.pixel_subjects
    return [ratio[owner == s].tolist() for s in np.unique(owner)]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("promised", [True, False])
def test_factor_is_the_loops(level, promised):
    pixels = cohort(0, subjects=25, each=8)
    expected = reference.weighted_factor(scores(pixels), level, int(promised))
    assert conformal_factor(pixels, level, promised=promised) == pytest.approx(expected)


def test_four_subjects_support_eighty_percent_and_34_support_97():
    four = cohort(1, subjects=4)
    assert np.isfinite(conformal_factor(four, 0.8))
    assert conformal_factor(four, 0.801) == np.inf
    assert np.isfinite(conformal_factor(four, 0.95, promised=False))
    many = cohort(1, subjects=34)
    assert np.isfinite(conformal_factor(many, 34 / 35))
    assert conformal_factor(many, 0.98) == np.inf


def test_with_one_pixel_a_subject_it_is_the_usual_quantile():
    rng = np.random.default_rng(2)
    e = rng.exponential(1.0, 99)
    pixels = Pixels.of(np.zeros(99), e, np.ones(99), np.arange(99), np.arange(99))
    assert conformal_factor(pixels, 0.9) == pytest.approx(np.sort(e)[89])  # the 90th of 100


def test_a_subject_with_many_pixels_weighs_no_more():
    small = cohort(3, subjects=10)
    # the first subject's pixels, forty times over
    mine = np.flatnonzero(small.slices == 0)
    taken = np.concatenate([np.arange(small.target.size), np.tile(mine, 39)])
    large = Pixels.of(
        *(values[taken] for values in (small.target, small.prediction, small.uncertainty)),
        small.slices[taken],
        small.subjects,
    )
    assert conformal_factor(large, 0.8) == pytest.approx(conformal_factor(small, 0.8))


def test_promised_coverage_is_kept_and_the_pooled_one_met():
    levels = {True: [], False: []}
    for seed in range(150):
        whole = cohort(seed, subjects=13, spread=0.6)
        held_out, new = (whole.of_subjects(np.arange(13) < 9), whole.of_subjects(np.arange(13) > 8))
        for promised, found in levels.items():
            half = conformal_factor(held_out, 0.8, promised=promised) * new.uncertainty
            inside = new.by_subject(new.absolute_error <= half)
            found.append(np.nanmean(inside))
    spread = np.std(levels[True]) / np.sqrt(150)
    assert np.mean(levels[True]) > 0.8 - 2 * spread
    assert 0.74 < np.mean(levels[False]) < 0.82
    assert np.mean(levels[False]) < np.mean(levels[True]) < 0.8 * 10 / 9 + 2 * spread


def test_one_model_has_intervals_about_its_prediction():
    held_out, new = cohort(4), cohort(5, subjects=6)
    lower, upper = conformal_interval([held_out], [new], 0.9)
    half = conformal_factor(held_out, 0.9) * new.uncertainty
    assert lower == pytest.approx(new.prediction - half)
    assert upper == pytest.approx(new.prediction + half)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_of_several_models_are_the_loops(level):
    rng = np.random.default_rng(6)
    held_out = [cohort(k, subjects=5, each=6, first=5 * k) for k in range(3)]
    new = cohort(9, subjects=3, each=4)
    predicted = [
        new._replace(
            prediction=new.prediction + rng.normal(0, 1, new.target.size),
            uncertainty=new.uncertainty * rng.uniform(0.5, 2, new.target.size),
        )
        for _ in held_out
    ]
    lower, upper = conformal_interval(held_out, predicted, level)
    parts = [scores(part) for part in held_out]
    for pixel in range(new.target.size):
        centres = [part.prediction[pixel] for part in predicted]
        scales = [part.uncertainty[pixel] for part in predicted]
        expected = reference.upper_end(centres, scales, parts, level)
        assert upper[pixel] == pytest.approx(expected, abs=1e-6)
        mirrored = reference.upper_end([-c for c in centres], scales, parts, level)
        assert lower[pixel] == pytest.approx(-mirrored, abs=1e-6)


def test_models_that_agree_are_one_model():
    whole = cohort(7, subjects=20)
    halves = [whole.of_subjects(np.arange(20) % 2 == k) for k in (0, 1)]
    new = cohort(8, subjects=5)
    one = conformal_interval([whole], [new], 0.8)
    two = conformal_interval(halves, [new, new], 0.8)
    assert np.array(two) == pytest.approx(np.array(one))
    out_of_reach = conformal_interval(halves, [new, new], 0.96)
    assert np.isinf(out_of_reach).all()
    covered = interval_coverage(new, *out_of_reach, 0.96)
    assert covered.found.value == 1.0
    assert np.isinf(covered.width.value)


def test_cross_conformal_uses_only_other_folds():
    whole = cohort(10, subjects=51)
    folds = np.arange(51) % 3
    rows = cross_conformal(whole, folds)
    for row in rows:
        inside, width = np.full(51, np.nan), np.full(51, np.nan)
        for fold in range(3):
            own, others = (whole.of_subjects(c) for c in (folds == fold, folds != fold))
            q = reference.weighted_factor(scores(others), row.level)
            chosen = folds == fold
            inside[chosen] = own.by_subject(own.absolute_error <= q * own.uncertainty)[chosen]
            width[chosen] = own.by_subject(2 * q * own.uncertainty)[chosen]
        assert row.found.value == pytest.approx(inside.mean())
        assert row.width.value == pytest.approx(width.mean())
        assert row.reaches
        assert row.n == 51
    assert [row.level for row in rows] == [0.5, 0.8, 0.9, 0.95]


def test_any_uncertainty_is_brought_to_the_level_but_only_a_good_one_evenly():
    whole = cohort(11, subjects=51, each=100, spread=0.1)
    folds = np.arange(51) % 3
    flat = whole._replace(uncertainty=np.ones_like(whole.target))
    tenfold = whole._replace(uncertainty=10 * whole.uncertainty)
    (good,), (constant,), (large,) = (
        cross_conformal(pixels, folds, [0.9], promised=False) for pixels in (whole, flat, tenfold)
    )
    assert good.holds
    assert constant.holds
    assert large.width == pytest.approx(good.width)
    certain = whole.uncertainty < np.median(whole.uncertainty)
    inside = [
        pixels.absolute_error <= conformal_factor(pixels, 0.9, promised=False) * pixels.uncertainty
        for pixels in (whole, flat)
    ]
    even, uneven = (abs(found[certain].mean() - found[~certain].mean()) for found in inside)
    assert even < 0.02
    assert uneven > 0.08


def test_what_cannot_be_calibrated_is_refused():
    pixels = cohort(0, subjects=4)
    with pytest.raises(ValueError, match="only one fold"):
        cross_conformal(pixels, np.zeros(4, int))
    certain = pixels._replace(uncertainty=np.where(np.arange(pixels.target.size), 1.0, 0.0))
    with pytest.raises(ValueError, match="zero in 1 of"):
        conformal_factor(certain, 0.8)
    with pytest.raises(ValueError, match="between 0 and 1"):
        conformal_factor(pixels, 1.0)
    with pytest.raises(ValueError, match="at least one pixel"):
        conformal_factor(pixels.of_subjects([False] * 4), 0.8)
    with pytest.raises(ValueError, match="2 models have held-out subjects, 1 have predictions"):
        conformal_interval([pixels, pixels], [pixels], 0.8)
    with pytest.raises(ValueError, match=r"subjects \[0, 1, 2, 3\] are held out by two models"):
        conformal_interval([pixels, pixels], [pixels, pixels], 0.8)
    other = pixels._replace(target=pixels.target + 1)
    with pytest.raises(ValueError, match="different pixels"):
        conformal_interval([pixels, pixels], [pixels, other], 0.8)
