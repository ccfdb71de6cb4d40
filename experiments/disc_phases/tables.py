"""Tables of the disc study, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from experiments.disc_phases import paper
from experiments.disc_phases.metrics import (
    ACCURACY,
    AP,
    AP_STRICT,
    AUC,
    COLUMN,
    CORRELATION,
    COUPLED,
    DETECTOR,
    ERROR,
    F1,
    FIVE_FOLDS,
    FOLD_AUC,
    MACRO,
    MICRO,
    NAMED_RIGHT,
    NETWORK,
    PRECISION,
    RECALL,
    TEST,
    WEIGHTED,
    average,
    evaluated,
)
from experiments.disc_phases.metrics import PATIENTS as PATIENTS_APART
from experiments.disc_phases.participants import COUNT, DISCS, ICC, KAPPA, PATIENTS
from experiments.pages import filled
from experiments.run import Result, labelled
from experiments.trainings import TRAINING
from jaxqmri import report
from jaxqmri.report import Table

FOUND = "Discs found (Table 2)"
TOLD = "Phases told (Table 3)"
AREAS = "Areas under ROC curves"
RUNGS = "What a network has to beat"
CURVE = "How strongly degeneration shows"
FOLDS = "Folds (Table 4)"
PREDICTED = "T1rho that networks predict"
READERS = "Agreement of readers"
PEOPLE = "Patients and discs (Table 1)"
TRAINED = "Trainings"
AVERAGES = (MACRO, WEIGHTED, MICRO)


def tables_of(rows: Sequence[Result], simulated: bool) -> dict[str, list[Table]]:
    """All tables, by the title of their section, in reading order.

    Parameters
    ----------
    rows
        Every row of the run.
    simulated
        Whether nobody was scanned: each table says so.
    """
    entries = [{**one.entry(), "measure": labelled(one.metric, one.unit)} for one in rows]

    def having(metrics: Collection[str], **names: Any) -> list[dict[str, Any]]:
        order = list(metrics)
        own = [
            entry
            for entry in entries
            if entry["metric"] in order
            and all(entry[key] in _among(wanted) for key, wanted in names.items())
        ]
        return sorted(own, key=lambda entry: order.index(entry["metric"]))

    alone = [entry for entry in entries if " minus " not in f"{entry['model']} {entry['input']}"]
    test = [e for e in alone if str(e["input"]).endswith(f", {TEST}")]
    of_phases = (PRECISION, RECALL, F1)
    curve = [
        e for e in alone
        if e["metric"] == average(AUC, MACRO) and str(e["input"]).startswith(COUPLED)
    ]  # fmt: skip
    models = {e["model"] for e in curve}
    curve += [
        e for e in alone
        if e["metric"] == average(AUC, MACRO) and e["model"] in models
        and e["input"] == evaluated(PATIENTS_APART, FIVE_FOLDS)
    ]  # fmt: skip
    found = {
        FOUND: [
            report.result_list(
                [e for e in entries if e["metric"].startswith((f"{AP}, ", NAMED_RIGHT))],
                names=("measure", "input", "model"),
                digits=3,
                caption="A disc is found from a score of 0.25, in a column from 0.05, by a box "
                "that overlaps the drawn one by at least one half.",
            ),
            report.result_list(
                having((AP, AP_STRICT), model=(DETECTOR, COLUMN)),
                names=("measure", "input", "model", "region"),
                digits=3,
                caption="Average precision as YOLOv7 computes it, of an overlap of at least one "
                "half, and the mean over overlaps from 0.5 to 0.95. One column: of each level at "
                "most one box, those that together stand as discs of one spine do.",
            ),
        ],
        TOLD: [
            report.result_list(
                [e for e in test if e["model"] == NETWORK and e["metric"] in
                 (*of_phases, ACCURACY, *(average(m, a) for m in of_phases for a in AVERAGES))],
                names=("input", "measure", "region"),
                digits=3,
                caption="Discs of the test patients, in boxes that the detector found. As the text "
                "allows: the classifier has learnt from what the network says of the discs that "
                "the network has learnt from.",
            )
        ],
        AREAS: [
            report.result_list(
                [e for e in alone if e["model"] == NETWORK and e["metric"] in
                 (AUC, *(average(AUC, a) for a in AVERAGES))
                 and not str(e["region"]).startswith("fold")],
                names=("input", "measure", "region"),
                digits=3,
                caption="Each phase against the others; intervals over patients, and SD over the "
                "resamples. Of folds only discs of one fold are compared. The paper's intervals "
                "are over discs, and its average is neither the mean of its three nor weighted.",
            )
        ],
        RUNGS: [
            report.result_list(
                [e for e in alone if e["metric"] == average(AUC, MACRO)],
                names=("input", "model"),
                digits=3,
                caption="Mean area of the three phases. The T1rho of one reading is what a network "
                "could reach that knew T1rho as well as one reader. Level, age and network: a "
                "logistic regression that is told the predicted mean T1rho too.",
            ),
            report.result_list(
                [e for e in entries if e["metric"] == average(AUC, MACRO)
                 and " minus " in f"{e['model']} {e['input']}"],
                names=("model", "input"),
                digits=3,
                caption="Differences over the same discs; intervals over patients. Mean of "
                "cohorts: degeneration shows in none of them; intervals over cohorts (Student). "
                "Network of other discs: what a number costs that says nothing.",
            ),
        ],
        CURVE: [
            report.result_list(
                curve,
                names=("input", "model"),
                digits=3,
                caption="The same experiment on cohorts of other couplings: what degeneration does "
                "to shape and contrast is multiplied by it. Without a number: coupling 1.",
            )
        ],
        FOLDS: [
            report.result_list(
                [e for e in having((AUC, FOLD_AUC), model=NETWORK)
                 if str(e["region"]).startswith("fold") or e["metric"] == FOLD_AUC],
                names=("input", "measure", "region"),
                digits=3,
                caption="Mean area of the three phases in each fold. The paper's five, of its own "
                f"folds: {', '.join(f'{area:g}' for area in paper.FOLD_AUC)}.",
            )
        ],
        PREDICTED: [
            report.result_list(
                having((ERROR, CORRELATION)),
                names=("input", "region", "measure"),
                caption="What the second stage says of discs that it has not seen, against the "
                "mean of all readings.",
            )
        ],
        READERS: [
            report.result_list(
                having((ICC, KAPPA)),
                names=("measure", "input", "region"),
                digits=3,
                caption="The paper prints no numbers: all coefficients are above "
                f"{paper.AGREEMENT:.2f}. Intervals of the intraclass correlations are over discs, "
                "of kappa over patients.",
            )
        ],
        PEOPLE: [
            report.result_list(
                having((COUNT, "mean"), model=(PATIENTS, DISCS)),
                names=("model", "input", "region", "measure"),
                digits=1,
            )
        ],
        TRAINED: [
            report.result_list(
                having((*TRAINING,)),
                names=("model", "input", "measure"),
                digits=3,
                caption="The validation error of the detector is its loss; of the second stage the "
                "error of T1rho in ms. A network short of its plateau supports no claim; a "
                "detector is at its end, too, when its rate has fallen to zero.",
            )
        ],
    }  # fmt: skip
    return filled(found, simulated)


def _among(wanted: Any) -> Collection[Any]:
    return wanted if isinstance(wanted, tuple) else (wanted,)
