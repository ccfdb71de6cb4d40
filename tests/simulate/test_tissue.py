from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.tissue import GRADE_T1RHO, TABLE, cartilage, gamma_quantile, sample_cartilage


def test_gamma_quantile_has_its_moments_and_is_skewed():
    z = jax.random.normal(jax.random.key(0), (200_000,))
    values = np.asarray(gamma_quantile(z, 0.33))
    assert abs(values.mean() - 1.0) < 0.01
    assert abs(values.std() - 0.33) < 0.01
    skew = np.mean(((values - values.mean()) / values.std()) ** 3)
    assert abs(skew - 0.66) < 0.1  # a gamma's is twice its coefficient of variation


@pytest.fixture(scope="module")
def pieces():
    p = Point(*jax.random.uniform(jax.random.key(1), (3, 4000), minval=-40.0, maxval=40.0))
    make = jax.jit(lambda key: cartilage(p, 0.5, 0.0, sample_cartilage(key, 42.0, 0.28)))
    made = [make(key) for key in jax.random.split(jax.random.key(2), 20)]
    return {
        name: np.concatenate([np.asarray(getattr(one, name)) for one in made])
        for name in ("t1rho", "t2", "t1")
    }


def test_t2_and_t1_predict_t1rho_in_part_only(pieces):
    assert abs(np.corrcoef(pieces["t1rho"], pieces["t2"])[0, 1] - 0.6) < 0.08
    assert abs(np.corrcoef(pieces["t1rho"], pieces["t1"])[0, 1] - 0.5) < 0.08


def test_level_and_spread_are_those_asked_for(pieces):
    assert abs(pieces["t1rho"].mean() - 42.0) < 1.5
    assert abs(pieces["t1rho"].std() / pieces["t1rho"].mean() - 0.28) < 0.04


def test_layers_and_lesions():
    p = Point(*(jnp.zeros(1) for _ in range(3)))
    one = sample_cartilage(jax.random.key(0), 42.0, 0.28)
    deep, superficial = (cartilage(p, depth, 0.0, one).t1rho for depth in (0.0, 1.0))
    assert abs(float(deep[0] / superficial[0]) - 0.82) < 0.02
    lesion = cartilage(p, 1.0, 1.0, one).t1rho
    assert 1.2 <= float(lesion[0] / superficial[0]) <= 1.4


def test_grades_only_lengthen_t1rho():
    assert list(GRADE_T1RHO) == sorted(GRADE_T1RHO)
    assert GRADE_T1RHO[0] == 1.0


def test_tissues_are_physical():
    for tissue in TABLE.values():
        assert 0 < tissue.t2 <= tissue.t1rho <= tissue.t1 or tissue.t2 <= tissue.t1
        assert 0 <= tissue.fat <= 1
