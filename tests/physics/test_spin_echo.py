import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxqmri import physics
from tests.reference import phase_graph

GOLDEN_120 = [0.75, 0.9375, 0.84375, 0.85547, 0.88477, 0.85693, 0.86206]


def test_golden_train_at_120_degrees():
    train = physics.echo_train(7, 10.0, jnp.float32(120.0), jnp.float32(1e9), jnp.float32(1e9))
    np.testing.assert_allclose(train, GOLDEN_120, atol=6e-6)


@settings(deadline=None, max_examples=40)
@given(
    echoes=st.sampled_from([1, 2, 3, 5, 8, 16]),
    refocusing=st.floats(20.0, 200.0),
    t2=st.floats(2.0, 500.0),
    t1=st.floats(50.0, 5000.0),
    spacing=st.floats(2.0, 20.0),
)
def test_train_equals_the_complete_phase_graph(echoes, refocusing, t2, t1, spacing):
    expected = phase_graph.echo_train(echoes, spacing, 90.0, refocusing, t2, t1)
    with jax.enable_x64(True):
        train = jnp.stack(physics.echo_train(echoes, spacing, jnp.float64(refocusing), t2, t1))
    np.testing.assert_allclose(train, expected.real, rtol=0, atol=1e-12)
    np.testing.assert_allclose(expected.imag, 0.0, atol=1e-12)


def test_perfect_refocusing_is_a_mono_exponential():
    model = physics.MultiEchoSpinEcho(np.arange(1, 9) * 10.0)
    signal = model(model.Params(100.0, jnp.float32(40.0), 1.0, 1000.0))
    np.testing.assert_allclose(signal, 100.0 * np.exp(-np.arange(1, 9) / 4.0), rtol=1e-5)


def test_a_b1_above_nominal_is_mirrored():
    model = physics.MultiEchoSpinEcho(np.arange(1, 9) * 10.0)
    high = model(model.Params(1.0, jnp.float32(40.0), 1.15, 1000.0))
    low = model(model.Params(1.0, jnp.float32(40.0), 0.85, 1000.0))
    np.testing.assert_allclose(high, low, rtol=1e-5)
    assert float(model.bounds()[1].b1) == 1.0
    assert float(physics.MultiEchoSpinEcho([10.0, 20.0], 150.0).bounds()[1].b1) == 1.2


@pytest.mark.parametrize(
    ("refocusing", "later_echoes", "with_offset", "all_echoes"),
    [
        (180.0, 40.0, 40.0, 40.0),
        (160.0, 39.6, 37.9, 41.0),
        (150.0, 39.4, 34.0, 42.4),
        (140.0, 39.5, 29.5, 44.6),
        (120.0, 40.2, 25.0, 51.6),
    ],
)
def test_exponentials_fitted_to_trains_err_as_published(
    refocusing, later_echoes, with_offset, all_echoes
):
    """T2 40, T1 1200, spacing 10 ms: what a fit without stimulated echoes makes of the train."""
    times = np.arange(1, 8) * 10.0
    model = physics.MultiEchoSpinEcho(times, 180.0)
    signal = np.asarray(model(model.Params(1.0, jnp.float32(40.0), refocusing / 180.0, 1200.0)))
    assert fitted_t2(times[1:], signal[1:], 1) == pytest.approx(later_echoes, abs=0.11)
    assert fitted_t2(times[1:], signal[1:], 2) == pytest.approx(with_offset, abs=0.2)
    assert fitted_t2(times, signal, 1) == pytest.approx(all_echoes, abs=0.11)


def fitted_t2(times, signal, columns):
    """Best T2 on a fine grid, amplitude (and offset) by least squares at each."""
    candidates = np.arange(15.0, 70.0, 0.02)
    left = []
    for t2 in candidates:
        basis = np.stack([np.exp(-times / t2), np.ones_like(times)][:columns], axis=-1)
        found = np.linalg.lstsq(basis, signal, rcond=None)[0]
        left.append(np.sum((signal - basis @ found) ** 2))
    return candidates[np.argmin(left)]


def test_uneven_spacing_within_rounding_is_accepted():
    physics.MultiEchoSpinEcho([9.7, 19.3, 29.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: physics.MultiEchoSpinEcho([10.0, 20.0, 40.0]), "equally spaced multiples"),
        (lambda: physics.MultiEchoSpinEcho([20.0, 30.0, 40.0]), "equally spaced multiples"),
        (lambda: physics.MultiEchoSpinEcho([0.0, 0.0]), "equally spaced multiples"),
        (lambda: physics.MultiEchoSpinEcho([10.0, 20.0], 190.0), "at most 180 degrees"),
        (lambda: physics.MultiEchoSpinEcho([10.0, 20.0], 180.0, []), "slice_profile must be"),
        (lambda: physics.MultiEchoSpinEcho([10.0], 180.0, [-0.1, 1.0]), "slice_profile must be"),
    ],
)
def test_impossible_acquisitions_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("t1", "ratio_900_1500", "ratio_800_1600"),
    [(300.0, 0.957, 0.935), (1000.0, 0.764, 0.690), (3600.0, 0.649, 0.555)],
)
def test_proton_density_image_is_darker_than_the_prepared_one(t1, ratio_900_1500, ratio_800_1600):
    """T1 saturation alone, for two pairs of recovery times."""
    for short, long, ratio in ((900.0, 1500.0, ratio_900_1500), (800.0, 1600.0, ratio_800_1600)):
        weighted = physics.fse_signal(1.0, t1, 40.0, short + 300.0, 300.0, 30.0)
        prepared = physics.prepared_fse_amplitude(1.0, t1, 40.0, long, 30.0)
        assert float(weighted / prepared) == pytest.approx(ratio, abs=6e-4)
