"""What ``jaxqmri fit`` leaves of a whole dataset: a table and a page of all its series."""

from __future__ import annotations

from collections.abc import Mapping

from jaxqmri.cli.cohort import FAILED, Outcome, cohort_rows, write_cohort
from jaxqmri.cli.fit_options import FitOptions
from jaxqmri.cli.fit_series import results_folder
from jaxqmri.cli.inputs import BidsSource, find_sources
from jaxqmri.cli.loading import Loading
from jaxqmri.cli.measured import Flags
from jaxqmri.cli.models import METHODS
from jaxqmri.cli.outputs import Output
from jaxqmri.io import files


def write_table_and_page(
    asked: FitOptions, flags: Flags, outcomes: Mapping[str, Outcome], loading: Loading
) -> None:
    """Write the table and the page of a dataset of several series, unless all have failed."""
    if all(outcome.state == FAILED for outcome in outcomes.values()):
        return
    sources = find_sources(asked.inputs, asked.model, flags, ())
    if not isinstance(sources[0], BidsSource):
        return
    out, method = results_folder(asked, sources[0]), METHODS[asked.model]
    outputs = [
        Output(source, asked.model, method, asked.units or "s", asked.fill)
        for source in sources
        if isinstance(source, BidsSource)
    ]
    rows = cohort_rows(outputs, outcomes, out)
    if len(rows) < 2:
        return
    table = write_cohort(rows, outputs[0], out)
    page = table.with_suffix(".html")
    if asked.no_quality:
        page.unlink(missing_ok=True)  # of an earlier run with other maps
    else:
        loading.for_drawing()
        from jaxqmri.cli.cohort_page import page_of_cohort

        files.write_text(page, page_of_cohort(rows, outputs, out))
    failed = sum(row.outcome.state == FAILED for row in rows)
    told = f", {failed:,} failed" if failed else ""
    print(f"cohort of {len(rows):,} series{told}: {table if asked.no_quality else page}")
