"""The knee T1rho study: its settings, and one subject imaged in one compiled program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Integer, PRNGKeyArray

from jaxqmri.physics.noise import sample_rician
from jaxqmri.simulate.acquisition import Acquisition, acquire
from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.anatomy.knee import REGIONS
from jaxqmri.simulate.anatomy.shape import sample_knee
from jaxqmri.simulate.fields import random_fields
from jaxqmri.simulate.geometry import Grid, Pose
from jaxqmri.simulate.people import COLUMNS, GROUPS, Person, participant, person
from jaxqmri.simulate.scanner import Subject, sample_fields
from jaxqmri.simulate.sequence import Protocol, amplitude, lock_efficiency
from jaxqmri.simulate.study import (
    DRAWS,
    Image,
    Map,
    Number,
    Record,
    Series,
    Study,
    session_key,
    subject_key,
)
from jaxqmri.simulate.tissue import GRADE_T1RHO, Tissue, sample_cartilage

PREPARED_FSE = Protocol(recovery=1500.0, echo_time=31.0)
PD_FSE = Protocol(recovery=850.0, echo_time=30.0)  # TR 1200 less a train of 350
QUICK_T1RHO = Grid((112, 112, 28), (1.25, 1.25, 4.0), (0.0, -3.0, 3.0), (2, 2, 2))
QUICK_PD = Grid((118, 118, 108), (1.1, 1.1, 1.1), (0.0, -3.0, 3.0))


PRESETS: Mapping[str, dict[str, Any]] = {
    "smoke": {
        "t1rho_grid": Grid((56, 56, 16), (2.5, 2.5, 6.0), (0.0, -3.0, 3.0), (2, 2, 3)),
        "pd_grid": Grid((60, 60, 40), (2.2, 2.2, 2.4), (0.0, -3.0, 3.0), (1, 1, 1)),
        "subjects": 8,
    },
    "quick": {},
    "full": {
        "t1rho_grid": Grid((168, 140, 36), (0.8, 1.0, 3.0), (0.0, -3.0, 3.0), (3, 3, 2)),
        "pd_grid": Grid((160, 160, 146), (0.8, 0.8, 0.8), (0.0, -3.0, 3.0), (1, 1, 1)),
    },
    "paper": {
        "t1rho_grid": Grid((200, 160, 44), (0.8, 1.0, 3.0), (0.0, -3.0, 3.0), (3, 3, 3)),
        "pd_grid": Grid((236, 275, 292), (0.55, 0.545, 0.55), (0.0, -3.0, 3.0), (1, 1, 1)),
    },
}


@partial(
    jax.tree_util.register_dataclass,
    data_fields=(
        "spin_lock_frequency", "t1rho_mean", "subject_sd", "voxel_spread", "snr", "snr_sd",
        "pd_snr", "pd_gain", "pd_gain_sd", "pd_profile_sd", "series_gain_sd", "motion",
        "reposition", "pose", "fat_residual", "fat_residual_sd", "other_tissue", "reader_share",
    ),
    meta_fields=(
        "spin_lock_times", "t1rho_protocol", "pd_protocol", "t1rho_grid", "pd_grid", "subjects",
    ),
)  # fmt: skip
@dataclass(frozen=True)
class KneeT1rhoStudy(Study):
    """Settings of the knee T1rho study: two scans of 30 patients and 10 volunteers at 3 T.

    Times in ms, lengths in mm, angles in degrees, frequencies in Hz. ``pd_gain``,
    ``pd_gain_sd``, ``subject_sd`` and ``snr`` were calibrated on the published two-point fits,
    which involve no network.
    """

    spin_lock_times: tuple[float, ...] = (0.0, 10.0, 30.0, 50.0)
    spin_lock_frequency: Number = 300.0
    t1rho_protocol: Protocol = PREPARED_FSE
    pd_protocol: Protocol = PD_FSE
    t1rho_grid: Grid = QUICK_T1RHO
    pd_grid: Grid = QUICK_PD
    t1rho_mean: Number = 40.0  # of cartilage, mean over the cohort; fluid lifts fits to 45.4
    subject_sd: Number = 5.5  # of the subjects' means
    voxel_spread: Number = 0.28  # coefficient of variation within a subject
    snr: Number = 20.0  # s0 over sigma in cartilage, T1rho series
    snr_sd: Number = 3.0
    pd_snr: Number = 20.0
    pd_gain: Number = 0.65  # PD-weighted over TSL 0 in typical cartilage, all effects together
    pd_gain_sd: Number = 0.15  # from subject to subject, as a fraction
    pd_profile_sd: Number = 0.08  # smooth, over the volume, as a fraction
    series_gain_sd: Number = 0.05  # of both scans together, as a fraction
    motion: tuple[Number, Number] = (0.05, 0.05)  # SD between spin-lock times: mm, degrees
    reposition: tuple[Number, Number] = (1.0, 1.0)  # SD between the two scans
    pose: tuple[Number, Number] = (3.0, 3.0)  # SD from knee to knee
    fat_residual: Number = 0.08
    fat_residual_sd: Number = 0.02
    other_tissue: Number = 1.0  # signal of all but cartilage; 0 leaves cartilage and noise alone
    reader_share: Number = 0.6  # of cartilage in a voxel that the reader takes for cartilage
    subjects: int = 40

    title: ClassVar = "Simulated knee T1rho study (digital subjects, no person was scanned)"
    regions: ClassVar = tuple(f"{name} cartilage" for name in REGIONS)
    columns: ClassVar = COLUMNS
    presets: ClassVar = PRESETS
    fixed: ClassVar = ("spin_lock_times", "t1rho_protocol", "pd_protocol", "t1rho_grid", "pd_grid")
    above_zero: ClassVar = ("spin_lock_frequency", "t1rho_mean", "snr", "pd_snr", "pd_gain")

    def record(self, k: int, seed: int, repeat: int) -> Record:
        """Simulate subject ``k``: both scans, the drawn regions and the true maps."""
        who, key = person(k, seed), subject_key(seed, k)
        scan = scan_knee(key, who, self, session_key(key, repeat))
        affine, pd_affine = self.t1rho_grid.affine(), self.pd_grid.affine()
        series = Series(
            "T1rhow",
            np.moveaxis(np.asarray(scan.t1rho_weighted), 0, -1),
            affine,
            self.spin_lock_times,
            {
                "SpinLockFrequency": self.spin_lock_frequency,
                "EchoTime": self.t1rho_protocol.echo_time,
            },
        )
        pd = Image(
            "PDw",
            np.asarray(scan.pd_weighted),
            pd_affine,
            {"EchoTime": self.pd_protocol.echo_time},
        )
        muscle = "simulated: well inside muscle"
        maps = [
            Map("manual", "dseg", np.asarray(scan.labels), affine, ""),
            Map("manual", "mask", np.asarray(scan.muscle), affine, "", "muscle", muscle),
            Map("truth", "T1rho", np.asarray(scan.t1rho), affine, "ms"),
            Map("truth", "TB1map", np.asarray(scan.b1), affine, ""),
            Map("truth", "B0map", np.asarray(scan.b0), affine, "Hz"),
        ]
        return Record(participant(who), scan.latent, [series], [pd], maps)


UNITS = 500.0  # scanner units of typical cartilage at TSL 0
TYPICAL = Tissue(t1=1000.0, t2=38.0, t1rho=45.0, density=0.735)
MUSCLE_SHARE = 0.95  # of a voxel that is muscle, and of the voxels around it in its slice
_LESION_GAIN = 1.02  # what lesions add to the mean T1rho of a cohort


class Scan(NamedTuple):
    """Both scans of one subject, what a reader drew, and the truth."""

    t1rho_weighted: Float[Array, "n x y z"]
    pd_weighted: Float[Array, "x y z"]
    labels: Integer[Array, "x y z"]  # the number of the region, 0 elsewhere
    muscle: Integer[Array, "x y z"]  # 1 well inside muscle, 0 elsewhere
    t1rho: Float[Array, "x y z"]  # ms
    b1: Float[Array, "x y z"]
    b0: Float[Array, "x y z"]  # Hz
    latent: dict[str, Float[Array, ""]]


def t1rho_levels(study: KneeT1rhoStudy) -> tuple[Number, Number]:
    """Mean T1rho of healthy cartilage, and the SD between subjects of the same grade, in ms.

    The grades alone spread the subjects' means; what is left of ``subject_sd`` is the subjects'
    own.
    """
    weights = np.array(list(GROUPS.values())) / sum(GROUPS.values())
    effect = np.array(GRADE_T1RHO)
    mean = float(weights @ effect)
    healthy = study.t1rho_mean / mean / _LESION_GAIN
    of_grades = healthy * float(np.sqrt(weights @ (effect - mean) ** 2))
    return healthy, jnp.sqrt(jnp.maximum(study.subject_sd**2 - of_grades**2, 0.0))


def moved(pose: Pose, spread: tuple[Number, Number], scores: Float[Array, "n 6"]) -> Pose:
    """A pose for each row of normal scores, with SD ``spread`` in mm and in degrees."""
    return Pose(pose.angles + spread[1] * scores[:, 3:], pose.shift + spread[0] * scores[:, :3])


def well_inside(share: Float[Array, "x y z"], least: float) -> Bool[Array, "x y z"]:
    """Voxels that hold at least a share of a tissue, with all around them in their slice."""
    lowest = jax.lax.reduce_window(share, jnp.inf, jax.lax.min, (3, 3, 1), (1, 1, 1), "SAME")
    return lowest > least


@jax.jit
def scan_knee(key: PRNGKeyArray, who: Person, study: KneeT1rhoStudy, session: PRNGKeyArray) -> Scan:
    """Image one subject of the knee T1rho study.

    Parameters
    ----------
    key
        Of what the subject is: anatomy, lesions, tissue.
    who
        The subject.
    study
        Settings.
    session
        Of what is new in every scan, see :func:`session_key`: pose, motion, fields and receive
        profile, gains, SNR, what is left of fat, the reader's hand, noise.
    """
    person_keys, keys = jax.random.split(key, DRAWS), jax.random.split(session, DRAWS)
    times, grid, pd_grid = study.spin_lock_times, study.t1rho_grid, study.pd_grid
    shape = (6 * (len(times) + 3),)
    own, z = (jax.random.normal(k[0], shape) for k in (person_keys, keys))
    scores, turns = jnp.clip(z[:6], -2.5, 2.5), z[6:].reshape(-1, 6)
    healthy, own_sd = t1rho_levels(study)
    level = (healthy + own_sd * jnp.clip(own[0], -2.5, 2.5)) * jnp.asarray(GRADE_T1RHO)[
        jnp.int32(who.grade)
    ]
    stature = 0.97 + 0.085 * who.male
    subject = Subject(
        sample_knee(person_keys[1], who.grade, who.body_mass_index, stature),
        sample_cartilage(person_keys[2], level, study.voxel_spread),
        who.left,
        sample_fields(keys[3]),
        study.fat_residual + study.fat_residual_sd * scores[1],
        study.other_tissue,
    )
    lying = moved(Pose(jnp.zeros(3), jnp.zeros(3)), study.pose, turns[:1])
    during = moved(lying, study.motion, turns[2:].at[0].set(0.0))
    later = moved(lying, study.reposition, turns[1:2])
    series, anatomy = acquire(
        [
            Acquisition(grid, study.t1rho_protocol, during, times),
            Acquisition(pd_grid, study.pd_protocol, later),
        ],
        subject,
    )

    typical, typical_pd = (
        amplitude(TYPICAL, protocol) for protocol in (study.t1rho_protocol, study.pd_protocol)
    )
    gain = UNITS / typical * jnp.exp(study.series_gain_sd * scores[2])
    at = grid.points()
    inside = jax.tree.map(lambda one: one[0], lying).to_knee(at, who.left)
    b0, b1 = subject.fields.off_resonance(inside), subject.fields.transmit(inside)
    kept = lock_efficiency(times, study.spin_lock_frequency, b1, b0)
    images = gain * subject.fields.sensitivity(at, 0.0) * kept * series.signals

    pd_gain = study.pd_gain * (1.0 + study.pd_gain_sd * scores[3])
    profile = subject.fields.sensitivity(pd_grid.points(), study.pd_profile_sd)
    pd = gain * pd_gain * typical / typical_pd * profile * anatomy.signals[0]

    cartilage = series.regions
    hand = random_fields(keys[4], 6.0)[0](Point(*jnp.moveaxis(at, -1, 0)))
    drawn = cartilage.sum(axis=0) > study.reader_share + 0.06 * hand
    labels = jnp.where(drawn, 1 + jnp.argmax(cartilage, axis=0), 0).astype(jnp.uint8)

    seen = jnp.all(jnp.abs(at - jnp.array(pd_grid.centre)) < pd_grid.reach() - 5.0, axis=-1)
    muscle = well_inside(series.muscle, MUSCLE_SHARE) & seen

    snr = study.snr + study.snr_sd * scores[4]
    sigma = jnp.mean(images[0], where=drawn) / snr
    in_pd = anatomy.regions.sum(axis=0)
    pd_sigma = jnp.sum(pd * in_pd) / jnp.sum(in_pd) / study.pd_snr
    latent = {
        "t1rho_level": level,
        "pd_gain": pd_gain,
        "snr": snr,
        "sigma": sigma,
        "pd_sigma": pd_sigma,
    }
    both = jnp.concatenate([images.ravel(), pd.ravel()])
    noise = jnp.where(jnp.arange(both.size) < images.size, sigma, pd_sigma)
    recorded = sample_rician(keys[5], both, noise)
    return Scan(
        recorded[: images.size].reshape(images.shape),
        recorded[images.size :].reshape(pd.shape),
        labels,
        muscle.astype(jnp.uint8),
        series.t1rho,
        b1,
        b0,
        latent,
    )
