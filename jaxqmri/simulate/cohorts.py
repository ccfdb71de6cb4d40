"""Each study's cohort, written to disk as the dataset that its scanner would have left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.io import bids
from jaxqmri.io.files import write_json, write_table
from jaxqmri.io.staging import staged
from jaxqmri.physics.noise import sample_rician
from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.anatomy.knee import REGIONS
from jaxqmri.simulate.anatomy.shape import sample_knee
from jaxqmri.simulate.fields import random_field
from jaxqmri.simulate.scanner import (
    Grid,
    Pose,
    Protocol,
    Subject,
    acquire,
    amplitude,
    lock_efficiency,
    sample_fields,
)
from jaxqmri.simulate.tissue import GRADE_T1RHO, Tissue, sample_cartilage

Progress = Callable[[int, int], None]


PREPARED_FSE = Protocol(recovery=1500.0, echo_time=31.0)
PD_FSE = Protocol(recovery=850.0, echo_time=30.0)  # TR 1200 less a train of 350
QUICK_T1RHO = Grid((112, 112, 28), (1.25, 1.25, 4.0), (0.0, -3.0, 3.0), (2, 2, 2))
QUICK_PD = Grid((118, 118, 108), (1.1, 1.1, 1.1), (0.0, -3.0, 3.0))


@dataclass(frozen=True)
class KneeT1rhoStudy:
    """Settings of the knee T1rho study: two scans of 30 patients and 10 volunteers at 3 T.

    Times in ms, lengths in mm, angles in degrees, frequencies in Hz. ``pd_gain``,
    ``pd_gain_sd``, ``subject_sd`` and ``snr`` were calibrated on the published two-point fits,
    which involve no network.
    """

    spin_lock_times: tuple[float, ...] = (0.0, 10.0, 30.0, 50.0)
    spin_lock_frequency: float = 300.0
    t1rho_protocol: Protocol = PREPARED_FSE
    pd_protocol: Protocol = PD_FSE
    t1rho_grid: Grid = QUICK_T1RHO
    pd_grid: Grid = QUICK_PD
    t1rho_mean: float = 45.4  # of all cartilage voxels, mean over the cohort
    subject_sd: float = 5.5  # of the subjects' means
    voxel_spread: float = 0.33  # coefficient of variation within a subject
    snr: float = 20.0  # s0 over sigma in cartilage, T1rho series
    snr_sd: float = 3.0
    pd_snr: float = 20.0
    pd_gain: float = 0.65  # PD-weighted over TSL 0 in typical cartilage, all effects together
    pd_gain_sd: float = 0.15  # from subject to subject, as a fraction
    pd_profile_sd: float = 0.08  # smooth, over the volume, as a fraction
    series_gain_sd: float = 0.05  # of both scans together, as a fraction
    motion: tuple[float, float] = (0.25, 0.3)  # SD between spin-lock times: mm, degrees
    reposition: tuple[float, float] = (1.0, 1.0)  # SD between the two scans
    pose: tuple[float, float] = (3.0, 3.0)  # SD from knee to knee
    fat_residual: float = 0.08
    fat_residual_sd: float = 0.02
    subjects: int = 40

    def at(self, preset: str) -> KneeT1rhoStudy:
        """The same study with a preset's grids and number of subjects."""
        return replace(self, **PRESETS[preset])


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

UNITS = 500.0  # scanner units of typical cartilage at TSL 0
TYPICAL = Tissue(t1=1000.0, t2=38.0, t1rho=45.0, density=0.735)
GROUPS = {0: 10, 1: 2, 2: 13, 3: 6, 4: 9}  # subjects by Kellgren–Lawrence grade
_LESION_GAIN = 1.02  # what lesions add to the mean T1rho of a cohort


class Person(NamedTuple):
    """What participants.tsv says of a subject, as numbers."""

    grade: float
    male: float
    age: float
    body_mass_index: float
    left: float


def take_turns(counts: Mapping[Any, int]) -> list[Any]:
    """Every key as often as its count, so that each beginning of the list is balanced."""
    total, taken, order = sum(counts.values()), dict.fromkeys(counts, 0), []
    for k in range(1, total + 1):
        behind = max(counts, key=lambda key: counts[key] * k / total - taken[key])
        taken[behind] += 1
        order.append(behind)
    return order


def person(k: int, seed: int) -> Person:
    """Subject ``k`` of the study (from 0): 30 patients and 10 volunteers in every 40."""
    turn = k % sum(GROUPS.values())
    grades = take_turns(GROUPS)
    grade = grades[turn]
    group = [i for i, other in enumerate(grades) if (other > 0) == (grade > 0)]
    males = take_turns({0: 21, 1: 9} if grade > 0 else {0: 5, 1: 5})
    z = np.random.default_rng([seed, k]).standard_normal(3)
    age, bmi = (67.63 + 5.80 * z[0], 26.0 + 4.08 * z[1])
    if grade == 0:
        age, bmi = (24.9 + 2.59 * z[0], 22.75 + 4.51 * z[1])
    return Person(
        float(grade),
        float(males[group.index(turn)]),
        float(np.clip(age, 18.0, 90.0)),
        float(np.clip(bmi, 17.0, 42.0)),
        float(z[2] > 0),
    )


class Scan(NamedTuple):
    """Both scans of one subject, what a reader drew, and the truth."""

    t1rho_weighted: Float[Array, "n x y z"]
    pd_weighted: Float[Array, "x y z"]
    labels: Float[Array, "x y z"]  # 1 to 4 in the order of REGIONS, 0 elsewhere
    t1rho: Float[Array, "x y z"]  # ms
    b1: Float[Array, "x y z"]
    b0: Float[Array, "x y z"]  # Hz
    latent: dict[str, Float[Array, ""]]


def t1rho_levels(study: KneeT1rhoStudy) -> tuple[float, float]:
    """Mean T1rho of healthy cartilage, and the SD between subjects of the same grade, in ms.

    The grades alone spread the subjects' means; what is left of ``subject_sd`` is the subjects'
    own.
    """
    weights = np.array(list(GROUPS.values())) / sum(GROUPS.values())
    effect = np.array(GRADE_T1RHO)
    mean = float(weights @ effect)
    healthy = study.t1rho_mean / mean / _LESION_GAIN
    of_grades = healthy * float(np.sqrt(weights @ (effect - mean) ** 2))
    return healthy, float(np.sqrt(max(study.subject_sd**2 - of_grades**2, 0.0)))


def moved(key: PRNGKeyArray, pose: Pose, spread: tuple[float, float], count: int) -> Pose:
    """``count`` poses around one, with SD ``spread`` in mm and degrees along each axis."""
    shift, turn = jax.random.normal(key, (2, count, 3))
    return Pose(pose.angles + spread[1] * turn, pose.shift + spread[0] * shift)


def truncated(key: PRNGKeyArray, mean: float, sd: float) -> Float[Array, ""]:
    """A normal number within 2.5 SD of its mean."""
    return mean + sd * jax.random.truncated_normal(key, -2.5, 2.5)


@partial(jax.jit, static_argnames="study")
def scan_knee(key: PRNGKeyArray, who: Person, study: KneeT1rhoStudy) -> Scan:
    """Image one subject of the knee T1rho study."""
    keys = dict(zip(_DRAWS, jax.random.split(key, len(_DRAWS)), strict=True))
    healthy, own_sd = t1rho_levels(study)
    level = truncated(keys["level"], healthy, own_sd)
    level = level * jnp.asarray(GRADE_T1RHO)[jnp.int32(who.grade)]
    stature = 0.965 + 0.085 * who.male
    subject = Subject(
        sample_knee(keys["shape"], who.grade, who.body_mass_index, stature),
        sample_cartilage(keys["cartilage"], level, study.voxel_spread),
        who.left,
        sample_fields(keys["fields"]),
        truncated(keys["fat"], study.fat_residual, study.fat_residual_sd),
    )
    neutral = Pose(jnp.zeros(3), jnp.zeros(3))
    lying = jax.tree.map(lambda a: a[0], moved(keys["pose"], neutral, study.pose, 1))
    times = study.spin_lock_times
    during = moved(keys["motion"], lying, study.motion, len(times))
    during = jax.tree.map(lambda all_, first: all_.at[0].set(first), during, lying)
    later = moved(keys["reposition"], lying, study.reposition, 1)

    series = acquire(study.t1rho_grid, during, subject, study.t1rho_protocol, times)
    anatomy = acquire(study.pd_grid, later, subject, study.pd_protocol)

    typical, typical_pd = (
        amplitude(TYPICAL, protocol) for protocol in (study.t1rho_protocol, study.pd_protocol)
    )
    gain = UNITS / typical
    gain = gain * jnp.exp(study.series_gain_sd * jax.random.normal(keys["gain"]))
    at = study.t1rho_grid.points()
    inside = lying.to_knee(at, who.left)
    b0, b1 = subject.fields.off_resonance(inside), subject.fields.transmit(inside)
    kept = lock_efficiency(times, study.spin_lock_frequency, b1, b0)
    images = gain * subject.fields.sensitivity(at, 0.0) * kept * series.signals

    pd_gain = truncated(keys["pd_gain"], study.pd_gain, study.pd_gain * study.pd_gain_sd)
    profile = subject.fields.sensitivity(study.pd_grid.points(), study.pd_profile_sd)
    pd = gain * pd_gain * typical / typical_pd * profile * anatomy.signals[0]

    cartilage = series.regions
    hand = random_field(keys["reader"], 6.0)(Point(*jnp.moveaxis(at, -1, 0)))
    drawn = cartilage.sum(axis=0) > 0.5 + 0.06 * hand
    labels = jnp.where(drawn, 1 + jnp.argmax(cartilage, axis=0), 0).astype(jnp.uint8)

    snr = truncated(keys["snr"], study.snr, study.snr_sd)
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
    return Scan(
        sample_rician(keys["noise"], images, sigma),
        sample_rician(keys["pd_noise"], pd, pd_sigma),
        labels,
        series.t1rho,
        b1,
        b0,
        latent,
    )


_DRAWS = (
    "level", "shape", "cartilage", "fields", "fat", "pose", "motion", "reposition",
    "gain", "pd_gain", "reader", "snr", "noise", "pd_noise",
)  # fmt: skip


def make_cohort(
    study: str | KneeT1rhoStudy,
    out: str | Path,
    *,
    subjects: int | None = None,
    preset: str = "quick",
    seed: int = 0,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Path:
    """Simulate a study's cohort and write it as a BIDS dataset, whole or not at all.

    Parameters
    ----------
    study
        A name in :data:`STUDIES`, or a study with settings of its own.
    out
        The dataset's folder.
    subjects
        How many; the preset's number when None. Subject ``k`` does not depend on it.
    preset
        ``smoke``, ``quick``, ``full`` or ``paper``: the grids, and the number of subjects.
    seed
        Of everything random.
    progress
        Called with the number of subjects done and their total.
    overwrite
        Replace a dataset that was made with other settings.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    InputError
        If ``out`` cannot be written or holds a dataset made with other settings.
    ValueError
        If there is no such study or preset, or fewer than one subject is asked for.
    """
    if isinstance(study, str):
        if study not in STUDIES:
            raise ValueError(f"unknown study {study!r}, expected one of {', '.join(STUDIES)}")
        study = STUDIES[study]
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}, expected one of {', '.join(PRESETS)}")
    study = study.at(preset)
    count = study.subjects if subjects is None else subjects
    if count < 1:
        raise ValueError(f"a cohort needs at least one subject, got {count}")
    settings = {**asdict(study), "subjects": count, "preset": preset, "seed": seed}
    with staged(out, settings=settings, overwrite=overwrite, name="cohort") as staging:
        if not staging.already_done:
            write_cohort(Path(staging), study, count, seed, settings, progress)
    return Path(out)


def write_cohort(
    root: Path,
    study: KneeT1rhoStudy,
    count: int,
    seed: int,
    settings: Mapping[str, Any],
    progress: Progress | None,
) -> None:
    """Simulate ``count`` subjects into ``root``."""
    bids.write_dataset_description(
        root, "Simulated knee T1rho study (digital subjects, no person was scanned)"
    )
    manual, truth = (bids.map_folder(root, who) for who in ("manual", "truth"))
    bids.write_dataset_description(
        manual, "Regions as a simulated reader drew them", "derivative", ["../.."]
    )
    bids.write_dataset_description(truth, "True maps of the simulation", "derivative", ["../.."])
    write_json(truth / "simulation.json", settings)
    names = [{"index": i + 1, "name": f"{name} cartilage"} for i, name in enumerate(REGIONS)]
    write_table(manual / "dseg.tsv", names, ["index", "name"])
    people, latents = [], []
    for k in range(count):
        who = person(k, seed)
        scan = scan_knee(jax.random.fold_in(jax.random.key(seed), k), who, study)
        scan = jax.tree.map(np.asarray, scan)
        write_subject(root, f"{k + 1:02d}", study, scan)
        people.append(participant(f"sub-{k + 1:02d}", who))
        latents.append(
            {"participant_id": f"sub-{k + 1:02d}"}
            | {name: round(float(value), 4) for name, value in scan.latent.items()}
        )
        if progress is not None:
            progress(k + 1, count)
    bids.write_participants(root, people, COLUMNS)
    write_table(truth / "subjects.tsv", latents, list(latents[0]))


COLUMNS = {
    "participant_id": {"Description": "Digital subject"},
    "age": {"Description": "Age", "Units": "year"},
    "sex": {"Description": "Sex", "Levels": {"M": "male", "F": "female"}},
    "bmi": {"Description": "Body mass index", "Units": "kg/m^2"},
    "kl_grade": {"Description": "Kellgren-Lawrence grade, 0 to 4"},
    "group": {
        "Description": "Group",
        "Levels": {"patient": "osteoarthritis", "volunteer": "healthy"},
    },
    "side": {"Description": "Knee", "Levels": {"L": "left", "R": "right"}},
}


def participant(name: str, who: Person) -> dict[str, Any]:
    """The subject's row of participants.tsv."""
    return {
        "participant_id": name,
        "age": round(who.age, 1),
        "sex": "M" if who.male else "F",
        "bmi": round(who.body_mass_index, 1),
        "kl_grade": int(who.grade),
        "group": "patient" if who.grade > 0 else "volunteer",
        "side": "L" if who.left else "R",
    }


def write_subject(root: Path, label: str, study: KneeT1rhoStudy, scan: Scan) -> None:
    """Write one subject's images, regions and true maps."""
    entities = {"sub": label}
    affine, pd_affine = study.t1rho_grid.affine(), study.pd_grid.affine()
    shared = {"MagneticFieldStrength": 3.0, "Manufacturer": "simulated"}
    bids.write_series(
        root,
        entities,
        "T1rhow",
        np.moveaxis(scan.t1rho_weighted, 0, -1),
        affine,
        study.spin_lock_times,
        {
            **shared,
            "SpinLockFrequency": study.spin_lock_frequency,
            "EchoTime": study.t1rho_protocol.echo_time,
        },
    )
    bids.write_raw(
        root,
        entities,
        "PDw",
        scan.pd_weighted,
        pd_affine,
        {**shared, "EchoTime": study.pd_protocol.echo_time},
    )
    made_by = {"Description": "simulated", "Sources": [f"bids::sub-{label}"]}
    bids.write_map(root, "manual", entities, "dseg", scan.labels, affine, {**made_by, "Units": ""})
    for suffix, values, unit in (
        ("T1rho", scan.t1rho, "ms"),
        ("TB1map", scan.b1, ""),
        ("B0map", scan.b0, "Hz"),
    ):
        bids.write_map(root, "truth", entities, suffix, values, affine, {**made_by, "Units": unit})


STUDIES = {"knee_t1rho": KneeT1rhoStudy()}
