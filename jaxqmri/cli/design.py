"""``jaxqmri design``: the acquisition that measures a range of tissue most precisely."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from tyro.conf import Positional

from jaxqmri.cli.models import METHODS, table_of_methods
from jaxqmri.cli.options import option
from jaxqmri.cli.protocol import NEEDS, Protocol
from jaxqmri.cli.simulate import read_settings
from jaxqmri.cli.stats import aligned
from jaxqmri.io import InputError

if TYPE_CHECKING:
    from jaxqmri.physics import SignalModel

TISSUES = 5  # of the range, a constant ratio apart
ANGLES = "degrees"
COLUMNS = ("acquisition", "tissue", "bound_percent", "sd_percent", "bias_percent", "estimates")

HELP = f"""Find the times or angles that measure a range of tissue most precisely.

Methods:
{table_of_methods()}

Examples:
  jaxqmri design t1rho --between 20 80 --snr 30 --images 4 --keep 0 --most 100 --step 1
  jaxqmri design t1rho --between 20 80 --snr 30 --most 100 --budget 90 --compare 0 10 30 50
  jaxqmri design t1-vfa --between 700 1300 --snr 500 --tr 20 --least 2 --most 40 --step 1

The relative Cramer-Rao bound of the method's main parameter, its smallest possible standard
deviation over its value, is made small by gradient through the signal equation: the largest over
five tissues of the range, or their mean (--goal mean). The SNR is that of an image of the whole
amplitude. Noisy voxels of the same tissues are then simulated and fitted, so that the bound stands
beside what a fit does. Times are in ms, angles in degrees."""


@dataclass(frozen=True)
class Design:
    """Find the times or angles that measure a range of tissue most precisely."""

    method: Annotated[Positional[str], option("METHOD", "One of the methods above.")]
    between: Annotated[
        tuple[float, float], option("LOW HIGH", "Range of the method's main parameter, ms.")
    ]
    snr: Annotated[float, option("NUMBER", "Amplitude over the noise of one channel.")]
    most: Annotated[float, option("NUMBER", "Longest time, or largest angle.")]
    least: Annotated[float, option("NUMBER", "Shortest time, or smallest angle. Without it 0.")] = (
        0.0
    )
    images: Annotated[int, option("N", "How many, those of --keep among them. Without it 4.")] = 4
    keep: Annotated[
        tuple[float, ...], option("NUMBER ...", "Times or angles that are acquired in any case.")
    ] = ()
    step: Annotated[
        float | None, option("NUMBER", "Whole multiples of it alone, as scanners take them.")
    ] = None
    budget: Annotated[
        float | None,
        option(
            "NUMBER", "Most that all may add up to: of spin locks the power, of delays the time."
        ),
    ] = None
    goal: Annotated[
        Literal["worst", "mean"], option(None, "Over the tissues: worst, unless told otherwise.")
    ] = "worst"
    likelihood: Annotated[
        Literal["gaussian", "rician"],
        option(None, "Of the noise: gaussian, unless told otherwise."),
    ] = "gaussian"
    compare: Annotated[
        tuple[float, ...], option("NUMBER ...", "Another acquisition to stand beside it.")
    ] = ()
    tissue: Annotated[
        tuple[str, ...],
        option("NAME=NUMBER ...", "Other parameters of the tissue: offset=0.1.", name="set"),
    ] = ()
    free: Annotated[
        tuple[str, ...],
        option("NAME ...", "Parameters to be estimated that the method would hold, such as b1."),
    ] = ()
    tr: Annotated[float | None, option("MS", "Repetition time, where the method has one.")] = None
    fa: Annotated[float | None, option("DEG", "Flip angle, where the method has one.")] = None
    spokes: Annotated[
        float | None, option("N", "Spokes after each preparation, where the method has them.")
    ] = None
    spoke_spacing: Annotated[
        float | None, option("MS", "Spacing of the spokes, where the method has them.")
    ] = None
    voxels: Annotated[int, option("N", "Simulated voxels of each tissue. Without it 2000.")] = 2000
    seed: Annotated[int, option("N", "Of starts and noise. Without it 0.")] = 0
    out: Annotated[
        Path | None, option("FILE", "Table (.tsv) to write. Without it, it is only printed.")
    ] = None

    def run(self) -> None:
        """Design, try, print, and write the table.

        Raises
        ------
        InputError
            If there is no such method, a number makes no sense or is missing, or nothing measures
            the tissue.
        """
        self._refuse_nonsense()
        from jaxqmri.cli.accelerator import configure_jax

        configure_jax(None)
        from jaxqmri.design import design_acquisition
        from jaxqmri.io.files import table_text, write_text

        method = METHODS[self.method]
        build = self._build()
        model = build(np.linspace(self.least + 1.0, self.most, max(self.images, 2)))
        tissue, free = self._tissue(model), self._free(model)
        sigma = 1.0 / self.snr
        try:
            found = design_acquisition(
                build, self.images, tissue, sigma, method.main,
                limits=(self.least, self.most), goal=self.goal, held=self.keep,
                budget=self.budget, step=self.step, likelihood=self.likelihood, free=free,
                seed=self.seed,
            )  # fmt: skip
        except ValueError as error:
            raise InputError(f"design {self.method}: {error}") from None
        rows = self._rows("designed", build, found.values, tissue, free)
        if self.compare:
            rows += self._rows("compared", build, np.array(self.compare), tissue, free)
        text = table_text(rows, COLUMNS)
        if self.out is not None:
            write_text(self.out, text)
        unit = ANGLES if method.axes[0].flag == "fa" else "ms"
        for name, values in (("designed", found.values), ("compared", self.compare)):
            if len(values):
                print(f"{name}: {', '.join(f'{value:g}' for value in values)} {unit}")
        print(f"simulated: {self.voxels} voxels of each tissue, SNR {self.snr:g}\n")
        print(aligned(text))

    def _refuse_nonsense(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"{self.method}: no such method, expected {', '.join(METHODS)}")
        low, high = self.between
        if not 0 < low <= high:
            raise InputError(f"--between {low:g} {high:g}: expected two numbers above 0, rising")
        if not self.snr > 0:
            raise InputError(f"--snr {self.snr:g}: expected a number above zero")
        if self.step is not None and not self.step > 0:
            raise InputError(f"--step {self.step:g}: expected a number above zero")
        if self.voxels < 2:
            raise InputError(f"--voxels {self.voxels}: expected two at least")
        lacking = [
            f"--{NEEDS[need].flag}" for need in METHODS[self.method].needs if not self._given(need)
        ]
        if lacking:
            raise InputError(f"design {self.method}: {', '.join(lacking)} needed")

    def _given(self, need: str) -> float | None:
        return getattr(self, NEEDS[need].flag.replace("-", "_"))

    def _build(self) -> Callable[[Any], SignalModel]:
        method = METHODS[self.method]
        numbers: dict[str, Any] = {need: self._given(need) for need in method.needs}
        return lambda values: method.build(Protocol(values, **numbers))

    def _tissue(self, model: SignalModel) -> Any:
        """The range of the main parameter; amplitudes of one, everything else as it is given."""
        main = METHODS[self.method].main
        values: dict[str, Any] = {name: 1.0 for name in model.amplitudes}
        values |= dict(model.defaults)
        for name, value in read_settings(self.tissue).items():
            if name not in model.Params._fields or name == main:
                others = [n for n in model.Params._fields if n != main]
                raise InputError(f"--set {name}: expected {', '.join(others)}")
            values[name] = value
        low, high = self.between
        values[main] = np.geomspace(low, high, TISSUES if low < high else 1)
        lacking = [f"{name}=" for name in model.Params._fields if name not in values]
        if lacking:
            raise InputError(f"design {self.method}: --set {' '.join(lacking)} needed")
        return model.Params(**values)

    def _free(self, model: SignalModel) -> Sequence[str]:
        unknown = [name for name in self.free if name not in model.Params._fields]
        if unknown:
            raise InputError(
                f"--free {unknown[0]}: expected some of {', '.join(model.Params._fields)}"
            )
        names = model.Params._fields
        return [name for name in names if name not in model.defaults or name in self.free]

    def _rows(
        self, name: str, build: Callable, values: np.ndarray, tissue: Any, free: Sequence[str]
    ) -> list[dict[str, Any]]:
        from jaxqmri.design import relative_bounds, try_acquisition

        main, sigma, model = METHODS[self.method].main, 1.0 / self.snr, build(values)
        options: dict[str, Any] = {"likelihood": self.likelihood, "free": free}
        bounds = np.asarray(relative_bounds(build, values, tissue, sigma, main, **options))
        tried = try_acquisition(
            model, tissue, sigma, main, voxels=self.voxels, seed=self.seed, **options
        )
        return [
            {
                "acquisition": name,
                "tissue": f"{main}={value:.4g}",
                "bound_percent": f"{100 * bound:.2f}",
                "sd_percent": f"{100 * deviation:.2f}",
                "bias_percent": f"{100 * bias:.2f}",
                "estimates": f"{share:.4f}",
            }
            for value, bound, deviation, bias, share in zip(
                getattr(tissue, main), bounds, tried.deviation, tried.bias, tried.found, strict=True
            )
        ]
