"""The spine T1rho study: its settings, and one patient imaged in one compiled program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.simulate import spine_readers, spine_wear
from jaxqmri.simulate.anatomy import spine_shape
from jaxqmri.simulate.anatomy.spine_shape import LEVELS, sample_spine
from jaxqmri.simulate.fields import fields_of
from jaxqmri.simulate.sequence import amplitude, lock_efficiency
from jaxqmri.simulate.spine_discs import Discs, discs_of
from jaxqmri.simulate.spine_people import COLUMNS, SpinePatient, fold, participant, patient
from jaxqmri.simulate.spine_readers import read
from jaxqmri.simulate.spine_records import (
    SpineScan,
    images_of,
    labels,
    maps_of,
    series_of,
    tables_of,
)
from jaxqmri.simulate.spine_scanner import (
    InPlane,
    Plane,
    centres,
    spine_fields,
    truncated,
    with_noise,
)
from jaxqmri.simulate.spine_signal import Patient, Sequences, fill
from jaxqmri.simulate.spine_tissue import NUCLEUS, graded, marrow_fat
from jaxqmri.simulate.spine_wear import TYPICAL, Sizes, wear
from jaxqmri.simulate.study import (
    Number,
    Record,
    Study,
    session_key,
    subject_key,
)

WAVES = 16
UNITS = 400.0  # scanner units of a typical nucleus, in every sequence

SEQUENCES = Sequences()
QUICK = Plane(224, 224)

PRESETS: Mapping[str, dict[str, Any]] = {
    "smoke": {"plane": Plane(96, 96), "subjects": 8},
    "quick": {"subjects": 60},
    "full": {"plane": Plane(320, 240)},
    "paper": {"plane": Plane(512, 256)},
}


@partial(
    jax.tree_util.register_dataclass,
    data_fields=(
        "spin_lock_frequency", "t1rho_mean", "t1rho_sd", "t1rho_correlation", "point_sd",
        "coupling", "height_loss", "bulge", "osteophyte", "modic", "schmorl", "marrow_fat",
        "contrast", "shift", "angle", "motion", "t1w_snr", "t1rho_snr", "snr_sd", "gain_sd",
        "box_hand", "region_hand", "grade_hand",
    ),
    meta_fields=("spin_lock_times", "sequences", "plane", "subjects"),
)  # fmt: skip
@dataclass(frozen=True)
class SpineT1rhoStudy(Study):
    """Settings of the spine T1rho study: the sagittal midplane of 60 patients at 1.5 T.

    Times in ms, lengths in mm, angles in degrees. ``coupling`` multiplies all that degeneration
    does to shape and T1-weighted contrast: at 0 a T1-weighted image says nothing of T1rho but
    what age and level do. Mean and spread of T1rho are calibrated on the published numbers of
    discs in each phase, ``grade_hand`` on the agreement of two readers; no network took part.
    """

    spin_lock_times: tuple[float, ...] = (2.0, 15.0, 30.0, 45.0)
    spin_lock_frequency: Number = 250.0
    sequences: Sequences = SEQUENCES
    plane: Plane = QUICK
    t1rho_mean: Number = 112.0  # of nuclei over the cohort
    t1rho_sd: Number = 52.0
    t1rho_correlation: Number = 0.75  # of lower T1rho with degeneration
    point_sd: Number = 0.08  # of T1rho within a nucleus, as a fraction
    coupling: Number = 1.0
    height_loss: Number = 0.45  # share, in grade V
    bulge: Number = 2.2  # behind; half of it in front
    osteophyte: Number = 3.5
    modic: Number = 0.45  # probability beside a disc of grade IV to V
    schmorl: Number = 0.06  # probability in an endplate of one of grade IV
    marrow_fat: Number = 0.03  # share of fat for each SD of degeneration of the discs beside it
    contrast: Number = 1.0  # of the loss of contrast between nucleus and annulus, at most 1
    shift: tuple[Number, Number] = (8.0, 25.0)  # most, to the front and up or down
    angle: Number = 2.0  # SD from scan to scan
    motion: Number = 0.3  # SD from image to image
    t1w_snr: Number = 60.0  # a typical nucleus over sigma, in T1- and T2-weighted images
    t1rho_snr: Number = 30.0  # the same without spin lock
    snr_sd: Number = 0.1  # as a fraction
    gain_sd: Number = 0.15  # as a fraction
    box_hand: Number = 0.7  # SD of the edges of boxes, pixels
    region_hand: Number = 1.5  # SD of the places of regions
    grade_hand: Number = 0.10  # SD of a reader's Pfirrmann grade
    subjects: int = 60

    title: ClassVar = "Simulated spine T1rho study (digital subjects, no person was scanned)"
    regions: ClassVar = LEVELS
    readers: ClassVar = ("reader1", "reader2")
    columns: ClassVar = COLUMNS
    presets: ClassVar = PRESETS
    fixed: ClassVar = ("spin_lock_times", "sequences", "plane")
    above_zero: ClassVar = (
        "spin_lock_frequency", "t1rho_mean", "t1w_snr", "t1rho_snr",
    )  # fmt: skip
    at_most_one: ClassVar = ("t1rho_correlation", "height_loss", "contrast")

    def record(self, k: int, seed: int, repeat: int) -> Record:
        """Simulate patient ``k``: images, what two readers say, and the truth."""
        who, key = patient(k, seed), subject_key(seed, k)
        discs = spine_discs(key, who, self)
        scan = scan_spine(key, who, discs, self, session_key(key, repeat))
        return Record(
            participant(who, fold(k)),
            scan.latent,
            [
                series_of(
                    scan,
                    self.plane,
                    self.sequences,
                    self.spin_lock_times,
                    float(self.spin_lock_frequency),
                )
            ],
            images_of(scan, self.plane, self.sequences),
            maps_of(scan, self.plane, self.readers),
            tables=tables_of(scan, discs, self.readers),
        )


@jax.jit
def spine_discs(key: PRNGKeyArray, who: SpinePatient, study: SpineT1rhoStudy) -> Discs:
    """Degeneration and T1rho of a patient's discs: all that is drawn of them."""
    # Apart from what scan_spine draws of the same key, so that nothing else follows from it.
    z = jax.random.normal(jax.random.fold_in(key, DISCS), (1 + 2 * len(LEVELS),))
    return discs_of(
        jnp.clip(z, -3.0, 3.0), who.age, study.t1rho_mean, study.t1rho_sd, study.t1rho_correlation
    )


DISCS = 1_000  # number of the key that degeneration is drawn from


@jax.jit
def scan_spine(
    key: PRNGKeyArray,
    who: SpinePatient,
    discs: Discs,
    study: SpineT1rhoStudy,
    session: PRNGKeyArray,
) -> SpineScan:
    """Image one patient of the spine T1rho study.

    Parameters
    ----------
    key
        Of what the patient is beside degeneration: anatomy, tissue, and how discs show their state.
    who
        The patient.
    discs
        Degeneration and T1rho.
    study
        Settings.
    session
        Of what is new in every scan, see :func:`~jaxqmri.simulate.study.session_key`: position,
        motion, fields and receive profile, gain, SNR, noise, the readers' hands and eyes.
    """
    plane, sequences = study.plane, study.sequences
    times = jnp.asarray(study.spin_lock_times)
    # One draw for each: normal variates are long to compile.
    sizes = (spine_shape.SCORES, spine_wear.SCORES, 1, 3 * WAVES * 4)
    scores, shows, fat, own_waves = drawn(key, sizes)
    of_weighted = (2, 2, plane.matrix, plane.matrix)
    of_locked = (2, len(times), plane.t1rho_matrix, plane.t1rho_matrix)
    sizes = (
        8, 2 * spine_readers.SCORES, 2 * (len(times) + 2), 3 * WAVES * 4,
        math.prod(of_weighted), math.prod(of_locked),
    )  # fmt: skip
    z, hands, moves, waves, fine_noise, coarse_noise = drawn(session, sizes)
    scores, shows, fat = (jnp.clip(each, -2.5, 2.5) for each in (scores, shows, fat))

    consequences = Sizes(
        study.height_loss, study.bulge, study.osteophyte, study.modic, study.schmorl,
        study.marrow_fat, study.contrast,
    )  # fmt: skip
    worn, look = wear(discs.degeneration, shows, consequences, study.coupling)
    shape = sample_spine(scores, who.male, worn)
    lumps, texture, hydration = fields_of(own_waves.reshape(3, WAVES, 4), 9.0, 1.6, 3.0)
    subject = Patient(
        shape, discs, look, marrow_fat(who.age, who.male, fat[0]), study.point_sd, lumps, texture,
        hydration,
    )  # fmt: skip
    most = jnp.array([study.shift[0], study.shift[1]])
    where = jnp.array(MIDDLE) + most * (2.0 * ndtr(z[:2]) - 1.0)
    pose = InPlane(study.angle * jnp.clip(z[2], -2.5, 2.5), where)
    raster = fill(plane, pose, subject, sequences, times)

    # Axes run to posterior and inferior: signs do not matter to a random motion.
    step = plane.field_of_view / plane.raster
    moved = study.motion / step * moves.reshape(-1, 2)
    moved = moved - moved[2]  # against the first of the T1rho-weighted images
    fields = spine_fields(waves.reshape(3, WAVES, 4))
    fine, coarse = (centres(plane, n) for n in (plane.matrix, plane.t1rho_matrix))
    weighted = truncated(jnp.stack([raster.t1w, raster.t2w]), plane.matrix, moved[:2])
    locked = truncated(raster.t1rho, plane.t1rho_matrix, moved[2:])
    kept = lock_efficiency(
        study.spin_lock_times, study.spin_lock_frequency,
        fields.transmit(coarse), fields.off_resonance(coarse),
    )  # fmt: skip
    typical = graded(NUCLEUS, jnp.asarray(TYPICAL))
    gains = jnp.exp(study.gain_sd * z[3:6])
    noisier = 1.0 + study.snr_sd * jnp.clip(z[6:8], -2.5, 2.5)
    scale = [
        UNITS * gain / amplitude(typical, protocol)
        for gain, protocol in zip(
            gains, (sequences.t1w, sequences.t2w, sequences.t1rho), strict=True
        )
    ]
    sigma = (
        UNITS * gains / jnp.stack([study.t1w_snr * noisier[0]] * 2 + [study.t1rho_snr * noisier[1]])
    )
    weighted = weighted * fields.sensitivity(fine) * jnp.stack(scale[:2])[:, None, None]
    locked = locked * fields.sensitivity(coarse) * kept * scale[2]
    t1w, t2w = with_noise(weighted, fine_noise.reshape(of_weighted), sigma[:2])
    t1rho = with_noise(locked, coarse_noise.reshape(of_locked), jnp.full(len(times), sigma[2]))

    hand = (study.box_hand, study.region_hand, study.grade_hand)
    both = jax.vmap(lambda each: read(each, shape, pose, plane, discs.degeneration, hand))(
        hands.reshape(2, -1)
    )
    first, second = (jax.tree.map(lambda each, one=one: each[one], both) for one in (0, 1))
    samples = plane.raster // plane.t1rho_matrix
    cut = (2, plane.t1rho_matrix, samples, plane.t1rho_matrix, samples)
    inside, total = raster.nucleus.reshape(cut).mean(axis=(2, 4))
    disc, tissue = labels(raster.shares)
    return SpineScan(
        t1w, t2w, t1rho, (first, second),
        jnp.where(inside > 0.5, total / jnp.maximum(inside, 0.1), jnp.nan),
        disc, tissue,
        {
            "marrow_fat": jnp.asarray(subject.marrow_fat),
            "shift": pose.shift[1],
            "t1w_sigma": sigma[0],
            "t1rho_sigma": sigma[2],
        },
    )  # fmt: skip


def drawn(key: PRNGKeyArray, sizes: tuple[int, ...]) -> list[Float[Array, " n"]]:
    """Normal variates in pieces of given sizes."""
    return jnp.split(jax.random.normal(key, (sum(sizes),)), np.cumsum(sizes)[:-1].tolist())


MIDDLE = (8.0, 15.0)  # where L3 lies in the middle position: in front of and above the centre, mm
