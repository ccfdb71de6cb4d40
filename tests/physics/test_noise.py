import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri import physics
from tests.reference import noise

SIGNALS = [0.0, 0.3, 1.0, 3.0, 10.0, 50.0]
COILS = [1, 2, 4, 16]
SIGMA = 2.0


@pytest.mark.parametrize("coils", COILS)
def test_log_likelihood_equals_scipy(coils):
    for snr in SIGNALS:
        middle = np.sqrt(snr**2 + 2 * coils)
        measured = SIGMA * (middle + np.array([-1.5, -0.5, 0.0, 1.0, 3.0]))
        measured = measured[measured > 0]
        with jax.enable_x64(True):
            found = physics.noncentral_chi_log_likelihood(measured, SIGMA * snr, SIGMA, coils)
        exact = np.log(noise.density(measured, SIGMA * snr, SIGMA, coils))
        np.testing.assert_allclose(found, exact, rtol=0, atol=1e-9 if coils == 1 else 1e-7)
        if coils == 1:
            single = physics.rician_log_likelihood(measured.astype("f"), SIGMA * snr, SIGMA)
            np.testing.assert_allclose(single, exact, rtol=1e-5, atol=5e-5)


def test_impossible_magnitudes_have_no_likelihood():
    measured = jnp.array([0.0, -1.0])
    assert np.all(np.isneginf(physics.rician_log_likelihood(measured, 1.0, 1.0)))
    assert np.all(np.isneginf(physics.noncentral_chi_log_likelihood(measured, 1.0, 1.0, 4)))


def test_likelihood_slope_at_zero_signal_is_finite_and_zero():
    for likelihood in (
        physics.rician_log_likelihood,
        lambda m, a, s: physics.noncentral_chi_log_likelihood(m, a, s, 4),
    ):
        slope = jax.grad(likelihood, argnums=1)(1.5, 0.0, 1.0)
        np.testing.assert_allclose(slope, 0.0, atol=1e-6)


@pytest.mark.parametrize("coils", COILS)
def test_mean_equals_integral(coils):
    for snr in [*SIGNALS, 99.0, 101.0]:
        exact = noise.expectation(lambda m: m, SIGMA * snr, SIGMA, coils)
        with jax.enable_x64(True):
            found = float(physics.noncentral_chi_mean(jnp.float64(SIGMA * snr), SIGMA, coils))
            rician = float(physics.rician_mean(jnp.float64(SIGMA * snr), SIGMA))
        assert found == pytest.approx(exact, rel=1e-8)
        if coils == 1:
            assert rician == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("coils", COILS)
def test_samples_follow_the_distribution(coils):
    samples = physics.sample_noncentral_chi(
        jax.random.key(coils), jnp.full(200_000, 3.0), SIGMA, coils
    )
    mean = noise.expectation(lambda m: m, 3.0, SIGMA, coils)
    spread = np.sqrt(9.0 + 2 * coils * SIGMA**2 - mean**2)
    assert float(jnp.mean(samples)) == pytest.approx(mean, abs=5 * spread / np.sqrt(200_000))
    assert float(jnp.std(samples)) == pytest.approx(spread, rel=0.01)


def test_gaussian_samples_and_likelihood():
    samples = physics.sample_gaussian(jax.random.key(0), jnp.full(200_000, 3.0), SIGMA)
    assert float(jnp.mean(samples)) == pytest.approx(3.0, abs=5 * SIGMA / np.sqrt(200_000))
    assert float(jnp.std(samples)) == pytest.approx(SIGMA, rel=0.01)
    density = jnp.exp(physics.gaussian_log_likelihood(jnp.linspace(-17.0, 23.0, 4001), 3.0, SIGMA))
    assert float(jnp.sum(density) * 0.01) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("coils", [1, 8])
@pytest.mark.parametrize("statistic", ["second_moment", "mean", "sd"])
def test_sigma_from_air(statistic, coils):
    air = physics.sample_noncentral_chi(jax.random.key(1), jnp.zeros(200_000), SIGMA, coils)
    found = physics.sigma_from_background(air, statistic, coils)
    assert float(found) == pytest.approx(SIGMA, rel=0.01)


def test_sigma_from_repeats():
    keys = jax.random.split(jax.random.key(2))
    signal = jnp.linspace(20.0, 200.0, 100_000)
    first, second = (physics.sample_rician(key, signal, SIGMA) for key in keys)
    assert float(physics.sigma_from_repeats(first, second)) == pytest.approx(SIGMA, rel=0.01)


def test_koay_basser_inverts_the_moments():
    snr = np.array([0.4, 1.0, 2.0, 5.0, 11.9, 12.1, 40.0])
    mean = [noise.expectation(lambda m: m, SIGMA * s, SIGMA) for s in snr]
    spread = [np.sqrt(SIGMA**2 * (s**2 + 2.0) - m**2) for s, m in zip(snr, mean, strict=True)]
    with jax.enable_x64(True):
        found = physics.koay_basser(np.array(mean), np.array(spread))
    np.testing.assert_allclose(found.amplitude, SIGMA * snr, rtol=1e-4)
    np.testing.assert_allclose(found.sigma, SIGMA, rtol=1e-4)


def test_koay_basser_finds_no_amplitude_in_noise():
    found = physics.koay_basser(jnp.array([1.8, 1.5]), 1.0)
    np.testing.assert_array_equal(found.amplitude, 0.0)
    np.testing.assert_allclose(found.sigma, 1.0 / np.sqrt(2.0 - np.pi / 2.0), rtol=1e-6)


def test_corrections_take_the_bias_out():
    signal = jnp.full(200_000, 3.0 * SIGMA)
    magnitude = physics.sample_rician(jax.random.key(4), signal, SIGMA)
    raw = float(jnp.mean(magnitude)) - 3.0 * SIGMA
    assert raw > 0.3
    corrected = physics.gudbjartsson_patz(magnitude, SIGMA)
    assert abs(float(jnp.mean(corrected)) - 3.0 * SIGMA) < 0.25 * raw
    root_mean_square = jnp.sqrt(jnp.mean(magnitude**2))
    moment = float(physics.second_moment(root_mean_square, SIGMA))
    assert moment == pytest.approx(3.0 * SIGMA, rel=0.005)
    assert float(physics.second_moment(1.0, SIGMA)) == 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: physics.sample_noncentral_chi(jax.random.key(0), 1.0, 1.0, 0),
        lambda: physics.noncentral_chi_mean(1.0, 1.0, 0),
        lambda: physics.noncentral_chi_log_likelihood(1.0, 1.0, 1.0, -1),
        lambda: physics.sigma_from_background(jnp.ones(3), coils=0),
    ],
)
def test_no_coil_is_refused(call):
    with pytest.raises(ValueError, match="coils must be a whole number of at least 1"):
        call()


def test_unknown_statistic_is_refused():
    with pytest.raises(ValueError, match="statistic must be"):
        physics.sigma_from_background(jnp.ones(3), "median")


@pytest.mark.parametrize("snr", [0.0, 0.3, 1.0, 5.0, 50.0, 1000.0])
def test_slopes_of_the_mean_are_exact_in_single_precision(snr):
    signal, step = SIGMA * snr, 1e-4
    mean = lambda a, s: noise.expectation(lambda m: m, a, s, 1)  # noqa: E731
    of_signal = (mean(signal + step, SIGMA) - mean(abs(signal - step), SIGMA)) / (2 * step)
    of_sigma = (mean(signal, SIGMA + step) - mean(signal, SIGMA - step)) / (2 * step)
    found = jax.grad(physics.rician_mean, argnums=(0, 1))(jnp.float32(signal), jnp.float32(SIGMA))
    np.testing.assert_allclose(found[0], of_signal, atol=2e-6)
    # of the noise it is what is left of the mean, whose rounding error is that of the signal
    np.testing.assert_allclose(found[1], of_sigma, atol=1e-5 + 4e-7 * snr)
