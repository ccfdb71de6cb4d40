"""What must be known before a number of the knee study is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import isfinite

from experiments.knee_cv.comparisons import COMPETITORS
from experiments.knee_cv.paper import INPUTS, NETWORKS
from experiments.knee_cv.results import ALL_TIMES, CARTILAGE, REFERENCE, Study
from experiments.run import Result
from experiments.trainings import SHORT, Arm
from jaxqmri.report import compared, number

RPE, RPE_TO_TRUTH = "RPE", "RPE to truth"

Rows = Mapping[tuple[str, str | None, str], Result]  # by model, input and metric


def source(study: Study) -> str:
    """What the data are."""
    count = len(study.subjects)
    if study.simulated:
        return f"Simulated data: {count} digital knees, nobody was scanned"
    return f"Data of {count} subjects"


def remarks(
    results: Sequence[Result],
    study: Study,
    preset: str,
    short: Collection[Arm] = (),
    calibrated: bool = True,
) -> list[str]:
    """Paragraphs for the head of the page: of the data, and of what the numbers hide.

    Parameters
    ----------
    results
        Every row of the run.
    study
        The subjects.
    preset
        Smoke claims nothing.
    short
        Model and input of networks that were stopped short of their plateau.
    calibrated
        Whether simulated data were made to match the paper's NLLS.
    """
    told = list(_of_simulation(study, calibrated)) if study.simulated else [_of_scans(study)]
    rows = {
        (r.model, r.input, r.metric): r
        for r in results
        if r.region == CARTILAGE and r.visit is None
    }
    told += [line for line in (nearest_to_truth(rows, short), trivial_ahead(rows, short)) if line]
    if preset == "smoke":
        told.append("Preset smoke shows that everything runs. Its numbers claim nothing.")
    return told


def nearest_to_truth(rows: Rows, short: Collection[Arm]) -> str | None:
    """The reference's own error beside that of the network nearest to the simulator's truth."""
    own = _value(rows, (REFERENCE, ALL_TIMES), RPE_TO_TRUTH)
    best = _best(rows, NETWORKS, INPUTS, RPE_TO_TRUTH)
    if own is None or best is None:
        return None
    return (
        f"Against the simulator's truth the reference itself has an RPE of {number(own, 2)} %; the "
        f"best network, {_named(best, short)}, has "
        f"{number(_value(rows, best, RPE_TO_TRUTH), 2)} %, and "
        f"{number(_value(rows, best, RPE), 2)} % against the reference. Errors to the reference "
        "tell how well it is imitated, its own errors included."
    )


def trivial_ahead(rows: Rows, short: Collection[Arm]) -> str | None:
    """The competitors that have a smaller mean RPE than every network at their input."""
    ahead = [
        line
        for name in INPUTS
        for model in COMPETITORS
        if (line := _ahead(rows, model, name, short))
    ]
    if not ahead:
        return None
    return (
        "Without any network, these have a smaller mean RPE than every network trained at the same "
        f"input: {'; '.join(ahead)}."
    )


def _ahead(rows: Rows, model: str, name: str, short: Collection[Arm]) -> str | None:
    best, own = _best(rows, NETWORKS, (name,), RPE), _value(rows, (model, name), RPE)
    if best is None or own is None:
        return None
    of_best = _value(rows, best, RPE)
    if of_best is None or own >= of_best:
        return None
    line = (
        f"{model} at {name}, {number(own, 2)} % beside the {number(of_best, 2)} % of the best "
        f"network, {_named(best, short)}"
    )
    paired = rows.get((*compared(best, (model, name)), RPE))
    if paired is not None and paired.low is not None and paired.high is not None:
        line += (
            f" (difference {number(paired.ours, 2)} %, 95 % interval {number(paired.low, 2)} to "
            f"{number(paired.high, 2)})"
        )
    return line


def _best(rows: Rows, models: Sequence[str], inputs: Sequence[str], metric: str) -> Arm | None:
    known = {
        (model, name): value
        for model in models
        for name in inputs
        if (value := _value(rows, (model, name), metric)) is not None
    }
    return min(known, key=lambda arm: known[arm], default=None)


def _value(rows: Rows, arm: Arm, metric: str) -> float | None:
    row = rows.get((*arm, metric))
    return None if row is None or row.ours is None or not isfinite(row.ours) else row.ours


def _named(arm: Arm, short: Collection[Arm]) -> str:
    return f"{arm[0]} at {arm[1]}" + (f" ({SHORT})" if arm in short else "")


def _of_simulation(study: Study, calibrated: bool) -> Iterator[str]:
    yield (
        f"{source(study)}. Absolute errors depend on how much the simulated T1rho varies "
        "from voxel to voxel and on the noise, which are assumptions; compare signs, "
        "orderings, and the trend with spin-lock time. Digital knees have less variety of "
        "shape, pathology and artefact than real ones, and are registered more easily."
    )
    if calibrated:
        yield (
            "The noise, the gain of the simulated PD-weighted scan (its mean and its spread over "
            "subjects) and the spread of T1rho between subjects were chosen so that two-point fits "
            "come near the paper's. For NLLS, agreement is therefore calibration, not a finding; "
            "what is left as a check is that one set of values serves all six inputs at once. The "
            "study's own mean and spread of the gain and spread between subjects were first chosen "
            "with the paper's whole table in view, its networks included; a grid scored on the "
            "rows of NLLS alone, run afterwards, ranks them among its best three."
        )
    yield (
        "All tissues of a simulated subject share one PD gain. That a network which sees the "
        "tissue around cartilage can read the gain there is so by construction of the "
        "simulation, not a finding about real scans."
    )


def _of_scans(study: Study) -> str:
    return (
        f"{source(study)}. The paper's cohort is another one, scanned and drawn by others: "
        "differences between ours and theirs hold the difference of the data as well."
    )
