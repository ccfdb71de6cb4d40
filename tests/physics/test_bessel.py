import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from jaxqmri import physics

X = np.concatenate([[0.0], np.logspace(-6, 7, 20_001)]).astype(np.float32)


def exact_ratio(x):
    return special.i1e(x) / special.i0e(x)


def test_ratio_equals_scipy():
    exact = exact_ratio(X.astype(np.float64))
    np.testing.assert_allclose(physics.bessel_ratio(X), exact, rtol=1e-6)
    np.testing.assert_array_equal(physics.bessel_ratio(-X), -physics.bessel_ratio(X))
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            physics.bessel_ratio(jnp.asarray(X, jnp.float64)), exact, rtol=1e-13
        )


def test_logarithm_equals_scipy():
    x = X.astype(np.float64)
    exact = np.log(special.i0e(x))
    error = np.abs(np.asarray(physics.log_bessel_i0e(X)) - exact)
    assert np.max(error / np.maximum(1.0, np.abs(exact))) < 1e-6
    error = np.abs(np.asarray(physics.log_bessel_i0(X)) - (exact + x))
    assert np.max(error / np.maximum(1.0, x)) < 1e-6
    with jax.enable_x64(True):
        wide = physics.log_bessel_i0e(jnp.asarray(x))
    np.testing.assert_allclose(wide, exact, rtol=1e-12, atol=1e-15)


def test_slopes_equal_the_recurrence():
    x = X[(X > 1e-3) & (X < 100.0)]
    with jax.enable_x64(True):
        wide = jnp.asarray(x, jnp.float64)
        ratio = exact_ratio(np.asarray(wide))
        exact = 1.0 - ratio / np.asarray(wide) - ratio**2
        double = jax.vmap(jax.grad(physics.bessel_ratio))(wide)
    np.testing.assert_allclose(double, exact, rtol=1e-8)
    single = jax.vmap(jax.grad(physics.bessel_ratio))(x)
    np.testing.assert_allclose(single, exact, rtol=1e-4)
    np.testing.assert_allclose(jax.vmap(jax.grad(physics.log_bessel_i0))(x), ratio, atol=2e-6)


def test_slopes_at_zero():
    assert float(jax.grad(physics.bessel_ratio)(0.0)) == 0.5
    np.testing.assert_allclose(jax.grad(physics.log_bessel_i0)(0.0), 0.0, atol=1e-6)
