"""What the paper claims of its networks, and what we add, as predictions.

A claim rests on means over subjects with their 95 % intervals, or on paired differences over the
same subjects (``comparisons``); a number whose interval lies on both sides of its criterion is
undecided. On simulated data what rests on NLLS alone was calibrated, and tests nothing. The paper
prints no intervals, so its own numbers are held against the criteria as they stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from experiments.knee_cv.comparisons import (
    CALIBRATED,
    COMPARED,
    CONSTANT,
    LOOKUP,
    P_T,
    longer_times,
)
from experiments.knee_cv.paper import INPUTS, MASKED, MLP, NETWORKS, NLLS, UNMASKED
from experiments.knee_cv.results import CARTILAGE
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri import report
from jaxqmri.report import Claim, Criterion, Finding, Judged, Rows

WITH_PD = tuple(name for name in INPUTS if name.startswith("PD"))
WITHOUT_PD = tuple(name for name in INPUTS if not name.startswith("PD"))
LONG = ("0+30", "0+50")
TARGET = 5.0  # % RPE, the paper's own
TENS = 20.0  # %: the least that is "tens of percent"
SMALLER, LARGER = Criterion(below=0.0), Criterion(above=0.0)


def judge(
    results: Iterable[Result], short: Collection[Arm] = (), *, calibrated: bool = False
) -> tuple[Rows, list[Judged]]:
    """Hold every claim against the rows of a run.

    Parameters
    ----------
    results
        Rows over the whole cartilage count, the others are ignored: errors by model and input,
        and their paired differences as ``comparison_rows`` makes them. A row without ``ours`` was
        not run.
    short
        Model and input of networks that were stopped short of their plateau.
    calibrated
        Whether the data were made to match the paper's NLLS.

    Returns
    -------
    rows, judged
        What claims rest on, and how they stand.
    """
    rows = Rows(
        [result.entry() for result in results],
        short=short,
        calibrated=[(NLLS, name) for name in INPUTS] if calibrated else (),
        common={"region": CARTILAGE, "visit": None},
        p_values=P_T,
    )
    return rows, report.judge(CLAIMS, rows)


def _best_rpe(rows: Rows) -> list[Finding]:
    within = Criterion(below=TARGET)
    return [
        report.smallest(
            [rows.value(within, model, name, "RPE") for model in NETWORKS], f"best RPE, {name}"
        )._replace(needed=name in WITH_PD)
        for name in INPUTS
    ]


def _nlls_bias(rows: Rows) -> list[Finding]:
    return [rows.value(Criterion(above=TENS), NLLS, name, "% Bias") for name in WITH_PD]


def unmasked_ahead(rows: Rows) -> list[Finding]:
    """RPE of the unmasked U-Net less the perceptron's, at inputs with a PD-weighted image."""
    return _each(rows, SMALLER, UNMASKED, (MLP,), WITH_PD, ("RPE",))


def mlp_ahead(rows: Rows) -> list[Finding]:
    """MAE of each U-Net less the perceptron's, at two spin-lock images with a long time."""
    return [
        rows.difference(LARGER, (model, name), (MLP, name), "MAE")
        for name in LONG
        for model in (UNMASKED, MASKED)
    ]


def _falls_with_time(rows: Rows) -> list[Finding]:
    return [
        rows.difference(SMALLER, (model, longer), (model, shorter), metric)
        for model in NETWORKS
        for longer, shorter in longer_times()
        for metric in ("RE", "RPE")
    ]


def _mask_costs(rows: Rows) -> list[Finding]:
    return [
        rows.difference(
            LARGER if name in LONG else SMALLER, (UNMASKED, name), (MASKED, name), "RPE"
        )
        for name in INPUTS
    ]


def _ahead_of_nlls(rows: Rows) -> list[Finding]:
    return [
        finding
        for model in NETWORKS
        for finding in _each(rows, SMALLER, model, (NLLS,), WITHOUT_PD, ("MAE", "RE"))
    ]


def _ahead_of_trivial(model: str) -> Claim:
    def test(rows: Rows) -> list[Finding]:
        return _each(rows, SMALLER, model, (CONSTANT, LOOKUP), INPUTS, COMPARED)

    return Claim(
        f"{model} learns",
        f"The {model} beats the training subjects' mean and a median look-up table.",
        f"{', '.join(COMPARED)} at every input: paired difference below 0",
        test,
        ours=True,
    )


def _ahead_of_calibrated(rows: Rows) -> list[Finding]:
    return [
        finding
        for model in NETWORKS
        for finding in _each(rows, SMALLER, model, (CALIBRATED,), WITH_PD, ("RPE",))
    ]


def _each(
    rows: Rows,
    criterion: Criterion,
    model: str,
    others: Sequence[str],
    inputs: Sequence[str],
    metrics: Sequence[str],
) -> list[Finding]:
    return [
        rows.difference(criterion, (model, name), (other, name), metric)
        for other in others
        for name in inputs
        for metric in metrics
    ]


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "target met",
        "With any pair of images, the best of the networks is within 5 % of a subject's mean.",
        f"smallest mean RPE of the networks below {TARGET:g} %, at each of six inputs, one "
        "with PD among those tested (the best of three is chosen on the same subjects)",
        _best_rpe,
    ),
    Claim(
        "no NLLS from PD",
        "The signal equation cannot be fitted to a PD-weighted image: NLLS is off by tens of "
        "percent.",
        f"mean bias of NLLS above {TENS:g} %, at three PD inputs",
        _nlls_bias,
    ),
    Claim(
        "U-Net with PD",
        "From a PD-weighted image the unmasked U-Net finds a subject's mean better than the MLP.",
        "RPE, unmasked U-Net minus MLP: paired difference below 0, at three PD inputs",
        unmasked_ahead,
    ),
    Claim(
        "MLP without PD",
        "From TSL 0 and a long TSL the MLP is better voxel by voxel than either U-Net.",
        "MAE, each U-Net minus MLP: paired difference above 0, at TSL 0 + 30 and 0 + 50",
        mlp_ahead,
    ),
    Claim(
        "longer is better",
        "Regional errors fall as the spin-lock time of the second image grows.",
        "RE and RPE of each network, next longer TSL minus shorter: paired difference below 0",
        _falls_with_time,
    ),
    Claim(
        "masking costs",
        "Without the tissue around the cartilage the U-Net finds the mean less well, but for TSL "
        "0 + 30 and 0 + 50, where it does better.",
        "RPE, unmasked minus masked U-Net: paired difference below 0, above 0 at those two inputs",
        _mask_costs,
    ),
    Claim(
        "better than NLLS",
        "From two spin-lock images all three networks do better than NLLS of the same two.",
        "MAE and RE, network minus NLLS: paired difference below 0, at three inputs without PD",
        _ahead_of_nlls,
    ),
    *(_ahead_of_trivial(model) for model in NETWORKS),
    Claim(
        "better than calibrated NLLS",
        "From a PD-weighted image the networks do better than NLLS told the scan's gain, as read "
        "from muscle.",
        "RPE, network minus gain-calibrated NLLS: paired difference below 0, at three PD inputs",
        _ahead_of_calibrated,
        ours=True,
    ),
)
