"""The table of a cohort: one row for each series of a BIDS dataset, whichever run fitted it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from jaxqmri.cli.models import Method
from jaxqmri.cli.outputs import Output
from jaxqmri.cli.rows import AT_BOUND, CONVERGED, status_of
from jaxqmri.io import InputError, bids, files, nifti, staging

State = Literal["fitted", "already done", "failed"]
FITTED: State = "fitted"
ALREADY_DONE: State = "already done"
FAILED: State = "failed"
IN_SECONDS = 1e-3  # times in the table of a fit that keeps seconds
OUTSIDE_MASK = 0  # code of jaxqmri.Status, whose package would import JAX


class Outcome(NamedTuple):
    """What a run did with one series, in how many seconds; where it failed, why."""

    state: State
    seconds: float | None = None
    error: str | None = None


class Numbers(NamedTuple):
    """What the maps of one series hold; None where there is nothing to say.

    Attributes
    ----------
    voxels, estimated
        How many voxels were to be fitted, and how many have an estimate.
    share_at_bound
        Share of the estimates that lie on a bound.
    median, p05, p95
        Median and percentiles of the main map over the voxels that converged; times in ms.
    sigma
        Noise of one channel, in units of the signal.
    """

    voxels: int | None = None
    estimated: int | None = None
    share_at_bound: float | None = None
    median: float | None = None
    p05: float | None = None
    p95: float | None = None
    sigma: float | None = None


@dataclass(frozen=True)
class Row:
    """One series of a cohort."""

    series: str
    outcome: Outcome
    numbers: Numbers


COLUMNS = (
    "participant_id", "session_id", "series", "state", *Numbers._fields, "seconds", "error",
)  # fmt: skip
IN_MAP_UNITS = ("median", "p05", "p95")


def cohort_rows(outputs: Sequence[Output], outcomes: Mapping[str, Outcome], out: Path) -> list[Row]:
    """The row of every series that was fitted or could not be, by this run or an earlier one.

    Numbers are read from the maps. Rows of series that this run had nothing to do with are taken
    from the table that an earlier one left, unless their maps have been written since: a run for
    one of a thousand subjects does not read all maps.

    Parameters
    ----------
    outputs
        Every series of the dataset, in order.
    outcomes
        What this run did, by the name of the series.
    out
        The folder of results.
    """
    if not outputs:
        return []
    table = out / table_name(outputs[0])
    left = _rows_left(table, outputs)
    written = table.stat().st_mtime if left else 0.0
    rows = []
    for output in outputs:
        name = output.source.name
        row = _row(output, outcomes.get(name), left.get(name), written, out)
        if row is not None:
            rows.append(row)
    return rows


def write_cohort(rows: Sequence[Row], output: Output, out: Path) -> Path:
    """Write the table, and beside it what its columns mean.

    Parameters
    ----------
    rows
        Of :func:`cohort_rows`.
    output
        Of any of the series: its method and units.
    out
        The folder of results.

    Returns
    -------
    Path
        The table.

    Raises
    ------
    InputError
        If they cannot be written.
    """
    path = out / table_name(output)
    files.write_json(path.with_suffix(".json"), _columns(output))
    files.write_table(path, [_cells(row, _scale(output)) for row in rows], COLUMNS)
    return path


def table_name(output: Output) -> str:
    """The table's file name."""
    return f"{output.method_name}_cohort.tsv"


def is_time(method: Method) -> bool:
    """Whether the main map holds times rather than a fraction of the nominal B1."""
    return method.main != "b1"


def numbers_of(output: Output, out: Path) -> Numbers:
    """What the main map of one series says, by its status map and its sidecar.

    Raises
    ------
    InputError
        If one of them is missing or cannot be read.
    """
    path = out / output.place(output.method.maps[output.method.main])
    found = bids.read_map(path)
    status = status_of(nifti.Image(found.data, found.affine, path))
    if status is None:
        raise InputError(f"{path}: its status map is not beside it")
    sigma = files.read_json(nifti.sidecar_path(path)).get("Sigma")
    at_bound = int(np.count_nonzero(status == AT_BOUND))
    estimated = at_bound + int(np.count_nonzero(status == CONVERGED))
    # a bound is no measurement, and a smoothed map has none where too little is known around
    values = found.data[(status == CONVERGED) & np.isfinite(found.data)].astype(np.float64)
    p05, median, p95 = map(float, np.percentile(values, (5, 50, 95))) if values.size else [None] * 3
    return Numbers(
        int(np.count_nonzero(status != OUTSIDE_MASK)),
        estimated,
        at_bound / estimated if estimated else None,
        median,
        p05,
        p95,
        sigma if isinstance(sigma, float | int) else None,
    )


def _row(
    output: Output, outcome: Outcome | None, left: Row | None, written: float, out: Path
) -> Row | None:
    """One series' row; None where nothing has been done with it yet."""
    finished = staging.finished_at(out, output.record)
    if outcome is None and left is not None and (finished is None or finished < written):
        if left.outcome.state == FAILED:
            return left
        done = left.outcome._replace(state=ALREADY_DONE)
        return replace(left, outcome=done) if finished is not None else None
    if outcome is None and finished is None:
        return None
    numbers = Numbers()
    if finished is not None:
        with suppress(InputError):  # a map that cannot be read is fitted again by its own run
            numbers = numbers_of(output, out)
    return Row(output.source.name, outcome or Outcome(ALREADY_DONE), numbers)


def _rows_left(table: Path, outputs: Sequence[Output]) -> dict[str, Row]:
    """Rows of an earlier table by the name of their series; none where it is not as we write it."""
    try:
        said, rows = files.read_json(table.with_suffix(".json")), files.read_table(table)
    except InputError:
        return {}
    if said != _columns(outputs[0]) or not rows or tuple(rows[0]) != COLUMNS:
        return {}
    scale = _scale(outputs[0])
    return {
        cells["series"]: Row(
            cells["series"],
            Outcome(cells["state"], cells["seconds"], cells["error"]),
            Numbers(
                **{
                    name: cells[name] / scale
                    if name in IN_MAP_UNITS and cells[name] is not None
                    else cells[name]
                    for name in Numbers._fields
                }
            ),
        )
        for cells in rows
    }


def _cells(row: Row, scale: float) -> dict[str, Any]:
    numbers = row.numbers._asdict()
    for name in IN_MAP_UNITS:
        if numbers[name] is not None:
            numbers[name] *= scale
    who = {part.split("-")[0]: part for part in row.series.split("_")}
    return {
        "participant_id": who["sub"],
        "session_id": who.get("ses"),
        "series": row.series,
        **row.outcome._asdict(),
        **numbers,
    }


def _scale(output: Output) -> float:
    """From the main map's unit in memory to that of the table."""
    return IN_SECONDS if output.units == "s" and is_time(output.method) else 1.0


def _columns(output: Output) -> dict[str, dict[str, Any]]:
    """The data dictionary."""
    label = output.method.maps[output.method.main].label
    unit = output.units if is_time(output.method) else "1"
    over = f"{label} over the voxels that converged"
    return {
        "participant_id": {"Description": "Subject"},
        "session_id": {"Description": "Session, where the dataset has such"},
        "series": {"Description": "Entities of the series, as in the names of its maps"},
        "state": {
            "Description": "What the last run did with the series",
            "Levels": {
                FITTED: "fitted by the last run",
                ALREADY_DONE: "fitted by an earlier run, left as it is",
                FAILED: "could not be fitted; numbers, where there are any, are of earlier maps",
            },
        },
        "voxels": {"Description": "Voxels inside the mask", "Units": "1"},
        "estimated": {"Description": "Voxels with an estimate", "Units": "1"},
        "share_at_bound": {"Description": "Share of the estimates on a bound", "Units": "1"},
        "median": {"Description": f"Median of {over}", "Units": unit},
        "p05": {"Description": f"5th percentile of {over}", "Units": unit},
        "p95": {"Description": f"95th percentile of {over}", "Units": unit},
        "sigma": {
            "Description": "Noise of one channel, pooled over the series or as it was given",
            "Units": "arbitrary",
        },
        "seconds": {"Description": "Time that the series took when last run", "Units": "s"},
        "error": {"Description": "Why it could not be fitted"},
    }
