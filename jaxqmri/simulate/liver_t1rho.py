"""The liver T1rho study: its settings, and one patient imaged in one compiled program."""

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

from jaxqmri.physics.noise import sample_rician
from jaxqmri.simulate.anatomy.body_shape import sample_body
from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.geometry import Pose
from jaxqmri.simulate.liver_scanner import (
    breath_hold,
    fill_planes,
    sample_liver_fields,
    through_echo_train,
)
from jaxqmri.simulate.liver_signal import BLOOD_VESSELS, blood_signals, plane_signals
from jaxqmri.simulate.liver_tissue import (
    LIVER,
    STAGE_T1RHO,
    Parenchyma,
    fitted_t1rho,
    long_t1rho,
    sample_parenchyma,
)
from jaxqmri.simulate.patients import COLUMNS, Patient, participant, patient
from jaxqmri.simulate.sequence import Protocol, amplitude, fat_left, lock_efficiency
from jaxqmri.simulate.slices import Slices
from jaxqmri.simulate.study import (
    Map,
    Number,
    Record,
    Series,
    Study,
    session_key,
    subject_key,
)

PREPARED_SSFSE = Protocol(recovery=1300.0, echo_time=10.0)
REPETITION_TIME = 2000.0  # ms
QUICK = Slices((120, 100), 128)
UNITS = 500.0  # scanner units of typical liver at TSL 0

PRESETS: Mapping[str, dict[str, Any]] = {
    "smoke": {"slices": Slices((60, 50), 64, samples=4), "subjects": 9},
    "quick": {},
    "full": {"slices": Slices((180, 150), 192)},
    "paper": {"slices": Slices((240, 200), 256, plane_spacing=7 / 3)},
}


@partial(
    jax.tree_util.register_dataclass,
    data_fields=(
        "spin_lock_frequency", "stage_effect", "field_sd", "short_fraction", "short_fraction_sd",
        "fat_fraction", "fat_residual", "fat_residual_sd", "blood", "blood_sd", "snr", "snr_sd",
        "b0_inside", "b0_outside", "profile", "gain_sd", "drift", "failed_holds", "edge_signal",
        "pose", "reader_margin",
    ),
    meta_fields=("spin_lock_times", "protocol", "slices", "subjects"),
)  # fmt: skip
@dataclass(frozen=True)
class LiverT1rhoStudy(Study):
    """Settings of the liver T1rho study: three axial slices of 51 patients at 3 T.

    Times in ms, lengths in mm, angles in degrees, frequencies in Hz. ``snr`` and
    ``short_fraction`` were calibrated on the published coarse and BM3D rows, which involve no
    network.
    """

    spin_lock_times: tuple[float, ...] = (0.0, 10.0, 30.0, 50.0)
    spin_lock_frequency: Number = 400.0
    protocol: Protocol = PREPARED_SSFSE
    slices: Slices = QUICK
    stage_effect: Number = 1.0  # on T1rho; 0 leaves all stages at the mean of stage 0
    field_sd: Number = 2.0  # of T1rho within a liver, smooth
    short_fraction: Number = 0.20  # of the liver's water, with a T1rho of 10 ms
    short_fraction_sd: Number = 0.04  # half of the variance between subjects, half within
    fat_fraction: tuple[Number, Number] = (0.05, 0.25)  # of the liver, least and most
    fat_residual: Number = 0.08
    fat_residual_sd: Number = 0.02
    blood: Number = 0.10  # of its signal that the black-blood preparation leaves
    blood_sd: Number = 0.06  # from one spin-lock time to the next
    snr: Number = 60.0  # s0 over sigma in the drawn region, before the images are resized
    snr_sd: Number = 7.0
    b0_inside: Number = 14.0  # SD in the shim box
    b0_outside: tuple[Number, Number] = (65.0, 58.0)  # mean and SD away from it
    profile: Number = 0.12  # SD of the logarithm of the receive profile
    gain_sd: Number = 0.15  # from subject to subject, as a fraction
    drift: Number = 1.0  # most that the liver moves in a breath-hold
    failed_holds: Number = 0.05  # share of the slices
    edge_signal: Number = 0.3  # of the echo train at the edge of k-space
    pose: tuple[Number, Number] = (5.0, 1.5)  # SD from scan to scan
    reader_margin: tuple[Number, Number] = (8.0, 2.5)  # from the liver's edge, from vessels
    subjects: int = 51

    title: ClassVar = "Simulated liver T1rho study (digital subjects, no person was scanned)"
    regions: ClassVar = ("liver parenchyma", "rest of the liver")
    columns: ClassVar = COLUMNS
    presets: ClassVar = PRESETS
    fixed: ClassVar = ("spin_lock_times", "protocol", "slices")
    above_zero: ClassVar = ("spin_lock_frequency", "snr")
    at_most_one: ClassVar = (
        "short_fraction", "fat_fraction", "fat_residual", "blood", "failed_holds", "edge_signal",
    )  # fmt: skip

    def record(self, k: int, seed: int, repeat: int) -> Record:
        """Simulate patient ``k``: the series, the drawn regions and the true maps."""
        who, key = patient(k, seed), subject_key(seed, k)
        scan = scan_liver(key, who, self, session_key(key, repeat))
        affine = self.slices.affine()
        series = Series(
            "T1rhow",
            np.moveaxis(np.asarray(scan.images), 0, -1),
            affine,
            self.spin_lock_times,
            {
                "SpinLockFrequency": self.spin_lock_frequency,
                "EchoTime": self.protocol.echo_time,
                "RepetitionTime": REPETITION_TIME,
                "SliceThickness": self.slices.thickness,
                "SpacingBetweenSlices": self.slices.pitch,
            },
        )
        fitted = "simulated: what a fit reads in the liver's water without noise, in perfect fields"
        long = "simulated: long component of the liver's water"
        short = "simulated: share of the short component in the liver's water"
        maps = [
            Map("manual", "dseg", np.asarray(scan.labels), affine, ""),
            Map("truth", "T1rho", np.asarray(scan.fitted), affine, "ms", "effective", fitted),
            Map("truth", "T1rho", np.asarray(scan.long), affine, "ms", "long", long),
            Map("truth", "fraction", np.asarray(scan.fraction), affine, "", "short", short),
            Map("truth", "TB1map", np.asarray(scan.b1), affine, ""),
            Map("truth", "B0map", np.asarray(scan.b0), affine, "Hz"),
        ]
        return Record(participant(who), scan.latent, [series], [], maps)


class LiverScan(NamedTuple):
    """The series of one patient, what a reader drew, and the truth."""

    images: Float[Array, "n x y z"]
    labels: Integer[Array, "x y z"]  # 1 drawn parenchyma, 2 the rest of the liver, 0 elsewhere
    fitted: Float[Array, "x y z"]  # ms, in the liver
    long: Float[Array, "x y z"]
    fraction: Float[Array, "x y z"]
    b1: Float[Array, "x y z"]
    b0: Float[Array, "x y z"]  # Hz
    latent: dict[str, Float[Array, ""]]


@jax.jit
def scan_liver(
    key: PRNGKeyArray, who: Patient, study: LiverT1rhoStudy, session: PRNGKeyArray
) -> LiverScan:
    """Image one patient of the liver T1rho study.

    Parameters
    ----------
    key
        Of what the patient is: anatomy, tissue.
    who
        The patient.
    study
        Settings.
    session
        Of what is new in every scan, see :func:`~jaxqmri.simulate.study.session_key`: pose,
        breath-holds, fields and receive profile, gain, SNR, what is left of fat and of blood, the
        reader's hand, noise.
    """
    person_keys, keys = jax.random.split(key, 3), jax.random.split(session, 3)
    times, slices = study.spin_lock_times, study.slices
    holds, flow = (5, slices.number), (len(BLOOD_VESSELS), len(times), slices.number)
    count = 12 + math.prod(holds) + math.prod(flow)
    both = jnp.stack([person_keys[0], keys[0]])
    own, drawn = jax.vmap(lambda k: jax.random.normal(k, (count,)))(both)
    z, hold_scores, flow_scores = jnp.split(drawn, (12, 12 + math.prod(holds)))
    own, z = (jnp.clip(scores, -2.5, 2.5) for scores in (own[:3], z))

    level, tissue = liver_of(person_keys[1], own, who, study)
    shape = sample_body(person_keys[2], who.male, who.stage)
    pose = Pose(study.pose[1] * z[:3], study.pose[0] * z[3:6])
    fields, hand = sample_liver_fields(
        keys[1], 8.0 * z[9:], study.b0_inside, study.b0_outside, study.profile
    )
    filled = fill_planes(slices, pose, shape)
    at = slices.points(slices.planes())
    water, texture = tissue.at(Point(*jnp.moveaxis(pose.to_body(at), -1, 0)))
    residual = study.fat_residual + study.fat_residual_sd * z[6]
    spared = jnp.asarray(fat_left(fields.off_resonance(at), residual))
    signals = texture * plane_signals(filled.contents, water, spared, times, study.protocol)

    moved, failed = breath_hold(
        hold_scores.reshape(holds), len(times), study.drift, study.failed_holds
    )
    slab = slices.slab(moved)
    left = jnp.abs(study.blood + study.blood_sd * flow_scores.reshape(flow))
    images = jnp.einsum("nsp,npxy->nsxy", slab, signals)
    images = images + blood_signals(filled.contents, slab, left, times, study.protocol)
    middle = slices.points(slices.heights())
    b0, b1 = fields.off_resonance(middle), fields.transmit(middle)
    kept = lock_efficiency(times, study.spin_lock_frequency, b1, b0)
    gain = UNITS / amplitude(LIVER, study.protocol) * jnp.exp(study.gain_sd * z[7])
    images = gain * fields.sensitivity(middle) * kept * images
    images = through_echo_train(images, 0.3 * moved, study.edge_signal, slices.pixel()[1])

    still = slices.slab(jnp.zeros(slices.number))
    parenchyma = filled.contents["liver"]

    def seen(values: Array) -> Array:
        """Mean over each slice, on the matrix of the written images."""
        return resized(jnp.einsum("sp,pxy->sxy", still, values), slices, "linear")

    share = seen(parenchyma)
    wave = resized(hand(Point(*jnp.moveaxis(middle, -1, 0))), slices, "linear")
    labels = draw(share, seen(filled.depth), seen(filled.clearance), wave, study.reader_margin)
    long, fraction = (
        jnp.where(labels > 0, seen(values * parenchyma) / share, jnp.nan)
        for values in (water.long, water.fraction)
    )
    fitted = jnp.where(labels > 0, fitted_t1rho(times, fraction, long), jnp.nan)

    snr = jnp.maximum(study.snr + study.snr_sd * z[8], 0.3 * study.snr)
    sigma = jnp.mean(resized(images[0], slices), where=labels == 1) / snr
    recorded = jnp.maximum(resized(sample_rician(keys[2], images, sigma), slices), 0.0)
    latent = {
        "t1rho_level": level,
        "short_fraction": tissue.fraction,
        "fat_fraction": tissue.fat,
        "snr": snr,
        "sigma": sigma,
        "failed_holds": failed.sum(),
    }
    b1, b0 = (resized(field, slices, "linear") for field in (b1, b0))
    volumes = (recorded, labels, fitted, long, fraction, b1, b0)
    recorded, labels, *maps = (jnp.moveaxis(volume, -3, -1) for volume in volumes)
    return LiverScan(recorded, labels, *maps, latent=latent)


def liver_of(
    key: PRNGKeyArray, z: Float[Array, " 3"], who: Patient, study: LiverT1rhoStudy
) -> tuple[Number, Parenchyma]:
    """What a four-point fit is to read in a patient's liver, and the liver that makes it so."""
    means, spreads = (jnp.array(column) for column in zip(*STAGE_T1RHO, strict=True))
    stage = jnp.int32(who.stage)
    level = means[0] + study.stage_effect * (means[stage] - means[0]) + spreads[stage] * z[0]
    spread = study.short_fraction_sd * 0.5**0.5
    fraction = jnp.clip(study.short_fraction + spread * z[1], 0.0, 0.5)
    fraction = jnp.where(study.short_fraction > 0, fraction, 0.0)
    least, most = study.fat_fraction
    fat = least + (most - least) * jax.scipy.special.ndtr(z[2])
    long = long_t1rho(study.spin_lock_times, fraction, level)
    return level, sample_parenchyma(key, long, fraction, fat, study.field_sd, spread)


def draw(
    share: Float[Array, "s x y"],
    depth: Float[Array, "s x y"],
    clearance: Float[Array, "s x y"],
    hand: Float[Array, "s x y"],
    margin: tuple[Number, Number],
) -> Integer[Array, "s x y"]:
    """Labels as a reader draws them: 1 well inside parenchyma, 2 the rest of the liver.

    The drawn region keeps ``margin`` mm from the liver's edge and from what runs through it, in a
    hand that wavers.
    """
    edge, aside = margin
    inside = (depth > edge + 1.5 * hand) & (clearance > aside + 0.5 * hand) & (share > 0.9)
    return jnp.where(inside, 1, jnp.where(share > 0.5, 2, 0)).astype(jnp.uint8)


def resized(
    images: Float[Array, "*n x y"], slices: Slices, method: str = "cubic"
) -> Float[Array, "*n m m"]:
    """Images on the square matrix that they are written on."""
    shape = (*images.shape[:-2], slices.matrix, slices.matrix)
    return jax.image.resize(images, shape, method)
