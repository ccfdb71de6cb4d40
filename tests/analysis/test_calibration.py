"""Calibration errors of uncertainties that are perfect, constant, or wrong by a known factor."""

import numpy as np
import pytest

from jaxqmri.analysis import (
    Pixels,
    calibration_error,
    constant_calibration_error,
    held_out_constant,
    reliability_diagram,
    slice_means,
)
from tests.reference import uncertainty as reference

PATIENTS, SLICES, PIXELS = 51, 153, 1500
MAE, SPREAD = 1.14, 0.76  # ms, of slices, as the liver study prints them
OWNERS = np.repeat(np.arange(PATIENTS), 3)
FOLDS = np.arange(PATIENTS) % 3


def laplace_head(seed, pixels=PIXELS):
    """Simulated pixels whose errors follow the Laplace law that is stated for them."""
    rng = np.random.default_rng(seed)
    shape = np.log1p((SPREAD / MAE) ** 2)
    of_slice = MAE * rng.lognormal(-shape / 2, np.sqrt(shape), SLICES)
    scale = np.repeat(of_slice, pixels) * rng.lognormal(-0.08, 0.4, SLICES * pixels)
    target = rng.normal(42.0, 3.0, scale.size)
    prediction = target + rng.laplace(0.0, scale)
    return Pixels.of(target, prediction, scale, np.repeat(np.arange(SLICES), pixels), OWNERS)


HEAD = laplace_head(0)


def test_a_perfect_laplace_head_scores_what_its_law_says():
    # with m the mean of |e|: (sqrt(2) - 1) m, sqrt(2) m less what is left of the mean error, 0
    found = calibration_error(HEAD)
    m = slice_means(HEAD).absolute_error.mean()
    assert m == pytest.approx(MAE, abs=0.15)
    assert found.deviation.value / m == pytest.approx(np.sqrt(2) - 1, abs=0.01)
    assert found.deviation.value == pytest.approx(0.47, abs=0.06)
    assert found.of_means.value == pytest.approx(1.6, abs=0.2)
    assert found.expected.value == pytest.approx(0.01, abs=0.009)
    assert found.expected.low == 0.0  # not to be told from a calibrated one, which it is
    assert found.deviation.low > 0.4
    assert found.slices == SLICES


def test_a_constant_scores_about_a_tenth_of_a_millisecond():
    # the mean of 51 slices differs from that of the 102 others by 0.8 SD sqrt(1/51 + 1/102) on
    # average, 0.10 ms; less where two folds share a bin and their differences cancel
    scores = [constant_calibration_error(laplace_head(seed, 20), FOLDS) for seed in range(1, 13)]
    for reading in ("deviation", "expected"):
        found = np.mean([getattr(score, reading).value for score in scores])
        assert 0.05 < found < 0.13
    perfect = calibration_error(HEAD)
    assert perfect.expected.value < found < perfect.deviation.value


def test_a_gaussian_law_has_its_own_readings():
    rng = np.random.default_rng(1)
    sd = np.repeat(rng.uniform(0.5, 3, 60), 2000)
    y = np.zeros(sd.size)
    slices = np.repeat(np.arange(60), 2000)
    pixels = Pixels.of(y, rng.normal(0, sd), sd, slices, np.arange(60) // 2)
    found = calibration_error(pixels, "gaussian")
    assert found.deviation.value == pytest.approx((1 - np.sqrt(2 / np.pi)) * sd.mean(), abs=0.01)
    assert found.expected.value < 0.02
    assert calibration_error(pixels).expected.value > 10 * found.expected.value


@pytest.mark.parametrize("bins", [1, 2, 7, 20])
def test_calibration_error_is_the_loops(bins):
    rng = np.random.default_rng(bins)
    u, e = rng.gamma(3, 1, 200), rng.gamma(3, 1, 200)
    diagram = reliability_diagram(u, e, np.arange(200) // 4, bins)
    expected = reference.calibration_error(u, e, bins)
    assert diagram.calibration_error.value == pytest.approx(expected)
    assert diagram.counts.sum() == 200


def test_reliability_diagram_by_hand():
    # edges 0, 1, 2: the smallest is in the first bin, 1.0 still is, 2.0 is in the second
    found = reliability_diagram([0.0, 1.0, 1.5, 2.0], [1.0, 3.0, 1.0, 2.0], [0, 0, 1, 1], bins=2)
    assert found.edges.tolist() == [0.0, 1.0, 2.0]
    assert found.counts.tolist() == [2, 2]
    assert found.uncertainty == pytest.approx([0.5, 1.75])
    assert found.error == pytest.approx([2.0, 1.5])
    assert found.calibration_error.value == pytest.approx((1.5 + 0.25) / 2)


def test_empty_bins_have_no_mean_and_one_value_has_one_bin():
    gap = reliability_diagram([0.0, 0.1, 6.9, 7.0], [1.0] * 4, [0, 1, 0, 1])
    assert gap.counts.tolist() == [2, 0, 0, 0, 0, 0, 2]
    assert np.isnan(gap.error[1:6]).all()
    constant = reliability_diagram(np.full(30, 2.0), np.arange(30.0), np.arange(30))
    assert constant.counts.tolist() == [30, 0, 0, 0, 0, 0, 0]
    assert constant.calibration_error.value == pytest.approx(12.5)
    nothing = reliability_diagram([], [], [])
    assert np.isnan(nothing.calibration_error).all()
    assert nothing.counts.tolist() == [0] * 7


def test_diagram_scales_with_its_unit_and_not_with_the_order():
    rng = np.random.default_rng(3)
    u, e, owner = rng.gamma(3, 1, 90), rng.gamma(3, 1, 90), np.arange(90) // 3
    found = reliability_diagram(u, e, owner)
    scaled = reliability_diagram(1000 * u, 1000 * e, owner)
    assert scaled.calibration_error == pytest.approx(np.multiply(1000, found.calibration_error))
    # subjects are renumbered, and drawn anew
    mixed = np.random.default_rng(4).permutation(90)
    other = reliability_diagram(u[mixed], e[mixed], 7 * (30 - owner[mixed]))
    assert other.error == pytest.approx(found.error)
    assert other.high == pytest.approx(found.high, rel=0.1, nan_ok=True)


def test_interval_holds_the_calibration_error_of_the_law():
    # an uncertainty 1.3 times too large: 0.3 times its mean, whatever subjects were drawn
    held = 0  # of thirty
    for seed in range(30):
        rng = np.random.default_rng(seed)
        u = rng.uniform(1, 3, 51)
        e = u / 1.3 * rng.lognormal(-0.045, 0.3, 51)
        low, high = reliability_diagram(u, e, np.arange(51)).calibration_error[1:]
        held += low <= 0.3 / 1.3 * u.mean() <= high
    assert held >= 27


def test_perfect_items_score_zero_and_their_reverse_does_not():
    u = np.linspace(1, 3, 51)
    exact = reliability_diagram(u, u, np.arange(51)).calibration_error
    assert exact == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)
    assert reliability_diagram(u, u[::-1], np.arange(51)).calibration_error.low > 0.3


def test_constants_come_from_the_other_folds():
    pixels = Pixels.of(np.zeros(4), [1.0, -3.0, 4.0, 10.0], None, [0, 0, 1, 2], subjects=[0, 1, 2])
    # subjects' means of |e|: 2, 4, 10
    assert held_out_constant(pixels, [0, 0, 1]).tolist() == [10.0, 10.0, 10.0, 3.0]
    found = constant_calibration_error(pixels, [0, 0, 1])
    assert found.expected.value == pytest.approx((7.0 * 2 + 7.0) / 3)
    # means of e: 1 (of +1 and -3), 4, 10
    assert found.of_means.value == pytest.approx((7.5 * 2 + 7.5) / 3)


def test_what_cannot_be_calibrated_is_refused():
    with pytest.raises(ValueError, match="only one fold"):
        constant_calibration_error(HEAD, np.zeros(PATIENTS, int))
    with pytest.raises(ValueError, match="each of 51 subjects"):
        held_out_constant(HEAD, [0, 1])
    with pytest.raises(ValueError, match="have no uncertainty"):
        calibration_error(HEAD._replace(uncertainty=np.full_like(HEAD.target, np.nan)))
    with pytest.raises(ValueError, match="not finite"):
        reliability_diagram([1.0, np.nan], [1.0, 1.0], [0, 1])
    with pytest.raises(ValueError, match=r"\(2,\), \(1,\)"):
        reliability_diagram([1.0, 2.0], [1.0], [0, 1])
    with pytest.raises(ValueError, match="at least one bin"):
        reliability_diagram([1.0], [1.0], [0], bins=0)
