"""The knee UTE study: its settings, and one subject imaged in one compiled program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer, PRNGKeyArray

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.anatomy.knee import REGIONS
from jaxqmri.simulate.anatomy.shape import sample_knee
from jaxqmri.simulate.fields import fields_of
from jaxqmri.simulate.geometry import Grid, Pose
from jaxqmri.simulate.knee_t1rho import moved
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
from jaxqmri.simulate.tissue import GRADE_T1RHO
from jaxqmri.simulate.ute_acquisition import acquire, halved
from jaxqmri.simulate.ute_images import draw, with_noise
from jaxqmri.simulate.ute_people import COLUMNS, participant, person
from jaxqmri.simulate.ute_scanner import UteSubject, ute_fields
from jaxqmri.simulate.ute_sequence import PUBLISHED, UteProtocol
from jaxqmri.simulate.ute_tissue import (
    CARTILAGE,
    GRADE_T1,
    UteCartilage,
    level,
    ute_cartilage,
)

CENTRE = (0.0, -3.0, 3.0)
QUICK = Grid((128, 128, 20), (1.172, 1.172, 4.5), CENTRE, (2, 2, 2))
_LESION_GAIN_T1, _LESION_GAIN_T1RHO = 1.005, 1.02  # what lesions add to the cohort's means
FIELDS = (5, 16, 4)  # of a subject, and of a scan: fields, waves, scores of a wave
UNITS = 5000.0  # scanner units of typical cartilage's magnetisation: 500 at 10 degrees

PRESETS: Mapping[str, dict[str, Any]] = {
    "smoke": {
        "grid": Grid((64, 64, 16), (2.344, 2.344, 6.0), CENTRE, (2, 2, 2)),
        "subjects": 8,
    },
    "quick": {},
    "full": {"grid": Grid((192, 192, 30), (0.781, 0.781, 3.6), CENTRE, (2, 2, 2))},
    "paper": {"grid": Grid((256, 256, 36), (0.586, 0.586, 3.0), CENTRE, (2, 2, 2))},
}


@partial(
    jax.tree_util.register_dataclass,
    data_fields=(
        "t1_mean", "t1rho_mean", "t1_subject_sd", "t1rho_subject_sd", "t1_spread", "t1rho_spread",
        "correlation", "anatomy", "gain_sd", "t1rho_gain_sd", "vfa_snr", "t1rho_snr", "afi_snr",
        "snr_sd", "motion", "pose", "fat_residual", "fat_residual_sd", "reader_share",
    ),
    meta_fields=("protocol", "grid", "subjects"),
)  # fmt: skip
@dataclass(frozen=True)
class KneeUteStudy(Study):
    """Settings of the knee UTE study: T1, B1 and adiabatic T1rho of 65 knees at 3 T.

    Times in ms, lengths in mm, angles in degrees. Means and spreads of T1 and T1rho are set so
    that voxelwise fits of noisy images come to what the published errors and correlations of the
    full protocol imply for all cartilage voxels together: T1 995 ± 260 ms, adiabatic T1rho 40 ± 10
    ms. The fits involve no network. Assumed are how that spread splits into subjects, voxels and
    noise, its skewed shape, and everything else here.
    """

    protocol: UteProtocol = PUBLISHED
    grid: Grid = QUICK  # of all images but AFI's, which are of half its resolution
    t1_mean: Number = 1015.0  # of cartilage, over the cohort; what else a voxel holds lowers fits
    t1rho_mean: Number = 41.3
    t1_subject_sd: Number = 70.0  # of the subjects' means
    t1rho_subject_sd: Number = 3.5
    t1_spread: Number = 0.22  # coefficient of variation within a subject
    t1rho_spread: Number = 0.16
    correlation: Number = 0.5  # of T1 and of proton density with T1rho
    anatomy: Number = 1.0  # how far place, depth and lesions tell of tissue and B1; 0 not at all
    gain_sd: Number = 0.10  # from subject to subject, as a fraction
    t1rho_gain_sd: Number = 0.03  # of the T1rho series against the others
    vfa_snr: Number = 40.0  # mean over the drawn cartilage at 10 degrees, over sigma
    t1rho_snr: Number = 40.0  # the same at spin lock 0
    afi_snr: Number = 60.0  # mean over all cartilage in AFI's first image, over its sigma
    snr_sd: Number = 0.125  # of all three, from subject to subject, as a fraction
    motion: tuple[Number, Number] = (0.6, 0.5)  # SD between volumes: mm, degrees
    pose: tuple[Number, Number] = (3.0, 3.0)  # SD from knee to knee
    fat_residual: Number = 0.08  # of fat's signal, in the T1rho series
    fat_residual_sd: Number = 0.02
    reader_share: Number = 0.6  # of cartilage in a voxel that the reader takes for cartilage
    subjects: int = 65

    title: ClassVar = "Simulated knee UTE study (digital subjects, no person was scanned)"
    regions: ClassVar = (*(f"{name} cartilage" for name in REGIONS), "meniscus")
    columns: ClassVar = COLUMNS
    presets: ClassVar = PRESETS
    fixed: ClassVar = ("protocol", "grid")
    above_zero: ClassVar = ("t1_mean", "t1rho_mean", "vfa_snr", "t1rho_snr", "afi_snr")
    at_most_one: ClassVar = ("correlation", "anatomy", "reader_share")

    def record(self, k: int, seed: int, repeat: int) -> Record:
        """Simulate subject ``k``: three series, the drawn regions and the true maps."""
        who, key = person(k, seed), subject_key(seed, k)
        scan = scan_knee_ute(key, who, self, session_key(key, repeat))
        affine, protocol = self.grid.affine(), self.protocol
        common = {"EchoTime": protocol.echo_time}
        series = [
            Series(
                "VFA",
                images_last(scan.vfa),
                affine,
                protocol.flip_angles,
                {**common, "RepetitionTimeExcitation": protocol.repetition_time},
            ),
            Series(
                "TB1AFI",
                images_last(scan.afi),
                halved(self.grid).affine(),
                protocol.afi_repetition_times,
                {**common, "FlipAngle": protocol.afi_flip_angle},
            ),
            Series(
                "T1rhow",
                images_last(scan.t1rho_weighted),
                affine,
                protocol.spin_lock_times,
                {
                    **common,
                    "FlipAngle": protocol.spoke_angle,
                    "NumberShots": protocol.spokes,
                    "RepetitionTimePreparation": protocol.preparation_time,
                    "RepetitionTimeExcitation": protocol.spoke_spacing,
                },
                {"acq": "adiab"},
            ),
        ]
        inside = "simulated: mean over the cartilage in a voxel"
        total = "simulated: of all that a voxel holds, with the receive profile"
        maps = [
            Map("manual", "dseg", np.asarray(scan.labels), affine, ""),
            Map("truth", "T1map", np.asarray(scan.t1), affine, "ms", description=inside),
            Map("truth", "T1rho", np.asarray(scan.t1rho), affine, "ms", description=inside),
            Map("truth", "M0map", np.asarray(scan.m0), affine, "arbitrary", description=total),
            Map("truth", "TB1map", np.asarray(scan.b1), affine, ""),
            Map("truth", "B0map", np.asarray(scan.b0), affine, "Hz"),
        ]
        return Record(participant(who), scan.latent, series, [], maps)


def images_last(images: Float[Array, "n x y z"]) -> Float[np.ndarray, "x y z n"]:
    """Images as a series is written."""
    return np.moveaxis(np.asarray(images), 0, -1)


class UteScan(NamedTuple):
    """The series of one subject, what a reader drew, and the truth in the first image's pose."""

    vfa: Float[Array, "n x y z"]
    afi: Float[Array, "2 a b c"]
    t1rho_weighted: Float[Array, "m x y z"]
    labels: Integer[Array, "x y z"]  # the number of the region, 0 elsewhere
    t1: Float[Array, "x y z"]  # ms, mean over the cartilage in a voxel
    t1rho: Float[Array, "x y z"]
    m0: Float[Array, "x y z"]  # of all that a voxel holds, scanner units
    b1: Float[Array, "x y z"]
    b0: Float[Array, "x y z"]  # Hz
    latent: dict[str, Float[Array, ""]]


@jax.jit
def scan_knee_ute(
    key: PRNGKeyArray, who: Person, study: KneeUteStudy, session: PRNGKeyArray
) -> UteScan:
    """Image one subject of the knee UTE study.

    Parameters
    ----------
    key
        Of what the subject is: anatomy, lesions, tissue.
    who
        The subject.
    study
        Settings.
    session
        Of what is new in every scan, see :func:`~jaxqmri.simulate.study.session_key`: pose,
        motion, fields and receive profile, gains, SNR, what is left of fat, the reader's hand,
        noise.
    """
    person_keys, keys = jax.random.split(key, DRAWS), jax.random.split(session, DRAWS)
    protocol, grid = study.protocol, study.grid
    angles, _, times = protocol.counts()
    poses = angles + times + 1
    # One draw for both: normal variates are long to compile.
    both, size = jnp.stack([person_keys[0], keys[0]]), 6 * (poses + 2) + math.prod(FIELDS)
    drawn = jax.vmap(lambda k: jax.random.normal(k, (size,)))(both)
    scores, turns, waves = jnp.split(drawn, (6, 6 * (poses + 2)), axis=1)
    (own, scores), turns = jnp.clip(scores, -2.5, 2.5), turns[1].reshape(-1, 6)
    own_waves, waves = waves.reshape(2, *FIELDS)
    tissue = cartilage_of(own_waves, own[:2], who, study)
    stature = 0.97 + 0.085 * who.male
    subject = UteSubject(
        sample_knee(person_keys[1], who.grade, who.body_mass_index, stature),
        tissue,
        who.left,
        ute_fields(waves[:3], study.anatomy),
        study.fat_residual + study.fat_residual_sd * scores[0],
    )
    lying = moved(Pose(jnp.zeros(3), jnp.zeros(3)), study.pose, turns[:1])
    during = moved(lying, study.motion, turns[1:].at[0].set(0.0))
    volumes = acquire(grid, protocol, during, subject)

    gain = UNITS / CARTILAGE.density * jnp.exp(study.gain_sd * scores[1])
    t1rho_gain = jnp.exp(study.t1rho_gain_sd * scores[2])
    at = grid.points()
    profile = gain * subject.fields.sensitivity(at)
    vfa, t1rho_weighted = profile * volumes.vfa, profile * t1rho_gain * volumes.t1rho_weighted
    afi = gain * subject.fields.sensitivity(halved(grid).points()) * volumes.afi

    hand = fields_of(waves[3:4], 6.0)[0](Point(*jnp.moveaxis(at, -1, 0)))
    labels = draw(volumes.regions, study.reader_share + 0.06 * hand)
    inside = (labels > 0) & (labels <= len(REGIONS))
    steady = 1.0 + study.snr_sd * scores[3]
    reference = protocol.flip_angles.index(10.0)
    sigmas = [
        jnp.mean(vfa[reference], where=inside) / (study.vfa_snr * steady),
        jnp.sum(afi[0] * volumes.in_afi) / jnp.sum(volumes.in_afi) / (study.afi_snr * steady),
        jnp.mean(t1rho_weighted[0], where=inside) / (study.t1rho_snr * steady),
    ]
    recorded = with_noise(keys[5], [vfa, afi, t1rho_weighted], sigmas)
    in_knee = jax.tree.map(lambda one: one[0], lying).to_knee(at, who.left)
    knee = Point(*jnp.moveaxis(in_knee, -1, 0))
    latent = {
        "t1_level": tissue.t1,
        "t1rho_level": tissue.t1rho,
        "gain": gain,
        "t1rho_gain": t1rho_gain,
        "snr": study.vfa_snr * steady,
        "vfa_sigma": sigmas[0],
        "afi_sigma": sigmas[1],
        "t1rho_sigma": sigmas[2],
    }
    vfa, afi, t1rho_weighted = recorded
    return UteScan(
        vfa,
        afi,
        t1rho_weighted,
        labels,
        volumes.t1,
        volumes.t1rho,
        profile * volumes.magnetisation,
        subject.fields.transmit(knee),
        subject.fields.off_resonance(knee),
        latent,
    )


def cartilage_of(
    waves: Float[Array, "5 n 4"], z: Float[Array, " 2"], who: Person, study: KneeUteStudy
) -> UteCartilage:
    """A subject's cartilage, from scores of its T1rho and of what its T1 does not share with it."""
    grade = jnp.int32(who.grade)
    t1_score = study.correlation * z[0] + jnp.sqrt(1.0 - study.correlation**2) * z[1]
    t1 = level(study.t1_mean / _LESION_GAIN_T1, study.t1_subject_sd, GRADE_T1, grade, t1_score)
    t1rho = level(
        study.t1rho_mean / _LESION_GAIN_T1RHO, study.t1rho_subject_sd, GRADE_T1RHO, grade, z[0]
    )
    spreads = (study.t1_spread, study.t1rho_spread)
    return ute_cartilage(waves, t1, t1rho, spreads, study.correlation, study.anatomy)
