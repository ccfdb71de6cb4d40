"""The misfit of a grid equals that of its candidates one by one, whichever amplitudes are held."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri import physics
from jaxqmri.physics.amplitude import least_misfit_away_from

TIMES = 10.0 * np.arange(1, 9)
TRAIN = physics.MultiEchoSpinEcho(TIMES)
OFFSET = physics.T2DecayOffset(TIMES)


def test_a_sample_without_weight_has_no_say_in_a_start():
    weights = jnp.array([0.0, *np.ones(7)])
    for model in (TRAIN, OFFSET):
        truth = {"s0": 1.0, "t2": 45.0, "b1": 1.0, "t1": 1000.0, "offset": 0.2}
        signals = model(model.Params(**{name: truth[name] for name in model.Params._fields}))
        spoilt = signals.at[0].set(50.0)
        start = model.starts(spoilt, 1, {}, weights=weights)[0]
        clean = model.starts(signals, 1, {}, weights=weights)[0]
        np.testing.assert_allclose(start, clean, rtol=1e-4)
        assert 30.0 < start.t2 < 65.0
        assert not 30.0 < model.starts(spoilt, 1, {})[0].t2 < 65.0


@pytest.mark.parametrize("count", [2, 5])
def test_starts_come_from_one_group_each_and_never_twice(count):
    profiled = physics.MultiEchoSpinEcho(TIMES, slice_profile=[1.0, 0.8, 0.3])
    signals = profiled(profiled.Params(1.0, 45.0, 0.8, 1000.0))
    starts = profiled.starts(signals, count, {"t1": 1000.0})
    places = {(round(float(start.t2), 3), round(float(start.b1), 3)) for start in starts}
    assert len(places) == count
    assert float(starts[0].b1) < 1.0 < float(starts[1].b1)


@pytest.mark.parametrize(
    ("model", "held", "away_from"),
    [
        (TRAIN, {"t1": 1000.0}, {"b1": 0.8}),
        (TRAIN, {"t1": 1000.0, "s0": 1.0}, {"b1": 0.8}),
        (OFFSET, {}, {}),
        (OFFSET, {"offset": 0.2}, {}),
        (OFFSET, {"offset": 0.2, "s0": 1.0}, {}),
    ],
)
def test_least_misfit_equals_the_candidates_one_by_one(model, held, away_from):
    rng = np.random.default_rng(0)
    noisy = {"s0": 1.0, "t2": 45.0, "b1": 0.75, "t1": 1000.0, "offset": 0.2}
    with jax.enable_x64(True):
        truth = model.Params(**{name: np.float64(noisy[name]) for name in model.Params._fields})
        signals = np.asarray(model(truth)) + 0.03 * rng.standard_normal(TIMES.size)
        found = float(least_misfit_away_from(model, jnp.asarray(signals), held, away_from))
        grid = {name: np.asarray(v) for name, v in model.grid().items() if name not in held}
        misfits = []
        for k in range(len(grid["t2"])):
            here = {name: values[k] for name, values in grid.items()}
            if any(abs(here[n] - v) < model.minima_apart[n] for n, v in away_from.items()):
                continue
            free = [name for name in model.amplitudes if name not in held]

            def signal(here=here, **amplitudes):
                zero = dict.fromkeys(model.amplitudes, 0.0)
                return np.asarray(model(model.Params(**{**zero, **held, **here, **amplitudes})))

            rest = signals - signal()
            basis = np.stack([signal(**{name: 1.0}) - signal() for name in free], -1) if free else 0
            fitted = basis @ np.linalg.lstsq(basis, rest)[0] if free else 0.0
            misfits.append(np.sum((rest - fitted) ** 2))
        np.testing.assert_allclose(found, min(misfits), rtol=1e-9)
