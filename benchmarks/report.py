"""The table, what was asked beside what was measured, and the machine it was measured on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.cases import CASES

Row = Mapping[str, Any]
OURS, MINPACK = "jaxqmri", "scipy curve_fit"
COLUMNS = {
    "case": "case",
    "method": "method",
    "voxels": "voxels",
    "voxels_per_s": "voxels/s",
    "best_voxels_per_s": "best",
    "ratio": "x curve_fit",
    "difference_median": "median diff/std",
    "difference_999": "99.9 %",
    "first_s": "first s",
    "steady_s": "steady s",
    "memory_peak_mib": "peak MiB",
    "cores_busy": "cores",
}


def table(rows: Sequence[Row]) -> str:
    """Every method of every case, one line each; a method that failed says why."""
    lines = [list(COLUMNS.values())]
    for row in rows:
        if "error" in row:
            lines.append([row["case"], row["method"], f"failed: {row['error']}"])
        else:
            lines.append([_cell(row[name]) for name in COLUMNS])
    whole = [line for line in lines if len(line) == len(COLUMNS)]
    widths = [max(len(line[k]) for line in whole) for k in range(len(COLUMNS))]
    widths[1] = max(len(line[1]) for line in lines)
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k < 2 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=False))
        )
        for line in lines
    )


def with_ratios(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Add to each row its rate over that of scipy's MINPACK on the same equation and arrays."""
    rates = {r["case"]: r["voxels_per_s"] for r in rows if _is(r, MINPACK)}
    rates["mono, all maps"] = rates.get("mono")  # the same arrays
    done = []
    for row in rows:
        rate = rates.get(row["case"])
        measured = "error" not in row and rate is not None
        done.append({**row, "ratio": row["voxels_per_s"] / rate if measured else None})
    return done


def targets(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What is asked of two CPU cores, and whether this run met it (None where not measured)."""
    ours = {row["case"]: row for row in rows if _is(row, OURS)}
    asked = [
        _target(f"{name}: voxels/s", case.asked, ours.get(name, {}).get("voxels_per_s"))
        for name, case in CASES.items()
        if case.asked is not None
    ]
    asked.append(_target("mono: times curve_fit", 1500.0, ours.get("mono", {}).get("ratio")))
    limit = ours.get("mono", {}).get("limit", {}).get("times_arithmetic")
    asked.append(_target("mono: times the least time of its arithmetic", 3.0, limit, at_most=True))
    if {"mono", "mono, Rician"} <= ours.keys():
        slower = ours["mono"]["voxels_per_s"] / ours["mono, Rician"]["voxels_per_s"]
        asked.append(_target("mono: Gaussian rate over Rician", 10.0, slower, at_most=True))
    for name, row in ours.items():
        for label, key, limit in (
            ("float32", "difference_999", 1e-2),
            ("float64", "float64_difference_999", 1e-6),
        ):
            what = f"{name}: {label} difference / std, 99.9 %"
            asked.append(_target(what, limit, row.get(key), at_most=True))
            if key in row and row[key] is None:  # more than a thousandth without an estimate
                asked[-1]["met"] = False
    return asked


def target_lines(asked: Sequence[Row]) -> str:
    """One line for each target."""
    words = {True: "met", False: "NOT MET", None: "not measured"}
    width = max(len(row["what"]) for row in asked)
    return "\n".join(
        f"{row['what']:<{width}}  asked {'<=' if row['at_most'] else '>='} {row['asked']:>10.4g}  "
        f"measured {_cell(row['measured']):>10}  {words[row['met']]}"
        for row in asked
    )


def machine() -> dict[str, Any]:
    """Processor, cores, memory, devices and versions; no names of hosts, users or folders."""
    from experiments.surroundings import surroundings

    here = surroundings()
    versions = dict(here["versions"])
    try:
        versions["optimistix"] = version("optimistix")
    except PackageNotFoundError:
        versions["optimistix"] = None
    memory = None
    if hasattr(os, "sysconf"):
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    return {
        "cpu": here["host"]["cpu"],
        "cores": here["host"]["cores"],
        "memory_gib": memory,
        "device": here["device"],
        "versions": versions,
    }


def _is(row: Row, method: str) -> bool:
    return row["method"] == method and "error" not in row


def _target(what: str, asked: float, measured: Any, at_most: bool = False) -> dict[str, Any]:
    met = None
    if measured is not None:
        met = bool(measured <= asked if at_most else measured >= asked)
    return {"what": what, "asked": asked, "at_most": at_most, "measured": measured, "met": met}


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
