"""The images that a model takes, one for each of its inputs, checked against its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from jaxqmri.cli.inputs import PIPELINE, BidsSource
from jaxqmri.cli.plain import PlainSource
from jaxqmri.cli.predict_model import PD, REGISTRATIONS, UNREGISTERED, Model
from jaxqmri.io import InputError, bids, files, nifti
from jaxqmri.io.acquisition import from_disk

TIME_TOLERANCE = 0.05  # ms
SUFFIX = "T1rhow"


@dataclass(frozen=True)
class Images:
    """Images on one grid.

    Attributes
    ----------
    by_name
        Voxels by the name of the model's input, and those at TSL 0 where a scale needs them.
    grid
        The first of them, for its place.
    sources
        The images' files, in the same order.
    registration
        Last stage by which the PD-weighted image was registered; None where nothing says, or
        there is no such image.
    """

    by_name: Mapping[str, Float[np.ndarray, "x y z"]]
    grid: nifti.Image
    sources: Sequence[Path]
    registration: str | None = None

    @property
    def edges(self) -> Float[np.ndarray, " 3"]:
        """Edges of a voxel, mm, in the order of the array's axes."""
        return np.linalg.norm(self.grid.affine[:3, :3], axis=0)


@dataclass(frozen=True)
class PlainImages:
    """One file for each input."""

    files: Mapping[str, Path]

    @property
    def source(self) -> PlainSource:
        """The files, named as the first of them."""
        return PlainSource(tuple(self.files.values()))

    @property
    def name(self) -> str:
        """What they are called together."""
        return self.source.name

    def read(self, model: Model, out: Path) -> Images:
        """Read the images that the model takes."""
        found = {name: nifti.read_image(self.files[name]) for name in model.wanted}
        return _on_one_grid(found, model)


@dataclass(frozen=True)
class BidsImages:
    """A T1rho series of a BIDS folder, with the PD-weighted image of the same visit."""

    source: BidsSource

    @property
    def name(self) -> str:
        """Subject and what else tells the series apart."""
        return self.source.name

    def read(self, model: Model, out: Path) -> Images:
        """Read the images that the model takes.

        Parameters
        ----------
        model
            What they are for.
        out
            Where results go; a registered PD-weighted image may lie there.
        """
        root, entities = self.source.root, self.source.entities
        series = bids.read_series(root, SUFFIX, entities)
        found = {}
        for name in model.wanted:
            if name == PD:
                grid = nifti.Image(series.images[..., 0], series.affine, series.sources[0])
                found[name] = _pd_image(root, entities, out, grid)
                continue
            apart = np.abs(series.times - float(name))
            k = int(np.argmin(apart))
            if apart[k] > TIME_TOLERANCE:
                there = ", ".join(f"{time:g}" for time in series.times)
                raise InputError(
                    f"{series.sources[0].parent}: no image at a spin-lock time of {name} ms, which "
                    f"the model {_use(name, model)}; the series has {there} ms"
                )
            found[name] = nifti.Image(series.images[..., k], series.affine, series.sources[k])
        return _on_one_grid(found, model)


Input = PlainImages | BidsImages


def plain_images(texts: Sequence[str], model: Model) -> PlainImages:
    """The files of ``NAME=FILE``, checked against what the model takes.

    Raises
    ------
    InputError
        If one is missing, given twice, no input of the model, or its sidecar says another time.
    """
    takes = " and ".join(f"{name}=FILE" for name in model.wanted)
    given: dict[str, Path] = {}
    for text in texts:
        called, equals, value = text.partition("=")
        if not equals or not value:
            raise InputError(f"--image {text}: expected NAME=FILE; the model takes {takes}")
        name = _meant(called, model)
        if name is None:
            raise InputError(f"--image {text}: the model takes {takes}")
        if name in given:
            raise InputError(f"--image {text}: {name} is given twice")
        given[name] = Path(value)
    for name in model.wanted:
        if name not in given:
            raise InputError(
                f"--image {name}=FILE: missing, the model {_use(name, model)}; it takes {takes}"
            )
    for name, path in given.items():
        _check_name(path)
        _check_time(name, path)
    return PlainImages({name: given[name] for name in model.wanted})


def _use(name: str, model: Model) -> str:
    if name in model.channels:
        return "was trained on"
    return f"needs for the {model.scaling} scale of the series"


def _meant(called: str, model: Model) -> str | None:
    if called == PD:
        return PD if PD in model.wanted else None
    try:
        time = float(called)
    except ValueError:
        return None
    near = [n for n in model.wanted if n != PD and abs(float(n) - time) <= TIME_TOLERANCE]
    return near[0] if near else None


def _check_name(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if not path.name.endswith(nifti.EXTENSIONS):
        raise InputError(f"{path}: expected a name that ends in .nii.gz or .nii")


def _check_time(name: str, path: Path) -> None:
    sidecar = nifti.sidecar_path(path)
    if name == PD or not sidecar.exists():
        return
    time = from_disk(files.read_json(sidecar)).get("SpinLockTime")
    if isinstance(time, int | float) and abs(time - float(name)) > TIME_TOLERANCE:
        raise InputError(f"{sidecar}: SpinLockTime is {time:g} ms there, but --image says {name}")


def _pd_image(root: Path, entities: Mapping[str, str], out: Path, grid: nifti.Image) -> nifti.Image:
    """The registered PD-weighted image if there is one, else the raw one on the series' grid."""
    who = {key: entities[key] for key in ("sub", "ses") if key in entities}
    registered = {**who, "desc": "registered"}
    for folder in (out, bids.map_folder(root, PIPELINE)):
        path = folder / bids.map_name(registered, "PDw")
        if path.exists():
            return nifti.read_image(path)
    image = bids.read_anat(root, who, "PDw")
    try:
        nifti.check_same_grid(image, grid, "PD-weighted image")
    except InputError as error:
        raise InputError(
            f"{error}; first: jaxqmri register {root} --image PDw --to {SUFFIX}"
        ) from None
    return image


def _registration(pd: Path, model: Model) -> str | None:
    """Last stage by which a PD-weighted image was registered, None where nothing says.

    Raises
    ------
    InputError
        If it was not, and the model was trained on images that were.
    """
    sidecar = nifti.sidecar_path(pd)
    said = files.read_json(sidecar).get("Registration") if sidecar.exists() else None
    stage = said.get("stage") if isinstance(said, dict) else said
    if stage == UNREGISTERED and model.registration not in (None, UNREGISTERED):
        raise InputError(
            f"{sidecar}: Registration is {stage} there, but the model was trained on PD-weighted "
            f"images after {model.registration} registration; first: jaxqmri register"
        )
    return stage if stage in REGISTRATIONS else None


def _on_one_grid(found: Mapping[str, nifti.Image], model: Model) -> Images:
    first, *others = found.values()
    for image in others:
        try:
            nifti.check_same_grid(image, first, "image")
        except InputError as error:
            raise InputError(f"{error}; bring them together first: jaxqmri register") from None
    by_name = {name: image.data for name, image in found.items()}
    stage = _registration(found[PD].path, model) if PD in found else None
    return Images(by_name, first, [image.path for image in found.values()], stage)
