"""An analytic upper abdomen: what fills each point.

Coordinates are millimetres, ``x`` to the patient's right, ``y`` to anterior, ``z`` to superior; the
origin lies in front of the spine at the height of the porta hepatis. Measures are typical adult
ones; each subject's differ from them by a
:class:`~jaxqmri.simulate.anatomy.body_shape.BodyShape`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.physics.once import computed_once
from jaxqmri.simulate.anatomy.body_shape import BodyShape, Number
from jaxqmri.simulate.anatomy.distance import Distance, Point, coverage
from jaxqmri.simulate.anatomy.liver import Liver, liver
from jaxqmri.simulate.anatomy.torso import Torso, torso
from jaxqmri.simulate.anatomy.viscera import Viscera, viscera

TISSUES: tuple[str, ...] = (
    "air",
    "lung",
    "skin",
    "fat",
    "muscle",
    "cortical bone",
    "marrow",
    "disc",
    "cord",
    "cerebrospinal fluid",
    "liver",
    "portal vein",
    "hepatic vein",
    "artery",
    "bile",
    "spleen",
    "kidney cortex",
    "kidney medulla",
    "pancreas",
    "bowel wall",
    "bowel content",
)

SKIN = 1.8  # mm
CORTEX = 1.0


class Abdomen(NamedTuple):
    """What fills each point."""

    fractions: Float[Array, "tissues ..."]  # in the order of TISSUES, summing to 1
    depth: Distance  # below the surface of the liver, mm; negative outside
    clearance: Distance  # from vessels, ducts and gallbladder, mm


def abdomen(points: Point, s: BodyShape, spacing: Number) -> Abdomen:
    """Fill points with tissue.

    Parameters
    ----------
    points
        In mm, three arrays of one shape, best with a long last axis and close together.
    s
        The subject's trunk.
    spacing
        Edge of the sample around each point in mm: tissues share a sample on their borders.
    """
    always = jnp.asarray(s.scale > 0)

    def once(function: Callable[..., Any], *operands: Any) -> Any:
        return computed_once(always, function, *operands)

    p = once(s.bent, Point(*(c / s.scale for c in points)))
    wall = once(torso, p, s)
    room = once(
        lambda w: jnp.maximum(jnp.maximum(w.cavity, w.diaphragm + 1.0), -w.lung) + 2.0, wall
    )
    organs = once(viscera, p, s, room)
    beside = jnp.minimum(
        jnp.minimum(organs.kidney - 5.0, organs.cava - 0.6),
        jnp.minimum(jnp.minimum(organs.crus, wall.vertebra), organs.adrenal) - 2.5,
    )
    tissue = once(liver, p, s, room, beside)
    names, distances = zip(*solids(wall, organs, tissue, p), strict=True)
    covers = once(lambda d: coverage(jnp.stack(d), spacing / s.scale), distances)
    belongs = jnp.asarray(np.array(names) == np.array(TISSUES)[:, None], jnp.float32)
    amounts, left = amounts_of(covers)
    shares = jnp.tensordot(belongs, amounts, 1, precision="highest")
    return Abdomen(
        shares.at[TISSUES.index("air")].add(left),
        -tissue.tissue * s.scale,
        tissue.clearance * s.scale,
    )


def amounts_of(covers: Float[Array, "n ..."]) -> tuple[Float[Array, "n ..."], Float[Array, ...]]:
    """What each solid takes of what those before it have left, and what is left in the end."""

    def take(left: Array, cover: Array) -> tuple[Array, Array]:
        return left * (1.0 - cover), left * cover

    left, amounts = jax.lax.scan(take, jnp.ones_like(covers[0]), covers)
    return amounts, left


def solids(wall: Torso, organs: Viscera, tissue: Liver, p: Point) -> list[tuple[str, Distance]]:
    """Tissues and the distances to what they fill, from the inside out.

    Each takes its part of what those before it have left: a shell is a larger solid after a
    smaller one.
    """
    outside = jnp.maximum(wall.cavity, 0.0) * 10.0  # no organ reaches into the wall
    return [
        ("cord", wall.cord),
        ("cerebrospinal fluid", wall.canal + 1.5),
        ("fat", wall.canal),
        ("disc", jnp.maximum(wall.vertebra, wall.disc)),
        ("marrow", wall.vertebra + CORTEX),
        ("cortical bone", wall.vertebra),
        ("marrow", wall.arch + 1.4),
        ("cortical bone", wall.arch),
        ("marrow", wall.rib + 1.3),
        ("cortical bone", wall.rib),
        ("muscle", jnp.maximum(wall.back, wall.skin + SKIN + 4.0)),
        ("lung", wall.lung),
        ("artery", jnp.minimum(organs.aorta, organs.artery)),
        ("hepatic vein", organs.cava),
        ("bile", tissue.bile),
        ("bile", tissue.gallbladder + 1.2 + outside),
        ("bowel wall", tissue.gallbladder + outside),
        ("portal vein", jnp.maximum(tissue.portal, -70.0 - p.z)),
        ("hepatic vein", jnp.maximum(tissue.hepatic, tissue.tissue)),
        ("liver", tissue.tissue + outside),
        ("portal vein", organs.vein),
        ("muscle", organs.crus),
        ("fat", jnp.maximum(organs.sinus, organs.kidney + 1.0)),
        ("kidney medulla", organs.medulla),
        ("kidney cortex", organs.kidney),
        ("spleen", organs.spleen + outside),
        ("air", organs.gas),
        ("bowel content", organs.stomach + 3.5),
        ("bowel wall", jnp.minimum(organs.stomach, organs.esophagus)),
        ("pancreas", jnp.minimum(organs.pancreas, organs.adrenal)),
        ("bowel content", jnp.maximum(organs.bowel_inside, organs.bowel + 2.0)),
        ("bowel wall", organs.bowel),
        ("muscle", wall.psoas),
        ("fat", wall.cavity),
        ("muscle", jnp.maximum(wall.wall, wall.skin + SKIN + 3.0)),
        ("fat", wall.skin + SKIN),
        ("skin", wall.skin),
    ]
