"""What a prediction leaves on disk: maps, sidecars, and the settings that made them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jaxqmri import __version__
from jaxqmri.cli.given import Given
from jaxqmri.cli.predict_images import BidsImages, Images, Input
from jaxqmri.cli.predict_maps import Predicted
from jaxqmri.cli.predict_model import PD, Fold
from jaxqmri.cli.record import relative
from jaxqmri.io import bids
from jaxqmri.io.acquisition import to_disk
from jaxqmri.io.settings import contents_of

ALGORITHM = "neural network, trained beforehand"


@dataclass(frozen=True)
class Prediction:
    """One set of images with all that is done to it.

    Attributes
    ----------
    input, images
        What was given, and as it was read.
    folds
        The models.
    mask, tissue
        Where the map is wanted, and the reference tissue; None where not given.
    out
        Where results go.
    units, fill
        What times are kept in, and what stands where nothing is predicted (None: not-a-number).
    page
        Whether a page is drawn.
    """

    input: Input
    images: Images
    folds: Sequence[Fold]
    mask: Given | None
    tissue: Given | None
    out: Path
    units: Literal["ms", "s"]
    fill: float | None
    page: bool

    @property
    def record(self) -> str:
        """Tells this prediction apart among those that share a folder."""
        desc = self.folds[0].model.desc
        return f"{self.input.name}_{desc}" if isinstance(self.input, BidsImages) else desc

    def place(self, more: str = "") -> str:
        """A map's path below the output folder; in a BIDS folder it names the model."""
        model = self.folds[0].model
        if isinstance(self.input, BidsImages):
            return bids.map_name(self.input.source.entities, model.output, model.desc + more)
        return f"desc-{more}_{model.output}.nii.gz" if more else f"{model.output}.nii.gz"

    @property
    def quality(self) -> str:
        """The page's path below the output folder."""
        if isinstance(self.input, BidsImages):
            return self.place("quality").removesuffix(".nii.gz") + ".html"
        return "quality.html"

    @property
    def sources(self) -> list[Path]:
        """Images, mask and tissue."""
        given = (self.mask, self.tissue)
        return [
            *self.images.sources,
            *(one.path for one in given if one is not None and one.path is not None),
        ]

    def settings(self) -> dict[str, Any]:
        """All that the results depend on, files by what they hold."""
        return {
            "jaxqmri version": __version__,
            "model": [fold.contents() for fold in self.folds],
            "mask": _contents(self.mask),
            "tissue": _contents(self.tissue),
            "quality": self.page,
            "units": self.units,
            "fill": self.fill,
            "images": [contents_of(path) for path in self.images.sources],
        }

    def sidecar(self, predicted: Predicted) -> dict[str, Any]:
        """What every map's sidecar says; times named as in BIDS are in seconds."""
        model = self.folds[0].model
        by = [
            {"T1rhow": series, "PDw": pd}
            for series, pd in predicted.scales[: None if model.scaling == "scanner" else 1]
        ]
        return {
            "Sources": [relative(path, self.out) for path in self.images.sources],
            "Model": model.name,
            "ModelFolders": [relative(fold.folder, self.out) for fold in self.folds],
            "Folds": len(self.folds),
            "Architecture": dict(model.architecture),
            "Input": list(model.channels),
            **to_disk({"SpinLockTime": model.times}),
            "TrainedOn": model.trained_on,
            "TrainedIn": model.region or "unknown",
            "EstimationAlgorithm": ALGORITHM,
            "IntensityScaling": model.scaling,
            "IntensityScales": [
                {name: value for name, value in one.items() if value is not None} for one in by
            ],
            "Limits": {
                "Lower": model.limits[0], "Upper": model.limits[1], "Units": model.units,
            },
            "Mask": self._named(self.mask),
            "InputsMasked": model.masked,
            **self._registration(),
            "GeneratedBy": [{"Name": "jaxqmri", "Version": __version__}],
        }  # fmt: skip

    def _registration(self) -> dict[str, Any]:
        model = self.folds[0].model
        if PD not in model.channels:
            return {}
        found = {"Trained": model.registration, "Given": self.images.registration}
        return {"RegistrationOfPDw": {name: stage or "unknown" for name, stage in found.items()}}

    def facts(self, sidecar: Mapping[str, Any]) -> dict[str, str]:
        """Settings and sources for the page."""
        network = dict(sidecar["Architecture"])
        name = network.pop("network")
        details = ", ".join(f"{key} {value}" for key, value in network.items())
        scales = [
            ", ".join(f"{name} {value:.4g}" for name, value in one.items())
            for one in sidecar["IntensityScales"]
        ]
        region = f" ({sidecar['TrainedIn']})" if sidecar["TrainedIn"] != "unknown" else ""
        return {
            "Command": f"`{' '.join(['jaxqmri', *sys.argv[1:]])}`",
            "Model": sidecar["Model"],
            "Trained on": f"{sidecar['TrainedOn']} data{region}",
            "Network": f"{name}: {details}",
            "Input": ", ".join(
                channel if channel == PD else f"TSL {channel} ms" for channel in sidecar["Input"]
            ),
            "Intensity scaling": f"{sidecar['IntensityScaling']}: divided by {'; '.join(scales)}",
            "Limits": f"{sidecar['Limits']['Lower']:g} to {sidecar['Limits']['Upper']:g} "
            f"{sidecar['Limits']['Units']}",
            "Mask": sidecar["Mask"]
            + (", on the input images too" if sidecar["InputsMasked"] else ""),
            "Reference tissue": self._named(self.tissue),
            "Folds": ", ".join(sidecar["ModelFolders"]),
            "Sources": ", ".join(sidecar["Sources"]),
        }

    def write(self, folder: Path, predicted: Predicted, sidecar: Mapping[str, Any]) -> None:
        """Write the map, and the spread of the folds where there are several."""
        model = self.folds[0].model
        count = len(self.folds)
        label = model.output if count == 1 else f"mean of {count} networks' {model.output}"
        self._write(folder / self.place(), predicted.mean, f"predicted {label}", sidecar)
        if predicted.spread is not None:
            words = f"standard deviation of {count} networks' {model.output}"
            self._write(folder / self.place("spread"), predicted.spread, words, sidecar)

    def _named(self, given: Given | None) -> str:
        return "none" if given is None or given.path is None else relative(given.path, self.out)

    def _write(self, path: Path, data: np.ndarray, words: str, sidecar: Mapping[str, Any]) -> None:
        said = {"Description": words, "Units": self.folds[0].model.units, **sidecar}
        filled = data
        if self.fill is not None:
            filled = np.where(np.isnan(data), np.float32(self.fill), data)
        bids.write_map_file(path, filled, self.images.grid.affine, said, self.units)


def _contents(given: Given | None) -> dict[str, str] | None:
    return None if given is None or given.path is None else contents_of(given.path)
