"""``jaxqmri predict``: a saved model applied to new images."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from tyro.conf import Positional

from jaxqmri.cli.given import Given, read_mask
from jaxqmri.cli.in_turn import in_turn
from jaxqmri.cli.inputs import PIPELINE, BidsSource, find_sources
from jaxqmri.cli.measured import Flags
from jaxqmri.cli.options import option
from jaxqmri.cli.outputs import describe_dataset
from jaxqmri.cli.predict_checks import warnings_of_images, warnings_of_model
from jaxqmri.cli.predict_images import (
    SUFFIX,
    BidsImages,
    Images,
    Input,
    plain_images,
)
from jaxqmri.cli.predict_maps import Networks, Predicted, apply, load
from jaxqmri.cli.predict_model import Fold, Model, find_folds, is_model
from jaxqmri.cli.predict_output import Prediction
from jaxqmri.io import InputError, bids, files, nifti, staging

Units = Literal["ms", "s"]

HELP = """Apply a saved network to new images: T1rho maps from the images that it was trained on.

Examples:
  jaxqmri predict models/U-Net-unmasked_PD-50_fold-0 study
  jaxqmri predict models/U-Net-unmasked_PD-50_fold-* study --mask manual
  jaxqmri predict models/MLP_PD-50_fold-0 --image PD=pd.nii.gz 50=tsl50.nii.gz

MODEL is the folder of a saved model, or a folder of such; several are folds of one training: the
map is the mean of their predictions, and the spread is written beside it. INPUT is a BIDS folder
with T1rhow series, and PDw images where the model takes one; plain images are given by --image,
for each of the model's inputs one. All lie on one grid: jaxqmri register brings them there, and in
a BIDS folder what it has made is found. A BIDS folder gives BIDS derivatives in seconds, plain
images give plain maps in milliseconds, each with a JSON sidecar, and a page to open in a browser.
The same command again skips what is done; other settings need another --out, or --overwrite."""


@dataclass(frozen=True)
class Predict:
    """Apply a saved network to new images."""

    folders: Annotated[
        Positional[tuple[Path, ...]],
        option("MODEL ... INPUT", "Saved models, then a BIDS folder unless --image is given."),
    ]
    image: Annotated[
        tuple[str, ...],
        option(
            "NAME=FILE ...",
            "Plain 3-D images: PD=FILE, and a spin-lock time in ms such as 50=FILE.",
        ),
    ] = ()
    mask: Annotated[
        str | None,
        option(
            "FILE|NAME",
            "Predict only where this image is not zero; models trained on masked images need it. "
            "In a BIDS folder also the NAME of those who drew regions: "
            "derivatives/NAME/sub-*/anat/*_dseg.nii.gz.",
        ),
    ] = None
    tissue: Annotated[
        str | None,
        option(
            "FILE|NAME",
            "Reference tissue of models that scale intensities by one. In a BIDS folder also the "
            "NAME of those who drew it: derivatives/NAME/sub-*/anat/*_desc-muscle_mask.nii.gz.",
        ),
    ] = None
    subject: Annotated[
        tuple[str, ...],
        option("ID ...", "Subjects of a BIDS folder, such as 01 02. Without it all of them."),
    ] = ()
    out: Annotated[
        Path | None,
        option(
            "DIR",
            "Folder for the maps. Without it derivatives/jaxqmri in a BIDS folder, NAME_MODEL "
            "beside the first plain image.",
        ),
    ] = None
    units: Annotated[
        Units | None,
        option("ms|s", "Unit of times in the maps: s in a BIDS folder, ms for plain images."),
    ] = None
    fill: Annotated[
        float | None,
        option(
            "NUMBER",
            "What to write where nothing is predicted. Without it not-a-number; some viewers "
            "want 0.",
        ),
    ] = None
    no_quality: Annotated[bool, option(None, "Leave out the page.")] = False
    overwrite: Annotated[
        bool, option(None, "Replace results that were made with other settings.")
    ] = False

    def run(self) -> None:
        """Predict for all images that the command names.

        Raises
        ------
        InputError
            If the command, the models or the images cannot be used. Of several series the others
            are predicted first.
        """
        folds, inputs = self._read_command()
        model = folds[0].model
        for warning in warnings_of_model(model, self.mask is not None):
            print(f"jaxqmri: {warning}", file=sys.stderr)
        networks = _Once(folds)
        in_turn(
            inputs,
            lambda one: self._predict(one, folds, networks),
            "series could not be predicted",
        )

    def _read_command(self) -> tuple[list[Fold], list[Input]]:
        given = list(self.folders)
        root = None if self.image or not given[1:] or is_model(given[-1]) else given.pop()
        if not given:
            raise InputError("no model: give the folder of a saved one, then a BIDS folder")
        folds = find_folds(given)
        model = folds[0].model
        if root is None and not self.image:
            takes = " ".join(f"{name}=FILE" for name in model.wanted)
            raise InputError(f"no input: give a BIDS folder after {given[0]}, or --image {takes}")
        if model.masked and self.mask is None:
            raise InputError(f"{folds[0].folder}: trained on masked images; give the --mask")
        if model.scaling == "reference-tissue" and self.tissue is None:
            raise InputError(
                f"{folds[0].folder}: scales intensities by a reference tissue; give the --tissue"
            )
        if model.scaling != "reference-tissue" and self.tissue is not None:
            raise InputError(
                f"--tissue {self.tissue}: the model scales intensities by {model.scaling}"
            )
        if root is None:
            if self.subject:
                raise InputError("--subject: belongs to a BIDS folder, not to --image")
            return folds, [plain_images(self.image, model)]
        if root.exists() and not root.is_dir():
            raise InputError(f"{root}: expected a BIDS folder; give images as --image NAME=FILE")
        sources = find_sources([root], "t1rho", Flags(series=SUFFIX), self.subject)
        return folds, [BidsImages(one) for one in sources if isinstance(one, BidsSource)]

    def _folder(self, one: Input, model: Model) -> Path:
        """Where one input's results go."""
        if self.out is not None:
            return self.out
        if isinstance(one, BidsImages):
            return bids.map_folder(one.source.root, PIPELINE)
        return one.source.paths[0].with_name(f"{one.name}_{model.desc}")

    def _predict(self, one: Input, folds: list[Fold], networks: _Once) -> None:
        """Read, predict and write one set of images, or see that it is done."""
        began = time.perf_counter()
        model = folds[0].model
        out = self._folder(one, model)
        images = one.read(model, out)
        prediction = Prediction(
            one,
            images,
            folds,
            None if self.mask is None else read_mask(self.mask, one.source, images.grid),
            None if self.tissue is None else _read_tissue(self.tissue, one, images),
            out,
            self.units or ("s" if isinstance(one, BidsImages) else "ms"),
            self.fill,
            not self.no_quality,
        )
        with staging.staged(
            out,
            settings=prediction.settings(),
            overwrite=self.overwrite,
            name=prediction.record,
            inputs=[*prediction.sources, *(path for fold in folds for path in fold.files)],
        ) as stage:
            if stage.already_done:
                print(f"{one.name}: already done, {out / prediction.place()}")
                return
            warnings = warnings_of_images(model, images)
            for warning in warnings:
                print(f"jaxqmri: {one.name}: {warning}", file=sys.stderr)
            mask, tissue = (
                None if given is None else given.value
                for given in (prediction.mask, prediction.tissue)
            )
            predicted = apply(networks.loaded(), folds, images, mask, tissue)
            sidecar = prediction.sidecar(predicted)
            prediction.write(stage.folder, predicted, sidecar)
            if prediction.page:
                from jaxqmri.cli.predict_page import page_of

                told = [*warnings_of_model(model, mask is not None), *warnings]
                page = page_of(prediction, predicted, sidecar, told)
                files.write_text(stage.folder / prediction.quality, page)
        if isinstance(one, BidsImages):
            describe_dataset(one.source, out)
        seen = out if self.no_quality else out / prediction.quality
        print(f"{_summary(prediction, predicted)}, {time.perf_counter() - began:.1f} s: {seen}")


class _Once:
    """Networks that are loaded when they are first needed: not where all is done."""

    def __init__(self, folds: list[Fold]) -> None:
        self._folds, self._networks = folds, None

    def loaded(self) -> Networks:
        """The networks of all folds."""
        if self._networks is None:
            from jaxqmri.cli.accelerator import configure_jax

            configure_jax(1)
            self._networks = load(self._folds)
        return self._networks


def _read_tissue(text: str, one: Input, images: Images) -> Given:
    """A mask file, or in a BIDS folder the muscle that someone drew."""
    if not isinstance(one, BidsImages) or Path(text).is_file():
        return read_mask(text, one.source, images.grid)
    entities = one.source.entities
    who = {key: entities[key] for key in ("sub", "ses") if key in entities}
    folder = bids.map_folder(one.source.root, text)
    path = bids.find_image(folder, {**who, "desc": "muscle"}, "mask")
    tissue = nifti.read_image(path)
    nifti.check_same_grid(tissue, images.grid, "reference tissue")
    inside = np.nan_to_num(tissue.data) != 0
    if not inside.any():
        raise InputError(f"{path}: the reference tissue is empty")
    return Given(inside, path)


def _summary(prediction: Prediction, predicted: Predicted) -> str:
    """What came out, in a few words."""
    model = prediction.folds[0].model
    values = predicted.mean[np.isfinite(predicted.mean)]
    return (
        f"{prediction.input.name}: {values.size:,} voxels predicted, median {model.output} "
        f"{np.median(values):.4g} {model.units}"
    ).rstrip()
