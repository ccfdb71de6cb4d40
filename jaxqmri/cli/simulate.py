"""``jaxqmri simulate``: a cohort from a scanner that never existed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from jaxqmri.cli.options import option
from jaxqmri.io import InputError

StudyName = Literal["knee_t1rho", "liver_t1rho", "knee_ute", "knee_mese", "spine_t1rho"]
Preset = Literal["smoke", "quick", "full", "paper"]

HELP = """Make the digital cohort of a study, as the BIDS folder that its scanner would have left.

Studies:
  knee_t1rho   40 knees: T1rho-weighted at four spin-lock times, PD-weighted, cartilage regions
  liver_t1rho  51 livers: T1rho-weighted at four spin-lock times, three slices, parenchyma
  knee_ute     65 knees: UTE at four flip angles, AFI, adiabatic T1rho at seven spin-lock times
  knee_mese    143 knees at two visits: seven spin echoes, femoral cartilage of two readers
  spine_t1rho  60 spines: T1-, T2- and T1rho-weighted midplane, boxes and grades of five discs

Examples:
  jaxqmri simulate knee_t1rho --out knees
  jaxqmri simulate knee_t1rho --out two --subjects 2 --preset smoke
  jaxqmri simulate knee_t1rho --out again --repeat 1
  jaxqmri simulate knee_t1rho --out spread --set pd_gain_sd=0.3 motion=0.1,0.1
  jaxqmri simulate liver_t1rho --out livers --set snr=50 short_fraction=0.2
  jaxqmri fit t1rho two --mask manual

The folder holds raw images, participants.tsv, the regions (derivatives/manual, or a folder for
each reader) and the true maps (derivatives/truth). --set takes any number of the study by name; a
name that there is not is answered with all that there are; dataset_description.json records them.
The folder is simulated, and says so."""


@dataclass(frozen=True)
class Simulate:
    """Make the digital cohort of a study, as a BIDS folder."""

    study: Annotated[Positional[StudyName], option("STUDY", "One of the studies above.")]
    out: Annotated[Path, option("DIR", "The dataset's folder.")]
    subjects: Annotated[
        int | None, option("N", "How many subjects. Without it as many as the study had.")
    ] = None
    preset: Annotated[
        Preset, option(None, "Size of the images: quick, unless told otherwise; paper is the real.")
    ] = "quick"
    seed: Annotated[
        int, option("N", "Another seed, another cohort; the same one, the same. Without it 0.")
    ] = 0
    repeat: Annotated[
        int,
        option(
            "K",
            "Scan the same subjects again, for the K-th time: anatomy and tissue stay, position, "
            "gains, motion and noise are new. Without it 0, the first scan.",
        ),
    ] = 0
    settings: Annotated[
        tuple[str, ...],
        option(
            "NAME=NUMBER ...",
            "Other settings of the study: pd_gain_sd=0.3, motion=0.1,0.1.",
            name="set",
        ),
    ] = ()
    overwrite: Annotated[
        bool, option(None, "Replace a cohort that was made with other settings.")
    ] = False
    devices: Annotated[int | None, option("N", "CPU cores to use. Without it all.")] = None

    def run(self) -> None:
        """Make the cohort, with a progress bar.

        Raises
        ------
        InputError
            If a number makes no sense, or the folder cannot be written or holds another cohort.
        """
        for name in ("subjects", "devices"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"--{name} {value}: expected a whole number above zero")
        for name in ("seed", "repeat"):
            if getattr(self, name) < 0:
                raise InputError(
                    f"--{name} {getattr(self, name)}: expected a whole number, zero or above"
                )
        settings = read_settings(self.settings)
        from tqdm import tqdm

        from jaxqmri.cli.accelerator import configure_jax

        configure_jax(self.devices)
        from jaxqmri.simulate.cohorts import STUDIES, make_cohort

        try:
            STUDIES[self.study].changed(settings)
        except ValueError as error:
            raise InputError(f"--set: {error}") from None
        began = time.perf_counter()
        with tqdm(desc=self.study, unit=" subjects", disable=None) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            make_cohort(
                self.study,
                self.out,
                subjects=self.subjects,
                preset=self.preset,
                seed=self.seed,
                settings=settings,
                repeat=self.repeat,
                progress=progress,
                overwrite=self.overwrite,
            )
        print(f"{self.study}: simulated, {time.perf_counter() - began:.1f} s: {self.out}")


def read_settings(texts: Sequence[str]) -> dict[str, float | tuple[float, ...]]:
    """Numbers by name, from ``NAME=NUMBER`` or ``NAME=NUMBER,NUMBER``.

    Raises
    ------
    InputError
        If a text is not of this form, or a name is given twice.
    """
    settings: dict[str, float | tuple[float, ...]] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            first, *others = (float(part) for part in value.split(","))
        except ValueError:
            raise InputError(f"--set {text}: expected NAME=NUMBER or NAME=NUMBER,NUMBER") from None
        if name in settings:
            raise InputError(f"--set {text}: {name} is given twice")
        settings[name] = (first, *others) if others else first
    return settings
