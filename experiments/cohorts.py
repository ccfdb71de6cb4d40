"""Simulated cohorts that experiments read: made once, in a folder named after what made them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jaxqmri
from experiments import run as shared
from experiments.run import Preset
from jaxqmri.cli.together import first_goes_first, is_first
from jaxqmri.io import bids

TRUE_MAPS = "truth"  # folder under derivatives


@dataclass(frozen=True)
class Cohort:
    """Which simulated cohort of a study: the study's own unless told otherwise.

    Attributes
    ----------
    study
        One of :data:`jaxqmri.simulate.cohorts.STUDIES`.
    grid
        Resolution of the scans.
    subjects
        How many.
    seed
        Of everything random in it.
    settings
        Settings of the simulated study by name, such as ``{"pd_gain_sd": 0.3}``.
    repeat
        Which scan of the same subjects; 0 the first.
    """

    study: str
    grid: Preset
    subjects: int
    seed: int = 0
    settings: Mapping[str, float | tuple[float, ...]] = field(default_factory=dict)
    repeat: int = 0

    @property
    def folder(self) -> Path:
        """Where it is kept: another simulator or other settings, another folder."""
        source = hashlib.blake2b(digest_size=6)
        package = Path(jaxqmri.__file__).parent
        for part in ("physics", "simulate"):
            for path in sorted((package / part).rglob("*.py")):
                source.update(path.read_bytes())
        words = [self.study, self.grid, f"{self.subjects}", f"seed{self.seed}"]
        words += [f"repeat{self.repeat}"] if self.repeat else []
        words += [f"{key}={value}".replace(" ", "") for key, value in sorted(self.settings.items())]
        return shared.cache_folder() / "cohorts" / "-".join([*words, source.hexdigest()])

    def make(self, unit: str) -> Path:
        """Simulate it, unless it is there; its folder. ``unit`` is what a subject is called."""
        with first_goes_first():
            if is_first():
                self._make(unit)
        return self.folder

    def _make(self, unit: str) -> None:
        from tqdm import tqdm

        from jaxqmri.simulate.cohorts import make_cohort

        with tqdm(desc="simulate", unit=unit, total=self.subjects, dynamic_ncols=True) as bar:

            def advance(done: int, _: int) -> None:
                bar.update(done - bar.n)

            make_cohort(
                self.study,
                self.folder,
                subjects=self.subjects,
                preset=self.grid,
                seed=self.seed,
                settings=self.settings,
                repeat=self.repeat,
                progress=advance,
            )


def is_simulated(data: Path) -> bool:
    """Whether a dataset carries the true maps that only a simulation has."""
    return bids.map_folder(data, TRUE_MAPS).is_dir()
