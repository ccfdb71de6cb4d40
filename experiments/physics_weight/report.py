"""What a person reads of the study: lines as they become known, tables, one page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from experiments.pages import headed, opening, save_figures, write_report
from experiments.physics_weight import figures
from experiments.physics_weight.arms import Column, Point, points_of, weight_name
from experiments.physics_weight.conclusions import by_name, paragraph
from experiments.physics_weight.images import SEEN
from experiments.physics_weight.results import ALL_IMAGES, FIT
from experiments.physics_weight.scores import MAE
from experiments.physics_weight.settings import Settings
from experiments.physics_weight.study import Study
from experiments.physics_weight.tables import section, tables_of
from experiments.run import Result, Run, say
from experiments.spin_lock import SPIN_LOCK_TIMES
from experiments.trainings import short_of
from jaxqmri import report
from jaxqmri.report import Number, Table, number

CONCLUSION = "When physics helps"


def source(study: Study, organ: str) -> str:
    """What the data are."""
    count = len(study.names)
    if study.simulated:
        return f"Simulated data: {count} digital {organ}s, nobody was scanned"
    return f"Data of {count} subjects"


def say_point(point: Point, results: Sequence[Result], weights: Sequence[float]) -> None:
    """Print one condition's errors, a number for each weight."""
    rows = by_name(results)
    told = []
    for weight in weights:
        row = rows.get((weight_name(weight), point.input, MAE))
        told.append(f"{weight_name(weight)}: {number(None if row is None else row.ours, 2)}")
    say(f"{point.input.ljust(48)} MAE (ms)  {', '.join(told)}")


def write(run: Run[Settings], study: Study, columns: Sequence[Column]) -> None:
    """Write figures, tables, page and metrics, and print the conclusion."""
    weights = run.settings.weights
    drawn = figures.draw_all(run.results, columns, weights)
    save_figures(run, drawn, study.simulated)
    found = paragraph(run.results, points_of(columns), weights)
    told = remarks(run, study)
    parts = tables_of(run.results, columns, weights, study.simulated)
    title = f"# The weight of physics: `{run.name}`, preset {run.command.preset}\n"
    text = [title, f"## {CONCLUSION}\n\n{found}\n", *(f"{line}\n" for line in told), *headed(parts)]
    run.write("\n".join(text), partial(_write_page, run, study, found, told, columns, parts, drawn))
    say(f"\n{found}\n")
    say(f"{source(study, run.settings.organ)}. Report: {run.folder / 'report.html'}")


def remarks(run: Run[Settings], study: Study) -> list[str]:
    """What must be known before a number is read."""
    settings, most = run.settings, max(run.settings.subjects)
    shown = ", ".join(f"{SPIN_LOCK_TIMES[k]:g}" for k in SEEN)
    aside = (
        f"{settings.validation_subjects} watch the trainings, {settings.test_subjects} are tested"
    )
    counted = (
        "errors are counted from the fit to the same images without noise, which no study has: "
        "counted from the labels, they would be of the noise that a network sees too. Both read "
        "more than the tissue's T1rho where fluid shares a voxel, so errors to the simulator's "
        "truth are another matter, and a row of their own."
        if study.simulated
        else "errors are counted from the same fits, whose noise is in part that of the images "
        "that a network sees: they say how near a map comes to the fit, not how right it is."
    )
    told = [
        f"{source(study, settings.organ)}; up to {most} are learnt from, {aside}. Labels are fits "
        f"to all four images; {counted}",
        f"In training networks see two of the images at TSL {shown} ms and are told their times; "
        "labels and physics loss have all four images of a training subject. Maps are judged that "
        "are made from the first and the last. The weight w is that of squared residuals in units "
        f"of the noise beside errors in ms. Intervals, over {settings.seeds} seeds and the test "
        "subjects, hold for this pool of training subjects: the more of it a training uses, the "
        "less they know of others.",
        "Where images do not obey the equation they are changed on purpose, for network and loss "
        f"alike: {100 * settings.offset:g} % of the signal added; a simple spin lock at a B1 of "
        f"{settings.b1:g} ± {settings.b1_sd:g} of nominal, one for each subject"
        + ("" if study.pd is None else "; the PD-weighted image in place of the one at TSL 0")
        + ". As scanned they are not exact either: fluid, field errors and motion are in them.",
    ]
    short = sorted({model for model, _ in short_of(run.results)})
    if short:
        told.append(f"Some trainings were stopped short of their plateau: {', '.join(short)}.")
    if run.command.preset == "smoke":
        told.append("Preset smoke shows that everything runs. Its numbers claim nothing.")
    return told


def _write_page(
    run: Run[Any],
    study: Study,
    found: str,
    told: Sequence[str],
    columns: Sequence[Column],
    parts: dict[str, list[Table]],
    drawn: dict[str, Any],
    seconds: float,
) -> None:
    below: dict[str, Sequence[str]] = {
        section(column): (figures.figure_name(k),) for k, column in enumerate(columns)
    }
    head = [report.note(found), report.figure(*drawn["change"])]
    write_report(
        run,
        "The weight of physics",
        "Labels, the signal equation, or both: when does holding a network to the equation help, "
        "by how much, and when does it hurt?",
        parts,
        drawn,
        below,
        head + opening(_key_numbers(run, columns), seconds, told, warning=study.simulated),
    )


def _key_numbers(run: Run[Any], columns: Sequence[Column]) -> list[Number | None]:
    rows, weights = by_name(run.results), run.settings.weights
    points = points_of(columns[:1])

    def one(point: Point, model: str, detail: str) -> Number | None:
        row = rows.get((model, point.input, MAE))
        if row is None or row.ours is None:
            return None
        return Number(f"MAE, {model}", f"{number(row.ours, 2)} ms", detail)

    trained = [
        one(point, weight_name(weight), f"{point.name} training subjects")
        for point in (points[0], points[-1])
        for weight in (weights[0], weights[-1])
    ]
    return [*trained, one(points[-1], FIT, ""), one(points[-1], ALL_IMAGES, "")]
