"""``jaxqmri fit``: images to maps."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from tyro.conf import Positional

from jaxqmri.cli.given import Sigma
from jaxqmri.cli.inputs import PIPELINE, BidsSource, Flags, Source, find_sources
from jaxqmri.cli.loading import Loading
from jaxqmri.cli.models import table_of_methods
from jaxqmri.cli.options import option
from jaxqmri.cli.outputs import Output, describe_dataset
from jaxqmri.cli.record import facts_of, settings_of, sidecar_of
from jaxqmri.cli.series import Likelihood, Ready, Units, estimate, prepare
from jaxqmri.io import InputError, bids, files, staging

if TYPE_CHECKING:
    from jaxqmri.fitting import FitResult

MethodName = Literal[
    "t1rho", "t2", "t2-offset", "t2-epg", "t2star", "biexp", "stretched",
    "t1-ir", "t1-sr", "t1-vfa", "b1-afi",
]  # fmt: skip
WRITERS = 4

HELP = f"""Images to maps: fit a signal equation to every voxel, with the errors of the estimates.

Models, and what plain images need for them:
{table_of_methods()}

Examples:
  jaxqmri fit t2 study
  jaxqmri fit t1rho scan.nii.gz --tsl 0 10 30 50 --mask cartilage.nii.gz
  jaxqmri fit t2-epg study --free b1 --sigma background
  jaxqmri fit t1-vfa study --fixed b1=TB1map
  jaxqmri fit t1-ir a.nii b.nii c.nii d.nii --ti 50 400 1100 2500 --tr 3000

The first fits every subject of a BIDS folder that has a MESE series, the fourth takes the B1 maps
that b1-afi has made there. A BIDS folder gives BIDS derivatives in seconds, plain images give
plain maps in milliseconds, each map with a JSON sidecar, and a quality page to open in a browser.
The same command again skips what is done; other settings need another --out, or --overwrite."""


@dataclass(frozen=True)
class Fit:
    """Images to maps: fit a signal equation to every voxel, with the errors of the estimates."""

    model: Annotated[Positional[MethodName], option("MODEL", "One of the models above.")]
    inputs: Annotated[
        Positional[tuple[Path, ...]],
        option(
            "INPUT ...",
            "A BIDS folder, one 4-D NIfTI file, or several 3-D ones in the order of their times.",
        ),
    ]
    out: Annotated[
        Path | None,
        option(
            "DIR",
            "Folder for the maps. Without it derivatives/jaxqmri in a BIDS folder, NAME_MODEL "
            "beside a plain file.",
        ),
    ] = None
    subject: Annotated[
        tuple[str, ...],
        option("ID ...", "Subjects of a BIDS folder, such as 01 02. Without it all of them."),
    ] = ()
    series: Annotated[
        str | None,
        option(
            "SUFFIX",
            "Which series of a BIDS folder, where it has several that MODEL takes: T1rhow, MESE, "
            "MEGRE.",
        ),
    ] = None

    tsl: Annotated[tuple[float, ...], option("MS ...", "Spin-lock times of plain images.")] = ()
    te: Annotated[tuple[float, ...], option("MS ...", "Echo times of plain images.")] = ()
    ti: Annotated[tuple[float, ...], option("MS ...", "Inversion times of plain images.")] = ()
    td: Annotated[tuple[float, ...], option("MS ...", "Delays after saturation.")] = ()
    fa: Annotated[
        tuple[float, ...],
        option("DEGREES ...", "Flip angles of plain images; for b1-afi the one flip angle."),
    ] = ()
    tr: Annotated[
        tuple[float, ...],
        option("MS ...", "Repetition time of plain images; for b1-afi the two of them."),
    ] = ()
    refocusing_angle: Annotated[
        float | None, option("DEGREES", "Nominal refocusing angle of t2-epg. Without it 180.")
    ] = None
    signed: Annotated[
        bool,
        option(
            None,
            "Images keep their sign (t1-ir). Without this and --magnitude, negative values in "
            "the images decide.",
        ),
    ] = False
    magnitude: Annotated[
        bool, option(None, "Take the images' magnitudes, whatever their sign (t1-ir).")
    ] = False

    mask: Annotated[
        str | None,
        option(
            "FILE|NAME",
            "Fit only where this image is not zero. In a BIDS folder also the NAME of those who "
            "drew regions: derivatives/NAME/sub-*/anat/*_dseg.nii.gz.",
        ),
    ] = None
    fixed: Annotated[
        tuple[str, ...],
        option(
            "NAME=VALUE ...",
            "Hold parameters at a number or a map: b1=0.9, b1=b1.nii.gz; in a BIDS folder also "
            "at a map of an earlier fit, b1=TB1map or, of several, b1=run-2_TB1map.",
        ),
    ] = ()
    fixed_std: Annotated[
        tuple[str, ...],
        option(
            "NAME=VALUE ...",
            "Standard errors of the fixed parameters, carried into those of the fitted ones.",
        ),
    ] = ()
    free: Annotated[
        tuple[str, ...],
        option("NAME ...", "Fit parameters that are otherwise held: b1 or t1 of t2-epg."),
    ] = ()
    bounds: Annotated[
        tuple[str, ...], option("NAME=LOW,HIGH ...", "Other bounds than the model's: t2=1,100.")
    ] = ()
    likelihood: Annotated[
        Likelihood,
        option(
            None,
            "How noise spreads the samples: gaussian, unless told otherwise. Magnitudes that "
            "fall below about five times the noise want rician.",
        ),
    ] = "gaussian"
    sigma: Annotated[
        Sigma,
        option(
            "VALUE|background",
            "Noise of one channel in units of the signal, or background to find it in the air. "
            "Without it the residuals of all fitted voxels tell.",
        ),
    ] = None
    weights: Annotated[
        tuple[float, ...],
        option("NUMBER ...", "Relative precision of the samples, one number for each image."),
    ] = ()
    starts: Annotated[
        int | None,
        option("N", "Starting points in every voxel, where the model's own number will not do."),
    ] = None
    intervals: Annotated[bool, option(None, "Write 95 % profile-likelihood intervals as well.")] = (
        False
    )

    units: Annotated[
        Units | None,
        option("ms|s", "Unit of times in the maps: s in a BIDS folder, ms for plain images."),
    ] = None
    fill: Annotated[
        float | None,
        option(
            "NUMBER",
            "What to write where there is no estimate. Without it not-a-number; some viewers "
            "want 0.",
        ),
    ] = None
    no_quality: Annotated[
        bool, option(None, "Leave out error maps, quality maps and the quality page.")
    ] = False
    overwrite: Annotated[
        bool, option(None, "Replace results that were made with other settings.")
    ] = False
    devices: Annotated[
        int | None,
        option("N", "CPU cores to use. Without it all; a GPU is used where JAX finds one."),
    ] = None

    def run(self) -> None:
        """Fit every series that the command names.

        Raises
        ------
        InputError
            If the command or the data cannot be used. Of several series the others are fitted
            first.
        """
        flags = self._flags()
        sources = find_sources(self.inputs, self.model, flags, self.subject)
        loading = Loading(self.devices, page=not self.no_quality)
        failed = []
        try:
            for source in sources:
                try:
                    self._fit(source, flags, loading)
                except InputError as error:
                    if len(sources) == 1:
                        raise
                    failed.append(source.name)
                    print(f"jaxqmri: {source.name}: {error}", file=sys.stderr)
        finally:
            loading.finish()
        if failed:
            raise InputError(
                f"{len(failed)} of {len(sources)} series could not be fitted: {', '.join(failed)}"
            )

    def _flags(self) -> Flags:
        if self.signed and self.magnitude:
            raise InputError("--signed and --magnitude: give one of them")
        for name in ("devices", "starts"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"--{name} {value}: expected a whole number above zero")
        values = {name: getattr(self, name) for name in ("tsl", "te", "ti", "td", "fa", "tr")}
        sign = True if self.signed else False if self.magnitude else None
        return Flags(values, self.refocusing_angle, sign, self.series)

    def _folder(self, source: Source) -> Path:
        """Where a source's results go."""
        if self.out is not None:
            return self.out
        if isinstance(source, BidsSource):
            return bids.map_folder(source.root, PIPELINE)
        return source.paths[0].with_name(f"{source.name}_{self.model}")

    def _fit(self, source: Source, flags: Flags, loading: Loading) -> None:
        """Read, fit and write one series, or see that it is done."""
        began = time.perf_counter()
        out = self._folder(source)
        ready = prepare(self, source, flags, out, loading)
        units = self.units or ("s" if isinstance(source, BidsSource) else "ms")
        output = Output(source, self.model, ready.method, units, self.fill)
        settings = settings_of(self, ready, units)
        with staging.staged(
            out,
            settings=settings,
            overwrite=self.overwrite,
            name=output.record,
            inputs=ready.files,
        ) as stage:
            if stage.already_done:
                print(f"{source.name}: already done, {out / output.page()}")
                return
            for warning in ready.warnings():
                print(f"jaxqmri: {source.name}: {warning}", file=sys.stderr)
            result = estimate(self, ready)
            sidecar = sidecar_of(self, ready, result)
            with ThreadPoolExecutor(WRITERS) as pool:
                writing = output.write(
                    stage.folder, result, ready.model.units, ready.measured, sidecar, pool
                )
                if not self.no_quality:
                    loading.for_drawing()
                    from jaxqmri.cli.quality import page_of_fit

                    page = page_of_fit(ready, result, facts_of(self, ready, sidecar))
                    files.write_text(stage.folder / output.page(), page)
                for task in writing:
                    task.result()
        if isinstance(source, BidsSource):
            describe_dataset(source, out)
        seen = out if self.no_quality else out / output.page()
        print(f"{_summary(ready, result)}, {time.perf_counter() - began:.1f} s: {seen}")


def _summary(ready: Ready, result: FitResult) -> str:
    """What came out, in a few words."""
    method, counts = ready.method, result.status_counts()
    inside = sum(counts.values()) - counts["outside_mask"]
    estimated = counts["converged"] + counts["at_bound"]
    values = np.asarray(getattr(result.params, method.main))
    settled = values[np.asarray(result.status) == 1]  # a bound is no measurement
    text = f"{ready.source.name}: {estimated:,} of {inside:,} voxels estimated"
    if settled.size:
        called, unit = method.maps[method.main].label, ready.model.units[method.main]
        text += f", median {called} {np.median(settled):.4g} {unit}".rstrip()
    return text
