"""Likelihood and coverage of predicted laws, against SciPy and closed forms."""

import numpy as np
import pytest
from scipy import stats

from jaxqmri.analysis import Pixels, coverage, half_width, interval_coverage, likelihood

SUBJECTS = 30
EACH = 4000
SLICES = np.repeat(np.arange(SUBJECTS), EACH)
LEVELS = (0.5, 0.8, 0.9, 0.95)


def simulated(law, seed=0, factor=1.0):
    """Errors of the law; the uncertainty that is stated is so many times the true one."""
    rng = np.random.default_rng(seed)
    u = rng.lognormal(0.0, 0.5, SLICES.size)
    draw = rng.laplace if law == "laplace" else rng.normal
    y = rng.normal(42, 3, u.size)
    return Pixels.of(y, y + draw(0.0, u), factor * u, SLICES, np.arange(SUBJECTS))


@pytest.mark.parametrize("level", LEVELS)
def test_half_widths_are_scipys(level):
    assert half_width(level) == pytest.approx(stats.laplace.interval(level)[1])
    assert half_width(level, "gaussian") == pytest.approx(stats.norm.interval(level)[1])
    assert half_width(0.5) == pytest.approx(np.log(2.0))


@pytest.mark.parametrize("law", ["laplace", "gaussian"])
def test_likelihood_is_scipys(law):
    pixels = simulated(law)
    law_of = stats.laplace if law == "laplace" else stats.norm
    density = law_of(scale=pixels.uncertainty).logpdf(pixels.prediction - pixels.target)
    found = likelihood(pixels, law)
    # subjects have equally many pixels here
    assert found.nll.value == pytest.approx(-density.mean())
    _, best = law_of.fit(pixels.prediction - pixels.target, floc=0.0)
    assert found.best == pytest.approx(best)
    constant = -law_of(scale=best).logpdf(pixels.prediction - pixels.target).mean()
    assert found.constant.value == pytest.approx(constant)
    assert found.gain.value == pytest.approx(constant + density.mean())
    assert found.n == SUBJECTS


def test_a_perfect_law_reaches_its_entropy():
    found = likelihood(simulated("laplace"))
    # of scale u: 1 + ln 2u, here with ln u of mean 0
    assert found.nll.value == pytest.approx(1 + np.log(2), abs=0.02)
    # the best constant is E|e| = E u = exp(1/8)
    assert found.best == pytest.approx(np.exp(0.125), rel=0.02)
    assert found.gain.value == pytest.approx(0.125, abs=0.02)
    assert found.gain.low > 0


def test_no_constant_beats_the_best_one():
    pixels = simulated("laplace", seed=1)
    best = likelihood(pixels).best
    for factor in (0.9, 1.0, 1.1):
        u = np.full_like(pixels.target, factor * best)
        found = likelihood(pixels._replace(uncertainty=u))
        assert found.gain.value <= 1e-12
        assert (found.gain.value == pytest.approx(0.0, abs=1e-12)) == (factor == 1.0)
    overconfident = likelihood(simulated("laplace", seed=1, factor=0.3))
    assert overconfident.gain.high < 0


@pytest.mark.parametrize("law", ["laplace", "gaussian"])
def test_a_perfect_law_covers_what_it_says(law):
    pixels = simulated(law)
    for row in coverage(pixels, law, LEVELS):
        assert row.holds
        assert row.reaches
        assert row.found.value == pytest.approx(row.level, abs=0.005)
        wide = 2 * half_width(row.level, law) * pixels.uncertainty.mean()
        assert row.width.value == pytest.approx(wide)


def test_a_scale_too_small_or_too_large_covers_as_the_law_says():
    for factor in (0.5, 2.0):
        for row in coverage(simulated("laplace", factor=factor)):
            expected = 1 - (1 - row.level) ** factor  # exp(-f q) with q = -ln(1 - level)
            assert row.found.value == pytest.approx(expected, abs=0.005)
            assert not row.holds
            assert row.reaches == (factor > 1)


def test_a_law_read_as_the_other_one_does_not_hold():
    assert not any(row.holds for row in coverage(simulated("laplace"), "gaussian")[1:])


def test_coverage_is_a_mean_over_subjects():
    pixels = Pixels.of([0.0] * 5, [1.0, 1.0, 1.0, 1.0, 3.0], [1.0] * 5, [0, 0, 0, 0, 1], [0, 1])
    row = interval_coverage(pixels, pixels.prediction - 2, pixels.prediction + 2, 0.5)
    assert row.found.value == pytest.approx(0.5)  # all of one subject, none of the other
    assert row.width.value == pytest.approx(4.0)
    assert row.n == 2
    single = interval_coverage(pixels.of_subjects([True, False]), *[np.zeros(4)] * 2, 0.5)
    assert (single.found.value, single.n) == (1.0, 1)
    assert not single.holds  # one subject tells nothing about others
    assert not single.reaches


def test_nothing_has_no_law():
    nothing = Pixels.of([], [], [], [], [])
    assert np.isnan(likelihood(nothing).nll).all()
    assert np.isnan(coverage(nothing)[0].found).all()


def test_what_has_no_law_is_refused():
    pixels = simulated("laplace")
    with pytest.raises(ValueError, match=f"zero in {pixels.target.size} of"):
        likelihood(pixels._replace(uncertainty=np.zeros_like(pixels.target)))
    for level in (0.0, 1.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            coverage(pixels, levels=[level])
    with pytest.raises(ValueError, match=r"ends of shapes \(1,\)"):
        interval_coverage(pixels, np.zeros(1), np.zeros(1), 0.5)
