"""Tables of the knee UTE study, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from experiments.knee_rmq.estimates import NETWORK, NO_IMAGES, REFERENCE
from experiments.knee_rmq.metrics import (
    BIAS,
    CARTILAGE,
    DICE,
    FALL,
    GROUPS,
    JACCARD,
    L1,
    L1_INTERIOR,
    L2,
    LONG_BIAS,
    LOST,
    NORMALISED_L1,
    NORMALISED_L2,
    NORMALISED_RMSE,
    RETAINED,
    RMSE,
    ROI_R,
    ROI_R_DRAWN,
    SEED_SD,
    SHORT_BIAS,
    SLOPE,
    T1_LESS_T1RHO,
    TO_TRUTH,
    TO_TRUTH_INTERIOR,
    VOXEL_R,
    VOXEL_R_DRAWN,
    VOXEL_R_INTERIOR,
    P,
    of,
)
from experiments.knee_rmq.paper import INPUTS, QUANTITIES
from experiments.knee_rmq.participants import PARTICIPANTS, PROTOCOL
from experiments.run import Result, labelled
from experiments.trainings import TRAINING, Arm, marked
from jaxqmri import report
from jaxqmri.report import Table

TABLE_1 = "Correlations and scan times (Table 1)"
TABLE_2 = "Errors (Table 2)"
COMPETITORS = "The network and what could do the same job"
PHYSICS = "What holding it to the signal equations buys"
SEGMENTED = "Segmentation"
FALLS = "What leaving images out costs"
HIDDEN = "What a small error can hide"
TARGET = "The reference: the fit to all images"
TRAINED = "Trainings"
PEOPLE = "Subjects"
ORDER = (*INPUTS, NO_IMAGES)
WITH_P = tuple(of(metric, quantity) for metric in (ROI_R, VOXEL_R) for quantity in QUANTITIES)


def tables_of(
    rows: Sequence[Result], simulated: bool, short: Collection[Arm], trained_as: str
) -> dict[str, list[Table]]:
    """All tables, by the title of their section, in reading order.

    Parameters
    ----------
    rows
        Every row of the run.
    simulated
        Whether nobody was scanned: each table says so.
    short
        Networks with a training that was stopped short of its plateau, with their inputs.
    trained_as
        Sizes and seeds of the networks, for captions.
    """
    entries = [{**one.entry(), "measure": labelled(one.metric, one.unit)} for one in rows]

    def chosen(
        metrics: Sequence[str],
        models: Collection[str] | None = None,
        region: str | None = CARTILAGE,
    ) -> list[dict[str, Any]]:
        own = [
            entry | {"model": marked(entry["model"], ORDER, short)}
            for entry in entries
            if entry["metric"] in metrics
            and (entry["model"] in models if models else " minus " not in entry["model"])
            and entry["region"] == region
        ]
        return sorted(own, key=lambda e: (list(metrics).index(e["metric"]), _place(e["input"])))

    def by_input(own: list[dict[str, Any]], caption: str, digits: int = 2) -> Table:
        return report.beside_paper(
            own, down=("measure", "model"), caption=caption, digits=digits, interval=True
        )

    def both(*metrics: str) -> list[str]:
        return [of(metric, quantity) for metric in metrics for quantity in QUANTITIES]

    protocol = sorted(
        (e for e in entries if e["model"] == PROTOCOL), key=lambda e: _place(e["input"])
    )
    differences = [e for e in entries if " minus " in e["model"]]
    of_physics = [e for e in differences if e["model"].endswith(f" minus {NETWORK}")]
    of_physics = [e for e in of_physics if "physics" in e["model"]]
    others = [e for e in differences if e not in of_physics]
    over = "over the test subjects"
    found = {
        TABLE_1: [
            report.beside_paper(
                protocol,
                down=("measure",),
                caption="Scan times by the time of each image (3:10 "
                "a flip angle, 2:34 a spin-lock time), which the printed totals follow but for "
                "the first; the text has 2:22 a flip angle. No network is given the flip-angle "
                "map (4:57), which the reference needs.",
            ),
            by_input(
                chosen(both(ROI_R, VOXEL_R), (NETWORK,)),
                "Pearson's r of the network's maps and the fitted ones. ROI: means of slices, "
                "predicted in the predicted cartilage, fitted in the drawn one. Voxels: where "
                f"both take it for cartilage. Intervals are {over}, each with all of its slices "
                f"or voxels. {trained_as}",
                3,
            ),
            report.result_list(
                [e for e in chosen([f"{name}, {P}" for name in WITH_P], (NETWORK,))],
                names=("measure", "input"),
                caption="p of these correlations with slices or voxels counted as independent, "
                "as the paper's (all below 0.0001). They are not independent: the intervals "
                "above tell more.",
                p_values=[f"{name}, {P}" for name in WITH_P],
            ),
        ],
        TABLE_2: [
            by_input(
                chosen(
                    both(L1, L2, NORMALISED_L1, NORMALISED_L2, RMSE, NORMALISED_RMSE), (NETWORK,)
                ),
                "Errors in the drawn cartilage: mean over slices ± SD over slices, interval "
                f"{over}. L2 is the paper's, the root of the summed squares over the number of "
                "voxels, which depends on how many there are; RMSE is not. Normalised: by the "
                "slice's fitted mean. The printed ± 0.7 is surely 0.07.",
            )
        ],
        COMPETITORS: [
            by_input(
                chosen(both(VOXEL_R_DRAWN, VOXEL_R_INTERIOR, ROI_R_DRAWN)),
                f"Correlations with the fitted maps, {over}: in all of the drawn cartilage, and "
                "away from its border, where the four neighbours in the slice were drawn too.",
                3,
            ),
            by_input(
                chosen(
                    both(L1, L1_INTERIOR, TO_TRUTH, TO_TRUTH_INTERIOR, LOST)
                    + [of(NORMALISED_L1, name) for name in ("M0", "B1")]
                ),
                "All of them in the drawn cartilage, L1 over slices. The fit with priors sees the "
                "same images, and how M0, T1, T1rho, B1 and gain of the training subjects vary "
                "together; the constant is their median. At the border a voxel holds fluid or "
                "bone as well.",
                2,
            ),
            _differences(
                others,
                "Paired over the test subjects: errors negative, r and Dice positive "
                "where the first is better. p by paired t test, after Holm; intervals are not "
                "corrected.",
            ),
        ],
        PHYSICS: [
            _differences(
                of_physics,
                "With the signal equations in the loss less without, paired over the "
                "test subjects: errors are smaller where they help, r and Dice larger. All eleven "
                "images are held to the equations, those given and those left out. Intervals hold "
                "the chance of subjects, not that of a training.",
            )
        ],
        SEGMENTED: [
            by_input(
                chosen((DICE, JACCARD)),
                f"Cartilage, mean ± SD {over}, in the slices from the first to "
                "the last that hold some: what is found beyond is not counted. The paper gives "
                "none.",
                3,
            ),
            by_input(chosen((DICE, JACCARD), region="menisci"), f"Menisci, {over}.", 3),
        ],
        FALLS: [
            by_input(
                chosen([of(FALL, name) for name in (*QUANTITIES, T1_LESS_T1RHO)]),
                f"Voxel r at all images less that at fewer, in the drawn cartilage; {over}.",
                3,
            ),
            by_input(chosen(both(f"{VOXEL_R_DRAWN}, {SEED_SD}")), "Over training seeds.", 4),
        ],
        HIDDEN: [
            by_input(
                chosen(both(SHORT_BIAS, LONG_BIAS, SLOPE, BIAS, GROUPS, RETAINED)),
                "A method that predicts near the mean is too long where maps are short and the "
                "reverse, has small errors, a flat slope, and loses "
                "the difference between groups. Means of networks are over predicted cartilage, "
                f"those of the others over the drawn one. {over.capitalize()}: few, so that "
                "intervals are wide.",
            )
        ],
        TRAINED: [
            by_input(
                chosen(TRAINING, region=None),
                "Mean over seeds. The validation error is the paper's loss on the validation "
                "subjects, whatever the training's is. A network with a training short of its "
                f"plateau supports no claim. {trained_as}",
                3,
            )
        ],
        TARGET: [
            report.result_list(
                [e for e in entries if e["model"] == REFERENCE],
                names=("measure",),
                caption="Over all subjects; groups and distances to true maps over the test "
                "subjects. The SD over voxels that the paper's errors and correlations imply "
                "together, if errors are normal, is what the simulated spread was chosen near: L1 "
                "and r are no independent predictions of each other.",
            )
        ],
        PEOPLE: [
            report.result_list(
                [e for e in entries if e["model"] == PARTICIPANTS],
                names=("input", "measure"),
                caption="Slices: those with cartilage, on our grid.",
            )
        ],
    }
    found = {name: kept for name, parts in found.items() if (kept := [p for p in parts if p.rows])}
    if not simulated:
        return found
    return {
        name: [replace(part, caption=f"Simulated data. {part.caption}") for part in parts]
        for name, parts in found.items()
    }


def _differences(own: Sequence[dict[str, Any]], caption: str) -> Table:
    """Differences, each with its corrected p below it."""
    p_values = sorted({e["metric"] for e in own if e["metric"].endswith(f", {P}")})
    order = sorted(
        own, key=lambda e: (_place(e["input"]), e["model"], e["metric"].removesuffix(f", {P}"))
    )
    return report.result_list(
        order, names=("model", "input", "measure"), caption=caption, p_values=p_values
    )


def _place(name: str | None) -> int:
    """Of an input, by itself or compared with another."""
    first = str(name).split(" minus ")[0]
    return ORDER.index(first) if first in ORDER else len(ORDER)
