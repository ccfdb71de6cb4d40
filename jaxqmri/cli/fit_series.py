"""One series of ``jaxqmri fit``: read, fitted, written."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxqmri.cli.chain import fit_chain
from jaxqmri.cli.cohort import ALREADY_DONE, FITTED, State
from jaxqmri.cli.fit_options import FitOptions
from jaxqmri.cli.inputs import PIPELINE, BidsSource, Source
from jaxqmri.cli.loading import Loading
from jaxqmri.cli.measured import Flags
from jaxqmri.cli.outputs import Output, describe_dataset, writers_of
from jaxqmri.cli.record import facts_of, settings_of, sidecar_of
from jaxqmri.cli.series import Ready, estimate, prepare
from jaxqmri.cli.streamed import fit_streamed
from jaxqmri.cli.together import follow, is_first, leading, leave
from jaxqmri.io import InputError, bids, files, staging

if TYPE_CHECKING:
    from jaxqmri.fitting import FitResult


def results_folder(asked: FitOptions, source: Source) -> Path:
    """Where a source's results go."""
    if asked.out is not None:
        return asked.out
    if isinstance(source, BidsSource):
        return bids.map_folder(source.root, PIPELINE)
    return source.paths[0].with_name(f"{source.name}_{asked.model}")


def fit_series(
    asked: FitOptions,
    source: Source,
    flags: Flags,
    loading: Loading,
    tell: Callable[[], None] | None = None,
) -> State:
    """Read, fit and write one series, or see that it is done.

    Where other processes take part, ``tell`` lets them go on.
    """
    began = time.perf_counter()
    out = results_folder(asked, source)
    if asked.chain:
        told = fit_chain(asked, source, flags, out, loading)
        if told is None:
            print(f"{source.name}: already done, {out}")
            return ALREADY_DONE
        _describe(source, out)
        print(f"{told}, {time.perf_counter() - began:.1f} s: {out}")
        return FITTED
    ready = prepare(asked, source, flags, out, loading)
    units = asked.units or ("s" if isinstance(source, BidsSource) else "ms")
    output = Output(source, asked.model, ready.method, units, asked.fill)
    settings = settings_of(asked, ready, units)
    seen = out if asked.no_quality or asked.stream else out / output.page()
    with staging.staged(
        out,
        settings=settings,
        overwrite=asked.overwrite,
        name=output.record,
        inputs=ready.files,
    ) as stage:
        if stage.already_done:
            print(f"{source.name}: already done, {seen}")
            return ALREADY_DONE
        for warning in ready.warnings():
            print(f"jaxqmri: {source.name}: {warning}", file=sys.stderr)
        if asked.stream:
            found = fit_streamed(asked, ready, output, stage.folder)
            told = _counted(source, found.counts)
        else:
            if tell is not None:
                tell()
            result = estimate(asked, ready, together=tell is not None)
            _write(asked, ready, result, output, stage.folder, loading)
            told = _summary(ready, result)
    _describe(source, out)
    print(f"{told}, {time.perf_counter() - began:.1f} s: {seen}")
    return FITTED


def fit_series_together(asked: FitOptions, source: Source, flags: Flags, loading: Loading) -> State:
    """Fit one series with all processes; the first reads what is done, and writes."""
    if is_first():
        with leading() as tell:
            return fit_series(asked, source, flags, loading, tell)
    try:
        ready = prepare(asked, source, flags, results_folder(asked, source), loading)
    except InputError as error:
        if follow():
            leave(str(error))
        raise
    if not follow():
        return ALREADY_DONE
    estimate(asked, ready, together=True)
    return FITTED


def _write(
    asked: FitOptions,
    ready: Ready,
    result: FitResult,
    output: Output,
    folder: Path,
    loading: Loading,
) -> None:
    """Write the maps and the page of a fit."""
    sidecar = sidecar_of(asked, ready, result)
    with writers_of(result.status.size) as pool:
        writing = output.write(folder, result, ready.model.units, ready.measured, sidecar, pool)
        if not asked.no_quality:
            loading.for_drawing()
            from jaxqmri.cli.quality import page_of_fit

            page = page_of_fit(ready, result, facts_of(asked, ready, sidecar))
            files.write_text(folder / output.page(), page)
        for task in writing:
            task.result()


def _describe(source: Source, out: Path) -> None:
    """Make a folder of derivatives say what it is."""
    if isinstance(source, BidsSource):
        describe_dataset(source, out)


def _counted(source: Source, counts: Mapping[str, int]) -> str:
    """How many voxels have an estimate."""
    inside = sum(counts.values()) - counts["outside_mask"]
    estimated = counts["converged"] + counts["at_bound"]
    return f"{source.name}: {estimated:,} of {inside:,} voxels estimated"


def _summary(ready: Ready, result: FitResult) -> str:
    """What came out, in a few words."""
    from jaxqmri.fitting import Status

    method = ready.method
    values = np.asarray(getattr(result.params, method.main))
    # a bound is no measurement, and a smoothed map has none where too little is known around
    settled = values[(np.asarray(result.status) == Status.CONVERGED) & np.isfinite(values)]
    text = _counted(ready.source, result.status_counts())
    if settled.size:
        called, unit = method.maps[method.main].label, ready.model.units[method.main]
        text += f", median {called} {np.median(settled):.4g} {unit}".rstrip()
    return text
