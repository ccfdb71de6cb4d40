import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxqmri
from jaxqmri import physics

LOCKS = [0.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0]
KNEE = {"repetition_time": 500.0, "flip_angle": 10.0, "spokes": 25}


def knee_signal(t1rho=40.0, t1=1000.0):
    model = physics.AdiabaticT1rho(LOCKS, **KNEE, spoke_spacing=5.0)
    return np.asarray(model(model.Params(1.0, jnp.float32(t1rho), t1, 1.0)))


def test_golden_values():
    np.testing.assert_allclose(knee_signal()[[0, -1]], [0.0982, 0.0131], rtol=0, atol=5.1e-5)


@pytest.mark.parametrize(
    ("model", "options", "t1rho"),
    [
        (physics.AdiabaticT1rho(LOCKS, **KNEE, spoke_spacing=5.0), {}, 40.0),
        (physics.AdiabaticT1rhoOffset(LOCKS, **KNEE), {}, 39.9),
        (physics.AdiabaticT1rhoOffset(LOCKS, **KNEE), {"fixed": {"offset": 0.0}}, 52.7),
        (physics.T1rhoDecay(LOCKS), {}, 36.0),
    ],
    ids=["exact", "with a constant", "without", "two parameters"],
)
def test_what_each_equation_reads_from_the_exact_signal(model, options, t1rho):
    result = jaxqmri.fit(model, knee_signal()[None], **options)
    assert float(result.params.t1rho[0]) == pytest.approx(t1rho, abs=0.051)


def test_a_decay_to_a_free_constant_reads_too_short():
    result = jaxqmri.fit(physics.T2DecayOffset(LOCKS), knee_signal()[None])
    assert float(result.params.t2[0]) == pytest.approx(25.2, abs=0.051)


def test_of_one_spoke_the_approximate_decay_is_exact():
    with jax.enable_x64(True):
        t1, t1rho = jnp.float64(800.0), jnp.float64(30.0)
        exact = physics.multi_spoke_signal(np.array(LOCKS), 500.0, 10.0, 1, 1e-9, t1, t1rho)
        decay = physics.multi_spoke_decay(np.array(LOCKS), 500.0, 10.0, 1, t1, t1rho)
    np.testing.assert_allclose(exact, np.sin(np.deg2rad(10.0)) * np.asarray(decay), rtol=1e-9)


def test_without_spin_lock_and_gap_it_is_a_spoiled_gradient_echo():
    """Spokes that fill the whole repetition time know nothing of preparations."""
    with jax.enable_x64(True):
        t1, angle = jnp.float64(900.0), np.array([10.0])
        exact = physics.multi_spoke_signal(np.zeros(1), 125.0, 10.0, 25, 5.0, t1, jnp.float64(40.0))
        train = physics.spoiled_gradient_echo(angle, 5.0, t1)
    np.testing.assert_allclose(exact, train, rtol=1e-12)


@pytest.mark.parametrize("t1", [300.0, 4000.0, 10_000.0])
@pytest.mark.parametrize("angle", [0.5, 10.0])
def test_single_precision_keeps_its_digits(t1, angle):
    def signal(dtype):
        return physics.multi_spoke_signal(
            np.array(LOCKS), 500.0, dtype(angle), 25, 5.0, dtype(t1), dtype(40.0)
        )

    with jax.enable_x64(True):
        expected = np.asarray(signal(jnp.float64))
    largest = np.max(expected)
    np.testing.assert_allclose(signal(jnp.float32), expected, rtol=3e-6, atol=3e-7 * largest)


def test_ninety_degrees_leave_nothing_for_the_next_spoke():
    signal = physics.multi_spoke_signal(
        np.array(LOCKS), 500.0, jnp.float32(90.0), 25, 5.0, jnp.float32(1e3), jnp.float32(40.0)
    )
    recovered = -np.expm1(-5.0 / 1e3)
    start = -np.expm1(-(500.0 - np.array(LOCKS) - 120.0) / 1e3) * np.exp(-np.array(LOCKS) / 40.0)
    np.testing.assert_allclose(signal, (start + 24 * recovered) / 25, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spokes": 2.5}, "spokes must be a whole number of spokes, got 2.5"),
        ({"spokes": 0}, "spokes must be above 0"),
        ({"flip_angle": 60.0}, "at most 45 degrees"),
        ({"spoke_spacing": 0.0}, "spoke_spacing must be above 0"),
        ({"repetition_time": 200.0}, r"96 \+ 125 ms, got 200"),
    ],
)
def test_impossible_acquisitions_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        physics.AdiabaticT1rho(LOCKS, **(KNEE | {"spoke_spacing": 5.0} | change))


def test_a_spin_lock_as_long_as_the_repetition_time_is_refused():
    with pytest.raises(ValueError, match=r"96 \+ 0 ms, got 90"):
        physics.AdiabaticT1rhoOffset(LOCKS, **(KNEE | {"repetition_time": 90.0}))
