"""Tables of the liver study, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from experiments.liver_uncertainty import doubt, results
from experiments.liver_uncertainty.methods import ALL
from experiments.liver_uncertainty.paper import BM3D, COARSE, LBMC, LBR, LBRU, LBUDR
from experiments.liver_uncertainty.results import P_PATIENTS, PARTICIPANTS, REFERENCE, RMRE, STAGES
from experiments.liver_uncertainty.whole_liver import METRICS, named
from experiments.run import Result, labelled
from experiments.trainings import SHORT, TRAINING
from jaxqmri import report
from jaxqmri.report import Table

TABLE_2 = "All methods beside the paper's (Table 2)"
DOUBTS = "What the uncertainty is worth"
INTERVALS = "What intervals hold"
REFINED = "Regions refined by uncertainty"
HIDDEN = "What a small error can hide"
PAIRED = "Are two methods different? Paired over patients"
TARGET = "The target: the fit to four spin-lock times"
TRAINED = "Trainings"
PEOPLE = "Patients"
ERRORS = (
    RMRE, results.SEED_SD, results.MAE, results.PIXEL_BIAS, results.PIXEL_SD,
    results.RMRE_TO_TRUTH, results.LOST,
)  # fmt: skip
UNCERTAINTY = (
    doubt.UCE, f"{doubt.UCE} {doubt.CONSTANT}", doubt.UCE_EXPECTED,
    f"{doubt.UCE_EXPECTED} {doubt.CONSTANT}", doubt.UCE_LESS, doubt.UCE_MEANS,
    f"{doubt.UCE_MEANS} {doubt.CONSTANT}", doubt.NLL, f"{doubt.NLL} {doubt.CONSTANT}",
    doubt.NLL_GAIN, doubt.RANKS, doubt.RANKS_BY_PATIENT, doubt.AUSE,
    f"{doubt.AUSE} within slices", doubt.ABOVE_RANDOM,
)  # fmt: skip
REFINEMENT = (
    doubt.BEFORE, doubt.AFTER, doubt.CHANGE, f"{doubt.CHANGE}, {P_PATIENTS}",
    f"{doubt.CHANGE}, {doubt.P_SLICES}", doubt.KEPT,
)  # fmt: skip
AGREEMENT = (
    "slope of patient means", "ICC of patient means", "pixel slope", "pixel intercept",
    "pixel correlation", results.SLOPE_ERROR, STAGES, f"{STAGES}, retained",
)  # fmt: skip
P_VALUES = (
    f"{RMRE}, {P_PATIENTS}", f"{doubt.CHANGE}, {P_PATIENTS}",
    f"{doubt.CHANGE}, {doubt.P_SLICES}",
)  # fmt: skip


def tables_of(
    rows: Sequence[Result], simulated: bool, short: Collection[str], trained_as: str
) -> dict[str, list[Table]]:
    """All tables, by the title of their section, in reading order.

    Parameters
    ----------
    rows
        Every row of the run.
    simulated
        Whether nobody was scanned: each table says so.
    short
        Networks with a training that was stopped short of its plateau, marked wherever a number
        of theirs stands.
    trained_as
        Sizes and seeds of the networks, for captions.
    """
    entries = [{**one.entry(), "measure": labelled(one.metric, one.unit)} for one in rows]

    def marked(entry: dict[str, Any]) -> dict[str, Any]:
        names = str(entry["model"]).split(" minus ")
        told = f" ({SHORT})" if set(names) & set(short) else ""
        return entry | {"model": f"{entry['model']}{told}"}

    def chosen(metrics: Sequence[str], models: Collection[str] = ALL) -> list[dict[str, Any]]:
        own = [e for e in entries if e["metric"] in metrics and e["model"] in models]
        return [marked(e) for e in sorted(own, key=lambda e: list(metrics).index(e["metric"]))]

    def listed(own: list[dict[str, Any]], caption: str, **more: Any) -> Table:
        names = ("model", "measure")
        return report.result_list(own, names=names, caption=caption, p_values=P_VALUES, **more)

    def laid_out(own: list[dict[str, Any]], down: str, across: str, caption: str) -> Table:
        return report.beside_paper(own, down=(down,), across=across, caption=caption, interval=True)

    in_order = sorted(chosen((RMRE,)), key=lambda e: _place(e["model"]))
    paired = [marked(e) for e in entries if " minus " in e["model"] and e["metric"] == RMRE]
    with_p = [marked(e) for e in entries if e["metric"] == f"{RMRE}, {P_PATIENTS}"]
    intervals = [
        kind + text.format(100 * level)
        for kind in ("", doubt.CONFORMAL)
        for level in doubt.LEVELS
        for text in (doubt.COVERED, doubt.WIDTH)
    ]
    own_data = "Mean over slices ± SD over slices, 95 % interval over patients."
    found = {
        TABLE_2: [
            listed(
                in_order,
                f"ROI mean relative error. {own_data} The paper's three folds cover 51 patients, "
                f"ours the number in the table. {trained_as}",
            ),
            laid_out(
                chosen(ERRORS[1:]),
                "model",
                "measure",
                "Errors to the target in ms, over patients; bias and SD of pixel differences are "
                "those of a Bland-Altman plot.",
            ),
        ],
        DOUBTS: [
            laid_out(
                chosen(UNCERTAINTY),
                "measure",
                "model",
                "Uncertainty against the error of slices (UCE, seven bins) and of pixels. A "
                "perfect Laplace law does not score zero where its standard deviation is compared "
                "with the mean error, as the paper does; with its own mean error it does. A "
                "constant of the right size has a small UCE too: likelihood and order tell more. "
                "Of several seeds the first.",
            ),
            laid_out(
                [
                    entry | {"measure": entry["measure"].replace(named(""), "")}
                    for entry in chosen([named(metric) for metric in METRICS])
                ],
                "measure",
                "model",
                "The same over the whole liver, vessels and edges included, but for pixels whose "
                "target is cut off.",
            ),
        ],
        INTERVALS: [
            laid_out(
                chosen(intervals),
                "measure",
                "model",
                "Share of pixels inside, by patient, and mean width. Conformal: scaled on the "
                "patients of the other folds. Of several seeds the first.",
            )
        ],
        REFINED: [
            listed(
                chosen(REFINEMENT),
                "Pixels above the mean plus SD of the uncertainty in the validation patients' "
                "regions are left out. Slices of one patient are alike, so that p over slices, "
                "the paper's, is too small. Of several seeds the first.",
            )
        ],
        HIDDEN: [
            laid_out(
                chosen(AGREEMENT),
                "model",
                "measure",
                "A method that predicts near the mean has small errors, a flat slope, and loses "
                "the difference between fibrosis stages. Of several seeds the first.",
            )
        ],
        PAIRED: [
            listed(
                [row for pair in zip(paired, with_p, strict=True) for row in pair],
                "RMRE by patient; negative where the first is better. p by paired t test, after "
                "Holm; intervals are not corrected.",
            )
        ],
        TRAINED: [
            laid_out(
                chosen(TRAINING),
                "model",
                "measure",
                "Mean ± SD over folds and seeds. The validation error is what a network is to make "
                "small, on the validation patients: mean absolute error, or the constant Laplace "
                "scale that is as likely (ms); with physics also, or only, the squared distance "
                "to the images in units of their noise. A network with a training short of its "
                f"plateau supports no claim. {trained_as}",
            )
        ],
        PEOPLE: [
            report.result_list(
                [e for e in entries if e["model"] == PARTICIPANTS],
                names=("input", "measure"),
                caption="Table 1 of the paper, whose stages add up to one patient too many.",
            )
        ],
        TARGET: [listed(chosen([e["metric"] for e in entries], (REFERENCE,)), own_data)],
    }
    found = {name: parts for name, parts in found.items() if any(part.rows for part in parts)}
    if not simulated:
        return found
    return {
        name: [replace(part, caption=f"Simulated data. {part.caption}") for part in parts]
        for name, parts in found.items()
    }


def _place(model: str) -> int:
    """The paper's methods in its order, then ours."""
    paper = (COARSE, BM3D, LBR, LBRU, LBMC, LBUDR)
    name = model.removesuffix(f" ({SHORT})")
    return paper.index(name) if name in paper else len(paper) + ALL.index(name)
