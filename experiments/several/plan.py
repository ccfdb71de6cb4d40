"""Which runs a command asks for: the experiment itself, its ablations, other training seeds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from experiments.cohorts import Cohort
from experiments.run import Command, run_folder
from jaxqmri.io import InputError

HEADLINE, SUMMARY = "headline", "ablations"

OfStudy = Mapping[str, float | tuple[float, ...]]
UNCHANGED: Mapping[str, Any] = {}


class Changes(NamedTuple):
    """What an ablation changes: of the experiment's settings, and of the simulated study's."""

    settings: Mapping[str, Any] = UNCHANGED
    study: OfStudy = UNCHANGED

    @property
    def text(self) -> str:
        """For people: ``pd_gain_sd 0.0``."""
        return ", ".join(f"{key} {value}" for key, value in {**self.settings, **self.study}.items())


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
    command: Command[Any]
    cohort: Cohort

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        assert self.command.out is not None
        return self.command.out

    @property
    def data(self) -> Path:
        """The dataset that it reads."""
        given = self.command.data
        return self.cohort.folder if given is None else given


@dataclass(frozen=True)
class Plan:
    """Which runs an experiment has. Its settings have an entry ``ablation``, a tuple of names.

    Attributes
    ----------
    name
        The experiment's.
    cohort
        The digital subjects by its settings, a seed, and what is changed of the simulated study.
    ablations
        By name, in the order of their runs.
    groups
        Names of several ablations at once.
    calibrations
        Ablations that change the simulation and leave it as near to the published numbers.
    seeds
        Whether ``seeds`` of the settings are runs of their own, rather than trainings of one run.
    """

    name: str
    cohort: Callable[[Any, int, OfStudy], Cohort]
    ablations: Mapping[str, Changes]
    groups: Mapping[str, Collection[str]] = field(default_factory=dict)
    calibrations: Collection[str] = ()
    seeds: bool = False

    def asked(self, command: Command[Any]) -> list[Planned]:
        """The runs that a command names, the experiment itself first.

        Raises
        ------
        InputError
            If an ablation changes how subjects are simulated and the data are given, or no seed
            is asked for.
        """
        settings = command.settings
        if settings.seeds < 1:
            raise InputError(f"--seeds {settings.seeds}: expected a whole number above zero")
        named = {name for given in settings.ablation for name in self.groups.get(given, (given,))}
        available = self._available(command)
        for name in self.ablations:
            if name in named and name not in available:
                raise InputError(
                    f"--ablation {name} changes the simulated study, and --data {command.data} is "
                    f"not simulated by this run: leave one of them out, or take "
                    f"{' or '.join(available)}"
                )
        last = command.seed + (settings.seeds if self.seeds else 1)
        return [
            self._headline(command),
            *(self._ablation(command, name) for name in self.ablations if name in named),
            *(self._other_seed(command, seed) for seed in range(command.seed + 1, last)),
        ]

    def joined(self, command: Command[Any]) -> list[Planned]:
        """All runs that a summary speaks of: every ablation, and the seeds asked for or there."""
        seeds: set[int] = set()
        if self.seeds:
            stem = self._beside(command, "seed-")
            found = (
                path.name.removeprefix(stem.name) for path in stem.parent.glob(f"{stem.name}*")
            )
            seeds = {int(seed) for seed in found if seed.isdecimal()} - {command.seed}
            seeds |= set(range(command.seed + 1, command.seed + command.settings.seeds))
        return [
            self._headline(command),
            *(self._ablation(command, name) for name in self._available(command)),
            *(self._other_seed(command, seed) for seed in sorted(seeds)),
        ]

    def summary_folder(self, command: Command[Any]) -> Path:
        """Where the runs are joined."""
        return self._beside(command, SUMMARY)

    def is_calibrated(self, settings: Any) -> bool:
        """Whether a simulated run of these settings is as near to the published numbers."""
        return all(
            name in self.calibrations or not self.ablations[name].study
            for name in settings.ablation
        )

    def changed(self, name: str) -> str:
        """What a run changes of the experiment itself, in words."""
        if name in self.ablations:
            return self.ablations[name].text
        return "training seed and folds" if name.startswith("seed-") else ""

    def _headline(self, command: Command[Any]) -> Planned:
        settings = replace(command.settings, ablation=())
        if self.seeds:
            settings = replace(settings, seeds=1)
        alone = replace(command, settings=settings, out=run_folder(self.name, command))
        return Planned(HEADLINE, alone, self.cohort(settings, command.seed, {}))

    def _ablation(self, command: Command[Any], name: str) -> Planned:
        changes, own = self.ablations[name], self._headline(command).command
        settings = replace(own.settings, ablation=(name,), **changes.settings)
        changed = replace(own, settings=settings, out=self._beside(command, name))
        return Planned(name, changed, self.cohort(settings, command.seed, changes.study))

    def _other_seed(self, command: Command[Any], seed: int) -> Planned:
        """Trained from another seed, on folds of its own, of the subjects of the first."""
        name, own = f"seed-{seed}", self._headline(command).command
        other = replace(own, seed=seed, out=self._beside(command, name))
        return Planned(name, other, self.cohort(own.settings, command.seed, {}))

    def _beside(self, command: Command[Any], name: str) -> Path:
        return Path(f"{run_folder(self.name, command)}-{name}")

    def _available(self, command: Command[Any]) -> list[str]:
        """Ablations that can be had: given data are not simulated otherwise."""
        given = command.data is not None
        return [name for name, changes in self.ablations.items() if not (given and changes.study)]
