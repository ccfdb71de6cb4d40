"""One volume fitted by several processes: each fits a part of the voxels, all have all maps."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np


def own_share(count: int) -> slice:
    """The voxels that this process fits, of about equal parts in the order of the processes."""
    starts = _starts(count)
    return slice(starts[jax.process_index()], starts[jax.process_index() + 1])


def gathered(own: Any, count: int) -> Any:
    """What all processes have found, in the order of the voxels.

    Parameters
    ----------
    own
        Numbers of this process's voxels, a pytree of arrays of one axis.
    count
        Voxels of all processes together.

    Returns
    -------
    pytree
        The same arrays of all voxels, in every process.
    """
    from jax.experimental import multihost_utils

    sizes = np.diff(_starts(count))
    most = int(sizes.max())
    leaves, structure = jax.tree.flatten(own)
    message = np.zeros(most * sum(leaf.dtype.itemsize for leaf in leaves), np.uint8)
    places = np.cumsum([0, *(most * leaf.dtype.itemsize for leaf in leaves)])
    for leaf, place in zip(leaves, places[:-1], strict=True):  # one after another, as long for all
        message[place : place + leaf.nbytes] = np.ascontiguousarray(leaf).view(np.uint8)
    every = np.asarray(multihost_utils.process_allgather(message))
    whole = [
        np.concatenate(
            [
                one[place : place + size * leaf.dtype.itemsize].view(leaf.dtype)
                for one, size in zip(every, sizes, strict=True)
            ]
        )
        for leaf, place in zip(leaves, places[:-1], strict=True)
    ]
    return jax.tree.unflatten(structure, whole)


def _starts(count: int) -> list[int]:
    """First voxel of each process, and the end of the last."""
    processes = jax.process_count()
    return [count * k // processes for k in range(processes + 1)]
