"""``jaxqmri fit``: images to maps."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxqmri.cli.accelerator import configure_jax
from jaxqmri.cli.chain import check_chain, fit_chain
from jaxqmri.cli.cohort import (
    ALREADY_DONE,
    FAILED,
    FITTED,
    Outcome,
    State,
    cohort_rows,
    write_cohort,
)
from jaxqmri.cli.fit_options import FitOptions
from jaxqmri.cli.in_turn import in_turn
from jaxqmri.cli.inputs import PIPELINE, BidsSource, Source, find_sources
from jaxqmri.cli.launch import launch
from jaxqmri.cli.loading import Loading
from jaxqmri.cli.measured import Flags
from jaxqmri.cli.models import METHODS, table_of_methods
from jaxqmri.cli.outputs import Output, describe_dataset, writers_of
from jaxqmri.cli.record import facts_of, settings_of, sidecar_of
from jaxqmri.cli.series import Ready, estimate, prepare
from jaxqmri.cli.streamed import fit_streamed, refuse_streaming
from jaxqmri.cli.together import (
    Place,
    check_place,
    dealt,
    follow,
    is_first,
    leading,
    leave,
    meet,
    wait_for_all,
)
from jaxqmri.io import InputError, bids, files, staging

if TYPE_CHECKING:
    from jaxqmri.fitting import FitResult

HELP = f"""Images to maps: fit a signal equation to every voxel, with the errors of the estimates.

Models, and what plain images need for them:
{table_of_methods()}

Examples:
  jaxqmri fit t2 study
  jaxqmri fit t1rho scan.nii.gz --tsl 0 10 30 50 --mask cartilage.nii.gz
  jaxqmri fit t2-epg study --free b1 --sigma background
  jaxqmri fit t1-vfa study --fixed b1=TB1map
  jaxqmri fit t1rho-adiabatic study --chain
  jaxqmri fit t1-ir a.nii b.nii c.nii d.nii --ti 50 400 1100 2500 --tr 3000

The first fits every subject of a BIDS folder that has a MESE series, the fourth takes the B1 maps
that b1-afi has made there, the fifth makes B1, T1 and T1rho in one go. A BIDS folder gives BIDS
derivatives in seconds, plain images give plain maps in milliseconds, each map with a JSON sidecar,
and a quality page to open in a browser. Of several series a table and a page, MODEL_cohort, show
all of them together.
The same command again skips what is done; other settings need another --out, or --overwrite."""


@dataclass(frozen=True)
class Fit(FitOptions):
    """Images to maps: fit a signal equation to every voxel, with the errors of the estimates."""

    def run(self) -> None:
        """Fit every series that the command names.

        Raises
        ------
        InputError
            If the command or the data cannot be used. Of several series the others are fitted
            first.
        """
        flags, place = self._flags(), Place(self.coordinator, self.processes, self.process)
        check_place(self.distributed, place)
        refuse_streaming(self)
        if self.chain:
            check_chain(self)
        sources = find_sources(self.inputs, self.model, flags, self.subject)
        if self.processes is not None and not self.distributed:
            launch(sys.argv[1:], self.processes)
            return
        sources, fit = self._shared_out(sources, place)
        loading = Loading(self.devices, page=not (self.no_quality or self.stream))
        outcomes: dict[str, Outcome] = {}

        def work(source: Source) -> None:
            began = time.perf_counter()
            try:
                state = fit(source, flags, loading)
            except InputError as error:
                outcomes[source.name] = Outcome(FAILED, time.perf_counter() - began, str(error))
                raise
            outcomes[source.name] = Outcome(state, time.perf_counter() - began)

        failure = None
        try:
            try:
                in_turn(sources, work, "series could not be fitted")
            except InputError as error:
                failure = error
            if self.distributed:
                wait_for_all()
            if not self.distributed or is_first():
                self._write_cohort(flags, outcomes, loading)
        finally:
            loading.finish()
        if failure is not None:
            raise failure

    def _shared_out(
        self, sources: Sequence[Source], place: Place
    ) -> tuple[Sequence[Source], Callable[[Source, Flags, Loading], State]]:
        """What this process fits, and how: by itself, or with all the others.

        Raises
        ------
        InputError
            If processes do not meet, or are to fit together what they cannot.
        """
        if not self.distributed:
            return sources, self._fit
        configure_jax(self.devices)
        meet(place)
        own = dealt(sources)
        if own is not None:
            return own, self._fit
        if self.stream or self.chain:
            flag = "--stream" if self.stream else "--chain"
            raise InputError(
                f"{flag}: {len(sources)} series are fewer than the processes, and fitted by all of "
                "them together, which this cannot"
            )
        return sources, self._fit_together

    def _fit_together(self, source: Source, flags: Flags, loading: Loading) -> State:
        """Fit one series with all processes; the first reads what is done, and writes."""
        if is_first():
            with leading() as tell:
                return self._fit(source, flags, loading, tell)
        try:
            ready = prepare(self, source, flags, self._folder(source), loading)
        except InputError as error:
            if follow():
                leave(str(error))
            raise
        if not follow():
            return ALREADY_DONE
        estimate(self, ready, together=True)
        return FITTED

    def _flags(self) -> Flags:
        if self.signed and self.magnitude:
            raise InputError("--signed and --magnitude: give one of them")
        for name in ("devices", "starts"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"--{name} {value}: expected a whole number above zero")
        values = {name: getattr(self, name) for name in ("tsl", "te", "ti", "td", "fa", "tr")}
        values["spokes"] = () if self.spokes is None else (float(self.spokes),)
        values["spoke-spacing"] = () if self.spoke_spacing is None else (self.spoke_spacing,)
        sign = True if self.signed else False if self.magnitude else None
        if self.smooth is not None and not (np.isfinite(self.smooth) and self.smooth >= 0):
            raise InputError(f"--smooth {self.smooth:g}: expected a number of mm, zero or above")
        return Flags(values, self.refocusing_angle, sign, self.chain, self.smooth, self.series)

    def _folder(self, source: Source) -> Path:
        """Where a source's results go."""
        if self.out is not None:
            return self.out
        if isinstance(source, BidsSource):
            return bids.map_folder(source.root, PIPELINE)
        return source.paths[0].with_name(f"{source.name}_{self.model}")

    def _fit(
        self,
        source: Source,
        flags: Flags,
        loading: Loading,
        tell: Callable[[], None] | None = None,
    ) -> State:
        """Read, fit and write one series, or see that it is done.

        Where other processes take part, ``tell`` lets them go on.
        """
        began = time.perf_counter()
        out = self._folder(source)
        if self.chain:
            told = fit_chain(self, source, flags, out, loading)
            if told is None:
                print(f"{source.name}: already done, {out}")
                return ALREADY_DONE
            self._describe(source, out)
            print(f"{told}, {time.perf_counter() - began:.1f} s: {out}")
            return FITTED
        ready = prepare(self, source, flags, out, loading)
        units = self.units or ("s" if isinstance(source, BidsSource) else "ms")
        output = Output(source, self.model, ready.method, units, self.fill)
        settings = settings_of(self, ready, units)
        seen = out if self.no_quality or self.stream else out / output.page()
        with staging.staged(
            out,
            settings=settings,
            overwrite=self.overwrite,
            name=output.record,
            inputs=ready.files,
        ) as stage:
            if stage.already_done:
                print(f"{source.name}: already done, {seen}")
                return ALREADY_DONE
            for warning in ready.warnings():
                print(f"jaxqmri: {source.name}: {warning}", file=sys.stderr)
            if self.stream:
                found = fit_streamed(self, ready, output, stage.folder)
                told = _counted(source, found.counts)
            else:
                if tell is not None:
                    tell()
                result = estimate(self, ready, together=tell is not None)
                self._write(ready, result, output, stage.folder, loading)
                told = _summary(ready, result)
        self._describe(source, out)
        print(f"{told}, {time.perf_counter() - began:.1f} s: {seen}")
        return FITTED

    def _write(
        self, ready: Ready, result: FitResult, output: Output, folder: Path, loading: Loading
    ) -> None:
        """Write the maps and the page of a fit."""
        sidecar = sidecar_of(self, ready, result)
        with writers_of(result.status.size) as pool:
            writing = output.write(folder, result, ready.model.units, ready.measured, sidecar, pool)
            if not self.no_quality:
                loading.for_drawing()
                from jaxqmri.cli.quality import page_of_fit

                page = page_of_fit(ready, result, facts_of(self, ready, sidecar))
                files.write_text(folder / output.page(), page)
            for task in writing:
                task.result()

    def _write_cohort(
        self, flags: Flags, outcomes: Mapping[str, Outcome], loading: Loading
    ) -> None:
        """Write the table and the page of all series of a dataset, unless nothing has changed."""
        if all(outcome.state == FAILED for outcome in outcomes.values()):
            return
        sources = find_sources(self.inputs, self.model, flags, ())
        if not isinstance(sources[0], BidsSource):
            return
        out, method = self._folder(sources[0]), METHODS[self.model]
        outputs = [
            Output(source, self.model, method, self.units or "s", self.fill)
            for source in sources
            if isinstance(source, BidsSource)
        ]
        rows = cohort_rows(outputs, outcomes, out)
        if len(rows) < 2:
            return
        table = write_cohort(rows, outputs[0], out)
        page = table.with_suffix(".html")
        if self.no_quality:
            page.unlink(missing_ok=True)  # of an earlier run with other maps
        else:
            loading.for_drawing()
            from jaxqmri.cli.cohort_page import page_of_cohort

            files.write_text(page, page_of_cohort(rows, outputs, out))
        failed = sum(row.outcome.state == FAILED for row in rows)
        told = f", {failed:,} failed" if failed else ""
        print(f"cohort of {len(rows):,} series{told}: {table if self.no_quality else page}")

    @staticmethod
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
