"""The points of each axis: how long so much work takes, several times over."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CASES, T1RHO, Case
from jaxqmri import physics

LONGEST = 75.0  # ms: the last spin lock or echo, however many there are
SUBJECT = (32, 32, 8)  # voxels
SCIPY = "benchmarks.methods.scipy_curve_fit"
OURS = "benchmarks.methods.jaxqmri_fit"

Point = dict[str, Any]


def point(axis: str, method: str, size: int, seconds: Sequence[float]) -> Point:
    """One point: the seconds of every repeat and their median."""
    return {
        "axis": axis,
        "method": method,
        "size": size,
        "seconds": list(seconds),
        "median_s": float(np.median(seconds)),
    }


def voxels(sizes: Sequence[int], scipy_most: int, repeats: int, seed: int) -> Iterator[Point]:
    """Mono-exponential fits of more and more voxels; scipy's beside ours up to ``scipy_most``."""
    case = CASES["mono"]
    for size in sizes:
        yield point("voxels", "jaxqmri", size, fit_seconds(case, size, repeats, seed))
    for size in sizes:
        if size <= scipy_most:
            seconds = seconds_alone(SCIPY, size, None, min(repeats, 3), seed)
            yield point("voxels", "scipy curve_fit", size, seconds)


def samples(sizes: Sequence[int], count: int, repeats: int, seed: int) -> Iterator[Point]:
    """Mono-exponential fits of voxels with more and more images over the same time."""
    for size in sizes:
        case = replace(CASES["mono"], times=np.linspace(0.0, LONGEST, size))
        yield point("images", "jaxqmri", size, fit_seconds(case, count, repeats, seed))


def parameters(sizes: Sequence[int], count: int, repeats: int, seed: int) -> Iterator[Point]:
    """Fits of decays with more and more parameters to the same 16 echoes.

    Two parameters are one exponential, three have an offset, four are two exponentials.
    """
    echoes = np.linspace(5.0, LONGEST, 16)
    cases = {
        2: Case("mono", echoes, physics.T2Decay, {"s0": T1RHO["s0"], "t2": T1RHO["t1rho"]}),
        3: Case("offset", echoes, physics.T2DecayOffset, CASES["offset"].tissue),
        4: Case(
            "two exponentials",
            echoes,
            physics.BiExponentialDecay,
            {
                "s0": (1.0, 1.0),
                "fraction_short": (0.3, 0.5),
                "t_short": (5.0, 12.0),
                "t_long": (40.0, 70.0),
            },
        ),
    }
    for size in sizes:
        seconds = fit_seconds(cases[size], count, repeats, seed)
        yield point("parameters", "jaxqmri", size, seconds)


def devices(sizes: Sequence[int], count: int, repeats: int, seed: int) -> Iterator[Point]:
    """The same mono-exponential fit on more and more CPU devices, each number in a process."""
    for size in sizes:
        yield point("devices", "jaxqmri", size, seconds_alone(OURS, count, size, repeats, seed))


def trainings(sizes: Sequence[int], repeats: int, seed: int) -> Iterator[Point]:
    """A hundred steps of more and more small perceptrons in one program."""
    import jax
    import jax.numpy as jnp

    from experiments.physics_weight import steps
    from experiments.physics_weight.settings import Learning
    from experiments.spin_lock import SPIN_LOCK_TIMES

    count = 4096
    draw = np.random.default_rng(seed)
    t1rho = draw.uniform(*T1RHO["t1rho"], count).astype(np.float32)
    signals = np.exp(-np.array(SPIN_LOCK_TIMES, np.float32) / t1rho[:, None])
    everyone, all_of_them = jnp.arange(count), jnp.int32(count)
    noise = jnp.full(count, 0.03)
    seen = (everyone, all_of_them, everyone, all_of_them)
    data = steps.Voxels(jnp.asarray(signals), jnp.asarray(t1rho), noise, *seen, steps.terms_of(1.0))
    trainer = steps.make_trainer(Learning(), apart=False)
    state = trainer.init(jax.random.key(seed))
    for size in sizes:
        layout = trainer.layout(size, data)
        stack, rows = layout.stacked(state), layout.stacked(data)

        def run(rows: Any = rows) -> None:
            nonlocal stack
            stack, terms = trainer.run_several(stack, rows)
            jax.block_until_ready(terms)

        yield point("trainings", "jaxqmri", size, repeated(run, repeats))


def subjects(sizes: Sequence[int], repeats: int, seed: int) -> Iterator[Point]:
    """``jaxqmri fit`` of a BIDS dataset of more and more subjects: maps and table, no pages.

    Raises
    ------
    RuntimeError
        If the command does not come through.
    """
    from jaxqmri.cli.main import main

    case = CASES["mono"]
    with tempfile.TemporaryDirectory() as scratch:
        for size in sizes:
            root = Path(scratch) / f"study-{size}"
            write_subjects(root, case, size, seed)
            words = ["fit", "t1rho", str(root), "--overwrite", "--no-quality"]

            def run(words: list[str] = words) -> None:
                with redirect_stdout(StringIO()):
                    code = main(words)
                if code:
                    raise RuntimeError(f"jaxqmri {' '.join(words)}: ended with {code}")

            yield point("subjects", "jaxqmri fit", size, repeated(run, repeats))


def write_subjects(root: Path, case: Case, count: int, seed: int) -> None:
    """Write a BIDS dataset of so many small subjects, each with one spin-lock series."""
    from jaxqmri.io import bids

    bids.write_dataset_description(root, "Simulated subjects of a benchmark")
    for number in range(count):
        images, _, _ = case.simulate(int(np.prod(SUBJECT)), seed + number)
        entities = {"sub": f"{number + 1:04d}"}
        volumes = images.reshape(*SUBJECT, -1)
        bids.write_series(
            root, entities, "T1rhow", volumes, np.eye(4), case.times, {"SpinLockFrequency": 500.0}
        )


def fit_seconds(case: Case, count: int, repeats: int, seed: int) -> list[float]:
    """Seconds of each fit in this process after the first."""
    import jaxqmri

    images, _, sigma = case.simulate(count, seed)
    model, options = case.model, case.call(sigma)
    return repeated(lambda: jaxqmri.fit(model, images, **options), repeats)


def repeated(run: Callable[[], Any], repeats: int) -> list[float]:
    """Seconds of each call after the first, which compiles."""
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


def seconds_alone(
    module: str, count: int, devices: int | None, repeats: int, seed: int
) -> list[float]:
    """Seconds of a mono-exponential fit by a program of :mod:`benchmarks.methods`.

    Raises
    ------
    RuntimeError
        If the program does not come through.
    """
    from benchmarks.fit import Method, measured

    case = CASES["mono"]
    images, _, sigma = case.simulate(count, seed)
    problem = {
        "case": "mono", "times": case.times.tolist(), "sigma": sigma, "devices": devices,
        "voxels": count, "repeats": repeats, "at_least": repeats, "patience": sys.maxsize,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        np.save(Path(scratch) / "images.npy", images)
        report = measured(Method("alone", module, count), problem, Path(scratch))
    if "error" in report:
        raise RuntimeError(f"{module}: {report['error']}")
    return report["seconds"]
