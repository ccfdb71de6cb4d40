"""Parts of a page that all experiments share."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from experiments.run import Run
from jaxqmri import report
from jaxqmri.io.files import read_json
from jaxqmri.report import Section, Table
from jaxqmri.report.figures import CYCLE

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


def headed(parts: Mapping[str, Sequence[Table]]) -> list[str]:
    """Tables as Markdown, each part under its head."""
    return [
        f"## {name}\n\n" + "\n".join(table.markdown() for table in tables)
        for name, tables in parts.items()
    ]


def mark_simulated(figure: Figure) -> None:
    """Say in the figure itself, in a corner, that nobody was scanned."""
    figure.text(
        0.998, 0.998, "simulated data", ha="right", va="top", fontsize=8, color=CYCLE[1],
    )  # fmt: skip
