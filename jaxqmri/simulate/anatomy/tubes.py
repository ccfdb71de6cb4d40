"""Branching tubes: vessels that grow towards the places they supply."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Integer

from jaxqmri.simulate.anatomy.distance import Distance, Point

MURRAY = 2.7  # radius^MURRAY of a vessel is the sum over its branches


class Tubes(NamedTuple):
    """Straight pieces with round ends, each from one place to another, tapered."""

    starts: Float[Array, "n 3"]
    ends: Float[Array, "n 3"]
    start_radii: Float[Array, " n"]
    end_radii: Float[Array, " n"]

    def near(self, p: Point, number: int) -> Tubes:
        """The ``number`` tubes nearest to the box that holds the points."""
        low, high = (jnp.stack([f(c) for c in p]) for f in (jnp.min, jnp.max))
        least, most = jnp.minimum(self.starts, self.ends), jnp.maximum(self.starts, self.ends)
        apart = jnp.maximum(jnp.maximum(least - high, low - most), 0.0)
        distance = jnp.sqrt((apart**2).sum(axis=1)) - self.start_radii
        _, chosen = jax.lax.top_k(-distance, min(number, len(distance)))
        return Tubes(*(column[chosen] for column in self))

    def distance(self, p: Point) -> Distance:
        """Distance to the nearest tube.

        Squares of lengths are expanded, so that most of the work is one product of matrices;
        what that costs in accuracy, about 0.01 mm, is far below a pixel.
        """
        axes = self.ends - self.starts
        length = jnp.sqrt((axes**2).sum(axis=1) + 1e-6)
        unit = axes / length[:, None]
        place = jnp.stack(p)
        flat = place.reshape(3, -1)
        along = jnp.matmul(unit, flat, precision="highest") - (unit * self.starts).sum(1)[:, None]
        away = jnp.matmul(-2.0 * self.starts, flat, precision="highest")
        away = away + (self.starts**2).sum(1)[:, None] + (flat**2).sum(axis=0)
        reached = jnp.clip(along, 0.0, length[:, None])
        squared = jnp.maximum(away + reached * (reached - 2.0 * along), 0.0)
        thinner = (self.start_radii - self.end_radii) / length
        radius = self.start_radii[:, None] - thinner[:, None] * reached
        return (jnp.sqrt(squared + 1e-6) - radius).min(axis=0).reshape(place.shape[1:])


def grow(
    trunk: Float[Array, "t 3"],
    parents: Integer[Array, " t"],
    targets: Float[Array, "n 3"],
    leaf_radius: Float[Array, ""],
    first: Integer[Array, ""],
) -> Tubes:
    """Tubes of a tree: a given trunk, and a branch to each target from the nearest place there is.

    Targets are taken in the order in which they are given. A branch leaves the tree at the node
    that is nearest to it, and has one node half-way, a little off the straight line towards the
    branch it comes from, from which later ones may leave.

    Parameters
    ----------
    trunk, parents
        Nodes, and the node each comes from; the first comes from itself.
    targets
        Places to be supplied.
    leaf_radius
        Radius at the end of a branch, mm.
    first
        Number of the trunk's nodes, counted from the first, that no branch leaves from.
    """
    known, count = len(trunk), len(trunk) + 2 * len(targets)
    nodes = jnp.zeros((count, 3)).at[:known].set(trunk)
    parent = jnp.zeros(count, jnp.int32).at[:known].set(parents)
    numbers = jnp.arange(count)

    def branch(
        tree: tuple[Array, Array, Array], target: Array
    ) -> tuple[tuple[Array, Array, Array], None]:
        nodes, parent, used = tree
        there = (numbers >= first) & (numbers < used)
        squared = jnp.where(there, ((nodes - target) ** 2).sum(axis=1), jnp.inf)
        at = jnp.argmin(squared)
        onward = nodes[at] - nodes[parent[at]]
        onward = onward / jnp.sqrt((onward**2).sum() + 1e-6)
        middle = (nodes[at] + target) / 2.0 + 0.18 * jnp.sqrt(squared[at]) * onward
        nodes = nodes.at[used].set(middle).at[used + 1].set(target)
        parent = parent.at[used].set(at).at[used + 1].set(used)
        return (nodes, parent, used + 2), None

    (nodes, parent, _), _ = jax.lax.scan(branch, (nodes, parent, jnp.asarray(known)), targets)

    def supply(flow: Array, node: Array) -> tuple[Array, None]:
        return flow.at[parent[node]].add(jnp.where(node == parent[node], 0.0, flow[node])), None

    ends = (numbers >= known) & ((numbers - known) % 2 == 1)
    flow, _ = jax.lax.scan(supply, jnp.where(ends, 1.0, 0.0), numbers[::-1])
    radius = leaf_radius * jnp.maximum(flow, 0.3) ** (1.0 / MURRAY)
    return Tubes(nodes[parent][1:], nodes[1:], radius[1:] * 1.08, radius[1:] * 0.92)
