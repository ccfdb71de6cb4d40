"""What a fit computes for one voxel, counted in its program after simplification by XLA.

XLA's own ``cost_analysis`` counts what is in a loop once, however often the loop runs, and counts
again what a fused kernel computes a second time. So the program is compiled without fusion, its
number of steps fixed, and its instructions are counted here, those of a loop as often as it runs.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from benchmarks.cases import Case

KIND = (
    dict.fromkeys(("exponential", "exponential-minus-one", "log", "log-plus-one"), "exponentials")
    | dict.fromkeys(("tanh", "power", "erf", "logistic"), "exponentials")
    | dict.fromkeys(("sine", "cosine", "tan", "atan2", "acos", "asin"), "sines")
    | dict.fromkeys(("divide", "remainder"), "divisions")
    | dict.fromkeys(("sqrt", "rsqrt", "cbrt"), "roots")
    | dict.fromkeys(("add", "subtract", "multiply", "abs", "maximum", "minimum"), "operations")
    | dict.fromkeys(("clamp", "compare", "select", "sign", "floor", "round"), "operations")
    | dict.fromkeys(("reduce", "dot", "is-finite"), "operations")
)  # moves of data, changes of sign and what is done to masks and indices count nothing
KINDS = tuple(dict.fromkeys(KIND.values()))
PLAIN = {"xla_disable_hlo_passes": "fusion", "xla_backend_optimization_level": 0}

_HEAD = re.compile(r"^(?:ENTRY )?(%\S+) \(.*\{$")
_LINE = re.compile(r"^\s+(?:ROOT )?(%\S+) = (.*?) ([a-z][\w-]*)\((.*)$")
_SHAPE = re.compile(r"(\w+)\[([\d,]*)\]")
_TIMES = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')


class Work(NamedTuple):
    """Work of one voxel: operations by kind, and bytes that the fit cannot but read and write."""

    counts: dict[str, float]
    bytes: float


def of_fit(case: Case, images: np.ndarray, sigma: float) -> Work:
    """The work of ``jaxqmri.fit`` a voxel of ``images``, all its programs together.

    A fit runs one program several times: once for all voxels, and again for those that are left or
    may have a lower minimum elsewhere. Each run counts, with the tiles that hold a voxel.
    """
    import jaxqmri
    from jaxqmri.fitting.problem import CPU_TILE

    with launches() as ran:
        jaxqmri.fit(case.model, images, **case.call(sigma))
    counts, traffic = Counter(), 0.0
    known: dict[tuple, Work] = {}
    for plan, arguments, filled in ran:
        steps, most = int(arguments[2].steps), arguments[3].signals.shape[0] // len(filled)
        rows = sum(min(-(-int(each) // CPU_TILE) * CPU_TILE, most) for each in filled)
        if (plan, steps) not in known:
            known[plan, steps] = of_program(plan, *arguments)
        counts.update({kind: rows * n for kind, n in known[plan, steps].counts.items()})
        traffic += rows * known[plan, steps].bytes
    return Work({kind: counts[kind] / len(images) for kind in KINDS}, traffic / len(images))


@contextmanager
def launches() -> Iterator[list[tuple[Any, tuple, np.ndarray]]]:
    """Every program that fits run meanwhile.

    Its plan, its arguments without the arrays' numbers, and how many voxels each device had.
    """
    import jax

    from jaxqmri.fitting import chunks

    ran: list[tuple[Any, tuple, np.ndarray]] = []
    make = chunks._program

    def outline(leaf: Any) -> Any:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) if np.ndim(leaf) else leaf

    def recording(over_tiles: Any, plan: Any, devices: tuple) -> Any:
        run = make(over_tiles, plan, devices)

        def recorded(*arguments: Any) -> Any:
            *known, filled = arguments
            ran.append((plan, jax.tree.map(outline, tuple(known)), filled))
            return run(*arguments)

        return recorded

    with mock.patch.object(chunks, "_program", recording):
        yield ran


def of_program(plan: Any, equation: Any, bounds: Any, shared: Any, each: Any) -> Work:
    """The work of one program a voxel, counted in one tile; ``each`` need hold no numbers."""
    import jax

    from jaxqmri.fitting.problem import CPU_TILE
    from jaxqmri.fitting.voxels import fit_tiles

    steps, one = int(shared.steps), replace(plan, tile=CPU_TILE)

    def tile(equation: Any, bounds: Any, shared: Any, each: Any) -> Any:
        return fit_tiles(one, equation, bounds, shared._replace(steps=steps), each)

    def voxels(leaf: Any) -> Any:
        return jax.ShapeDtypeStruct((CPU_TILE, *leaf.shape[1:]), leaf.dtype)

    arguments = equation, bounds, shared._replace(steps=None), jax.tree.map(voxels, each)
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        program = jax.jit(tile).lower(*arguments).compile(compiler_options=PLAIN)
    counts = operations(program.as_text() or "")
    ends = jax.tree.leaves((arguments[-1], jax.eval_shape(tile, *arguments)))
    moved = sum(leaf.size * leaf.dtype.itemsize for leaf in ends)
    return Work({k: counts[k] / CPU_TILE for k in KINDS}, moved / CPU_TILE)


def operations(program: str) -> Counter[str]:
    """Operations on numbers in the text of a compiled program, by kind.

    Raises
    ------
    ValueError
        If it holds a loop of unknown length.
    """
    computations: dict[str, list[str]] = {}
    name = entry = ""
    for line in program.splitlines():
        if head := _HEAD.match(line):
            name = head[1]
            computations[name] = []
            entry = name if line.startswith("ENTRY") else entry
        elif name:
            computations[name].append(line)

    def walk(name: str) -> Counter[str]:
        found, sizes = Counter(), {}
        for line in filter(None, map(_LINE.match, computations[name])):
            result, made, what, rest = line.groups()
            shape = _SHAPE.search(made)
            sizes[result] = math.prod(map(int, filter(None, shape[2].split(",")))) if shape else 0
            if what == "while":
                times = _TIMES.search(rest)
                if times is None:
                    raise ValueError("a loop of unknown length cannot be counted")
                inner = walk(_called(rest, "body")[0])
                found.update({kind: int(times[1]) * n for kind, n in inner.items()})
            elif what == "conditional":  # computed_once: the branch not taken computes nothing
                branches = _called(rest, "(?:true|false)_computation|branch_computations")
                found.update(max(map(walk, branches), key=Counter.total))
            elif what in ("fusion", "call"):
                found.update(walk(_called(rest, "calls|to_apply")[0]))
            elif what in KIND and shape and (shape[1][0] in "fb" or what in _MASKS):
                read = [sizes.get(each, 0) for each in re.findall(r"%[\w.-]+", rest)]
                found[KIND[what]] += max(read[:1]) if what in _SUMS else sizes[result]
        return found

    return walk(entry)


_MASKS, _SUMS = ("compare", "is-finite"), ("reduce", "dot")


def _called(rest: str, key: str) -> list[str]:
    """Computations that an instruction names behind some keys."""
    named = re.findall(rf"(?:{key})=(\{{[^}}]*\}}|%[\w.-]+)", rest)
    return re.findall(r"%[\w.-]+", " ".join(named))
