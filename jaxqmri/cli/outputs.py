"""What a fit leaves on disk: maps, their errors and quality, sidecars, and a page to look at."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from jaxqmri.cli.inputs import BidsSource, Source
from jaxqmri.cli.measured import Measured
from jaxqmri.cli.models import MapName, Method
from jaxqmri.cli.naming import desc_of, keeps_plain_name
from jaxqmri.cli.plain import PlainSource
from jaxqmri.io import bids

if TYPE_CHECKING:
    from jaxqmri.fitting import FitResult

WRITERS = 4
WORTH_THREADS = 2**16  # voxels of a map

T = TypeVar("T")


@dataclass(frozen=True)
class Output:
    """Where one fit's files go, and in what form.

    Attributes
    ----------
    source
        What was fitted.
    method_name, method
        How.
    units
        What times are kept in.
    fill
        What stands where there is no estimate; None for not-a-number.
    """

    source: Source
    method_name: str
    method: Method
    units: Literal["ms", "s"]
    fill: float | None

    @property
    def record(self) -> str:
        """Tells this fit apart among those that share a folder."""
        if isinstance(self.source, PlainSource):
            return self.method_name
        return f"{self.source.name}_{self.method_name}"

    def place(self, parameter: MapName, desc: str | None = None) -> str:
        """A map's path below the output folder.

        A BIDS folder is shared by all methods: where several map one quantity, all but the plain
        one name themselves.
        """
        if isinstance(self.source, BidsSource):
            if not keeps_plain_name(self.method_name, parameter.suffix):
                desc = desc_of(self.method_name) + (desc or "")
            return bids.map_name(self.source.entities, parameter.suffix, desc)
        return f"desc-{desc}_{parameter.suffix}.nii.gz" if desc else f"{parameter.suffix}.nii.gz"

    def page(self) -> str:
        """The quality page's path below the output folder."""
        if isinstance(self.source, BidsSource):
            main = self.method.maps[self.method.main]
            return self.place(main, "quality").removesuffix(".nii.gz") + ".html"
        return "quality.html"

    def write(
        self,
        folder: Path,
        result: FitResult,
        parameter_units: Mapping[str, str],
        measured: Measured,
        sidecar: Mapping[str, Any],
        pool: Executor,
    ) -> list[Future[None]]:
        """Start writing every map of a fit into ``folder``; the caller waits for them."""
        affine = measured.images.affine
        return [
            pool.submit(
                bids.write_map_file,
                folder / path,
                data if data.dtype.kind in "iu" else self.filled(data),
                affine,
                {**fields, **sidecar},
                self.units,
            )
            for path, data, fields in self.maps_of(result, parameter_units)
        ]

    def filled(self, data: np.ndarray) -> np.ndarray:
        """Real numbers as float32, with what stands where there is no estimate."""
        data = data.astype(np.float32, copy=False)
        return data if self.fill is None else np.where(np.isnan(data), np.float32(self.fill), data)

    def maps_of(
        self, result: FitResult, units: Mapping[str, str]
    ) -> list[tuple[str, np.ndarray, dict[str, Any]]]:
        """Path, voxels and own sidecar fields of every map."""
        from jaxqmri.fitting import Status

        levels = {str(int(status)): status.name.lower().replace("_", " ") for status in Status}
        maps: list[tuple[str, np.ndarray, dict[str, Any]]] = []
        for name in result.free:
            called, unit = self.method.maps[name], units[name]
            structures: list[tuple[str | None, str, Any]] = [(None, called.label, result.params)]
            if result.std is not None:
                structures.append(("std", f"standard error of {called.label}", result.std))
            if result.intervals is not None:
                lower, upper = result.intervals
                ends = f"end of the 95 % profile-likelihood interval of {called.label}"
                structures += [("lower", f"lower {ends}", lower), ("upper", f"upper {ends}", upper)]
            for desc, words, structure in structures:
                said = {"Description": words, "Units": unit}
                maps.append((self.place(called, desc), np.asarray(getattr(structure, name)), said))
        for held in result.across:
            if units[held] == "":  # so that the product's unit is that of a map
                called = self.method.maps[self.method.main]
                words = f"covariance of {called.label} with {self.method.maps[held].label}"
                said = {"Description": words, "Units": units[self.method.main]}
                data = result.covariance_of(self.method.main, held)
                maps.append((self.place(called, f"cov{held}"), np.asarray(data), said))
        main = self.method.maps[self.method.main]
        status = Path(self.place(main, "status")).name
        for _, _, fields in maps:
            fields["StatusMap"] = status
        for desc, words, unit, data in (
            ("rmse", "root mean square of the residuals", "arbitrary", result.rmse),
            ("rsquared", "share of the samples' variance that is explained", "", result.r_squared),
            ("status", "what became of each voxel", "", result.status),
        ):
            if data is not None:
                fields: dict[str, Any] = {"Description": words, "Units": unit}
                if desc == "status":
                    fields["Levels"] = levels
                maps.append((self.place(main, desc), np.asarray(data), fields))
        return maps


class AtOnce(Executor):
    """Does everything when it is asked to, in the thread that asks."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Do it; what goes wrong is raised here."""
        done: Future[T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def writers_of(voxels: int) -> Executor:
    """Who writes maps of so many voxels: small ones take longer to hand over than to write."""
    return AtOnce() if voxels < WORTH_THREADS else ThreadPoolExecutor(WRITERS)


def describe_dataset(source: BidsSource, out: Path) -> None:
    """Make a folder of BIDS derivatives say what it is, where it does not yet."""
    if not (out / "dataset_description.json").exists():
        origin = Path(os.path.relpath(source.root, out)).as_posix()
        bids.write_dataset_description(out, "Quantitative maps", "derivative", [origin])
