import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri import physics
from tests.reference.bloch import played_pulse, relax

ANGLES = np.array([1.0, 5.0, 10.0, 20.0, 30.0, 90.0])


@pytest.mark.parametrize("t2", [0.05, 0.2, 0.5, 0.955, 1.0, 3.0, 30.0])
def test_equals_the_bloch_equations(t2):
    """Swinging and damped, and where the two meet."""
    expected = np.array([played_pulse(a, 0.5, t2) for a in ANGLES])
    with jax.enable_x64(True):
        along, across = physics.finite_pulse(ANGLES, 0.5, jnp.float64(t2))
    np.testing.assert_allclose(along, expected[:, 0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(across, expected[:, 1], rtol=0, atol=1e-9)


def test_long_t2_is_a_turn():
    along, across = physics.finite_pulse(ANGLES, 0.1, jnp.float32(1e6))
    np.testing.assert_allclose(along, np.cos(np.deg2rad(ANGLES)), atol=1e-6)
    np.testing.assert_allclose(across, np.sin(np.deg2rad(ANGLES)), atol=1e-6)


def test_a_short_pulse_gives_a_spoiled_gradient_echo():
    finite = physics.FinitePulseGradientEcho(ANGLES, 20.0, 1e-6)
    hard = physics.SpoiledGradientEcho(ANGLES, 20.0)
    t1 = jnp.float32(800.0)
    np.testing.assert_allclose(
        finite(finite.Params(1.0, t1, 0.9, 20.0)), hard(hard.Params(1.0, t1, 0.9)), rtol=1e-5
    )


def test_slopes_are_finite_where_the_two_forms_meet():
    with jax.enable_x64(True):
        angle = jnp.float64(np.rad2deg(0.25))  # h = 0.25: x = 0
        slope = jax.grad(lambda t2: physics.finite_pulse(angle, 0.5, t2)[1])(jnp.float64(1.0))
        up, down = (
            physics.finite_pulse(angle, 0.5, jnp.float64(1.0 + step))[1] for step in (1e-5, -1e-5)
        )
    assert float(slope) == pytest.approx(float(up - down) / 2e-5, rel=1e-7)


def test_t1_during_a_pulse_is_negligible():
    """What the equation leaves out, against pulses played with it."""
    t1, t2, tr, tau = 300.0, 0.5, 20.0, 0.5
    model = physics.FinitePulseGradientEcho([30.0], tr, tau)
    mz, before = 1.0, np.inf
    while abs(mz - before) > 1e-12:
        before = mz
        along, across = played_pulse(30.0, tau, t2, mz, t1)
        mz = relax(along, tr - tau, t1)
    signal = model(model.Params(1.0, jnp.float32(t1), 1.0, t2))
    assert float(signal[0]) == pytest.approx(across, rel=0.01)


def test_a_pulse_longer_than_tr_is_refused():
    with pytest.raises(ValueError, match="below TR, 5 ms, got 6"):
        physics.FinitePulseGradientEcho([5.0], 5.0, 6.0)
