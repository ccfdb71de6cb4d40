"""The runs that are complete, and why the others are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from experiments.cohorts import is_simulated
from experiments.run import Command, Result, Run, run_folder, why_missing
from experiments.several.joining import Joining, Judging
from experiments.several.plan import HEADLINE, Planned
from jaxqmri.io import InputError
from jaxqmri.io.files import read_json


@dataclass(frozen=True)
class Complete:
    """A run that is complete.

    Attributes
    ----------
    planned
        Which run.
    results
        Its rows.
    seconds
        What it took.
    simulated
        Whether its data are.
    judging
        What its claims rest on, and how they stand.
    """

    planned: Planned
    results: tuple[Result, ...]
    seconds: float
    simulated: bool
    judging: Judging


@dataclass(frozen=True)
class Collected:
    """Runs of one command, the experiment itself and those beside it.

    Attributes
    ----------
    joining
        How they are joined.
    runs
        Those that are complete, by name; the experiment itself first.
    missing
        Why the others are not there, by name.
    """

    joining: Joining
    runs: Mapping[str, Complete]
    missing: Mapping[str, str]

    @property
    def headline(self) -> Complete:
        """The experiment itself."""
        return self.runs[HEADLINE]

    @property
    def calibrations(self) -> dict[str, Complete]:
        """The runs on cohorts that fit the published numbers about equally well."""
        wanted = (HEADLINE, *self.joining.plan.calibrations)
        return {name: run for name, run in self.runs.items() if name in wanted}

    @property
    def seeds(self) -> dict[str, Complete]:
        """The trainings from several seeds."""
        ablations = self.joining.plan.ablations
        return {name: run for name, run in self.runs.items() if name not in ablations}


def collect(joining: Joining, command: Command[Any]) -> Collected:
    """Read every run of a command that is complete.

    Raises
    ------
    InputError
        If the experiment itself is not.
    """
    runs, missing = {}, {}
    command = replace(command, overwrite=False)
    for planned in joining.plan.joined(command):
        why = _why_missing(joining, planned)
        if why is None:
            runs[planned.name] = _read(joining, planned)
        else:
            missing[planned.name] = why
    if HEADLINE in missing:
        raise InputError(f"{run_folder(joining.plan.name, command)}: {missing[HEADLINE]}")
    return Collected(joining, runs, missing)


def _why_missing(joining: Joining, planned: Planned) -> str | None:
    name, command, data = joining.plan.name, planned.command, planned.data
    why = why_missing(name, command, data)
    if why is None and command.data is not None:
        changed = joining.changed_since(Run(name, command, data))
        why = None if changed is None else f"made before {changed} changed"
    return why


def _read(joining: Joining, planned: Planned) -> Complete:
    content = read_json(planned.folder / "metrics.json")
    results = tuple(Result(**entry) for entry in content["results"])
    given = planned.command.data
    simulated = given is None or is_simulated(given)
    judging = joining.judge(results, planned.command, simulated)
    return Complete(planned, results, float(content["seconds"]), simulated, judging)
