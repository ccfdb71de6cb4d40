import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri import physics

AFI_TIMES = np.array([20.0, 100.0])


@pytest.mark.parametrize(
    ("t1", "signals"),
    [
        (800.0, [0.0758, 0.1085, 0.1011, 0.0795]),
        (1000.0, [0.0733, 0.0991, 0.0858, 0.0655]),
        (1200.0, [0.0711, 0.0912, 0.0745, 0.0557]),
    ],
)
def test_spoiled_gradient_echo_golden_values(t1, signals):
    model = physics.SpoiledGradientEcho([5.0, 10.0, 20.0, 30.0], 20.0)
    np.testing.assert_allclose(
        model(model.Params(1.0, jnp.float32(t1), 1.0)), signals, rtol=0, atol=5.1e-5
    )


def test_ernst_angle_gives_the_largest_signal():
    ernst = np.rad2deg(np.arccos(np.exp(-20.0 / 1000.0)))
    model = physics.SpoiledGradientEcho(ernst + np.linspace(-3.0, 3.0, 61), 20.0)
    assert int(jnp.argmax(model(model.Params(1.0, jnp.float32(1000.0), 1.0)))) == 30


def test_small_angles_keep_their_digits_in_float32():
    angles, tr, t1 = np.array([0.1, 0.5, 2.0]), 3.0, 4000.0
    model = physics.SpoiledGradientEcho(angles, tr)
    e1, a = np.exp(-tr / t1), np.deg2rad(angles)
    expected = np.sin(a) * (1.0 - e1) / (1.0 - e1 * np.cos(a))
    np.testing.assert_allclose(model(model.Params(1.0, jnp.float32(t1), 1.0)), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("nominal", "t1", "angle"),
    [
        (45.0, 300.0, 44.73),
        (45.0, 600.0, 44.89),
        (45.0, 1000.0, 44.94),
        (45.0, 1500.0, 44.96),
        (45.0, 3600.0, 44.98),
        (36.0, 300.0, 35.84),
        (36.0, 3600.0, 35.99),
        (54.0, 300.0, 53.58),
        (54.0, 3600.0, 53.97),
    ],
)
def test_approximate_flip_angle_golden_values(nominal, t1, angle):
    with jax.enable_x64(True):
        model = physics.ActualFlipAngle(AFI_TIMES, nominal)
        first, second = model(model.Params(1.0, 1.0, jnp.float64(t1)))
        found = nominal * physics.approximate_flip_angle(first, second, AFI_TIMES, nominal)
    assert float(found) == pytest.approx(angle, abs=0.0051)


def test_approximation_is_clamped_and_never_invents_a_number():
    first = jnp.array([1.0, 1.0, 1.0, 0.0, -1.0, jnp.nan])
    second = jnp.array([1.0, 1.2, -1.5, 0.5, 0.5, 1.0])
    b1 = physics.approximate_flip_angle(first, second, AFI_TIMES, 45.0)
    np.testing.assert_allclose(b1, [0.0, 0.0, 4.0, np.nan, np.nan, np.nan])
    slopes = jax.vmap(jax.grad(lambda a, b: physics.approximate_flip_angle(a, b, AFI_TIMES, 45.0)))(
        first[:3], second[:3]
    )
    assert np.all(np.isfinite(slopes))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: physics.SpoiledGradientEcho([-5.0], 20.0), "flip_angles must be at least 0"),
        (lambda: physics.SpoiledGradientEcho([5.0], -1.0), "repetition_time must be above 0"),
        (lambda: physics.ActualFlipAngle([20.0], 45.0), "must be two times, got 1"),
        (lambda: physics.ActualFlipAngle([100.0, 20.0], 45.0), "rising"),
        (lambda: physics.ActualFlipAngle([0.0, 20.0], 45.0), "above 0"),
        (lambda: physics.ActualFlipAngle([20.0, 100.0], 120.0), "at most 90 degrees"),
        (
            lambda: physics.ActualAndVariableFlipAngle([5.0], 20.0, [100.0, 20.0], 45.0),
            "afi_repetition_times must be above 0 ms and rising",
        ),
    ],
)
def test_impossible_acquisitions_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
