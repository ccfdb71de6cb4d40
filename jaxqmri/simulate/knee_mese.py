"""The knee MESE study: its settings, and one visit of a subject in one compiled program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float, Integer, PRNGKeyArray

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.anatomy.shape import sample_knee
from jaxqmri.simulate.geometry import Grid, Pose
from jaxqmri.simulate.knee_t1rho import moved
from jaxqmri.simulate.mese_images import acquire, recorded
from jaxqmri.simulate.mese_people import COLUMNS, fold, is_high, participant, person
from jaxqmri.simulate.mese_readers import FLUID_EDGE, Convention, draw
from jaxqmri.simulate.mese_scanner import EchoTrain, MeseSubject, mese_fields
from jaxqmri.simulate.mese_tissue import (
    LESIONS,
    MeseCartilage,
    change,
    lesions_of,
    levels,
    mese_cartilage,
)
from jaxqmri.simulate.people import Person
from jaxqmri.simulate.study import (
    DRAWS,
    Map,
    Number,
    Record,
    Series,
    Study,
    session_key,
    subject_key,
)

CENTRE = (0.0, 0.0, 8.0)
SESSIONS = ("01", "02")
UNITS = 500.0  # scanner units of the cartilage's signal were there no decay
WAVES = 16
PUBLISHED = EchoTrain()
READER1 = Convention(inner=0.05, outer=0.05 + FLUID_EDGE, hand=0.15)


def grid(matrix: int, through: int = 3, within: int = 1) -> Grid:
    """Twenty-one slices, 3.5 mm apart, of 120 mm."""
    spacing = (120.0 / matrix, 120.0 / matrix, 3.5)
    return Grid((matrix, matrix, 21), spacing, CENTRE, (within, within, through))


QUICK = grid(128, 2)

PRESETS: Mapping[str, dict[str, Any]] = {
    "smoke": {"grid": grid(64, 2), "phase_lines": 45, "subjects": 8},
    "quick": {"subjects": 60},
    "full": {"grid": grid(160), "phase_lines": 113},
    "paper": {"grid": grid(384), "phase_lines": 269},
}


@partial(
    jax.tree_util.register_dataclass,
    data_fields=(
        "refocusing_angle", "t2_shift", "bmi_effect", "place_sd", "point_sd", "drift", "drift_sd",
        "change_sd", "lesion_share", "lesion_size", "lesion_gain", "snr", "snr_sd", "gain_sd",
        "reposition", "reader2",
    ),
    meta_fields=("protocol", "grid", "phase_lines", "subjects"),
)  # fmt: skip
@dataclass(frozen=True)
class KneeMeseStudy(Study):
    """Settings of the knee MESE study: T2 of femoral cartilage at two visits, four years apart.

    Times in ms, lengths in mm, angles in degrees. Means, spreads and changes of T2 by region
    follow the published figures. Where the second reader draws the borders is calibrated on the
    published overlap of two readers alone, which involves no network.
    """

    protocol: EchoTrain = PUBLISHED
    grid: Grid = QUICK
    phase_lines: int = 90  # measured of the grid's, along its second axis
    refocusing_angle: Number = 180.0  # perfect; below, stimulated echoes, and B1 counts
    t2_shift: Number = 0.0  # on top of the published means
    bmi_effect: Number = 1.0  # of a high body mass index on T2
    place_sd: Number = 1.0  # of the published spread between subjects
    point_sd: Number = 4.0  # from point to point
    drift: Number = 3.0  # by how much T2 falls until the second visit
    drift_sd: Number = 1.5  # from subject to subject
    change_sd: Number = 2.5  # of places, on their own
    lesion_share: Number = 0.3  # of subjects who have lesions at the second visit
    lesion_size: tuple[Number, Number] = (4.0, 12.0)  # diameter at half its rise, least and most
    lesion_gain: tuple[Number, Number] = (8.0, 15.0)  # rise in its middle, at the surface
    snr: Number = 60.0  # femoral cartilage's signal without decay over sigma
    snr_sd: Number = 15.0  # from image to image
    gain_sd: Number = 0.15  # from image to image, as a fraction
    reposition: tuple[Number, Number] = (3.0, 4.0)  # most, at every visit
    reader2: tuple[Number, Number, Number] = (0.31, 0.82, 0.25)  # inner, outer, hand
    subjects: int = 143

    title: ClassVar = "Simulated knee MESE study (digital subjects, no person was scanned)"
    regions: ClassVar = ("femoral cartilage",)
    readers: ClassVar = ("reader1", "reader2")
    columns: ClassVar = COLUMNS
    presets: ClassVar = PRESETS
    fixed: ClassVar = ("protocol", "grid", "phase_lines")
    above_zero: ClassVar = ("refocusing_angle", "snr")
    at_most_one: ClassVar = ("lesion_share",)

    def record(self, k: int, seed: int, repeat: int) -> Record:
        """Simulate subject ``k`` at the first visit."""
        return self.visit(k, seed, repeat, 0)

    def visits(self, k: int, seed: int, repeat: int) -> Iterator[Record]:
        """Simulate subject ``k`` at both visits."""
        return (self.visit(k, seed, repeat, visit) for visit in range(len(SESSIONS)))

    def visit(self, k: int, seed: int, repeat: int, visit: int) -> Record:
        """Simulate a visit: the echoes, what two readers drew, and the true maps."""
        who, key = person(k, seed), subject_key(seed, k)
        session = session_key(key, len(SESSIONS) * repeat + visit)
        scan = scan_knee_mese(key, who, is_high(who), self, session, float(visit))
        affine, protocol = self.grid.affine(), self.protocol
        series = Series(
            "MESE",
            np.moveaxis(np.asarray(scan.echoes), 0, -1),
            affine,
            protocol.times(),
            {
                "RepetitionTime": protocol.repetition_time,
                "RefocusingAngle": float(self.refocusing_angle),
                "SliceThickness": protocol.slice_thickness,
                "SpacingBetweenSlices": self.grid.spacing[2],
            },
        )
        inside = "simulated: mean over the cartilage in a voxel, as the echo train reads it"
        share = "simulated: share of the voxel that is femoral cartilage"
        lesion = "simulated: more than half of a new lesion's rise, in femoral cartilage"
        maps = [
            Map("reader1", "dseg", np.asarray(scan.reader1), affine, ""),
            Map("reader2", "dseg", np.asarray(scan.reader2), affine, ""),
            Map("truth", "T2map", np.asarray(scan.t2), affine, "ms", description=inside),
            Map("truth", "probseg", np.asarray(scan.femoral), affine, "", "femoral", share),
            Map("truth", "mask", np.asarray(scan.lesion), affine, "", "lesion", lesion),
            Map("truth", "TB1map", np.asarray(scan.b1), affine, ""),
        ]
        row = participant(who, fold(k))
        return Record(row, scan.latent, [series], [], maps, SESSIONS[visit])


class MeseScan(NamedTuple):
    """The echoes of one visit, what two readers drew, and the truth."""

    echoes: Float[Array, "n x y z"]
    reader1: Integer[Array, "x y z"]  # 1 in femoral cartilage, 0 elsewhere
    reader2: Integer[Array, "x y z"]
    t2: Float[Array, "x y z"]  # ms, mean over the cartilage in a voxel
    femoral: Float[Array, "x y z"]  # share of a voxel
    lesion: Integer[Array, "x y z"]  # 1 in a lesion of femoral cartilage, 0 elsewhere
    b1: Float[Array, "x y z"]
    latent: dict[str, Float[Array, ""]]


@jax.jit
def scan_knee_mese(
    key: PRNGKeyArray,
    who: Person,
    high: Number,
    study: KneeMeseStudy,
    session: PRNGKeyArray,
    years: Number,
) -> MeseScan:
    """Image one visit of a subject of the knee MESE study.

    Parameters
    ----------
    key
        Of what the subject is: anatomy, tissue, and what becomes of it.
    who, high
        The subject, and 1 for a high body mass index.
    study
        Settings.
    session
        Of what is new in every scan, see :func:`~jaxqmri.simulate.study.session_key`: pose,
        fields and receive profile, gain, SNR, the readers' hands, noise.
    years
        0 at the first visit, 1 at the second: how much of the change has come about.
    """
    person_keys, keys = jax.random.split(key, DRAWS), jax.random.split(session, DRAWS)
    # One draw for both: normal variates are long to compile.
    sizes = (8, 14 + 13 + 6 * LESIONS, 6 * WAVES * 4)
    both = jnp.stack([person_keys[0], keys[0]])
    drawn = jax.vmap(lambda k: jax.random.normal(k, (sum(sizes),)))(both)
    scores, own, waves = jnp.split(drawn, np.cumsum(sizes)[:-1].tolist(), axis=1)
    scores, own_waves, waves = scores[1], *waves.reshape(2, 6, WAVES, 4)
    cartilage, drift = cartilage_of(own_waves[:3], own[0], high, study, years)
    stature = 0.97 + 0.085 * who.male
    subject = MeseSubject(
        sample_knee(person_keys[1], who.grade, who.body_mass_index, stature),
        cartilage,
        who.left,
        mese_fields(waves[:2]),
        study.refocusing_angle,
    )
    where = 2.0 * ndtr(scores[:6]) - 1.0
    lying = moved(Pose(jnp.zeros(3), jnp.zeros(3)), study.reposition, where[None])
    pose = jax.tree.map(lambda each: each[0], lying)
    volumes = acquire(study.grid, study.protocol, pose, subject)

    at = study.grid.points()
    gain = UNITS * jnp.exp(study.gain_sd * scores[6])
    profile = gain * subject.fields.sensitivity(at)
    inside = volumes.femoral > 0.9
    snr = jnp.maximum(study.snr + study.snr_sd * jnp.clip(scores[7], -2.5, 2.5), 0.3 * study.snr)
    sigma = jnp.mean(profile * volumes.undecayed, where=inside) / snr
    echoes = recorded(keys[5], profile * volumes.echoes, sigma, study.phase_lines)
    reader1, reader2 = (
        draw(volumes.bone, volumes.surface, at, hand, convention)
        for hand, convention in ((waves[2:4], READER1), (waves[4:6], Convention(*study.reader2)))
    )
    in_knee = pose.to_knee(at, who.left)
    return MeseScan(
        echoes,
        reader1,
        reader2,
        volumes.t2,
        volumes.femoral,
        (volumes.lesion > 0.5).astype(jnp.uint8),
        subject.fields.transmit(Point(*jnp.moveaxis(in_knee, -1, 0))),
        {
            "t2_level": cartilage.common.mean(),
            "drift": drift,
            "lesions": jnp.sum(cartilage.lesions.gain > 0),
            "snr": snr,
            "sigma": sigma,
        },
    )


def cartilage_of(
    waves: Float[Array, "3 n 4"],
    scores: Float[Array, " scores"],
    high: Number,
    study: KneeMeseStudy,
    years: Number,
) -> tuple[MeseCartilage, Float[Array, ""]]:
    """A subject's cartilage at a visit, and what four years change of the whole plate, in ms."""
    scores = jnp.clip(scores, -2.5, 2.5)
    common, places = levels(scores[:14], study.t2_shift + study.bmi_effect * high)
    fall, moves = change(scores[14:27], study.drift, study.drift_sd, study.change_sd)
    uniform = ndtr(scores[27:]).reshape(6, LESIONS)
    new = lesions_of(uniform, study.lesion_share, study.lesion_size, study.lesion_gain)
    lesions = new._replace(gain=years * new.gain)
    level = (common + years * fall, study.place_sd * places + years * moves)
    return mese_cartilage(waves, level, lesions, study.point_sd), years * fall.mean()
