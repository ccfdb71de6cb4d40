import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxqmri import physics
from tests.reference import spin_lock

FIELDS = [(1.0, 0.0), (0.9, 0.0), (1.0, 60.0), (0.9, 60.0), (0.85, 100.0)]
MODULES = st.sampled_from(physics.SPIN_LOCK_MODULES)


@pytest.mark.parametrize(
    ("module", "golden"),
    [
        ("simple", [0.5134, 0.5110, 0.5023, 0.5109, 0.5057]),
        ("rotary", [0.5134, 0.5134, 0.3727, 0.4753, 0.4560]),
        ("composite", [-0.5134, -0.5128, -0.5134, -0.5125, -0.5091]),
        ("balanced", [0.5134, 0.5134, 0.5134, 0.5125, 0.5101]),
    ],
)
def test_golden_values(module, golden):
    b1, off_resonance = np.array(FIELDS, np.float32).T
    found = physics.spin_lock_magnetisation(30.0, 45.0, 45.0, 300.0, b1, off_resonance, module)
    np.testing.assert_allclose(found, golden, rtol=0, atol=5.5e-5)


def test_golden_values_without_lock():
    b1, off_resonance = np.array([FIELDS[k] for k in (0, 1, 4)], np.float32).T
    found = physics.spin_lock_magnetisation(0.0, 45.0, 45.0, 300.0, b1, off_resonance)
    np.testing.assert_allclose(found, [-1.0, -0.9988, -0.9941], rtol=0, atol=5.5e-5)


@settings(deadline=None, max_examples=60)
@given(
    MODULES,
    st.floats(0.0, 100.0),
    st.floats(5.0, 200.0),
    st.floats(5.0, 200.0),
    st.floats(50.0, 1000.0),
    st.floats(0.3, 1.6),
    st.floats(-300.0, 300.0),
)
def test_equals_matrices(module, time, t1rho, t2rho, frequency, b1, off_resonance):
    expected = spin_lock.magnetisation(time, t1rho, t2rho, frequency, b1, off_resonance, module)
    with jax.enable_x64(True):
        found = physics.spin_lock_magnetisation(
            jnp.float64(time), t1rho, t2rho, frequency, b1, off_resonance, module
        )
    assert float(found) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("module", physics.SPIN_LOCK_MODULES)
def test_derivatives_are_finite_even_without_a_field(module):
    def final(time, t1rho, b1, off_resonance):
        return physics.spin_lock_magnetisation(time, t1rho, 30.0, 300.0, b1, off_resonance, module)

    for b1, off_resonance in ((1.0, 0.0), (0.0, 0.0), (0.0, 50.0), (0.8, -120.0)):
        slopes = jax.grad(final, argnums=(0, 1, 2, 3))(20.0, 45.0, b1, off_resonance)
        assert np.all(np.isfinite(slopes))


def test_unknown_module_is_refused():
    with pytest.raises(ValueError, match="module must be one of simple"):
        physics.spin_lock_magnetisation(1.0, 40.0, 40.0, 300.0, module="adiabatic")


def test_dispersion_runs_from_t2_to_its_limit():
    frequency = jnp.array([0.0, 300.0, 1e6])
    found = physics.t1rho_dispersion(frequency, 30.0, 90.0, 300.0)
    half_way = 1.0 / (0.5 / 30.0 + 0.5 / 90.0)
    np.testing.assert_allclose(found, [30.0, half_way, 90.0], rtol=1e-5)


def test_off_resonance_mixes_t1_in():
    found = physics.off_resonance_t1rho(40.0, 1000.0, 300.0, jnp.array([0.0, 300.0, 1e6]))
    np.testing.assert_allclose(found, [40.0, 1.0 / (0.5 / 40 + 0.5 / 1000), 1000.0], rtol=1e-4)
