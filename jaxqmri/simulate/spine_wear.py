"""What degeneration does to the shape and the T1-weighted look of a disc and its neighbours."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from jaxqmri.simulate.anatomy.distance import ramp
from jaxqmri.simulate.anatomy.spine_shape import BODIES, FIRST, LEVELS, LUMBAR, Wear, unworn
from jaxqmri.simulate.spine_discs import grade

Number = Float[Array, ""] | float

TYPICAL = 2.5  # grade that discs look like where degeneration does not show
SCORES = 9 * len(LEVELS)  # normal scores of how a disc shows what has become of it


class Sizes(NamedTuple):
    """How large each consequence is in a disc where it has fully come about.

    Everything that follows from degeneration is proportional to these, or as probable as they say.
    """

    height_loss: Number  # share of the height
    bulge: Number  # mm, behind; half of it in front
    osteophyte: Number  # mm
    modic: Number  # probability of a change beside the disc
    schmorl: Number  # probability of a node in an endplate
    marrow_fat: Number  # share of the marrow for each SD of degeneration of the discs beside it
    contrast: Number  # 1: nucleus and annulus look like their grade


class Look(NamedTuple):
    """What T1-weighted images show of degeneration, beside the shape."""

    grade: Float[Array, " levels"]  # continuous, that nucleus and annulus look like
    modic_fat: Float[Array, " levels"]  # 1 for a fatty Modic change (type II), 0 for oedema (I)
    marrow_fat: Float[Array, " bodies"]  # share of fat beyond what age brings


def wear(
    score: Float[Array, " levels"], z: Float[Array, " scores"], sizes: Sizes, coupling: Number
) -> tuple[Wear, Look]:
    """Shape and look of discs of a given degeneration.

    Height falls late; bulge and osteophytes grow from grade III on; Modic changes and nodes become
    more probable. With a ``coupling`` of 0 nothing of it depends on degeneration, and there are
    none.

    Parameters
    ----------
    score
        Degeneration of the lumbar discs.
    z
        Normal scores of how each disc shows it, which know nothing of degeneration.
    sizes
        Of every consequence.
    coupling
        A factor on all of them.
    """
    shown = Sizes(*(coupling * size for size in sizes))
    z = z.reshape(9, len(LEVELS))
    u = ndtr(z)
    own = jnp.exp(0.35 * z[:3] - 0.06)
    stage = grade(score)
    middle, late = ramp(stage - 2.5, 2.2), ramp(stage - 3.6, 1.4)
    bulge = shown.bulge * middle * own[0]
    has_modic = u[3] < shown.modic * ramp(stage - 2.4, 2.2)
    extent = 4.0 + 7.0 * u[4]
    sides = jnp.stack([u[5] < 0.8, u[5] > 0.25], axis=1)
    nodes = jnp.stack([u[6], u[7]], axis=1) < (shown.schmorl * ramp(stage - 1.5, 2.5))[:, None]
    lumbar = Wear(
        height_loss=jnp.clip(shown.height_loss * late * own[1], 0.0, 0.8),
        bulge=jnp.stack([0.5 * bulge, bulge], axis=1),
        osteophyte=jnp.stack([(shown.osteophyte * middle * own[2])] * 2, axis=1),
        modic=jnp.where(has_modic[:, None] & sides, extent[:, None], 0.0),
        schmorl=jnp.where(nodes, 3.0 + 1.6 * u[4][:, None], 0.0),
    )
    whole = jax.tree.map(lambda none, each: none.at[LUMBAR].set(each), unworn(), lumbar)
    both = jnp.zeros(len(BODIES)).at[LUMBAR].add(score / 2.0)
    beside = both.at[FIRST + 1 : FIRST + 1 + len(LEVELS)].add(score / 2.0)
    look = Look(
        TYPICAL + jnp.clip(shown.contrast, 0.0, 1.0) * (stage - TYPICAL),
        (u[8] < 0.7).astype(jnp.float32),
        shown.marrow_fat * beside,
    )
    return whole, look
