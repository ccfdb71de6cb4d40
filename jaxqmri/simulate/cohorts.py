"""Each study's cohort, written to disk as the dataset that its scanner would have left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from jaxqmri.io import bids
from jaxqmri.io.entities import folder_of
from jaxqmri.io.files import write_json, write_table
from jaxqmri.io.staging import staged
from jaxqmri.simulate.knee_mese import KneeMeseStudy
from jaxqmri.simulate.knee_t1rho import KneeT1rhoStudy
from jaxqmri.simulate.knee_ute import KneeUteStudy
from jaxqmri.simulate.liver_t1rho import LiverT1rhoStudy
from jaxqmri.simulate.spine_t1rho import SpineT1rhoStudy
from jaxqmri.simulate.study import PRESETS, Record, Study, Table, numeric_settings

Progress = Callable[[int, int], None]

THREADS = 2  # one subject is compressed and written while another is simulated

STUDIES: Mapping[str, Study] = {
    "knee_t1rho": KneeT1rhoStudy(),
    "liver_t1rho": LiverT1rhoStudy(),
    "knee_ute": KneeUteStudy(),
    "knee_mese": KneeMeseStudy(),
    "spine_t1rho": SpineT1rhoStudy(),
}


def make_cohort(
    study: str | Study,
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
        :meth:`~jaxqmri.simulate.study.Study.changed`.
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
    study: Study,
    made_with: Mapping[str, Any],
    progress: Progress | None,
) -> None:
    """Simulate the subjects into ``root``; ``made_with`` are all settings, as they are kept."""
    count, seed, repeat = (made_with[name] for name in ("subjects", "seed", "repeat"))
    bids.write_dataset_description(
        root,
        study.title,
        Simulation={
            "Preset": made_with["preset"],
            "Seed": seed,
            "Repeat": repeat,
            "Settings": numeric_settings(study),
        },
    )
    truth = bids.map_folder(root, "truth")
    names = [{"index": i, "name": name} for i, name in enumerate(study.regions, start=1)]
    for reader in study.readers:
        drawn = bids.map_folder(root, reader)
        bids.write_dataset_description(
            drawn, "Regions as a simulated reader drew them", "derivative", ["../.."]
        )
        write_table(drawn / "dseg.tsv", names, ["index", "name"])
    bids.write_dataset_description(truth, "True maps of the simulation", "derivative", ["../.."])
    write_json(truth / "simulation.json", made_with)

    def one(k: int) -> tuple[dict[str, Any], list[dict[str, Any]], list[Table]]:
        label = f"{k + 1:02d}"
        name, person, latents, tables = {"participant_id": f"sub-{label}"}, {}, [], []
        for record in study.visits(k, seed, repeat):
            write_visit(root, label, record)
            person = {**name, **record.participant}
            visit = {"session_id": f"ses-{record.session}"} if record.session else {}
            latent = {key: round(float(value), 4) for key, value in record.latent.items()}
            latents.append({**name, **visit, **latent})
            tables += [
                table._replace(rows=[{**name, **visit, **row} for row in table.rows])
                for table in record.tables
            ]
        return person, latents, tables

    rows = []
    with ThreadPoolExecutor(THREADS) as pool:
        # The first alone, so that the others find the program compiled.
        for row in chain([one(0)], pool.map(one, range(1, count))):
            rows.append(row)
            if progress is not None:
                progress(len(rows), count)
    people, latents, tables = zip(*rows, strict=True)
    bids.write_participants(root, people, study.columns)
    each_visit = list(chain(*latents))
    write_table(truth / "subjects.tsv", each_visit, list(each_visit[0]))
    write_tables(root, chain(*tables))


def write_tables(root: Path, tables: Iterable[Table]) -> None:
    """Write the tables of all subjects, those of one name under one another."""
    joined: dict[Path, list[Mapping[str, Any]]] = {}
    for table in tables:
        path = bids.map_folder(root, table.pipeline) / f"{table.name}.tsv"
        joined.setdefault(path, []).extend(table.rows)
    for path, rows in joined.items():
        write_table(path, rows, list(rows[0]))


def write_visit(root: Path, label: str, record: Record) -> None:
    """Write images, regions and true maps of one subject's visit."""
    entities = {"sub": label, **({"ses": record.session} if record.session else {})}
    scanner = {"MagneticFieldStrength": 3.0, "Manufacturer": "simulated"}
    for series in record.series:
        bids.write_series(
            root,
            {**entities, **series.entities},
            series.suffix,
            series.images,
            series.affine,
            series.times,
            {**scanner, **series.metadata},
        )
    for image in record.images:
        bids.write_raw(
            root,
            entities,
            image.suffix,
            image.data,
            image.affine,
            {**scanner, **image.metadata},
        )
    for made in record.maps:
        bids.write_map(
            root,
            made.pipeline,
            entities,
            made.suffix,
            made.data,
            made.affine,
            {
                "Description": made.description,
                "Sources": [f"bids::{folder_of(entities, '').as_posix()}"],
                "Units": made.units,
            },
            desc=made.desc,
        )
