import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from jaxqmri import physics
from tests.reference import noise

T1RHO = 45.0
information_of = jax.jit(physics.rician_information)
bound_of = eqx.filter_jit(physics.cramer_rao_bound)


@jax.jit
def relative_deviation(last_time):
    """SD of T1rho over T1rho, times the SNR, of two images at 0 and ``last_time``."""
    model = physics.T1rhoDecay(jnp.stack([jnp.zeros(()), jnp.asarray(last_time)]))
    params = model.Params(jnp.asarray(1.0), jnp.asarray(T1RHO))
    return physics.cramer_rao_bound(model, params, 0.01).t1rho / (0.01 * T1RHO)


def test_best_pair_of_spin_lock_times():
    with jax.enable_x64(True):
        best = minimize_scalar(
            lambda x: float(relative_deviation(x * T1RHO)), bounds=(0.5, 3.0), method="bounded"
        )
        slope = jax.grad(relative_deviation)(jnp.asarray(best.x * T1RHO))
    assert best.x == pytest.approx(1.1089, abs=1e-3)
    assert best.fun == pytest.approx(2.878, abs=1e-3)
    assert abs(float(slope)) < 1e-4


def test_variable_flip_angles():
    """SD of T1 where the noise is a fortieth of the signal at 10 degrees."""
    model = physics.SpoiledGradientEcho([5.0, 10.0, 20.0, 30.0], 20.0)
    for t1, deviation in ((800.0, 47.0), (1000.0, 60.0), (1200.0, 73.0)):
        params = model.Params(1.0, jnp.float32(t1), 1.0)
        bound = bound_of(model, params, model(params)[1] / 40.0)
        assert float(bound.t1) == pytest.approx(deviation, abs=1.0)
        assert np.isnan(bound.b1)


def test_rician_information_equals_integral():
    for snr in (0.05, 0.5, 1.5, 4.0, 8.99, 9.01, 20.0):
        exact = noise.information(snr, 1.0)
        with jax.enable_x64(True):
            found = float(information_of(jnp.float64(snr)))
        assert found == pytest.approx(exact, rel=1e-5)
        assert float(information_of(jnp.float32(snr))) == pytest.approx(exact, rel=1e-4)
    assert float(physics.rician_information(0.0)) == 0.0
    assert np.isfinite(jax.grad(physics.rician_information)(0.0))


def test_magnitudes_tell_less_than_gaussian_samples():
    model = physics.T2Decay([10.0, 40.0, 80.0, 160.0])
    params = model.Params(jnp.float32(1.0), jnp.float32(40.0))
    ratios = []
    for sigma in (0.2, 0.05, 1e-4):
        gaussian = bound_of(model, params, sigma)
        rician = bound_of(model, params, sigma, "rician")
        ratios.append(float(rician.t2 / gaussian.t2))
    assert ratios[0] > ratios[1] > ratios[2]
    assert ratios[2] == pytest.approx(1.0, abs=1e-3)


def test_free_parameters_are_chosen_by_name():
    model = physics.MultiEchoSpinEcho(np.arange(1, 6) * 10.0)
    params = model.Params(jnp.float32(1.0), jnp.float32(40.0), jnp.float32(0.8), 1000.0)
    held = bound_of(model, params, 0.01)
    freed = bound_of(model, params, 0.01, free=("s0", "t2", "b1"))
    assert np.isnan(held.b1)
    assert float(freed.b1) > 0
    assert float(freed.t2) > float(held.t2)


def test_bound_is_reached_by_least_squares():
    """Mono-exponential at SNR 100: spread of one Gauss-Newton step from the truth."""
    with jax.enable_x64(True):
        model = physics.T2Decay([10.0, 30.0, 60.0, 90.0])
        params = model.Params(jnp.float64(1.0), jnp.float64(40.0))
        jacobian = np.stack(jax.jacfwd(model.__call__)(params), axis=-1)
        bound = physics.cramer_rao_bound(model, params, 0.01)
    deviations = np.random.default_rng(0).normal(0.0, 0.01, (100_000, 4))
    steps = deviations @ np.linalg.pinv(jacobian).T
    np.testing.assert_allclose(np.std(steps, axis=0), bound, rtol=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"likelihood": "poisson"}, "likelihood must be"),
        ({"free": ("t1",)}, "free must name parameters out of s0, t1rho, got 't1'"),
    ],
)
def test_unknown_names_are_refused(options, message):
    model = physics.T1rhoDecay([0.0, 40.0])
    with pytest.raises(ValueError, match=message):
        physics.fisher_information(model, model.Params(1.0, jnp.float32(40.0)), 0.1, **options)


def test_too_few_samples_are_refused():
    model = physics.T1rhoDecay([40.0])
    with pytest.raises(ValueError, match="2 free parameters need at least as many samples, got 1"):
        physics.cramer_rao_bound(model, model.Params(1.0, jnp.float32(40.0)), 0.1)
