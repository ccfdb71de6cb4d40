from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.fields import cosine, random_fields


def test_cosine_is_one_of_turns():
    turns = np.linspace(-7.3, 7.3, 20001)
    np.testing.assert_allclose(
        cosine(jnp.asarray(turns, jnp.float32)), np.cos(2 * np.pi * turns), atol=1e-3
    )


def test_fields_have_unit_variance_and_their_correlation_length():
    p = jax.random.uniform(jax.random.key(0), (3, 2000), minval=-60.0, maxval=60.0)
    pair = Point(*p), Point(p[0] + 8.0, p[1], p[2])
    draw = jax.jit(lambda key: jnp.stack([f(at) for f in random_fields(key, 8.0) for at in pair]))
    pairs = [np.asarray(draw(key)) for key in jax.random.split(jax.random.key(1), 40)]
    here_all, there_all = np.concatenate(pairs, axis=1)
    assert abs(here_all.mean()) < 0.05
    assert abs(here_all.var() - 1.0) < 0.05
    assert abs((here_all * there_all).mean() - np.exp(-0.5)) < 0.05
