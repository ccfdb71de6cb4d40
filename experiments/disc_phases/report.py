"""What a person reads of the disc study: lines as they become known, tables, one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.disc_phases.claims import APART, MEAN_AREA
from experiments.disc_phases.metrics import (
    ACCURACY,
    AP,
    COLUMN,
    FRESH,
    LOWEST,
    NETWORK,
    PARTS,
    PATIENTS,
    TEST,
    evaluated,
)
from experiments.disc_phases.participants import mean_t1rho
from experiments.disc_phases.phases import PHASES
from experiments.disc_phases.plan import judge_run
from experiments.disc_phases.rungs import LEVEL_AGE
from experiments.disc_phases.settings import ABLATIONS, Settings
from experiments.disc_phases.study import Study
from experiments.disc_phases.tables import (
    AREAS,
    CURVE,
    FOUND,
    PREDICTED,
    RUNGS,
    TOLD,
    TRAINED,
    tables_of,
)
from experiments.pages import headed, key_number, opening, save_figures, write_report
from experiments.run import Result, Run, say
from jaxqmri.report import Number, Table, claims_table, findings_table, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLAIMS, BEHIND = "Which claims held", "Numbers behind the claims"
BELOW = {
    FOUND: ("phases",),
    TOLD: ("confusion",),
    AREAS: ("roc",),
    RUNGS: ("rungs",),
    CURVE: ("coupling",),
    PREDICTED: tuple(f"t1rho_{part}" for part in PARTS),
    TRAINED: ("learning_detector", "learning_second_stage"),
}  # figures


def source(study: Study) -> str:
    """What the data are."""
    count = len(study.people)
    if study.simulated:
        return f"Simulated data: {count} digital patients, {5 * count} discs, nobody was scanned"
    return f"Data of {count} patients, {5 * count} discs"


def say_head(study: Study) -> None:
    """Print what the data are."""
    counts = np.bincount(study.phases, minlength=len(PHASES))
    told = ", ".join(f"{count} in {name}" for name, count in zip(PHASES, counts, strict=True))
    say(
        f"\n{source(study)}.\n"
        f"Mean T1rho of nuclei {number(mean_t1rho(study), 0)} ms; discs {told}\n"
    )


def write(run: Run[Settings], study: Study, drawn: Mapping[str, tuple[Figure, str]]) -> None:
    """Write figures, tables, page and metrics, and print the claims."""
    save_figures(run, drawn, study.simulated)
    judging = judge_run(run.results, run.command, study.simulated)
    told = remarks(run, study, sorted({model for model, _ in judging.short}))
    smoke = "This preset claims nothing. " if run.command.preset == "smoke" else ""
    data = f"{'Simulated data. ' if study.simulated else ''}{smoke}"
    parts: dict[str, list[Table]] = {
        CLAIMS: [
            claims_table(
                judging.judged,
                f"{data}Claims as predictions. Intervals are over patients: they do not hold the "
                "variance of training.",
                digits=3,
            )
        ],
        **tables_of(run.results, study.simulated),
    }
    parts[BEHIND] = [
        findings_table(judging.judged, f"{data}Every number that a claim rests on.", digits=3)
    ]
    title = f"# Phases of disc degeneration in T1-weighted images: `{run.name}`, preset "
    text = [f"{title}{run.command.preset}\n", *(f"{line}\n" for line in told), *headed(parts)]
    run.write("\n".join(text), partial(_write_page, run, study, told, parts, drawn))
    say("\n" + parts[CLAIMS][0].markdown())
    say(f"{source(study)}. Report: {run.folder / 'report.html'}")


def remarks(run: Run[Settings], study: Study, short: Sequence[str]) -> list[str]:
    """What must be known before a number is read."""
    told = []
    if study.simulated:
        told.append(
            f"{source(study)}. How strongly degeneration shows in T1-weighted images is a choice "
            "of the simulation, by effects as the literature describes them: areas are to be read "
            "against what level and age tell, and as a curve over that choice, which preset full "
            "draws. Numbers of discs in each phase and grade, and the kappa of grades, follow the "
            "paper."
        )
    else:
        told.append(f"{source(study)}. The paper's numbers are of its own patients.")
    for name in run.settings.ablation:
        told.append(
            f"An ablation, a run that tells what a claim rests on, {name}: {ABLATIONS[name].text}."
        )
    if short:
        told.append(f"Short of the plateau, and so without a claim: {', '.join(short)}.")
    if run.command.preset == "smoke":
        told.append("Preset smoke shows that everything runs. Its numbers claim nothing.")
    return told


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
        "Phases of disc degeneration in T1-weighted images",
        "Can phases of T1rho be told from a routine T1-weighted image, and from what in it? Beside "
        "Li et al. 2024 (doi:10.1002/jmri.29499).",
        parts,
        drawn,
        BELOW,
        opening(_key_numbers(run.results), seconds, told, warning=study.simulated),
    )


def _key_numbers(rows: Sequence[Result]) -> list[Number | None]:
    found = {(one.model, one.input, one.metric): one for one in rows if one.region is None}

    def one(label: str, model: str, name: str, metric: str) -> Number | None:
        return key_number(label, found.get((model, name, metric)), 3)

    found_in = FRESH if any(each.input == FRESH for each in rows) else TEST
    return [
        one("Average precision, lowest", COLUMN, found_in, f"{AP}, {LOWEST}"),
        one("Accuracy, test set", NETWORK, evaluated(PATIENTS, TEST), ACCURACY),
        one("AUC, test set", NETWORK, evaluated(PATIENTS, TEST), MEAN_AREA),
        one("AUC, folds of patients", NETWORK, APART, MEAN_AREA),
        one("AUC, level and age", LEVEL_AGE, APART, MEAN_AREA),
    ]
