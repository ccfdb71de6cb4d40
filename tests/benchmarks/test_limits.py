"""Limits of the devices, and the work of a fit that they are applied to."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from benchmarks import limits, operations
from benchmarks.cases import CASES


def counted(function, *arguments):
    program = jax.jit(function).lower(*arguments).compile(compiler_options=operations.PLAIN)
    return operations.operations(program.as_text())


def test_operations_are_counted_by_kind_and_those_of_a_loop_as_often_as_it_runs():
    x = jnp.linspace(0.1, 1.0, 32)

    def step(_, y):
        return jnp.where(y > 0.5, jnp.exp(y), lax.rsqrt(y)) / (y + 1.0)

    assert counted(step, 0, x) == {
        "exponentials": 32, "roots": 32, "divisions": 32, "operations": 3 * 32
    }  # fmt: skip
    looped = counted(lambda y: lax.fori_loop(0, 7, step, y), x)
    assert looped["exponentials"] == 7 * 32


def test_of_two_branches_the_one_that_computes_counts():
    def branched(always, x):
        return lax.cond(always, jnp.sin, lambda y: jnp.full_like(y, jnp.nan), x)

    assert counted(branched, True, jnp.ones(8)) == {"sines": 8}


def test_a_loop_of_unknown_length_is_refused():
    def halved(x):
        return lax.while_loop(lambda y: y.sum() > 1.0, lambda y: 0.5 * y, x)

    with pytest.raises(ValueError, match="unknown length"):
        counted(halved, jnp.ones(8))


def test_work_of_a_fit_grows_with_its_steps_and_is_spread_over_the_voxels():
    case = CASES["mono"]
    images, _, sigma = case.simulate(1024, 0)
    work = operations.of_fit(case, images, sigma)
    samples, rounds = len(case.times), 5
    assert work.counts["exponentials"] >= samples * rounds
    assert work.counts["sines"] == 0
    # four samples in; two parameters and a status out
    assert work.bytes == 4 * samples + 4 * 2 + 1
    with operations.launches() as ran:
        import jaxqmri

        for steps in (rounds, rounds + 1):
            jaxqmri.fit(case.model, images[:512], quality=False, steps=steps)
    (plan, once, _), (_, longer, _) = ran
    less, more = (operations.of_program(plan, *each).counts for each in (once, longer))
    assert more["exponentials"] - less["exponentials"] == samples


def test_rates_are_positive_and_the_distance_adds_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "SHORTEST", 1e-4)
    monkeypatch.setattr(limits, "COPIED", 2**12)
    rates = limits.rates(repeats=1)
    assert set(rates) == {*operations.KINDS, "bytes"}
    assert min(rates.values()) > 0
    work = operations.Work(dict.fromkeys(operations.KINDS, 3.0), 20.0)
    least = sum(3.0 / rates[kind] for kind in operations.KINDS)
    found = limits.distance(work, rates, 2 * least)
    assert found["times_arithmetic"] == pytest.approx(2.0)
    assert sum(found["least_ns"].values()) == pytest.approx(1e9 * least)
    assert found["share"] >= 0.5
    assert "mono" in limits.table({"mono": found}, rates)


@pytest.mark.parametrize("kind", operations.KINDS)
def test_kernels_of_limits_do_what_they_are_counted_for(kind: str):
    chain, each = limits._chain(kind)
    x = jnp.linspace(0.0, 1.0, 64)
    y = np.asarray(chain(x))
    assert np.all((y >= 0) & (y <= 1))
    assert counted(chain, x)[kind] >= each * x.size
