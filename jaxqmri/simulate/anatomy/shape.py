"""What makes one knee differ from another."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.simulate.fields import RandomField, random_fields

Number = Float[Array, ""] | float

LESIONS = 5


class KneeShape(NamedTuple):
    """What makes one knee differ from another; lengths in mm, ``scale`` a factor on them all."""

    scale: Number
    condyle_radius: Number  # posterior condyles, in the sagittal plane
    trochlea_radius: Number  # from the middle of the distal femur forwards
    condyle_offset: Number  # from the middle to each condyle
    groove_depth: Number
    plateau_width: Number  # half of it
    plateau_depth: Number  # half of it
    patella_height: Number  # centre above the joint line
    patella_shift: Number  # to lateral
    femoral_cartilage: Number  # mean thickness
    tibial_cartilage: Number
    patellar_cartilage: Number
    thickness_sd: Number  # of the smooth thickness field, as a fraction
    thinning: Number  # medial loss of thickness, as a fraction
    gap: Number  # fluid film between the cartilages
    effusion: Number
    fat: Number  # subcutaneous
    limb_radius: Number
    lesion_centres: Float[Array, "lesions 3"]
    lesion_radii: Float[Array, " lesions"]
    lesion_depths: Float[Array, " lesions"]  # 0 without a lesion, 1 for a severe one
    thickness_field: RandomField


def sample_knee(
    key: PRNGKeyArray, grade: Number, body_mass_index: Number, stature: Number
) -> KneeShape:
    """Draw one knee.

    Parameters
    ----------
    key
        Random key of the subject.
    grade
        Kellgren–Lawrence grade, 0 to 4: thins the medial cartilage, adds lesions and effusion.
    body_mass_index
        In kg/m^2: sets subcutaneous fat.
    stature
        Expected scale of the knee, 1 for the average adult.
    """
    measures, relief = jax.random.split(key)
    drawn = jax.random.normal(measures, (17 + 5 * LESIONS,))
    z, uniform = drawn[:17], ndtr(drawn[17:].reshape(5, LESIONS))
    severity = grade / 4.0
    offset = 22.5 + 0.9 * z[3]
    across, along = 2.0 * uniform[:2] - 1.0
    on_joint_line = jnp.stack(
        [
            jnp.where(uniform[2] < 0.7, -offset, offset) + 6.0 * across,
            16.0 * along,
            jnp.zeros(LESIONS),
        ],
        axis=1,
    )
    behind_patella = jnp.array([9.0 * across[-1], 30.0, 30.0 + 5.0 * along[-1]])
    centres = on_joint_line.at[-1].set(behind_patella)
    present = jnp.arange(LESIONS)[::-1] < jnp.round(severity * LESIONS + 0.4 * z[16] * severity)
    return KneeShape(
        scale=stature * (1.0 + 0.03 * z[0]),
        condyle_radius=19.5 * (1.0 + 0.04 * z[1]),
        trochlea_radius=27.5 * (1.0 + 0.04 * z[2]),
        condyle_offset=offset,
        groove_depth=5.5 + 0.6 * z[4],
        plateau_width=36.5 + 1.0 * z[5],
        plateau_depth=24.0 + 1.0 * z[6],
        patella_height=37.0 + 2.0 * z[7],
        patella_shift=2.5 + 1.5 * z[8],
        femoral_cartilage=2.5 * (1.0 + 0.08 * z[9]),
        tibial_cartilage=2.7 * (1.0 + 0.08 * z[10]),
        patellar_cartilage=3.2 * (1.0 + 0.09 * z[11]),
        thickness_sd=jnp.asarray(0.15),
        thinning=0.25 * severity * jnp.clip(1.0 + 0.4 * z[12], 0.2, 1.8),
        gap=jnp.clip(0.38 + 0.08 * z[13], 0.3, 0.8),
        effusion=jnp.clip(0.6 + 2.2 * severity + 0.5 * z[14], 0.2, 4.5),
        fat=jnp.clip(7.0 + 0.6 * (body_mass_index - 25.0), 3.0, 18.0),
        limb_radius=44.0 + 1.5 * z[15],
        lesion_centres=centres,
        lesion_radii=6.0 + 3.0 * uniform[3],
        lesion_depths=present * (0.6 + 0.4 * uniform[4]),
        thickness_field=random_fields(relief, 8.0)[0],
    )
