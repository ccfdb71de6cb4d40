"""The summary's folder: figures, tables, one page, and every number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.pages import headed
from experiments.run import Command, say, write_metrics
from experiments.several.collect import Collected, collect
from experiments.several.figures import figures_of
from experiments.several.joining import Joining
from experiments.several.plan import HEADLINE
from experiments.several.rows import joined_rows
from experiments.several.tables import BROKEN, tables_of
from jaxqmri import report
from jaxqmri.io import InputError
from jaxqmri.io.files import read_json, write_json, write_text
from jaxqmri.report import Section, Table
from jaxqmri.report.figures import save_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

JOINS = "joins"  # entry of config.json that only a summary has


def claim_folder(joining: Joining, command: Command[Any]) -> None:
    """Refuse a folder that holds something else.

    Raises
    ------
    InputError
        If what is there is no summary.
    """
    folder = joining.plan.summary_folder(command)
    config = folder / "config.json"
    ours = config.is_file() and JOINS in read_json(config)
    if folder.exists() and not ours and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: no summary of runs; give another --out")


def write(joining: Joining, command: Command[Any]) -> None:
    """Join the runs that are complete, and print what became of the claims."""
    collected = collect(joining, command)
    name, folder = joining.plan.name, joining.plan.summary_folder(command)
    runs = {run_name: str(run.planned.folder) for run_name, run in collected.runs.items()}
    write_json(folder / "config.json", {JOINS: runs, "missing": dict(collected.missing)})
    drawn, tables = figures_of(collected), tables_of(collected)
    (folder / "figures").mkdir(exist_ok=True)
    for figure, (image, _) in drawn.items():
        save_png(image, folder / "figures" / f"{figure}.png")
    told = _remarks(collected, command)
    title = f"# {joining.title}: runs of `{name}` joined, preset {command.preset}"
    write_text(folder / "tables.md", "\n\n".join([title, *told, *headed(tables)]))
    _write_page(folder / "report.html", collected, command, told, tables, drawn)
    seconds = sum(run.seconds for run in collected.runs.values())
    write_metrics(folder, name, command.preset, seconds, joined_rows(collected))
    for table in tables.get(BROKEN, []):
        say("\n" + table.markdown())


def _remarks(collected: Collected, command: Command[Any]) -> list[str]:
    told = []
    if collected.headline.simulated:
        told.append(
            "Simulated data: nobody was scanned, in any of the runs. What an ablation takes away "
            "is what the simulation had put in: it tells what a network's lead rests on there, "
            "not what it rests on in real scans."
        )
    told.append(
        "Each run has networks of its own. Intervals are over subjects, those of two runs are not "
        "paired, and they do not hold the variance of training."
    )
    if collected.missing:
        told.append(
            "Missing: " + "; ".join(f"{name} ({why})" for name, why in collected.missing.items())
        )
    if command.preset == "smoke":
        told.append("Preset smoke shows that everything runs. Its numbers claim nothing.")
    return told


def _write_page(
    path: Path,
    collected: Collected,
    command: Command[Any],
    told: Sequence[str],
    tables: Mapping[str, Sequence[Table]],
    drawn: Mapping[str, tuple[Figure, str]],
) -> None:
    from jaxqmri import __version__

    joining = collected.joining
    sections = [
        Section(
            name,
            [
                *(
                    report.figure(image, caption)
                    for image, caption in drawn.values()
                    if name == BROKEN
                ),
                *(report.table(table) for table in each),
            ],
        )
        for name, each in tables.items()
    ]
    document = report.page(
        f"{joining.title}: what the claims rest on",
        sections,
        lead=f"The experiment once more on data, or with a setting, that {_others(collected)}. "
        f"{joining.question}",
        kicker=f"{joining.plan.name}, preset {command.preset}, {HEADLINE} seed {command.seed}",
        opening=[report.note(remark, warning=True) for remark in told],
        footer=f"jaxqmri {__version__}",
    )
    report.write_page(path, document)


def _others(collected: Collected) -> str:
    told = "takes away what its claims may rest on"
    if collected.headline.simulated:
        told += f"; on simulations that fit {collected.joining.calibrated_on} about as well"
    return f"{told}; and from other training seeds" if collected.joining.plan.seeds else told
