"""The lumbar spine in the midsagittal plane: what fills each point.

Points have ``y`` forwards and ``z`` up, in mm; what is beside the midplane is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.physics.once import computed_once
from jaxqmri.simulate.anatomy.abdomen import amounts_of
from jaxqmri.simulate.anatomy.column import CORTEX, Column, column
from jaxqmri.simulate.anatomy.distance import Distance, Point, coverage, ramp
from jaxqmri.simulate.anatomy.spine_shape import SpineShape
from jaxqmri.simulate.anatomy.spine_surroundings import Surroundings, surroundings

LIGAMENT = 0.9  # thickness of the longitudinal ligaments, mm

TISSUES = (
    "air", "skin", "fat", "interspinous", "bowel", "vessel", "cortical bone", "ligament", "vein",
    "cerebrospinal fluid", "cord", "cauda equina", "process", "marrow", "disc",
)  # fmt: skip


BETWEEN = -3  # which of the solids lies between the spinous processes


class Contents(NamedTuple):
    """What points hold."""

    fractions: Float[Array, "tissues p"]  # in the order of TISSUES, summing to 1
    body: Float[Array, "bodies p"]  # 1 for the nearest
    modic: Float[Array, "2 p"]  # share of the marrow changed at its upper and its lower end
    disc: Float[Array, "discs p"]  # 1 for the nearest
    nucleus: Float[Array, " p"]  # share of the disc
    front: Float[Array, " p"]  # distance in front of the vertebrae, mm


def spine(p: Point, s: SpineShape, lumps: Float[Array, " p"], edge: float) -> Contents:
    """Fill points with tissue.

    Parameters
    ----------
    p
        Points, in the spine's coordinates.
    s
        The spine.
    lumps
        A smooth random field, which parts bowel from fat.
    edge
        Edge of the samples, mm, over which borders are blurred.
    """
    always = jnp.asarray(s.canal > 0)

    def once(function: Callable[..., Any], *operands: Any) -> Any:
        return computed_once(always, function, *operands)

    bones = once(column, p, s)
    beside = once(surroundings, p, s)
    names, distances = zip(*solids(p, bones, beside), strict=True)
    covers = once(lambda d: coverage(jnp.stack(d), edge), distances)
    # Bowel among fat, and fat among what lies between the processes.
    bowel = once(lambda: (1.0 - ramp(lumps + 0.2, 0.35)) * ramp(beside.front - 15.0, 5.0))
    covers = covers.at[names.index("bowel")].multiply(bowel)
    covers = covers.at[BETWEEN].multiply(once(lambda: 1.0 - 0.75 * ramp(lumps, 1.5)))
    belongs = jnp.asarray(np.array(names) == np.array(TISSUES)[:, None], jnp.float32)
    amounts, left = amounts_of(covers)
    fractions = jnp.tensordot(belongs, amounts, 1, precision="highest")
    return Contents(
        fractions.at[TISSUES.index("air")].add(left),
        bones.nearest_body,
        bones.modic,
        bones.nearest_disc,
        coverage(bones.nucleus, 3.0),
        beside.front,
    )


def solids(p: Point, c: Column, s: Surroundings) -> list[tuple[str, Distance]]:
    """Tissues and the distances to what they fill, from the inside out.

    Each takes its part of what those before it have left.
    """
    whole = jnp.minimum(c.body, c.disc)
    return [
        ("vein", jnp.maximum(c.vein, c.body + CORTEX)),
        ("marrow", c.body + CORTEX),
        ("cortical bone", c.body),
        ("disc", c.disc),
        ("ligament", whole - LIGAMENT),
        ("cord", jnp.maximum(s.cord, s.sac + 1.0)),
        ("cauda equina", jnp.maximum(s.roots, s.sac + 0.8)),
        ("cerebrospinal fluid", s.sac),
        ("fat", s.canal),
        ("process", s.process + 0.9),
        ("cortical bone", s.process),
        ("ligament", s.flavum),
        ("ligament", s.supraspinous),
        ("vessel", s.vessel),
        ("bowel", jnp.maximum(s.wall + 8.0, s.inside)),
        ("interspinous", jnp.maximum(jnp.abs(s.wall) - 4.0, s.inside)),
        ("interspinous", jnp.maximum(s.inside, s.front + 5.0)),  # BETWEEN
        ("fat", s.skin + 1.8),
        ("skin", s.skin),
    ]
