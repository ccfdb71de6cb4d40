"""Parts of a page that all experiments share."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from experiments.run import Result, Run
from jaxqmri import report
from jaxqmri.io.files import read_json
from jaxqmri.report import Html, Number, Section, Table
from jaxqmri.report.figures import CYCLE, save_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def how_to_repeat(run: Run[Any]) -> Section:
    """The command of a run, its settings, and what it was computed on."""
    config = read_json(run.folder / "config.json")
    settings = {
        "command": shlex.join(["python", "-m", f"experiments.{run.name}", *config["command"][1:]]),
        "data": str(run.data),
        "seed": str(run.command.seed),
        **{key: str(value) for key, value in config["settings"].items()},
        "computed on": f"{config['device']['count']} x {config['device']['kind']}, "
        f"{config['host']['cpu']}, {config['host']['cores']} cores",
        "versions": ", ".join(f"{key} {value}" for key, value in config["versions"].items()),
    }
    return Section("How to repeat this", [report.facts(settings)])


def key_number(label: str, found: Result | None, digits: int) -> Number | None:
    """A number of a run with the paper's below it; None where there is none."""
    if found is None or found.ours is None:
        return None
    unit = f" {found.unit}" if found.unit else ""
    paper = "" if found.paper is None else f"paper {report.number(found.paper, digits)}{unit}"
    return Number(label, f"{report.number(found.ours, digits)}{unit}", paper)


def opening(
    found: Iterable[Number | None], seconds: float, told: Sequence[str], *, warning: bool
) -> list[Html]:
    """What stands before the first section: key numbers, those there are, with the time; remarks.

    Parameters
    ----------
    found
        The numbers.
    seconds
        That the run took.
    told
        Remarks.
    warning
        Whether they warn, as those on simulated data do.
    """
    time = Number("Time", f"{seconds / 60:.1f} min", "all sessions of this run")
    numbers = report.numbers([*(one for one in found if one is not None), time])
    return [numbers, *(report.note(line, warning=warning) for line in told)]


def headed(parts: Mapping[str, Sequence[Table]]) -> list[str]:
    """Tables as Markdown, each part under its head."""
    return [
        f"## {name}\n\n" + "\n".join(table.markdown() for table in tables)
        for name, tables in parts.items()
    ]


def filled(parts: Mapping[str, Sequence[Table]], simulated: bool) -> dict[str, list[Table]]:
    """Tables that have a row, each saying so where the data are simulated; parts that have any."""
    found = {name: [table for table in tables if table.rows] for name, tables in parts.items()}
    data = "Simulated data. " if simulated else ""
    return {
        name: [replace(table, caption=f"{data}{table.caption}") for table in tables]
        for name, tables in found.items()
        if tables
    }


def write_report(
    run: Run[Any],
    title: str,
    lead: str,
    parts: Mapping[str, Sequence[Table]],
    drawn: Mapping[str, tuple[Figure, str]],
    below: Mapping[str, Sequence[str]],
    opening: Sequence[Html],
) -> None:
    """Write a run's ``report.html``.

    Parameters
    ----------
    run
        The run.
    title, lead
        Of the page.
    parts
        Tables by the name of their section.
    drawn
        Figures with their captions, by name.
    below
        Names of the figures below the tables of a section; those that were not drawn are left out.
    opening
        What stands before the first section.
    """
    from jaxqmri import __version__

    sections = [
        Section(
            name,
            [report.table(table) for table in tables]
            + [report.figure(*drawn[image]) for image in below.get(name, ()) if image in drawn],
        )
        for name, tables in parts.items()
    ]
    document = report.page(
        title,
        [*sections, how_to_repeat(run)],
        lead=lead,
        kicker=f"{run.name}, preset {run.command.preset}",
        opening=opening,
        footer=f"jaxqmri {__version__}",
    )
    report.write_page(run.folder / "report.html", document)


def save_figures(run: Run[Any], drawn: Mapping[str, tuple[Figure, str]], simulated: bool) -> None:
    """Write every figure of a run, marked where the data are simulated."""
    for name, (image, _) in drawn.items():
        if simulated:
            mark_simulated(image)
        save_png(image, run.folder / "figures" / f"{name}.png")


def mark_simulated(figure: Figure) -> None:
    """Say in the figure itself, in a corner, that nobody was scanned."""
    figure.text(
        0.998, 0.998, "simulated data", ha="right", va="top", fontsize=8, color=CYCLE[1],
    )  # fmt: skip
