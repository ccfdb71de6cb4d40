"""Signals of a spine on the raster, and the truth there."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.physics.once import computed_once
from jaxqmri.simulate.anatomy.distance import Point, ramp
from jaxqmri.simulate.anatomy.spine import TISSUES, Contents, spine
from jaxqmri.simulate.anatomy.spine_shape import BODIES, LEVELS, LUMBAR, SpineShape
from jaxqmri.simulate.fields import RandomField
from jaxqmri.simulate.sequence import Protocol, amplitude, locked
from jaxqmri.simulate.spine_discs import Discs, grade
from jaxqmri.simulate.spine_scanner import InPlane, Plane
from jaxqmri.simulate.spine_tissue import (
    ANNULUS,
    FAT,
    MARROW,
    MODIC_FAT,
    NUCLEUS,
    OEDEMA,
    OTHERS,
    graded,
)
from jaxqmri.simulate.spine_wear import TYPICAL, Look
from jaxqmri.simulate.tissue import Tissue

Number = Float[Array, ""] | float

SATURATION = (32.0, 12.0)  # where the band in front begins and over how much it sets in, mm
LEFT = 0.15  # of the signal within it


class Sequences(NamedTuple):
    """Timing of the study's three sequences, ms; static and hashable."""

    t1w: Protocol = Protocol(recovery=500.0, echo_time=10.0)
    t2w: Protocol = Protocol(recovery=3400.0, echo_time=100.0)
    t1rho: Protocol = Protocol(recovery=2000.0, echo_time=10.0)


class Patient(NamedTuple):
    """One spine in the scanner."""

    shape: SpineShape
    discs: Discs
    look: Look
    marrow_fat: Number
    point_sd: Number  # of T1rho from point to point of a nucleus, as a fraction
    lumps: RandomField
    texture: RandomField
    hydration: RandomField


class Raster(NamedTuple):
    """What the samples of the plane hold."""

    t1w: Float[Array, "a a"]
    t2w: Float[Array, "a a"]
    t1rho: Float[Array, "n a a"]  # at each spin-lock time
    nucleus: Float[Array, "2 a a"]  # share of lumbar nuclei, and that times T1rho
    shares: Float[
        Array, "groups m m"
    ]  # in pixels of the T1-weighted image: tissues, nucleus, discs


def all_discs(of_levels: Float[Array, " levels"], rest: Number) -> Float[Array, " discs"]:
    """A value for each disc in view: the lumbar ones', and another for all else."""
    return jnp.full(len(BODIES) - 1, rest).at[LUMBAR].set(of_levels)


def weights(
    protocol: Protocol, times: Float[Array, " n"], shown: Float[Array, " discs"]
) -> tuple[Float[Array, "n contents"], Float[Array, "n discs"]]:
    """Signals at spin-lock times of all that :func:`contents` lists, and of nuclei.

    ``shown`` is the grade that discs look like. Nuclei are given without their decay.
    """

    def signal(tissue: Tissue) -> Float[Array, " n"]:
        return amplitude(tissue, protocol) * locked(tissue, times)

    waters = [(1.0 - each.fat) * signal(each) for each in OTHERS.values()]
    columns = jnp.stack([*waters, signal(MARROW), signal(OEDEMA), signal(FAT)], axis=1)
    annulus = graded(ANNULUS, shown)
    ring = amplitude(annulus, protocol) * jnp.exp(-times[:, None] / annulus.t1rho)
    nucleus = amplitude(graded(NUCLEUS, shown), protocol)
    return jnp.concatenate([columns, ring], axis=1), nucleus * jnp.ones((len(times), 1))


def contents(
    found: Contents, patient: Patient, texture: Float[Array, " p"]
) -> Float[Array, "contents p"]:
    """Shares that :func:`weights` go with, brighter and darker by the texture.

    All tissues but marrow and discs, water of marrow and of oedema, fat, and annuli.
    """
    share: dict[str, Array] = dict(zip(TISSUES, found.fractions, strict=True))
    fat_of = jnp.clip(patient.marrow_fat + patient.look.marrow_fat, 0.1, 0.8)
    fatty = all_discs(patient.look.modic_fat, 1.0)
    nothing = jnp.zeros(1)
    # Of each body: the kind of change at its upper and at its lower end.
    kinds = jnp.stack([jnp.concatenate([nothing, fatty]), jnp.concatenate([fatty, nothing])])
    by_body = jnp.concatenate([fat_of[None], kinds])
    fat, *kind = jnp.matmul(by_body, found.body, precision="highest")
    upper, lower = found.modic
    yellow = jnp.clip(upper * kind[0] + lower * kind[1], 0.0, 1.0)
    wet = jnp.clip(upper + lower, 0.0, 1.0) - yellow
    fat = fat + yellow * (MODIC_FAT["fatty"] - fat) + wet * (MODIC_FAT["oedema"] - fat)
    marrow = share["marrow"] * (1.0 + 0.05 * texture)
    varied = 1.0 + 0.04 * texture
    others = [share[name] * varied for name in OTHERS]
    lipid = marrow * fat
    for amount, each in zip(others, OTHERS.values(), strict=True):
        lipid = lipid + each.fat * amount
    water = marrow * (1.0 - fat)
    annulus = share["disc"] * (1.0 - found.nucleus) * found.disc
    return jnp.stack([*others, water * (1.0 - wet), water * wet, lipid, *annulus])


def fill(
    plane: Plane, pose: InPlane, patient: Patient, sequences: Sequences, times: Float[Array, " n"]
) -> Raster:
    """Signals of a patient at the samples of the plane, in perfect fields.

    T1-weighted images show discs as :class:`~jaxqmri.simulate.spine_wear.Look` has it, all others
    as they are.
    """
    size, step = plane.raster, plane.field_of_view / plane.raster
    now = jnp.zeros(1)
    true_grade = all_discs(jnp.asarray(grade(patient.discs.degeneration)), TYPICAL)
    shown = all_discs(patient.look.grade, TYPICAL)
    rings, nuclei = zip(
        weights(sequences.t1w, now, shown),
        weights(sequences.t2w, now, true_grade),
        weights(sequences.t1rho, times, true_grade),
        strict=True,
    )
    mix = jnp.concatenate(rings)
    lumbar = all_discs(jnp.ones(len(LEVELS)), 0.0)
    t1rho = all_discs(patient.discs.t1rho, 110.0)
    of_nuclei = jnp.concatenate([*nuclei, jnp.stack([t1rho, lumbar])])
    locked_at = jnp.concatenate([jnp.zeros(2), times])
    always = jnp.asarray(patient.marrow_fat > -1.0)

    def strip(start: Array) -> tuple[Array, Array, Array]:
        """One row of pixels: its samples."""
        row = (start * plane.samples + jnp.arange(plane.samples)).astype(jnp.float32)
        y, z = jnp.meshgrid(
            plane.field_of_view / 2.0 - (row + 0.5) * step,
            plane.field_of_view / 2.0 - (jnp.arange(size) + 0.5) * step,
            indexing="ij",
        )
        p = pose.to_body(Point(jnp.zeros(y.size), y.ravel(), z.ravel()))
        found = spine(p, patient.shape, patient.lumps(p), step)
        rows = computed_once(always, contents, found, patient, patient.texture(p))
        signals = jnp.matmul(mix, rows, precision="highest")
        core = found.fractions[TISSUES.index("disc")] * found.nucleus
        of_core = jnp.matmul(of_nuclei, found.disc, precision="highest")
        water = 1.0 + patient.point_sd * patient.hydration(p)
        local = jnp.clip(of_core[-2] * water, 20.0, 400.0)
        signals = signals + core * of_core[:-2] * jnp.exp(-locked_at[:, None] / local)
        signals = signals * (1.0 - (1.0 - LEFT) * ramp(found.front - SATURATION[0], SATURATION[1]))
        inside = core * of_core[-1]
        in_discs = found.disc[LUMBAR] * found.fractions[TISSUES.index("disc")]
        shares = jnp.concatenate([found.fractions, core[None], in_discs])
        cut = (plane.samples, plane.matrix, plane.samples)
        in_pixels = shares.reshape(len(shares), *cut).mean(axis=(1, 3))
        true = jnp.stack([inside, inside * local])
        wide = (plane.samples, size)
        return signals.reshape(-1, *wide), true.reshape(2, *wide), in_pixels

    signals, true, shares = jax.lax.map(strip, jnp.arange(plane.matrix))

    def joined(strips: Array) -> Array:
        return jnp.moveaxis(strips, 1, 0).reshape(strips.shape[1], size, size)

    signals = joined(signals)
    return Raster(signals[0], signals[1], signals[2:], joined(true), jnp.moveaxis(shares, 1, 0))
