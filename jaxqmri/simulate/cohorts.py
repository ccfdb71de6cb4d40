"""Each study's cohort, written to disk as the dataset that its scanner would have left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxqmri.io import bids
from jaxqmri.io.files import write_json, write_table
from jaxqmri.io.staging import staged
from jaxqmri.simulate.anatomy.knee import REGIONS
from jaxqmri.simulate.knee_t1rho import (
    PRESETS,
    KneeT1rhoStudy,
    Scan,
    numeric_settings,
    scan_knee,
    session_key,
)
from jaxqmri.simulate.people import COLUMNS, participant, person

Progress = Callable[[int, int], None]

THREADS = 2  # one subject is compressed and written while another is simulated

STUDIES = {"knee_t1rho": KneeT1rhoStudy()}


def make_cohort(
    study: str | KneeT1rhoStudy,
    out: str | Path,
    *,
    subjects: int | None = None,
    preset: str = "quick",
    seed: int = 0,
    settings: Mapping[str, float | Sequence[float]] | None = None,
    repeat: int = 0,
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
    settings
        Numbers of the study that are to be others, by name, such as ``{"pd_gain_sd": 0.3}``; see
        :meth:`~jaxqmri.simulate.knee_t1rho.KneeT1rhoStudy.changed`.
    repeat
        Which scan of the same subjects, 0 the first: same anatomy and tissue, everything else
        new.
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
        If there is no such study, preset or setting, fewer than one subject is asked for, or
        ``repeat`` is below zero.
    """
    if isinstance(study, str):
        if study not in STUDIES:
            raise ValueError(f"unknown study {study!r}, expected one of {', '.join(STUDIES)}")
        study = STUDIES[study]
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}, expected one of {', '.join(PRESETS)}")
    if repeat < 0:
        raise ValueError(f"repeat {repeat}: expected zero, the first scan, or above")
    study = study.at(preset).changed(settings or {})
    count = study.subjects if subjects is None else subjects
    if count < 1:
        raise ValueError(f"a cohort needs at least one subject, got {count}")
    made_with = {
        **asdict(study), "subjects": count, "preset": preset, "seed": seed, "repeat": repeat,
    }  # fmt: skip
    with staged(out, settings=made_with, overwrite=overwrite, name="cohort") as staging:
        if not staging.already_done:
            write_cohort(Path(staging), study, made_with, progress)
    return Path(out)


def write_cohort(
    root: Path,
    study: KneeT1rhoStudy,
    made_with: Mapping[str, Any],
    progress: Progress | None,
) -> None:
    """Simulate the subjects into ``root``; ``made_with`` are all settings, as they are kept."""
    count, seed, repeat = (made_with[name] for name in ("subjects", "seed", "repeat"))
    bids.write_dataset_description(
        root,
        "Simulated knee T1rho study (digital subjects, no person was scanned)",
        Simulation={
            "Preset": made_with["preset"],
            "Seed": seed,
            "Repeat": repeat,
            "Settings": numeric_settings(study),
        },
    )
    manual, truth = (bids.map_folder(root, who) for who in ("manual", "truth"))
    bids.write_dataset_description(
        manual, "Regions as a simulated reader drew them", "derivative", ["../.."]
    )
    bids.write_dataset_description(truth, "True maps of the simulation", "derivative", ["../.."])
    write_json(truth / "simulation.json", made_with)
    names = [{"index": i + 1, "name": f"{name} cartilage"} for i, name in enumerate(REGIONS)]
    write_table(manual / "dseg.tsv", names, ["index", "name"])

    def one(k: int) -> tuple[dict[str, Any], dict[str, Any]]:
        name, who = f"{k + 1:02d}", person(k, seed)
        key = jax.random.fold_in(jax.random.key(seed), k)
        scan = scan_knee(key, who, study, session_key(key, repeat))
        write_subject(root, name, study, scan)
        latent = {key: round(float(value), 4) for key, value in scan.latent.items()}
        return participant(f"sub-{name}", who), {"participant_id": f"sub-{name}", **latent}

    rows = []
    with ThreadPoolExecutor(THREADS) as pool:
        # The first alone, so that the others find the program compiled.
        for row in chain([one(0)], pool.map(one, range(1, count))):
            rows.append(row)
            if progress is not None:
                progress(len(rows), count)
    people, latents = zip(*rows, strict=True)
    bids.write_participants(root, people, COLUMNS)
    write_table(truth / "subjects.tsv", latents, list(latents[0]))


def write_subject(root: Path, label: str, study: KneeT1rhoStudy, scan: Scan) -> None:
    """Write one subject's images, regions and true maps."""
    entities = {"sub": label}
    affine, pd_affine = study.t1rho_grid.affine(), study.pd_grid.affine()
    shared = {"MagneticFieldStrength": 3.0, "Manufacturer": "simulated"}
    bids.write_series(
        root,
        entities,
        "T1rhow",
        np.moveaxis(np.asarray(scan.t1rho_weighted), 0, -1),
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
        np.asarray(scan.pd_weighted),
        pd_affine,
        {**shared, "EchoTime": study.pd_protocol.echo_time},
    )
    made_by = {"Description": "simulated", "Sources": [f"bids::sub-{label}"]}
    bids.write_map(
        root, "manual", entities, "dseg", np.asarray(scan.labels), affine, {**made_by, "Units": ""}
    )
    bids.write_map(
        root,
        "manual",
        entities,
        "mask",
        np.asarray(scan.muscle),
        affine,
        {**made_by, "Description": "simulated: well inside muscle", "Units": ""},
        desc="muscle",
    )
    for suffix, values, unit in (
        ("T1rho", scan.t1rho, "ms"),
        ("TB1map", scan.b1, ""),
        ("B0map", scan.b0, "Hz"),
    ):
        bids.write_map(
            root, "truth", entities, suffix, np.asarray(values), affine, {**made_by, "Units": unit}
        )
