"""Tables of the knee T1rho study, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from experiments.knee_cv.agreement import HIDDEN
from experiments.knee_cv.comparisons import COMPARED, COMPETITORS, P_T, P_WILCOXON
from experiments.knee_cv.paper import INPUTS, NETWORKS, NLLS
from experiments.knee_cv.results import (
    AT_BOUND,
    CARTILAGE,
    METRICS,
    NO_ESTIMATE,
    REFERENCE,
    TRUTH_METRICS,
    Study,
)
from experiments.knee_cv.retest import RETEST
from experiments.knee_cv.subjects import REGIONS
from experiments.run import Result, labelled
from experiments.subjects import person_of
from experiments.trainings import SHORT, TRAINING, Arm, marked
from jaxqmri import report
from jaxqmri.report import Estimate, Table

TWO_POINT = "Two-point fits beside the paper's (Table 4)"
REFERENCE_FIT = "Reference: the fit to four spin-lock times"
ALL_MODELS = "All models beside the paper's (Table 4)"
WHAT_RPE_HIDES = "What a small regional error hides"
RETESTED = "Test and retest"
PAIRED = "Are two methods different? Paired over subjects"
TRAINED = "Trainings"


def _by_input(result: Result) -> int:
    """Inputs in the paper's order, what has none or another first."""
    return INPUTS.index(result.input) if result.input in INPUTS else -1


def _arms(entry: Mapping[str, Any]) -> set[Arm]:
    """Model and input of a row; both of a difference's."""
    models, inputs = (str(entry[key]).split(" minus ") for key in ("model", "input"))
    return set(product(models, inputs))


def _similarities(study: Study) -> Table:
    return Table(
        ("subject", "SSIM before registration", "SSIM after"),
        tuple(
            (
                "_".join(f"{key}-{name}" for key, name in person_of(entities).items()),
                *(Estimate(float(one), digits=3) for one in one_subject),
            )
            for entities, one_subject in zip(
                study.entities, (subject.similarity for subject in study.subjects), strict=True
            )
        ),
        "Each subject's SSIM of the PD-weighted image with TSL 0, over the cartilage.",
        stub=1,
    )


def tables_of(
    results: Sequence[Result], study: Study, short: Collection[Arm] = (), trained_as: str = ""
) -> dict[str, list[Table]]:
    """All tables, by the title of their section, in reading order.

    Parameters
    ----------
    results
        Every row of the run.
    study
        The subjects. Where they are simulated each table says that nobody was scanned.
    short
        Model and input of networks that were stopped short of their plateau: marked wherever a
        number of theirs stands.
    trained_as
        Sizes and seed of the networks, for captions.
    """
    trained_as = f" {trained_as}" if trained_as else ""
    entries = [
        {**result.entry(), "measure": labelled(result.metric, result.unit)}
        for result in sorted(results, key=_by_input)
    ]

    def chosen(**wanted: Any) -> list[dict[str, Any]]:
        return [e for e in entries if all(e[key] in values for key, values in wanted.items())]

    def named(chosen: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [e | {"model": marked(e["model"], INPUTS, short)} for e in chosen]

    def by_arm(chosen: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            e | {"model": f"{e['model']} ({SHORT})"} if _arms(e).intersection(short) else e
            for e in chosen
        ]

    whole = {"region": (CARTILAGE,)}
    nlls = chosen(model=(NLLS,), metric=tuple(METRICS), **whole)
    everyone = (*NETWORKS, NLLS, *COMPETITORS)
    all_models = chosen(model=everyone, metric=tuple(METRICS), input=INPUTS, **whole)
    hidden = chosen(model=(REFERENCE, *everyone), metric=HIDDEN)
    with_p = {f"{metric}, {test}" for metric in COMPARED for test in (P_T, P_WILCOXON)}
    paired = [
        e
        for e in entries
        if e["metric"] in with_p
        or (e["metric"] in COMPARED and (e["model"] not in everyone or e["input"] not in INPUTS))
    ]
    trained = chosen(model=NETWORKS, metric=TRAINING)
    regions = chosen(
        model=(*NETWORKS, NLLS),
        input=INPUTS,
        metric=("Bias", "MAE", "RE", "RPE"),
        region=tuple(REGIONS.values()),
    )
    status = chosen(model=(REFERENCE, *everyone), metric=(NO_ESTIMATE, AT_BOUND), **whole)
    truth_metrics = tuple(f"{metric} to truth" for metric in TRUTH_METRICS)
    truth = chosen(model=(REFERENCE, *everyone), metric=truth_metrics, **whole)
    reference = chosen(model=(REFERENCE,), metric=("mean T1rho", "SD between voxels"))
    beside = report.beside_paper
    tables = {
        ALL_MODELS: [
            beside(
                named([entry for entry in all_models if entry["model"] == model]),
                down=("model", "measure"),
                caption=f"{marked(model, INPUTS, short)} over the whole cartilage: mean ± SD over "
                "subjects, ours with the paper's." + (trained_as if model in NETWORKS else ""),
            )
            for model in everyone
            if any(entry["model"] == model for entry in all_models)
        ],
        WHAT_RPE_HIDES: [
            report.result_list(
                by_arm(hidden),
                names=("model", "input", "measure"),
                caption="A method that predicts near the cohort's mean has a small regional error. "
                "Slope and ICC of its subject means with the reference's are then near 0, and "
                "of the difference between patients and volunteers little survives. 95 % "
                f"bootstrap intervals over subjects.{trained_as}",
            )
        ],
        RETESTED: [
            report.result_list(
                by_arm(chosen(metric=RETEST)),
                names=("model", "input", "measure"),
                caption="New digital subjects scanned and drawn twice, with another pose, gain, "
                "field and noise each time; mean T1rho of the whole cartilage, networks of the "
                "first fold. A method that gives everybody the same value repeats itself well: "
                "read it beside the slopes above.",
            )
        ],
        PAIRED: [
            report.result_list(
                by_arm(paired),
                p_values=with_p,
                names=("model", "input", "measure"),
                caption="Mean difference over subjects with its 95 % bootstrap interval; negative "
                "where the first is the better. p corrected after Holm over all comparisons of a "
                f"metric; intervals are not corrected.{trained_as}",
            )
        ],
        TRAINED: [
            beside(
                named(trained),
                down=("model", "measure"),
                caption="Mean ± SD over folds. A network with a fold short of its plateau supports "
                "no claim.",
            )
        ],
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
        "Regions of the cartilage": [
            beside(
                named(regions),
                down=("region", "model", "measure"),
                caption="Each region; the paper's supplement has them, its text does not.",
            )
        ],
        "Voxels without an estimate, and at a bound": [
            beside(
                named(status),
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
                named(truth),
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
        ),
        _similarities(study),
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
    tables = {name: parts for name, parts in tables.items() if any(table.rows for table in parts)}
    if study.simulated:
        tables = {
            name: [replace(table, caption=f"Simulated data. {table.caption}") for table in parts]
            for name, parts in tables.items()
        }
    return tables
