"""How trainings lie on the devices: each device has some of them, or several share one's batches.

Trainings are the entries of a stack. Devices that are left over when every training has one share
out the batches: the step is written for whole batches, and the compiler divides it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

TRAININGS, BATCHES = "trainings", "batches"  # axes of the mesh


@dataclass(frozen=True)
class Layout:
    """Where the entries of a stack are.

    Attributes
    ----------
    count
        Trainings of the stack.
    mesh
        Devices by the trainings that they hold and by their part of a batch.
    """

    count: int
    mesh: Mesh

    @classmethod
    def of(cls, count: int, devices: Sequence[Any], batch: int) -> Layout:
        """Share ``count`` trainings of so large batches out over as many devices as are of use.

        Raises
        ------
        ValueError
            If the devices are of several processes and one of them would have nothing to do.
        """
        rows = max(n for n in range(1, len(devices) + 1) if count % n == 0)
        columns = max(n for n in range(1, len(devices) // rows + 1) if batch % n == 0)
        used = _evenly(devices, rows * columns)
        if {one.process_index for one in used} != {one.process_index for one in devices}:
            raise ValueError(
                f"{count} trainings of batches of {batch} do not divide among "
                f"{len({one.process_index for one in devices})} processes"
            )
        grid = np.asarray(used).reshape(rows, columns)
        return cls(count, Mesh(grid, (TRAININGS, BATCHES)))

    @property
    def sharers(self) -> int:
        """Devices that share each batch."""
        return self.mesh.shape[BATCHES]

    def one_by_one(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of one training, for the stack.

        A device with one training calls the function as it is; with several it maps it over them.
        """

        def of_device(*stacks: Any) -> Any:
            if self.count > self.mesh.shape[TRAININGS]:
                return jax.vmap(function)(*stacks)
            alone = function(*jax.tree.map(lambda leaf: leaf[0], stacks))
            return jax.tree.map(lambda leaf: leaf[None], alone)

        own = PartitionSpec(TRAININGS)
        # where batches are shared out that is the compiler's part
        by_hand = {TRAININGS} if self.sharers > 1 else {TRAININGS, BATCHES}
        return jax.shard_map(
            of_device,
            mesh=self.mesh,
            in_specs=own,
            out_specs=own,
            axis_names=by_hand,
            check_vma=False,
        )

    def shared_out(self, batch: Any) -> Any:
        """The batch of one training, inside :meth:`one_by_one`: each of its devices has a part."""
        if self.sharers == 1:
            return batch

        def divided(leaf: Any) -> Any:
            if not leaf.ndim or leaf.shape[0] % self.sharers:
                return leaf  # no part of a batch
            return jax.lax.with_sharding_constraint(leaf, PartitionSpec(BATCHES))

        return jax.tree.map(divided, batch)

    def stacked(self, training: Any) -> Any:
        """The same training in every place."""
        own = NamedSharding(self.mesh, PartitionSpec(TRAININGS))
        return _repeated(everywhere(training, self.mesh), self.count, own)

    def placed(self, stack: Any, number: int, training: Any) -> Any:
        """The stack with another training in one place; the memory of ``stack`` is used up."""
        return _placed(stack, number, everywhere(training, self.mesh))

    def taken(self, stack: Any, number: int) -> Any:
        """A copy of one training, on the first of this process's devices."""
        one = _taken(stack, number, NamedSharding(self.mesh, PartitionSpec()))
        return jax.tree.map(lambda leaf: leaf.addressable_data(0), one)

    def agreed(self, value: float) -> float:
        """A number as the first process has it, where several train together."""
        if not self.mesh.is_multi_process:
            return value
        from jax.experimental import multihost_utils

        bits = np.array([value]).view(np.uint32)  # JAX would round it
        return float(np.asarray(multihost_utils.broadcast_one_to_all(bits)).view(np.float64)[0])


def _evenly(devices: Sequence[Any], count: int) -> list[Any]:
    """So many of the devices, as many of every process."""
    return [devices[k * len(devices) // count] for k in range(count)]


def everywhere(tree: Any, mesh: Mesh) -> Any:
    """A pytree of arrays on every device of a mesh, those of other processes too.

    Every process is to give the same.
    """
    sharding = NamedSharding(mesh, PartitionSpec())

    def put(leaf: Any) -> Any:
        if sharding.is_fully_addressable:
            return jax.device_put(leaf, sharding)
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(put(jax.random.key_data(leaf)))
        own = np.asarray(leaf)
        return jax.make_array_from_callback(own.shape, sharding, lambda part: own[part])

    return jax.tree.map(put, jax.tree.map(jnp.asarray, tree))


@partial(jax.jit, static_argnums=(1, 2))
def _repeated(training: Any, count: int, where: NamedSharding) -> Any:
    stack = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[None], (count, *leaf.shape)), training)
    return jax.lax.with_sharding_constraint(stack, where)


@partial(jax.jit, donate_argnums=0)
def _placed(stack: Any, number: Any, training: Any) -> Any:
    # a choice, not an update: every device looks at its own trainings alone
    def choose(leaf: Any, new: Any) -> Any:
        chosen = jnp.arange(leaf.shape[0]) == number
        return jnp.where(chosen.reshape(-1, *(1 for _ in new.shape)), new[None], leaf)

    return jax.tree.map(choose, stack, training)


@partial(jax.jit, static_argnums=2)
def _taken(stack: Any, number: Any, where: NamedSharding) -> Any:
    one = jax.tree.map(lambda leaf: leaf[number], stack)
    return jax.lax.with_sharding_constraint(one, where)
