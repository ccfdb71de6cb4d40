"""What a person reads of the knee UTE study: lines as they become known, tables, one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from experiments.kept_networks import End
from experiments.knee_rmq import figures
from experiments.knee_rmq.estimates import (
    NETWORK,
    PRIOR_FIT,
    REFERENCE,
    REGRESSION,
    Estimates,
    Test,
)
from experiments.knee_rmq.fits import Reference
from experiments.knee_rmq.metrics import L1, MEAN, SPREAD, TO_TRUTH, VOXEL_R, VOXEL_R_DRAWN, of
from experiments.knee_rmq.networks import OneTraining
from experiments.knee_rmq.paper import INPUTS, QUANTITIES, T1, T1RHO, WHOLE
from experiments.knee_rmq.plan import judge_run
from experiments.knee_rmq.settings import ABLATIONS, Settings
from experiments.knee_rmq.study import Study
from experiments.knee_rmq.tables import (
    COMPETITORS,
    PHYSICS,
    TABLE_1,
    TABLE_2,
    TRAINED,
    tables_of,
)
from experiments.pages import headed, key_number, opening, save_figures, write_report
from experiments.run import Result, Run, say
from experiments.trainings import Arm
from jaxqmri.report import Number, Table, claims_table, findings_table, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 38  # characters of a model with its input
CLAIMS, BEHIND = "Which claims held", "Numbers behind the claims"
BELOW = {
    TABLE_1: ("images", "maps", "slices_T1", "voxels_T1", "slices_T1rho", "voxels_T1rho"),
    TABLE_2: ("cartilage",),
    COMPETITORS: ("acceleration_T1", "acceleration_T1rho"),
    PHYSICS: ("physics_T1", "physics_T1rho"),
    TRAINED: ("learning",),
}  # figures


def source(study: Study) -> str:
    """What the data are."""
    count = len(study.subjects)
    if study.simulated:
        return f"Simulated data: {count} digital subjects, nobody was scanned"
    return f"Data of {count} subjects"


def say_head(rows: Sequence[Result], study: Study) -> None:
    """Print what the data are, and the head of the table that follows."""
    found = {(one.model, one.metric): one.ours for one in rows}
    told = [
        f"{quantity} {number(found[REFERENCE, of(MEAN, quantity)], 1)} ± "
        f"{number(found[REFERENCE, of(SPREAD, quantity)], 1)} ms"
        for quantity in QUANTITIES
    ]
    say(f"\n{source(study)}.\nFitted to all images, mean ± SD over voxels: {', '.join(told)}\n")
    say(
        f"{'':<{WIDE}}"
        + "".join(f"{f'voxel r {q} [paper]':>24}{f'L1 {q} (ms)':>16}" for q in QUANTITIES)
    )


def say_arm(arm: Arm, rows: Sequence[Result]) -> None:
    """Print the row of one model at one input, ours with the paper's in brackets."""
    found = {one.metric: one for one in rows}
    cells = []
    for quantity in QUANTITIES:
        r = found.get(of(VOXEL_R, quantity), found.get(of(VOXEL_R_DRAWN, quantity)))
        told = "" if r is None else number(r.ours, 3)
        told += "" if r is None or r.paper is None else f" [{number(r.paper, 3)}]"
        cells.append(f"{told:>24}{number(found[of(L1, quantity)].ours, 2):>16}")
    say(f"{', '.join(arm):<{WIDE}}{''.join(cells)}")


def write(
    run: Run[Settings],
    study: Study,
    reference: Reference,
    test: Test,
    found: Mapping[Arm, Estimates],
    ends: Mapping[OneTraining, End],
) -> None:
    """Write figures, tables, page and metrics, and print the first table."""
    drawn = figures.draw_all(study, reference, test, found, ends, run.results)
    save_figures(run, drawn, study.simulated)
    judging = judge_run(run.results, run.command, study.simulated)
    short = sorted(f"{model} at {name}" for model, name in judging.short)
    told = remarks(run, study, short)
    smoke = "This preset claims nothing. " if run.command.preset == "smoke" else ""
    data = f"{'Simulated data. ' if study.simulated else ''}{smoke}"
    parts: dict[str, list[Table]] = {
        CLAIMS: [
            claims_table(
                judging.judged,
                f"{data}Claims as predictions. Verdicts rest on 95 % intervals over the test "
                "subjects, which are not corrected for their number and do not hold the variance "
                "of training; p is corrected, and against no difference.",
            )
        ],
        **tables_of(run.results, study.simulated, judging.short, trained_as(run.settings)),
    }
    parts[BEHIND] = [
        findings_table(judging.judged, f"{data}Every number that a claim rests on.", digits=3)
    ]
    title = f"# Knee T1, T1rho and cartilage from few UTE images: `{run.name}`, preset "
    text = [f"{title}{run.command.preset}\n", *(f"{line}\n" for line in told), *headed(parts)]
    run.write("\n".join(text), partial(_write_page, run, study, told, parts, drawn))
    say("\n" + parts[CLAIMS][0].markdown())
    say(f"{source(study)}. Report: {run.folder / 'report.html'}")


def remarks(run: Run[Settings], study: Study, short: Sequence[str]) -> list[str]:
    """What must be known before a number is read."""
    others = {
        PRIOR_FIT: "the signal equations fitted to the same images with priors",
        REGRESSION: "a quadratic regression of the same images, one voxel at a time",
    }
    beside = [
        _against(run.results, model, f"those of {words}, to the fit to all images")
        for model, words in others.items()
    ]
    if study.simulated:
        beside.append(
            _against(run.results, PRIOR_FIT, "those of the same fit, to the true maps", TO_TRUTH)
        )
    told = [line for line in beside if line]
    if study.simulated:
        told.append(
            f"{source(study)}. How far T1 and T1rho vary over cartilage was chosen near what the "
            "paper's own errors and correlations imply if errors are normal; how much T1 tells of "
            "T1rho, and how smooth maps, gains and B1 are, is assumed, and decides how much "
            "images that are left out are missed."
        )
    else:
        told.append(f"{source(study)}. The paper's subjects are others, drawn by others.")
    for name in run.settings.ablation:
        told.append(
            f"An ablation, a run that tells what a claim rests on, {name}: {ABLATIONS[name].text}."
        )
    if run.settings.physics and not any(run.settings.physics):
        told.append(
            "No network of this run is held to the signal equations: --preset full trains some."
        )
    told.append(
        "Networks of few images see them registered to the first flip angle, the spin-locked ones "
        "by way of the one without spin lock, which a scan of these images alone would not have."
    )
    if run.settings.seeds < 2 and run.settings.physics:
        told.append(
            "One training of each network: a difference between two of them holds the chance of "
            "one training, which no interval over subjects shows (--seeds 3 trains more)."
        )
    if short:
        told.append(f"Short of the plateau, and so without a claim: {', '.join(short)}.")
    if run.command.preset == "smoke":
        told.append("Preset smoke shows that everything runs. Its numbers claim nothing.")
    return told


def trained_as(settings: Settings) -> str:
    """What a caption says of how the networks were trained."""
    widths = "-".join(map(str, settings.learning.features))
    plural = "s" if settings.seeds > 1 else ""
    return f"RMQ-Nets of {widths} channels, {settings.seeds} training seed{plural} each."


def _against(rows: Sequence[Result], model: str, words: str, to: str = L1) -> str | None:
    """How the network stands beside what else is made of the same images, in words."""
    found = {(one.model, one.input, one.metric): one for one in rows}
    told = []
    for name in INPUTS:
        for quantity in QUANTITIES:
            metric = of(to, quantity)
            own, other = (found.get((who, name, metric)) for who in (NETWORK, model))
            paired = found.get((f"{NETWORK} minus {model}", name, metric))
            if own is None or other is None or paired is None or own.ours is None:
                continue
            told.append(
                f"{quantity} from {name} {number(own.ours, 1)} against {number(other.ours, 1)} ms"
                f"{_how_sure(paired)}"
            )
    if not told:
        return None
    return f"Mean absolute errors of the network, against {words}: {'; '.join(told)}."


def _how_sure(paired: Result) -> str:
    """What the interval of a difference says: nothing where the network is better beyond it."""
    if paired.high is not None and paired.high < 0:
        return ""
    return " (worse)" if paired.low is not None and paired.low > 0 else " (undecided)"


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
        "Knee T1, T1ρ and cartilage from few UTE images",
        "How few images does one network need to tell T1, T1ρ and where cartilage is, and what "
        "does holding it to the signal equations add? Beside Lu et al. 2024 "
        "(doi:10.1007/s10278-024-01089-8).",
        parts,
        drawn,
        BELOW,
        opening(_key_numbers(run.results), seconds, told, warning=study.simulated),
    )


def _key_numbers(rows: Sequence[Result]) -> list[Number | None]:
    found = {(one.model, one.input, one.metric): one for one in rows}

    def one(label: str, model: str, name: str, metric: str, digits: int) -> Number | None:
        return key_number(label, found.get((model, name, metric)), digits)

    fastest = list(INPUTS)[-1]
    return [
        one("Fitted T1, mean", REFERENCE, WHOLE, of(MEAN, T1), 0),
        one("Fitted T1ρ, mean", REFERENCE, WHOLE, of(MEAN, T1RHO), 1),
        one(f"Voxel r, T1, {WHOLE}", NETWORK, WHOLE, of(VOXEL_R, T1), 3),
        one(f"Voxel r, T1, {fastest}", NETWORK, fastest, of(VOXEL_R, T1), 3),
        one(f"Voxel r, T1ρ, {fastest}", NETWORK, fastest, of(VOXEL_R, T1RHO), 3),
    ]
