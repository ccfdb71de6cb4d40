"""What every signal model promises, tried on each row of :mod:`tests.physics.rows`."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri import physics
from tests.physics.rows import ROWS

DRAWS = 12

pytestmark = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())


def draws(row, count=DRAWS):
    """Tissue parameters over the row's ranges, the corners of the ranges first."""
    rng = np.random.default_rng(7)
    units = [np.zeros(len(row.ranges)), np.ones(len(row.ranges))]
    units += list(rng.uniform(size=(count - 2, len(row.ranges))))
    for unit in units:
        yield {
            name: float(low + u * (high - low))
            for u, (name, (low, high)) in zip(unit, row.ranges.items(), strict=True)
        }


def params_of(model, values, dtype=jnp.float32):
    return model.Params(**{name: jnp.asarray(value, dtype) for name, value in values.items()})


@eqx.filter_jit
def forward_slopes(model, params):
    return jax.jacfwd(model.__call__)(params)


@eqx.filter_jit
def backward_slopes(model, params):
    return jax.jacrev(model.__call__)(params)


@eqx.filter_jit
def signal_of(model, params):
    return model(params)


@eqx.filter_jit
def bound_of(model, params, sigma):
    return physics.cramer_rao_bound(model, params, sigma)


@eqx.filter_jit
def start_of(model, signals, held):
    return model.start(signals, held)


def test_names_units_and_bounds_agree(row):
    model = row.model()
    names = set(model.Params._fields)
    assert set(model.units) == set(model.limits) == set(row.ranges) == names
    assert set(model.amplitudes) <= names
    assert set(model.defaults) <= names
    lower, upper = model.bounds()
    for name, (low, high) in row.ranges.items():
        assert getattr(lower, name) <= low < high <= getattr(upper, name)
    for name, value in model.defaults.items():
        assert getattr(lower, name) <= value <= getattr(upper, name)


def test_limit(row):
    signal = row.model()(params_of(row.model(), row.limit))
    np.testing.assert_allclose(signal, row.signals, rtol=1e-3, atol=1e-6)


def test_shape_and_type(row):
    model = row.model()
    params = params_of(model, next(draws(row)))
    assert model(params).shape == (model.samples,) == (len(row.signals),)
    assert model(params).dtype == jnp.float32
    with jax.enable_x64(True):
        assert model(params_of(model, next(draws(row)), jnp.float64)).dtype == jnp.float64


def test_equals_reference(row):
    model = row.model()
    for values in draws(row):
        expected = np.asarray(row.reference(values))
        largest = np.max(np.abs(expected))
        single = model(params_of(model, values))
        np.testing.assert_allclose(single, expected, rtol=0, atol=1e-5 * largest)
        with jax.enable_x64(True):
            double = np.asarray(model(params_of(model, values, jnp.float64)))
        np.testing.assert_allclose(double, expected, rtol=0, atol=1e-10 * largest)


def test_linear_in_its_amplitudes(row):
    model = row.model()
    for values in draws(row, 4):
        doubled = {n: v * (2.0 if n in model.amplitudes else 1.0) for n, v in values.items()}
        np.testing.assert_allclose(
            model(params_of(model, doubled)), 2.0 * model(params_of(model, values)), rtol=1e-6
        )


def test_jit_and_vmap_equal_eager(row):
    model = row.model()
    each = [params_of(model, values) for values in draws(row)]
    eager = np.stack([np.asarray(model(params)) for params in each])
    together = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
    tolerance = {"rtol": 1e-5, "atol": 1e-6 * np.max(np.abs(eager))}
    np.testing.assert_allclose(jax.vmap(model.__call__)(together), eager, **tolerance)
    np.testing.assert_allclose(jax.jit(jax.vmap(model.__call__))(together), eager, **tolerance)


def test_derivatives_are_finite(row):
    """Inside, on every corner of the bounds, without signal; forwards and backwards."""
    model = row.model()
    lower, upper = (bound._asdict() for bound in model.bounds())
    places = list(draws(row, 4))
    for name in model.Params._fields:
        for edge in (lower[name], upper[name]):
            if np.isfinite(edge):
                places.append({**places[0], name: edge})
    for values in places:
        params = params_of(model, values)
        forwards = forward_slopes(model, params)
        backwards = backward_slopes(model, params)
        for one, other in zip(forwards, backwards, strict=True):
            assert np.all(np.isfinite(one)), values
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * np.max(np.abs(one)))


def test_derivatives_equal_finite_differences(row):
    model = row.model()
    with jax.enable_x64(True):
        for values in draws(row, 5):
            inside = {
                name: float(np.clip(value, low + 0.01 * (high - low), high - 0.01 * (high - low)))
                for (name, value), (low, high) in zip(
                    values.items(), row.ranges.values(), strict=True
                )
            }
            slopes = forward_slopes(model, params_of(model, inside, jnp.float64))._asdict()
            for name, value in inside.items():
                step = 1e-5 * max(abs(value), 1e-2)
                up = signal_of(model, params_of(model, {**inside, name: value + step}, jnp.float64))
                down = signal_of(
                    model, params_of(model, {**inside, name: value - step}, jnp.float64)
                )
                difference = np.asarray(up - down) / (2 * step)
                size = np.max(np.abs(np.asarray(up))) / max(abs(value), 1e-2)
                np.testing.assert_allclose(slopes[name], difference, rtol=1e-6, atol=1e-8 * size)


def test_new_acquisition_does_not_recompile(row):
    traces = []

    @eqx.filter_jit
    def signal(model, params):
        traces.append(1)
        return model(params)

    model = row.model()
    params = params_of(model, next(draws(row)))
    longer = jax.tree.map(lambda leaf: leaf * 0.9, model)
    signal(model, params)
    changed = signal(longer, params)
    assert len(traces) == 1
    np.testing.assert_allclose(changed, longer(params), rtol=1e-5, atol=1e-4)


def test_differentiable_in_the_acquisition(row):
    model = jax.tree.map(jnp.asarray, row.model())
    params = params_of(model, next(draws(row)))
    slopes = jax.grad(lambda m: jnp.sum(m(params)))(model)
    leaves = jax.tree.leaves(slopes)
    assert leaves
    assert all(np.all(np.isfinite(leaf)) for leaf in leaves)


def test_start_is_inside_the_bounds_and_near(row):
    model = row.model()
    lower, upper = model.bounds()
    rng = np.random.default_rng(3)
    size = model.samples
    odd = [np.zeros(size), np.ones(size), -np.ones(size), rng.normal(size=size)]
    for signals in [*odd, *(np.asarray(model(params_of(model, v))) for v in draws(row))]:
        start = start_of(model, jnp.asarray(signals, jnp.float32), model.defaults)
        for name in model.Params._fields:
            assert getattr(lower, name) <= getattr(start, name) <= getattr(upper, name)


def test_start_explains_most_of_the_signal(row):
    model = row.model()
    left = []
    for values in draws(row):
        known = {name: jnp.float32(values[name]) for name in model.defaults}
        signals = model(params_of(model, values))
        start = start_of(model, signals, known)
        assert all(getattr(start, name) == value for name, value in known.items())
        residual = signal_of(model, start) - signals
        left.append(float(jnp.sum(residual**2) / jnp.sum(signals**2)))
    assert np.median(left) < 0.01
    assert np.max(left) < 0.1


def test_bound_is_finite_and_scales_with_noise(row):
    model = row.model()
    values = {name: 0.5 * (low + high) for name, (low, high) in row.ranges.items()}
    free = [n for n in model.Params._fields if n not in model.defaults]
    params = params_of(model, values)
    if len(free) > model.samples:
        pytest.skip("fewer samples than parameters")
    once = bound_of(model, params, jnp.float32(1.0))
    twice = bound_of(model, params, jnp.float32(2.0))
    for name in model.Params._fields:
        if name in free:
            np.testing.assert_allclose(getattr(twice, name), 2.0 * getattr(once, name), rtol=1e-4)
            assert getattr(once, name) > 0
        else:
            assert np.isnan(getattr(once, name))
