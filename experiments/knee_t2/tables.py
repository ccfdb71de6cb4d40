"""Tables of the knee T2 study, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from experiments.knee_t2.fit_comparison import KEPT, LEVEL, OFF, REPEATS, REPEATS_SUBREGIONS
from experiments.knee_t2.metrics import (
    ATLAS,
    BIAS,
    CHANGE,
    COVERAGE,
    COVERAGE_ERROR,
    CV,
    DICE,
    ERROR,
    EXCEEDING,
    JACCARD,
    LARGEST,
    LIMITS_HIGH,
    LIMITS_LOW,
    MEAN,
    NETWORK,
    NETWORK_2,
    OVER_SUBREGIONS,
    PEARSON,
    READER_1,
    READER_2,
    RMS_CV,
    SPEARMAN,
    SUBSET,
    VALUE,
    VOXELS,
    P,
    against,
    of,
)
from experiments.knee_t2.participants import PARTICIPANTS
from experiments.knee_t2.t2_fits import FITS
from experiments.knee_t2.trained import LEAST_AREA, LEAST_PROBABILITY, VALIDATION
from experiments.pages import filled
from experiments.run import Result, labelled
from experiments.trainings import TRAINING
from jaxqmri import report
from jaxqmri.report import Table

TABLE_2 = "Overlap (Table 2)"
SUMMARY = "T2 of the twelve subregions, in short"
REGIONS = "T2 by region, network against Reader 1"
CHANGES = "Change of T2 over four years, network against Reader 1"
READERS = "T2 by region, other readings"
CLUSTERS = "Clusters of change"
TISSUE = "T2 and its change in the test subjects"
FITTED = "What each fit makes of the same echoes"
TRAINED = "Trainings and the search"
PEOPLE = "Subjects"
SET = (
    " How well readers agree was set in the simulation, and with it how well anything can agree "
    "with them."
)
NULL = " The null cohort's knees were scanned twice too, and have not changed at all."
IN_SHORT = (
    f"{SPEARMAN}, {OVER_SUBREGIONS}",
    f"{ERROR}, {OVER_SUBREGIONS}",
    f"{ERROR}, {LARGEST}",
)
SHOWN = (SPEARMAN, PEARSON, ERROR, BIAS, P, LIMITS_LOW, LIMITS_HIGH, RMS_CV, CV)
SHORTER = (SPEARMAN, ERROR, BIAS, RMS_CV)


def tables_of(rows: Sequence[Result], simulated: bool, fitted_as: str) -> dict[str, list[Table]]:
    """All tables, by the title of their section, in reading order.

    Parameters
    ----------
    rows
        Every row of the run.
    simulated
        Whether nobody was scanned: each table says so.
    fitted_as
        Fit and rule of the subregions, for captions.
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
        return sorted(own, key=lambda e: order.index(e["metric"]))

    def regions(quantity: str, model: str, source: str, shown: Sequence[str]) -> Table:
        own = having([of(quantity, metric) for metric in shown], model=model, input=source)
        own = [
            {**e, "measure": e["measure"].removeprefix(f"{quantity}: ")} for e in own if e["region"]
        ]
        return report.beside_paper(
            own, down=("region",), across="measure", interval=False, digits=2,
            caption=f"{model} {source}. {fitted_as}",
        )  # fmt: skip

    both = (against(READER_1, SUBSET), against(READER_2, SUBSET))
    found = {
        TABLE_2: [
            report.result_list(
                having((DICE, JACCARD)),
                names=("model", "input", "measure"),
                digits=3,
                caption="Volumetric, mean ± SD over visits, intervals over subjects. Differences "
                f"are paired over the same visits.{SET if simulated else ''}",
            )
        ],
        SUMMARY: [
            report.beside_paper(
                [
                    entry
                    for entry in having(
                        [of(quantity, each) for quantity in (VALUE, CHANGE) for each in IN_SHORT]
                    )
                    if " minus " not in entry["model"]
                ],
                down=("measure", "input"),
                across="model",
                caption=f"Means over the twelve subregions, and the largest error. {fitted_as}",
            ),
            report.result_list(
                [e for e in having((of(VALUE, IN_SHORT[1]),)) if " minus " in e["model"]],
                names=("measure", "model", "input"),
                caption="Differences, paired over the same visits: negative where the first is "
                "closer.",
            ),
            report.result_list(
                having((EXCEEDING,)),
                names=("model", "region"),
                digits=0,
                caption="Of the test subjects, how many change by more over four years (by Reader "
                "1) than a reading errs on average.",
            ),
        ],
        REGIONS: [regions(VALUE, NETWORK, against(READER_1), SHOWN)],
        CHANGES: [regions(CHANGE, NETWORK, against(READER_1), SHOWN[:7])],
        READERS: [
            *(
                regions(VALUE, model, source, SHORTER)
                for model, source in (
                    (READER_2, both[0]), (NETWORK, both[0]), (NETWORK, both[1]),
                    (NETWORK_2, both[1]), (ATLAS, against(READER_1)),
                )
            ),
            regions(CHANGE, READER_2, against(READER_1), SHORTER[:3]),
        ],
        CLUSTERS: [
            report.result_list(
                having((COVERAGE, of(COVERAGE, SPEARMAN), COVERAGE_ERROR)),
                names=("measure", "model", "input"),
                caption="Pixels more than one SD above the subject's mean change, in clusters of "
                f"more than 1 % of the plate.{NULL if simulated else ''}",
            )
        ],
        TISSUE: [
            report.beside_paper(
                having((of(VALUE, MEAN), of(CHANGE, MEAN), VOXELS), model=READER_1, input=READER_1),
                down=("region",), across="measure", interval=True,
                caption="Reader 1's cartilage, mean ± SD over subjects; the paper's are read off "
                f"its figures. {fitted_as}",
            )
        ],
        FITTED: [
            report.result_list(
                having((LEVEL, OFF, KEPT, REPEATS, REPEATS_SUBREGIONS), model=tuple(FITS)),
                names=("measure", "region", "model"),
                caption="Reader 1's cartilage of the first visits. Where not told otherwise the "
                "first echo is left out; the phase graph explains it. Repeated: scanned, drawn "
                "and fitted once more.",
            )
        ],
        TRAINED: [
            report.result_list(
                having((*TRAINING,)),
                names=("model", "input", "measure"),
                digits=3,
                caption="The validation error is one minus the soft overlap. A network short of "
                "its plateau supports no claim.",
            ),
            report.result_list(
                having((f"{DICE}, {VALIDATION}", LEAST_PROBABILITY, LEAST_AREA)),
                names=("model", "input", "measure"),
                digits=3,
                caption="What the validation subjects said of each network, and in a search of "
                "every choice after a few checks, the one taken first; the best thresholds.",
            ),
        ],
        PEOPLE: [
            report.result_list(
                having({e["metric"] for e in entries if e["model"] == PARTICIPANTS},
                       model=PARTICIPANTS),
                names=("input", "measure"), digits=1,
            )
        ],
    }  # fmt: skip
    return filled(found, simulated)


def _among(wanted: Any) -> Collection[Any]:
    return wanted if isinstance(wanted, tuple) else (wanted,)
