"""``jaxqmri register``: one image to another, or all images of a series to one."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from tyro.conf import Positional

from jaxqmri import __version__
from jaxqmri.cli.in_turn import in_turn
from jaxqmri.cli.moving import Work, find_work
from jaxqmri.cli.options import option
from jaxqmri.io import InputError, bids, files, nifti, staging
from jaxqmri.io.settings import contents_of

Stages = Literal["rigid", "affine", "deformable"]

HELP = """Bring one image onto the grid of another, or all images of a series onto the first.

Examples:
  jaxqmri register pd.nii.gz --to t1rho_0.nii.gz --stages affine
  jaxqmri register study --image PDw --to T1rhow --stages deformable --mask manual
  jaxqmri register series.nii.gz --to-first
  jaxqmri register study --image MESE --to-first

The second brings every subject's PD-weighted image to the first image of its T1rho series. The
last two correct motion between the images of a series. Intensities keep their units. A BIDS folder
gives BIDS derivatives, desc-registered; plain images give plain ones. The transforms are written
too, as ANTs, ITK-SNAP and 3D Slicer read them, and a page that shows the images before and after.
The same command again skips what is done; other settings need another --out, or --overwrite."""


@dataclass(frozen=True)
class Register:
    """Bring one image onto the grid of another, or all images of a series onto the first."""

    input: Annotated[
        Positional[Path], option("INPUT", "A BIDS folder, or the NIfTI file that is moved.")
    ]
    to: Annotated[
        str | None,
        option(
            "FILE|SUFFIX",
            "The image whose grid is taken: a NIfTI file, or in a BIDS folder a SUFFIX such as "
            "T1w or T1rhow (of a series, its first image).",
        ),
    ] = None
    to_first: Annotated[
        bool, option(None, "Bring the images of a series, or of a 4-D file, to the first of them.")
    ] = False
    image: Annotated[
        str | None,
        option("SUFFIX", "What is moved in a BIDS folder: PDw, T1w, or a series such as T1rhow."),
    ] = None
    stages: Annotated[
        Stages,
        option(
            None,
            "Last stage; those before it are run too. Without it rigid, which is right for one "
            "knee, or one brain, scanned twice in a session.",
        ),
    ] = "rigid"
    mask: Annotated[
        str | None,
        option(
            "FILE|NAME",
            "Where agreement is measured, on the grid of the image that stays; in a BIDS folder "
            "also the NAME of those who drew regions. Without it wherever there is signal.",
        ),
    ] = None
    match_in_mask: Annotated[
        bool, option(None, "Judge the match in the mask alone: a part that moves by itself.")
    ] = False
    out: Annotated[
        Path | None,
        option(
            "DIR",
            "Folder for the results. Without it derivatives/jaxqmri in a BIDS folder, "
            "NAME_registered beside a plain file.",
        ),
    ] = None
    subject: Annotated[
        tuple[str, ...],
        option("ID ...", "Subjects of a BIDS folder, such as 01 02. Without it all of them."),
    ] = ()
    overwrite: Annotated[
        bool, option(None, "Replace results that were made with other settings.")
    ] = False

    def run(self) -> None:
        """Register all that the command names.

        Raises
        ------
        InputError
            If the command or the data cannot be used. Of several subjects the others are
            registered first.
        """
        if self.to_first == (self.to is not None):
            raise InputError("give --to FILE (one image to another) or --to-first (a series)")
        if self.match_in_mask and self.mask is None:
            raise InputError("--match-in-mask: give the --mask")
        work = find_work(self.input, self.to, self.image, self.subject, self.out)
        in_turn(work, self._register, "could not be registered")

    def _register(self, work: Work) -> None:
        """Register and write one subject, or see that it is done."""
        from jaxqmri.cli.alignment import Aligned, alignment_page
        from jaxqmri.preprocessing import Registration, register, resample, write_itk

        began = time.perf_counter()
        fixed, pairs = work.read()
        mask, mask_path = work.read_mask(self.mask, fixed)
        settings = Registration(self.stages)
        sources = list(dict.fromkeys([fixed.path, *(pair.moving.path for pair in pairs)]))
        record = {
            "jaxqmri version": __version__,
            "registration": asdict(settings),
            "mask": None if mask_path is None else contents_of(mask_path),
            "match in mask": self.match_in_mask,
            "images": [contents_of(path) for path in sources],
        }
        inputs = sources if mask_path is None else [*sources, mask_path]
        with staging.staged(
            work.out, settings=record, overwrite=self.overwrite, name=work.record, inputs=inputs
        ) as stage:
            if stage.already_done:
                print(f"{work.name}: already done, {work.out / work.page}")
                return
            aligned, volumes = [], []
            for pair in pairs:
                if pair.is_fixed:
                    volumes.append(fixed.data)
                    continue
                data, transform = register(
                    pair.moving, fixed, settings, within=mask if self.match_in_mask else None
                )
                if not np.isfinite(data).any():
                    raise InputError(f"{pair.moving.path}: no part of it lies in {fixed.path}")
                write_itk(stage.folder / pair.transform, transform, fixed.affine)
                volumes.append(data)
                before = resample(pair.moving, fixed)
                aligned.append(Aligned(pair.label, before, data, transform))
            for path, data, sidecar in work.results(pairs, volumes):
                said = {**sidecar, **self._sidecar(settings, fixed, sources)}
                nifti.write_image(stage.folder / path, data, fixed.affine, said)
            page, summary = alignment_page(work.name, fixed, aligned, mask, self.stages)
            files.write_text(stage.folder / work.page, page)
        if work.root is not None and not (work.out / "dataset_description.json").exists():
            bids.write_dataset_description(work.out, "Quantitative maps", "derivative")
        print(
            f"{work.name}: {summary}, {time.perf_counter() - began:.1f} s: {work.out / work.page}"
        )

    def _sidecar(self, settings: Any, fixed: nifti.Image, sources: list[Path]) -> dict[str, Any]:
        return {
            "Description": "registered, intensities unchanged",
            "Registration": asdict(settings),
            "Reference": fixed.path.name,
            "Sources": [path.name for path in sources],
            "GeneratedBy": [{"Name": "jaxqmri", "Version": __version__}],
        }
