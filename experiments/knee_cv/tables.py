"""Tables of the knee T1rho study, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from experiments.knee_cv.paper import NETWORKS, NLLS, TABLE_4
from experiments.knee_cv.results import (
    AT_BOUND,
    CARTILAGE,
    METRICS,
    NO_ESTIMATE,
    REFERENCE,
    TRUTH_METRICS,
    labelled,
)
from experiments.knee_cv.subjects import REGIONS
from experiments.run import Result
from jaxqmri import report
from jaxqmri.report import Table

PRINTED = tuple(TABLE_4[NLLS])
TWO_POINT = "Two-point fits beside the paper's (Table 4)"
REFERENCE_FIT = "Reference: the fit to four spin-lock times"
NETWORKS_ONLY = "Networks, not run"


def tables_of(results: Sequence[Result], simulated: bool) -> dict[str, list[Table]]:
    """All tables, by the title of their section, in reading order.

    Parameters
    ----------
    results
        Every row of the run.
    simulated
        Whether each table must say that nobody was scanned.
    """
    entries = [
        {**result.entry(), "measure": labelled(result.metric, result.unit)} for result in results
    ]

    def chosen(**wanted: Any) -> list[dict[str, Any]]:
        return [e for e in entries if all(e[key] in values for key, values in wanted.items())]

    whole = {"region": (CARTILAGE,)}
    nlls = chosen(model=(NLLS,), metric=tuple(METRICS), **whole)
    networks = chosen(model=NETWORKS)
    regions = chosen(model=(NLLS,), metric=PRINTED, region=tuple(REGIONS.values()))
    status = chosen(model=(REFERENCE, NLLS), metric=(NO_ESTIMATE, AT_BOUND), **whole)
    truth_metrics = tuple(f"{metric} to truth" for metric in TRUTH_METRICS)
    truth = chosen(model=(REFERENCE, NLLS), metric=truth_metrics, **whole)
    reference = chosen(model=(REFERENCE,), metric=("mean T1rho", "SD between voxels"))
    beside = report.beside_paper
    tables = {
        TWO_POINT: [
            beside(
                nlls,
                down=("measure",),
                caption="NLLS over the whole cartilage: mean ± SD over subjects, ours with the "
                "paper's. The paper's MAPE and RPE are of the prediction: an RPE of 49.45 % "
                "cannot go with a bias of 100.25 % otherwise.",
            ),
        ],
        REFERENCE_FIT: [
            report.result_list(
                reference,
                names=("region", "measure"),
                caption="Mean and SD over subjects, 95 % interval of the mean.",
            )
        ],
        NETWORKS_ONLY: [
            beside(
                networks,
                down=("model", "measure"),
                caption="What the paper prints for its networks. None of them is trained here.",
            )
        ],
        "Regions of the cartilage": [
            beside(
                regions,
                down=("region", "measure"),
                caption="NLLS in each region; the paper's supplement has them, its text does not.",
            )
        ],
        "Voxels without an estimate, and at a bound": [
            beside(
                status,
                down=("model", "measure"),
                caption="Share of each subject's cartilage voxels. Voxels without an estimate, in "
                "the reference or in the two-point fit, have no error and are left out of the "
                "others' means; an estimate at a bound is an estimate.",
            )
        ],
    }
    if truth:
        tables["Errors to the simulator's truth"] = [
            beside(
                truth,
                down=("model", "measure"),
                caption="The truth is the mean T1rho of the cartilage in each voxel. The images "
                "hold the fluid beside it, imperfect spin locks and noise as well, behind the "
                "reference as behind every other map. A real study has no such columns.",
            )
        ]
    tables["Registration"] = [
        report.result_list(
            chosen(model=("registration",)),
            names=("measure",),
            caption="PD-weighted to T1rho images, up to the stage that `registration` of the "
            "settings names. SSIM is within slices, over the "
            "cartilage, after one factor for the gain; how the paper computed its own is not told.",
        )
    ]
    tables["Participants"] = [
        report.result_list(
            chosen(model=("participants",)),
            names=("input", "measure"),
            caption="Table 1 of the paper, and its section 2.2 for all.",
        )
    ]
    tables["Intervals"] = [
        report.result_list(
            nlls,
            names=("measure", "input"),
            caption="NLLS over the whole cartilage once more: mean ± SD over subjects, 95 % "
            "bootstrap interval of the mean over subjects, and the difference to the paper's.",
        )
    ]
    if simulated:
        tables = {
            name: parts
            if name == NETWORKS_ONLY  # the paper's numbers alone, of real knees
            else [replace(table, caption=f"Simulated data. {table.caption}") for table in parts]
            for name, parts in tables.items()
        }
    return tables
