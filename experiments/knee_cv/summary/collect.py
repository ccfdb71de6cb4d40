"""The runs that are complete, and why the others are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from experiments.cohorts import is_simulated
from experiments.knee_cv.arms import SETTLED
from experiments.knee_cv.claims import CLAIMS, claim_rows
from experiments.knee_cv.cohort import changed_since
from experiments.knee_cv.comparisons import Arm
from experiments.knee_cv.plan import HEADLINE, NAME, Planned, joined
from experiments.knee_cv.settings import ABLATIONS, CALIBRATIONS, Settings
from experiments.run import Command, Result, Run, run_folder, why_missing
from jaxqmri import report
from jaxqmri.io import InputError
from jaxqmri.io.files import read_json
from jaxqmri.report import Judged, Rows


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
    """

    planned: Planned
    results: tuple[Result, ...]
    seconds: float

    @property
    def simulated(self) -> bool:
        """Whether its data are."""
        given = self.planned.command.data
        return given is None or is_simulated(given)

    @cached_property
    def short(self) -> frozenset[Arm]:
        """Networks with a fold that did not reach its plateau."""
        return frozenset(
            (row.model, str(row.input))
            for row in self.results
            if row.metric == SETTLED and row.ours is not None and row.ours < 100
        )

    @cached_property
    def rows(self) -> Rows:
        """What claims rest on."""
        return claim_rows(self.results, self.short, simulated=self.simulated)

    @cached_property
    def judged(self) -> list[Judged]:
        """Every claim, as it stands in this run."""
        return report.judge(CLAIMS, self.rows)


@dataclass(frozen=True)
class Collected:
    """Runs of one command, the experiment itself and those beside it.

    Attributes
    ----------
    runs
        Those that are complete, by name; the experiment itself first.
    missing
        Why the others are not there, by name.
    """

    runs: Mapping[str, Complete]
    missing: Mapping[str, str]

    @property
    def headline(self) -> Complete:
        """The experiment itself."""
        return self.runs[HEADLINE]

    @property
    def calibrations(self) -> dict[str, Complete]:
        """The runs on cohorts that fit the paper's NLLS about equally well."""
        return {n: run for n, run in self.runs.items() if n in (HEADLINE, *CALIBRATIONS)}

    @property
    def seeds(self) -> dict[str, Complete]:
        """The trainings from several seeds."""
        return {n: run for n, run in self.runs.items() if n not in ABLATIONS}


def collect(command: Command[Settings]) -> Collected:
    """Read every run of a command that is complete.

    Raises
    ------
    InputError
        If the experiment itself is not.
    """
    runs, missing = {}, {}
    command = replace(command, overwrite=False)
    for planned in joined(command):
        why = _why_missing(planned)
        if why is None:
            runs[planned.name] = _read(planned)
        else:
            missing[planned.name] = why
    if HEADLINE in missing:
        raise InputError(f"{run_folder(NAME, command)}: {missing[HEADLINE]}")
    return Collected(runs, missing)


def _why_missing(planned: Planned) -> str | None:
    why = why_missing(NAME, planned.command, planned.data)
    if why is None and planned.command.data is not None:
        changed = changed_since(Run(NAME, planned.command, planned.data))
        why = None if changed is None else f"made before {changed} changed"
    return why


def _read(planned: Planned) -> Complete:
    content = read_json(planned.folder / "metrics.json")
    results = tuple(Result(**entry) for entry in content["results"])
    return Complete(planned, results, float(content["seconds"]))
