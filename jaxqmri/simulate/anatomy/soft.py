"""What surrounds the bones: menisci, ligaments, tendons, fluid, vessels, muscle and the skin."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from jaxqmri.simulate.anatomy.bones import Bone
from jaxqmri.simulate.anatomy.distance import (
    Distance,
    Point,
    capsule,
    ellipse,
    ellipsoid,
    ramp,
    smooth_union,
)
from jaxqmri.simulate.anatomy.shape import KneeShape


def menisci(p: Point, s: KneeShape, above: Distance, below: Distance) -> Distance:
    """Distance to both menisci: wedges that fill the rim between the cartilage surfaces.

    ``above`` and ``below`` are the distances to the femoral and the tibial cartilage surface.
    """
    beyond = jnp.abs(p.x) - s.condyle_offset
    rim = ellipse(beyond, p.y + 0.5, 14.5, 21.0)
    ring = jnp.maximum(rim, -rim - 8.5)
    ring = jnp.maximum(ring, 9.0 - jnp.abs(p.x))
    return jnp.maximum(
        jnp.maximum(ring, 0.35 - jnp.minimum(above, below)), jnp.abs(p.z - 0.8) - 4.4
    )


def ligaments(p: Point) -> Distance:
    """Distance to the cruciate ligaments."""
    anterior = capsule(p, (0.0, 9.0, -1.0), (7.5, -13.0, 23.0), 3.6)
    posterior = capsule(p, (0.0, -21.0, -6.0), (-3.0, -14.0, 9.0), 4.2)
    posterior = smooth_union(posterior, capsule(p, (-3.0, -14.0, 9.0), (-6.5, 2.0, 17.0), 4.2), 2.0)
    return jnp.minimum(anterior, posterior)


def tendons(p: Point, s: KneeShape) -> Distance:
    """Distance to the quadriceps and the patellar tendon."""
    ridge = 3.0 + s.trochlea_radius - s.groove_depth + s.femoral_cartilage + s.patellar_cartilage
    front = ridge + 12.0
    top, bottom = s.patella_height + 17.0, s.patella_height - 18.0
    x = s.patella_shift
    quadriceps = capsule(p, (x, front, top), (x - 1.0, front - 9.0, 110.0), 3.4, flatten=5.0)
    patellar = capsule(p, (x, front - 1.0, bottom), (1.0, 27.0, -36.0), 2.6, flatten=4.5)
    return jnp.minimum(quadriceps, patellar)


def muscles(p: Point, fascia: Distance, wave: Distance) -> Distance:
    """Distance to muscle: all within the ``fascia`` but for the fat around the joint.

    The fat of the joint reaches in front over the shin, behind into the popliteal fossa; thin
    layers of it part the muscles of the calf from each other and from those of the thigh. The
    random ``wave`` bends its surface and runs through the muscles as thin streaks of fat.
    """
    joint = ellipsoid(p, (0.0, 14.0, 8.0), (62.0, 38.0, 50.0))
    shin = jnp.maximum(jnp.maximum(p.z, p.x - 14.0), 12.0 - p.y)
    fossa = ellipsoid(p, (3.0, -32.0, 30.0), (13.0, 17.0, 34.0))
    septa = 0.6 - jnp.minimum(
        jnp.abs(p.x + 1.0 - 0.05 * p.z), jnp.abs(p.z - 8.0 + 1.1 * (p.y + 48.0)) / 1.5
    )
    septa = jnp.maximum(jnp.where(p.y < -16.0, septa, -1.0), 0.35 - 6.0 * jnp.abs(wave - 1.3))
    fat = smooth_union(smooth_union(joint, shin, 12.0), fossa, 8.0) + 2.5 * wave
    return jnp.maximum(jnp.maximum(fascia, -fat), septa)


def limb(p: Point, s: KneeShape, knee_cap: Distance) -> Distance:
    """Distance to the skin: a limb wider above and below the joint, raised by the patella."""
    width = s.limb_radius + 3.0 * ramp(p.z - 20.0, 70.0) + 1.5 * ramp(-20.0 - p.z, 60.0)
    depth = width + 9.0 + 3.0 * ramp(p.z - 30.0, 50.0)
    lean = 10.0 - 5.0 * ramp(p.z - 10.0, 60.0) + 5.0 * ramp(-p.z, 35.0)
    leg = ellipse(p.x, p.y + lean, width + s.fat, depth + s.fat - 5.0 * ramp(-p.z, 35.0))
    return smooth_union(leg, knee_cap - 3.0 - 0.25 * s.fat, 12.0)


def fluid(p: Point, s: KneeShape, bones: tuple[Bone, ...]) -> Distance:
    """Distance to synovial fluid: a film on the cartilage and the pouch above the patella."""
    film = jnp.inf
    for bone in bones:
        film = jnp.minimum(film, jnp.where(bone.thickness > 0.4, bone.surface - s.gap, jnp.inf))
    front = 3.0 + s.trochlea_radius
    pouch = ellipsoid(
        p, (1.0, front + 1.0, s.patella_height + 22.0), (19.0, 0.5 + s.effusion, 13.0 + s.effusion)
    )
    recess = ellipsoid(p, (-s.condyle_offset, -36.0, 14.0), (8.0, 0.8 + s.effusion, 8.0))
    return jnp.minimum(jnp.minimum(film, pouch), recess)


def vessels(p: Point) -> Distance:
    """Distance to the popliteal artery and vein."""
    artery = capsule(p, (2.0, -27.0, 110.0), (1.0, -37.0, -110.0), 2.2)
    vein = capsule(p, (7.0, -33.0, 110.0), (6.0, -43.0, -110.0), 2.6)
    return jnp.minimum(artery, vein)


class Around(NamedTuple):
    """Distances to all that surrounds the bones."""

    fibula: Distance
    meniscus: Distance
    ligament: Distance
    tendon: Distance
    fluid: Distance
    vessel: Distance
    muscle: Distance
    skin: Distance


def around(p: Point, s: KneeShape, bones: tuple[Bone, Bone, Bone], wave: Distance) -> Around:
    """Distances to all that surrounds femur, tibia and patella, in this order."""
    femur, tibia, patella = bones
    skin = limb(p, s, patella.surface)
    return Around(
        fibula=capsule(p, (35.0, -20.0, -22.0), (31.0, -22.0, -110.0), 7.0),
        meniscus=menisci(p, s, femur.surface, tibia.surface),
        ligament=ligaments(p),
        tendon=tendons(p, s),
        fluid=fluid(p, s, bones),
        vessel=vessels(p),
        muscle=muscles(p, skin + s.fat, wave),
        skin=skin,
    )
