import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri import physics


def test_magnitude_is_the_absolute_value_of_the_signed_model():
    times = [50.0, 400.0, 1100.0, 2500.0]
    signed = physics.InversionRecovery(times, 2550.0, magnitude=False)
    magnitude = physics.InversionRecovery(times, 2550.0)
    params = signed.Params(100.0, jnp.float32(1200.0), 0.95)
    assert signed(params)[0] < 0 < signed(params)[-1]
    np.testing.assert_array_equal(magnitude(params), jnp.abs(signed(params)))
    assert signed.signed
    assert not magnitude.signed


def test_long_repetition_time_is_the_textbook_curve():
    times = np.array([50.0, 400.0, 1100.0, 2500.0])
    model = physics.InversionRecovery(times, 1e6, magnitude=False)
    signal = model(model.Params(1.0, jnp.float32(900.0), 1.0))
    np.testing.assert_allclose(signal, 1.0 - 2.0 * np.exp(-times / 900.0), atol=1e-6)


def test_short_times_keep_their_digits_in_float32():
    model = physics.SaturationRecovery([0.01])
    signal = model(model.Params(1.0, jnp.float32(4000.0)))
    np.testing.assert_allclose(signal, [-np.expm1(-0.01 / 4000.0)], rtol=1e-6)


def test_magnitude_start_finds_the_polarity():
    """The samples alone do not tell which of them were negative."""
    model = physics.InversionRecovery([50.0, 400.0, 1100.0, 2500.0], 2550.0)
    t1 = jnp.array([350.0, 800.0, 1500.0, 3000.0])
    signals = jax.vmap(lambda value: model(model.Params(100.0, value, 0.9)))(t1)
    np.testing.assert_allclose(jax.jit(jax.vmap(model.start))(signals).t1, t1, rtol=0.35)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: physics.InversionRecovery([50.0, 3000.0], 2550.0), "at most the repetition time"),
        (lambda: physics.InversionRecovery([50.0], 0.0), "repetition_time must be above 0"),
        (lambda: physics.InversionRecovery([50.0], np.nan), "repetition_time must be above 0"),
        (lambda: physics.InversionRecovery([-1.0], 100.0), "inversion_times must be at least 0"),
        (lambda: physics.SaturationRecovery([]), "delays must be a non-empty list"),
        (lambda: physics.SaturationRecovery([1.0, np.inf]), "delays must be finite"),
    ],
)
def test_impossible_acquisitions_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
