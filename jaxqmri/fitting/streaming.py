"""A fit of more voxels than memory holds: parts are read, fitted and written side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import jax
import numpy as np

from jaxqmri.fitting.result import FitResult, Status

Part = TypeVar("Part")
Read = TypeVar("Read")


def fit_parts(
    parts: Iterable[Part],
    read: Callable[[Part], Read],
    fit: Callable[[Part, Read], FitResult],
    write: Callable[[Part, FitResult], None],
) -> dict[str, int]:
    """Fit part after part: while one is fitted the next is read and the one before written.

    At most four parts are in memory, however many there are.

    Parameters
    ----------
    parts
        What ``read`` takes, in the order of the files.
    read
        Reads one part; called in order, in a thread of its own.
    fit
        Fits it, in the caller's thread.
    write
        Keeps its maps; called in order, in a thread of its own.

    Returns
    -------
    dict
        Number of voxels of every status, by name.
    """
    counts = dict.fromkeys((status.name.lower() for status in Status), 0)
    waiting = iter(parts)
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        part = next(waiting, None)
        reading = None if part is None else reader.submit(read, part)
        while part is not None and reading is not None:
            images, current = reading.result(), part
            part = next(waiting, None)
            reading = None if part is None else reader.submit(read, part)
            result = fit(current, images)
            for name, count in result.status_counts().items():
                counts[name] += count
            if writing is not None:
                writing.result()
            writing = writer.submit(write, current, result)
        if writing is not None:
            writing.result()
    return counts


def blank(result: FitResult, shape: tuple[int, ...]) -> FitResult:
    """The result of a part without a voxel to fit: of the same maps, all of them empty."""

    def empty(leaf: Any) -> Any:
        if np.ndim(leaf) == 0:
            return leaf
        fill = np.nan if leaf.dtype.kind == "f" else Status.OUTSIDE_MASK
        return np.full(shape, fill, leaf.dtype)

    return jax.tree.map(empty, result)
