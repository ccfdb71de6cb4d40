"""One volume fitted by several processes: each fits a part of the voxels, all have all maps."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jaxtyping import Int


def own_share(wanted: Int[np.ndarray, " v"]) -> Int[np.ndarray, " s"]:
    """The voxels that this process fits, of equal parts in the order of the processes."""
    return np.array_split(wanted, jax.process_count())[jax.process_index()]


def gathered(own: Any, count: int) -> Any:
    """What all processes have found, in the order of the voxels.

    Parameters
    ----------
    own
        Arrays of this process's voxels, a pytree.
    count
        Voxels of all processes together.

    Returns
    -------
    pytree
        The same arrays of all voxels, in every process.
    """
    from jax.experimental import multihost_utils

    processes = jax.process_count()
    sizes = [part.size for part in np.array_split(np.empty(count, np.bool_), processes)]

    def whole(part: np.ndarray) -> np.ndarray:
        padded = np.zeros((sizes[0], *part.shape[1:]), part.dtype)  # all processes send as many
        padded[: len(part)] = part
        every = np.asarray(multihost_utils.process_allgather(padded))
        return np.concatenate([one[:size] for one, size in zip(every, sizes, strict=True)])

    return jax.tree.map(whole, own)
