"""An analytic upper abdomen: what fills each point.

Coordinates are millimetres, ``x`` to the patient's right, ``y`` to anterior, ``z`` to superior; the
origin lies in front of the spine at the height of the porta hepatis. Measures are typical adult
ones; each subject's differ from them by a
:class:`~jaxqmri.simulate.anatomy.body_shape.BodyShape`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

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

    fractions: dict[str, Float[Array, ...]]  # by the names of TISSUES, summing to 1
    depth: Distance  # below the surface of the liver, mm; negative outside
    clearance: Distance  # from vessels, ducts and gallbladder, mm


def abdomen(points: Point, s: BodyShape, spacing: Number) -> Abdomen:
    """Fill points with tissue.

    Parameters
    ----------
    points
        In mm, three arrays of one shape, best with a long last axis.
    s
        The subject's trunk.
    spacing
        Edge of the sample around each point in mm: tissues share a sample on their borders.
    """
    p = s.bent(Point(*(c / s.scale for c in points)))
    wall = torso(p, s)
    room = jnp.maximum(jnp.maximum(wall.cavity + 2.0, wall.diaphragm + 3.0), wall.lung * -1.0 + 2.0)
    organs = viscera(p, s, room)
    beside = jnp.minimum(
        jnp.minimum(organs.kidney - 5.0, organs.cava - 0.6),
        jnp.minimum(jnp.minimum(organs.crus, wall.vertebra), organs.adrenal) - 2.5,
    )
    tissue = liver(p, s, room, beside)
    vessels = jnp.minimum(jnp.minimum(tissue.portal, tissue.hepatic), tissue.bile)
    return Abdomen(
        fill(wall, organs, tissue, jnp.asarray(spacing) / s.scale, p),
        -tissue.tissue * s.scale,
        jnp.minimum(vessels, tissue.gallbladder) * s.scale,
    )


def fill(
    wall: Torso, organs: Viscera, tissue: Liver, width: Number, p: Point
) -> dict[str, Distance]:
    """Give every sample to the tissues from the inside out: each takes its part of what is left."""
    share: dict[str, Distance] = {name: jnp.zeros_like(p.x) for name in TISSUES}
    left = jnp.ones_like(p.x)

    def layers(*solids: tuple[str, Distance]) -> None:
        """Nested solids, innermost first, out of what is left."""
        nonlocal left
        within = jnp.zeros_like(left)
        for name, distance in solids:
            covered = jnp.maximum(coverage(distance, width), within)
            share[name] = share[name] + left * (covered - within)
            within = covered
        left = left * (1.0 - within)

    layers(("cord", wall.cord), ("cerebrospinal fluid", wall.canal + 1.5), ("fat", wall.canal))
    layers(("disc", jnp.maximum(wall.vertebra, wall.disc)))
    layers(("marrow", wall.vertebra + CORTEX), ("cortical bone", wall.vertebra))
    layers(("marrow", wall.arch + 1.4), ("cortical bone", wall.arch))
    layers(("marrow", wall.rib + 1.3), ("cortical bone", wall.rib))
    layers(("muscle", jnp.maximum(wall.back, wall.skin + SKIN + 4.0)))
    inside = wall.cavity
    layers(("lung", wall.lung))
    layers(("artery", organs.aorta), ("artery", organs.artery))
    layers(("hepatic vein", organs.cava))
    # Nothing of the trunk outside of the cavity belongs to the organs.
    outside = jnp.maximum(inside, 0.0) * 10.0
    layers(("bile", tissue.bile))
    layers(
        ("bile", tissue.gallbladder + 1.2 + outside), ("bowel wall", tissue.gallbladder + outside)
    )
    layers(("portal vein", jnp.maximum(tissue.portal, -70.0 - p.z)))
    layers(("hepatic vein", jnp.maximum(tissue.hepatic, tissue.tissue)))
    layers(("liver", tissue.tissue + outside))
    layers(("portal vein", organs.vein))
    layers(("muscle", organs.crus))
    layers(("fat", jnp.maximum(organs.sinus, organs.kidney + 1.0)))
    layers(("kidney medulla", organs.medulla), ("kidney cortex", organs.kidney))
    layers(("spleen", organs.spleen + outside))
    layers(
        ("air", organs.gas), ("bowel content", organs.stomach + 3.5), ("bowel wall", organs.stomach)
    )
    layers(("bowel wall", organs.esophagus))
    layers(("pancreas", organs.pancreas), ("pancreas", organs.adrenal))
    layers(
        ("bowel content", jnp.maximum(organs.bowel_inside, organs.bowel + 2.0)),
        ("bowel wall", organs.bowel),
    )
    layers(("muscle", wall.psoas))
    layers(("fat", inside))
    layers(("muscle", jnp.maximum(wall.wall, wall.skin + SKIN + 3.0)))
    layers(("fat", wall.skin + SKIN), ("skin", wall.skin))
    share["air"] = share["air"] + left
    return share
