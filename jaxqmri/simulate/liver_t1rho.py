"""The liver T1rho study: its settings, and one patient imaged in one compiled program."""

from __future__ import annotations

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
from jaxqmri.simulate.fields import random_fields
from jaxqmri.simulate.geometry import Pose
from jaxqmri.simulate.liver_scanner import (
    breath_hold,
    fill_planes,
    sample_liver_fields,
    through_echo_train,
)
from jaxqmri.simulate.liver_tissue import (
    BLOOD,
    FAT,
    LIVER,
    STAGE_T1RHO,
    TABLE,
    component_decay,
    fitted_t1rho,
    long_t1rho,
    sample_parenchyma,
)
from jaxqmri.simulate.patients import COLUMNS, Patient, participant, patient
from jaxqmri.simulate.sequence import Protocol, amplitude, fat_left, lock_efficiency, locked
from jaxqmri.simulate.slices import Slices
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

PREPARED_SSFSE = Protocol(recovery=1300.0, echo_time=10.0)
REPETITION_TIME = 2000.0  # ms
BLOOD_VESSELS = ("portal vein", "hepatic vein", "artery")
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
    short_fraction: Number = 0.16  # of the liver's water, with a T1rho of 10 ms
    short_fraction_sd: Number = 0.04  # half of the variance between subjects, half within
    fat_fraction: tuple[Number, Number] = (0.05, 0.25)  # of the liver, least and most
    fat_residual: Number = 0.08
    fat_residual_sd: Number = 0.02
    blood: Number = 0.10  # of its signal that the black-blood preparation leaves
    blood_sd: Number = 0.06  # from one spin-lock time to the next
    snr: Number = 55.0  # s0 over sigma in the drawn region, before the images are resized
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
    person_keys, keys = jax.random.split(key, DRAWS), jax.random.split(session, DRAWS)
    times, slices = study.spin_lock_times, study.slices
    own, z = (jnp.clip(jax.random.normal(k[0], (9,)), -2.5, 2.5) for k in (person_keys, keys))

    means, spreads = (jnp.array(column) for column in zip(*STAGE_T1RHO, strict=True))
    stage = jnp.int32(who.stage)
    level = means[0] + study.stage_effect * (means[stage] - means[0]) + spreads[stage] * own[0]
    half = study.short_fraction_sd * 0.5**0.5
    fraction = jnp.clip(study.short_fraction + half * own[1], 0.0, 0.5)
    least, most = study.fat_fraction
    fat = least + (most - least) * jax.scipy.special.ndtr(own[2])
    tissue = sample_parenchyma(person_keys[2], long_t1rho(times, fraction, level), fraction, fat)
    shape = sample_body(person_keys[1], who.male, who.stage)

    pose = Pose(study.pose[1] * z[:3], study.pose[0] * z[3:6])
    fields = sample_liver_fields(keys[3], study.b0_inside, study.b0_outside, study.profile)
    residual = study.fat_residual + study.fat_residual_sd * z[6]
    filled = fill_planes(slices, pose, shape)

    at = slices.points(slices.planes())
    body = Point(*jnp.moveaxis(pose.to_body(at), -1, 0))
    long_here = jnp.maximum(tissue.long + study.field_sd * tissue.water(body), 15.0)
    fraction_here = jnp.where(
        study.short_fraction > 0, jnp.clip(tissue.fraction + half * tissue.bound(body), 0, 0.5), 0.0
    )
    fat_here = jnp.clip(tissue.fat * (1.0 + 0.12 * tissue.steatosis(body)), 0.0, 1.0)
    texture = 1.0 + 0.03 * tissue.texture(body)
    left_of_fat = fat_left(fields.off_resonance(at), residual)
    parenchyma = filled.contents["liver"]

    lipid = parenchyma * LIVER.density * fat_here
    water = parenchyma * (1.0 - fat_here) * amplitude(LIVER, study.protocol)
    others = jnp.zeros((len(times), *parenchyma.shape))
    for name, entry in TABLE.items():
        share = filled.contents[name]
        kept = (1.0 - entry.fat) * amplitude(entry, study.protocol)
        others = others + kept * locked(entry, jnp.asarray(times))[:, None, None, None] * share
        lipid = lipid + entry.fat * entry.density * share
    decays = jnp.stack([component_decay(t, fraction_here, long_here) for t in times])
    of_fat = amplitude(FAT, study.protocol) * locked(FAT, jnp.asarray(times))
    signals = water * decays + others
    signals = texture * (signals + of_fat[:, None, None, None] * left_of_fat * lipid)

    moved, failed = breath_hold(keys[4], slices.number, len(times), study.drift, study.failed_holds)
    slab = slices.slab(moved)
    images = jnp.einsum("nsp,npxy->nsxy", slab, signals)
    flow = jax.random.normal(jax.random.fold_in(keys[4], 1), (3, len(times), slices.number))
    for name, wave in zip(BLOOD_VESSELS, flow, strict=True):
        seen = jnp.einsum("nsp,pxy->nsxy", slab, filled.contents[name])
        rest = jnp.abs(study.blood + study.blood_sd * wave)
        blood = amplitude(BLOOD, study.protocol) * locked(BLOOD, jnp.asarray(times))
        images = images + (blood[:, None] * rest)[..., None, None] * seen
    middle = slices.points(slices.heights())
    b0, b1 = fields.off_resonance(middle), fields.transmit(middle)
    kept = lock_efficiency(times, study.spin_lock_frequency, b1, b0)
    gain = UNITS / amplitude(LIVER, study.protocol) * jnp.exp(study.gain_sd * z[7])
    images = gain * fields.sensitivity(middle) * kept * images
    images = through_echo_train(images, 0.3 * moved, study.edge_signal, slices.pixel()[1])

    still = slices.slab(jnp.zeros(slices.number))

    def in_slices(values: Array, weights: Array | None = None) -> Array:
        """Mean over each slice, on the matrix of the written images."""
        if weights is None:
            return resized(jnp.einsum("sp,pxy->sxy", still, values), slices, "linear")
        whole = jnp.einsum("sp,pxy->sxy", still, weights)
        part = jnp.einsum("sp,pxy->sxy", still, values * weights)
        return resized(part, slices, "linear") / resized(whole, slices, "linear")

    share = in_slices(parenchyma)
    depth, clearance = in_slices(filled.depth), in_slices(filled.clearance)
    hand = resized(
        random_fields(keys[2], 12.0)[0](Point(*jnp.moveaxis(middle, -1, 0))), slices, "linear"
    )
    edge, aside = study.reader_margin
    drawn = (depth > edge + 1.5 * hand) & (clearance > aside + 0.5 * hand) & (share > 0.9)
    labels = jnp.where(drawn, 1, jnp.where(share > 0.5, 2, 0)).astype(jnp.uint8)
    in_liver = share > 0.5
    long_map = jnp.where(in_liver, in_slices(long_here, parenchyma), jnp.nan)
    fraction_map = jnp.where(in_liver, in_slices(fraction_here, parenchyma), jnp.nan)

    snr = jnp.maximum(study.snr + study.snr_sd * z[8], 0.3 * study.snr)
    sigma = jnp.mean(resized(images[0], slices), where=drawn) / snr
    recorded = jnp.maximum(resized(sample_rician(keys[5], images, sigma), slices), 0.0)
    latent = {
        "t1rho_level": level,
        "short_fraction": fraction,
        "fat_fraction": fat,
        "snr": snr,
        "sigma": sigma,
        "failed_holds": failed.sum(),
    }
    b1_map, b0_map = (resized(field, slices, "linear") for field in (b1, b0))
    fitted = fitted_t1rho(times, fraction_map, long_map)
    volumes = (recorded, labels, fitted, long_map, fraction_map, b1_map, b0_map)
    images, labels, *maps = (jnp.moveaxis(volume, -3, -1) for volume in volumes)
    return LiverScan(images, labels, *maps, latent=latent)


def resized(
    images: Float[Array, "*n x y"], slices: Slices, method: str = "cubic"
) -> Float[Array, "*n m m"]:
    """Images on the square matrix that they are written on."""
    shape = (*images.shape[:-2], slices.matrix, slices.matrix)
    return jax.image.resize(images, shape, method)
