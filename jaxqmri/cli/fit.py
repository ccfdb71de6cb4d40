"""``jaxqmri fit``: images to maps."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxqmri.cli.accelerator import configure_jax
from jaxqmri.cli.chain import check_chain
from jaxqmri.cli.cohort import FAILED, Outcome, State
from jaxqmri.cli.fit_cohort import write_table_and_page
from jaxqmri.cli.fit_options import FitOptions
from jaxqmri.cli.fit_series import fit_series, fit_series_together
from jaxqmri.cli.in_turn import in_turn
from jaxqmri.cli.inputs import Source, find_sources
from jaxqmri.cli.launch import launch
from jaxqmri.cli.loading import Loading
from jaxqmri.cli.measured import Flags
from jaxqmri.cli.models import table_of_methods
from jaxqmri.cli.streamed import refuse_streaming
from jaxqmri.cli.together import Place, check_place, dealt, is_first, meet, wait_for_all
from jaxqmri.io import InputError

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
                state = fit(self, source, flags, loading)
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
                write_table_and_page(self, flags, outcomes, loading)
        finally:
            loading.finish()
        if failure is not None:
            raise failure

    def _shared_out(
        self, sources: Sequence[Source], place: Place
    ) -> tuple[Sequence[Source], Callable[[FitOptions, Source, Flags, Loading], State]]:
        """What this process fits, and how: by itself, or with all the others.

        Raises
        ------
        InputError
            If processes do not meet, or are to fit together what they cannot.
        """
        if not self.distributed:
            return sources, fit_series
        configure_jax(self.devices)
        meet(place)
        own = dealt(sources)
        if own is not None:
            return own, fit_series
        if self.stream or self.chain:
            flag = "--stream" if self.stream else "--chain"
            raise InputError(
                f"{flag}: {len(sources)} series are fewer than the processes, and fitted by all of "
                "them together, which this cannot"
            )
        return sources, fit_series_together

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
