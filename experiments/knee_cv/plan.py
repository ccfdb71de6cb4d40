"""Which runs a command asks for: the experiment itself, its ablations, other training seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from experiments.cohorts import Cohort
from experiments.knee_cv.cohort import cohort_of
from experiments.knee_cv.settings import ABLATIONS, GROUPS, Settings
from experiments.run import Command, run_folder
from jaxqmri.io import InputError

NAME, HEADLINE, SUMMARY = "knee_cv", "headline", "ablations"


class Planned(NamedTuple):
    """One run.

    Attributes
    ----------
    name
        The experiment itself, an ablation, or a training seed.
    command
        Of this run alone, with a folder of its own.
    cohort
        Which subjects are simulated where no data are given.
    """

    name: str
    command: Command[Settings]
    cohort: Cohort

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return run_folder(NAME, self.command)

    @property
    def data(self) -> Path:
        """The dataset that it reads."""
        given = self.command.data
        return self.cohort.folder if given is None else given


def asked(command: Command[Settings]) -> list[Planned]:
    """The runs that a command names, the experiment itself first.

    Raises
    ------
    InputError
        If an ablation changes how subjects are simulated and the data are given, or no seed is
        asked for.
    """
    settings = command.settings
    if settings.seeds < 1:
        raise InputError(f"--seeds {settings.seeds}: expected a whole number above zero")
    named = {name for given in settings.ablation for name in GROUPS.get(given, (given,))}
    available = _available(command)
    for name in ABLATIONS:
        if name in named and name not in available:
            raise InputError(
                f"--ablation {name} changes the simulated study, and --data {command.data} is not "
                f"simulated by this run: leave one of them out, or take {' or '.join(available)}"
            )
    seeds = range(command.seed + 1, command.seed + settings.seeds)
    return [
        headline(command),
        *(_ablation(command, name) for name in ABLATIONS if name in named),
        *(_other_seed(command, seed) for seed in seeds),
    ]


def joined(command: Command[Settings]) -> list[Planned]:
    """All runs that a summary speaks of: every ablation, and the seeds asked for or there."""
    asked_for = set(range(command.seed + 1, command.seed + command.settings.seeds))
    stem = _beside(command, "seed-")
    found = (path.name.removeprefix(stem.name) for path in stem.parent.glob(f"{stem.name}*"))
    there = {int(seed) for seed in found if seed.isdecimal()} - {command.seed}
    return [
        headline(command),
        *(_ablation(command, name) for name in _available(command)),
        *(_other_seed(command, seed) for seed in sorted(asked_for | there)),
    ]


def summary_folder(command: Command[Settings]) -> Path:
    """Where the runs are joined."""
    return _beside(command, SUMMARY)


def headline(command: Command[Settings]) -> Planned:
    """The experiment itself."""
    settings = replace(command.settings, ablation=(), seeds=1)
    alone = replace(command, settings=settings, out=run_folder(NAME, command))
    return Planned(HEADLINE, alone, cohort_of(settings, command.seed))


def _ablation(command: Command[Settings], name: str) -> Planned:
    changes = ABLATIONS[name]
    settings = replace(command.settings, ablation=(name,), seeds=1, **changes.settings)
    changed = replace(command, settings=settings, out=_beside(command, name))
    return Planned(name, changed, cohort_of(settings, command.seed, changes.study))


def _other_seed(command: Command[Settings], seed: int) -> Planned:
    """Trained from another seed, on folds of its own, of the subjects of the first."""
    name = f"seed-{seed}"
    own = headline(command).command
    other = replace(own, seed=seed, out=_beside(command, name))
    return Planned(name, other, cohort_of(own.settings, command.seed))


def _beside(command: Command[Settings], name: str) -> Path:
    return Path(f"{run_folder(NAME, command)}-{name}")


def _available(command: Command[Settings]) -> list[str]:
    """Ablations that can be had: given data are not simulated otherwise."""
    given = command.data is not None
    return [name for name, changes in ABLATIONS.items() if not (given and changes.study)]
