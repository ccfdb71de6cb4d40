"""Several trainings at once: one entry of a stack each, the stack shared out over the devices."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

MEMBERS = PartitionSpec("members")


@lru_cache
def mesh_of(count: int) -> Mesh:
    """As many devices as share ``count`` members out equally."""
    devices = jax.local_devices()
    used = max(n for n in range(1, len(devices) + 1) if count % n == 0)
    return Mesh(np.asarray(devices[:used]), ("members",))


def member_by_member(function: Callable[..., Any], mesh: Mesh, count: int) -> Callable[..., Any]:
    """A function of one member, for the stack of ``count`` that the devices of a mesh hold.

    A device with one member calls the function as it is; with several it maps it over them.
    """

    def of_device(*stacks: Any) -> Any:
        if count > mesh.size:
            return jax.vmap(function)(*stacks)
        alone = function(*jax.tree.map(lambda leaf: leaf[0], stacks))
        return jax.tree.map(lambda leaf: leaf[None], alone)

    return jax.shard_map(of_device, mesh=mesh, in_specs=MEMBERS, out_specs=MEMBERS, check_vma=False)


def stacked(member: Any, count: int) -> Any:
    """``count`` times the same member, shared out over the devices."""
    sharding = NamedSharding(mesh_of(count), MEMBERS)

    def repeated(leaf: Any) -> Any:
        return jax.device_put(jnp.broadcast_to(leaf[None], (count, *leaf.shape)), sharding)

    return jax.tree.map(repeated, jax.tree.map(jnp.asarray, member))


def placed(stack: Any, number: int, member: Any) -> Any:
    """The stack with another member in one place; the memory of ``stack`` is used up."""
    everywhere = NamedSharding(mesh_of(_count(stack)), PartitionSpec())
    return _placed(stack, number, jax.device_put(member, everywhere))


def taken(stack: Any, number: int) -> Any:
    """A copy of one member, on the first device."""
    return jax.device_put(_taken(stack, number), jax.local_devices()[0])


@partial(jax.jit, donate_argnums=0)
def _placed(stack: Any, number: Any, member: Any) -> Any:
    # a choice, not an update: every device looks at its own members alone
    chosen = jnp.arange(_count(stack)) == number

    def choose(leaf: Any, new: Any) -> Any:
        return jnp.where(chosen.reshape(-1, *(1 for _ in new.shape)), new[None], leaf)

    return jax.tree.map(choose, stack, member)


@jax.jit
def _taken(stack: Any, number: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[number], stack)


def _count(stack: Any) -> int:
    return jax.tree.leaves(stack)[0].shape[0]
