"""What a person reads of the liver study: lines as they become known, tables, one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from experiments.kept_networks import End
from experiments.liver_uncertainty import figures
from experiments.liver_uncertainty.claims import ENOUGH_SEEDS
from experiments.liver_uncertainty.doubt import UCE_EXPECTED, Doubt
from experiments.liver_uncertainty.estimates import Estimates
from experiments.liver_uncertainty.fits import Fitted
from experiments.liver_uncertainty.methods import CALIBRATED
from experiments.liver_uncertainty.networks import OneTraining
from experiments.liver_uncertainty.paper import COARSE, LBR, LBRU, LBUDR
from experiments.liver_uncertainty.patients import Study
from experiments.liver_uncertainty.plan import PLAN, judge_run
from experiments.liver_uncertainty.results import MAE, PIXEL_BIAS, REFERENCE, RMRE
from experiments.liver_uncertainty.settings import ABLATIONS, CALIBRATIONS, Settings
from experiments.liver_uncertainty.tables import (
    DOUBTS,
    HIDDEN,
    INTERVALS,
    REFINED,
    TABLE_2,
    TRAINED,
    tables_of,
)
from experiments.pages import headed, opening, save_figures, write_report
from experiments.run import Result, Run, say
from jaxqmri.report import Number, Table, claims_table, findings_table, number
from jaxqmri.training import Split

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ABLATION_SAYS = {
    False: "An ablation, a run that tells what a claim rests on",
    True: "Another simulation that fits the coarse and BM3D rows about as well",
}
WIDE = 40  # characters of a method's name
CLAIMS, BEHIND = "Which claims held", "Numbers behind the claims"
BELOW = {
    TABLE_2: ("maps",),
    DOUBTS: ("reliability", "sparsification", "sparsification_within", "sparsification_whole"),
    INTERVALS: ("coverage",),
    REFINED: ("refinement",),
    HIDDEN: ("predicted_on_true", "agreement"),
    TRAINED: ("learning",),
}  # figures


def source(study: Study) -> str:
    """What the data are."""
    count = len(study.patients)
    if study.simulated:
        return f"Simulated data: {count} digital patients, nobody was scanned"
    return f"Data of {count} patients"


def say_head(rows: Sequence[Result], study: Study) -> None:
    """Print what the data are, and the head of the table that follows."""
    mean = next(one for one in rows if one.metric == "mean T1rho")
    say(f"\n{source(study)}.\nTarget, mean T1rho: {number(mean.ours, 2)} ms\n")
    say(f"{'':<{WIDE}}{'RMRE (%)':>24}{'MAE (ms)':>12}{'bias (ms)':>12}")


def say_method(rows: Sequence[Result]) -> None:
    """Print the row of one method, ours with the paper's in brackets."""
    found = {one.metric: one for one in rows}
    error = found[RMRE]
    told = f"{number(error.ours, 2)} ± {number(error.ours_sd, 2)} [{number(error.paper, 2)}]"
    say(
        f"{error.model:<{WIDE}}{told:>24}{number(found[MAE].ours, 2):>12}"
        f"{number(found[PIXEL_BIAS].ours, 2):>12}"
    )


def write(
    run: Run[Settings],
    study: Study,
    target: Fitted,
    found: Mapping[str, Estimates],
    ends: Mapping[OneTraining, End],
    doubts: Mapping[str, Doubt],
    whole: Mapping[str, Doubt],
    splits: Sequence[Split],
) -> None:
    """Write figures, maps, tables, page and metrics, and print the first table."""
    figures.write_maps(run, study, target, found)
    drawn = figures.draw_all(run.settings, study, target, found, ends, doubts, whole, splits)
    save_figures(run, drawn, study.simulated)
    judging = judge_run(run.results, run.command, study.simulated)
    judged, short = (
        judging.judged,
        sorted({model for model, _ in judging.short} & {*found, *doubts}),
    )
    told = remarks(run, study, short)
    smoke = "This preset claims nothing. " if run.command.preset == "smoke" else ""
    data = f"{'Simulated data. ' if study.simulated else ''}{smoke}"
    tables = tables_of(run.results, study.simulated, short, trained_as(run.settings))
    parts: dict[str, list[Table]] = {
        CLAIMS: [
            claims_table(
                judged,
                f"{data}Claims as predictions. Intervals are over patients, of the mean over the "
                "seeds trained: they do not hold the variance of training.",
            )
        ],
        **tables,
    }
    parts[BEHIND] = [findings_table(judged, f"{data}Every number that a claim rests on.")]
    title = f"# Liver T1rho from two images, and its doubt: `{run.name}`, preset "
    text = [f"{title}{run.command.preset}\n", *(f"{line}\n" for line in told), *headed(parts)]
    run.write("\n".join(text), partial(_write_page, run, study, told, parts, drawn))
    say("\n" + parts[CLAIMS][0].markdown())
    say(f"{source(study)}. Report: {run.folder / 'report.html'}")


def remarks(run: Run[Settings], study: Study, short: Sequence[str]) -> list[str]:
    """What must be known before a number is read; where three numbers do as well, that first."""
    told = [line for line in (_three_numbers(run.results),) if line]
    if study.simulated:
        told.append(f"{source(study)}.")
        if PLAN.is_calibrated(run.settings):
            told.append(
                "The noise and the short component of the simulated decay were chosen so that the "
                "coarse and BM3D rows come near the paper's: for those, agreement is calibration. "
                "That the two-point and the four-point fit differ systematically, and can be "
                "brought together by learning, is what the short component puts in "
                "(`--ablation no-short-component` takes it away)."
            )
    else:
        told.append(f"{source(study)}. The paper's cohort is another one, drawn by others.")
    for name in run.settings.ablation:
        told.append(f"{ABLATION_SAYS[name in CALIBRATIONS]}, {name}: {ABLATIONS[name].text}.")
    if run.settings.seeds < ENOUGH_SEEDS:
        told.append(
            f"{run.settings.seeds} training seed{'s' if run.settings.seeds > 1 else ''}: "
            f"no order among {LBR}, {LBRU} and {LBUDR} can rest on so few, whatever an interval "
            "over patients says."
        )
    if short:
        told.append(f"Short of the plateau, and so without a claim: {', '.join(short)}.")
    if run.command.preset == "smoke":
        told.append("Preset smoke shows that everything runs. Its numbers claim nothing.")
    return told


def trained_as(settings: Settings) -> str:
    """What a caption says of how the networks were trained."""
    return (
        f"Networks: U-Nets of {'-'.join(map(str, settings.learning.features))} channels, "
        f"{settings.trained_folds} fold{'s' if settings.trained_folds > 1 else ''} trained, "
        f"{settings.seeds} seed"
        f"{'s' if settings.seeds > 1 else ''} each."
    )


def _three_numbers(rows: Sequence[Result]) -> str | None:
    """How near a parabola of the coarse value comes to the networks, in words."""
    found = {(one.model, one.metric): one for one in rows}
    own = found.get((CALIBRATED, RMRE))
    if own is None:
        return None
    told = []
    for name in (LBR, LBRU, LBUDR):
        error, paired = found.get((name, RMRE)), found.get((f"{name} minus {CALIBRATED}", RMRE))
        if error is None or error.ours is None or paired is None:
            continue
        ahead = paired.high is not None and paired.high < 0
        told.append(
            f"{name} {number(error.ours, 2)} % (difference {number(paired.ours, 2)}, 95 % interval "
            f"{number(paired.low, 2)} to {number(paired.high, 2)}"
            f"{'' if ahead else ': not better beyond it'})"
        )
    if not told:
        return None
    return (
        f"A parabola of the coarse value, three numbers, has an RMRE of {number(own.ours, 2)} %. "
        f"Networks: {'; '.join(told)}."
    )


def _write_page(
    run: Run[Any],
    study: Study,
    told: Sequence[str],
    parts: Mapping[str, Sequence[Table]],
    drawn: Mapping[str, tuple[Figure, str]],
    seconds: float,
) -> None:
    write_report(
        run,
        "Liver T1ρ from two images, and its doubt",
        "Can a network refine a map of two spin-lock times into that of four, say how far it "
        "is to be trusted, and put that doubt to use? Beside Huang et al. 2023 "
        "(doi:10.48550/arXiv.2307.02736).",
        parts,
        drawn,
        BELOW,
        opening(_key_numbers(run.results), seconds, told, warning=study.simulated),
    )


def _key_numbers(rows: Sequence[Result]) -> list[Number | None]:
    found = {(one.model, one.metric): one for one in rows}

    def one(label: str, model: str, metric: str, unit: str) -> Number | None:
        own = found.get((model, metric))
        if own is None:
            return None
        paper = "" if own.paper is None else f"paper {number(own.paper, 2)} {unit}"
        return Number(label, f"{number(own.ours, 2)} {unit}", paper)

    return [
        one("Mean T1ρ, four TSL", REFERENCE, "mean T1rho", "ms"),
        one("RMRE, coarse fit", COARSE, RMRE, "%"),
        one("RMRE, parabola", CALIBRATED, RMRE, "%"),
        one("RMRE, LBR", LBR, RMRE, "%"),
        one("UCE of LBRU, mean error", LBRU, UCE_EXPECTED, "ms"),
    ]
