"""One small study, so that the scanner is compiled once for all of these tests."""

from __future__ import annotations

from dataclasses import replace

import jax
import pytest

from jaxqmri.simulate.knee_t1rho import KneeT1rhoStudy, Scan, scan_knee
from jaxqmri.simulate.people import person
from jaxqmri.simulate.study import session_key

SEED = 3


@pytest.fixture(scope="session")
def study() -> KneeT1rhoStudy:
    return KneeT1rhoStudy().at("smoke")


@pytest.fixture(scope="session")
def scan_of(study):
    """Scan of one subject of the small study, some settings replaced."""

    def scan(k: int, repeat: int = 0, **settings) -> Scan:
        key = jax.random.fold_in(jax.random.key(SEED), k)
        changed = replace(study, **settings)
        return scan_knee(key, person(k, SEED), changed, session_key(key, repeat))

    return scan
