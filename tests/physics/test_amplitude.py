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
