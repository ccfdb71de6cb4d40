"""What a person reads of the knee T2 study: lines as they become known, tables, one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from experiments.knee_t2 import figures
from experiments.knee_t2.comparisons import Visits, lost_regions
from experiments.knee_t2.metrics import (
    ATLAS,
    CHANGE,
    COVERAGE,
    DICE,
    ERROR,
    MEAN,
    NETWORK,
    NETWORK_2,
    OVER_SUBREGIONS,
    READER_1,
    READER_2,
    SPEARMAN,
    SUBSET,
    VALUE,
    against,
    of,
)
from experiments.knee_t2.plan import judge_run
from experiments.knee_t2.readings import Reading
from experiments.knee_t2.settings import ABLATIONS, Settings
from experiments.knee_t2.study import Study
from experiments.knee_t2.tables import (
    CHANGES,
    CLUSTERS,
    FITTED,
    READERS,
    REGIONS,
    SUMMARY,
    TABLE_2,
    TRAINED,
    tables_of,
)
from experiments.knee_t2.trained import Trained
from experiments.pages import headed, key_number, opening, save_figures, write_report
from experiments.preparing import label_of
from experiments.run import Result, Run, say
from jaxqmri.analysis.cartilage import Change
from jaxqmri.report import Number, Table, claims_table, findings_table, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLAIMS, BEHIND = "Which claims held", "Numbers behind the claims"
BELOW = {
    TABLE_2: ("segmentation",),
    SUMMARY: ("deep_superficial",),
    REGIONS: ("value_spearman", "value_error"),
    CHANGES: (
        "change_spearman", "change_error", "unrolled_reader_1", "unrolled_U-Net",
    ),
    READERS: ("readers",),
    CLUSTERS: ("change_reader_1", "change_U-Net", "clusters"),
    FITTED: ("fits",),
    TRAINED: ("learning",),
}  # figures  # fmt: skip


def source(study: Study) -> str:
    """What the data are."""
    count, visits = len(study.participants), len(study.visits)
    if study.simulated:
        return f"Simulated data: {count} digital subjects, {visits} visits, nobody was scanned"
    return f"Data of {count} subjects, {visits} visits"


def say_head(rows: Sequence[Result], study: Study) -> None:
    """Print what the data are."""
    found = {(one.region, one.metric): one.ours for one in rows}
    told = f"T2 {number(found['all', of(VALUE, MEAN)], 1)} ms"
    if ("all", of(CHANGE, MEAN)) in found:
        told += f", change {number(found['all', of(CHANGE, MEAN)], 1)} ms"
    say(f"\n{source(study)}.\nReader 1's cartilage of the test subjects: {told}\n")


def write(
    run: Run[Settings],
    study: Study,
    readings: Mapping[str, Reading],
    visits: Visits,
    changes: Mapping[str, Sequence[Change | None]],
    trained: Trained,
) -> None:
    """Write figures, tables, page and metrics, and print the claims."""
    drawn = figures.draw_all(study, readings, visits, changes, trained, run.results)
    save_figures(run, drawn, study.simulated)
    judging = judge_run(run.results, run.command, study.simulated)
    told = remarks(run, study, readings, sorted({model for model, _ in judging.short}))
    smoke = "This preset claims nothing. " if run.command.preset == "smoke" else ""
    data = f"{'Simulated data. ' if study.simulated else ''}{smoke}"
    parts: dict[str, list[Table]] = {
        CLAIMS: [
            claims_table(
                judging.judged,
                f"{data}Claims as predictions. Intervals are over the test subjects: they do not "
                "hold the variance of training.",
            )
        ],
        **tables_of(run.results, study.simulated, fitted_as(run.settings)),
    }
    parts[BEHIND] = [
        findings_table(judging.judged, f"{data}Every number that a claim rests on.", digits=3)
    ]
    title = f"# Cartilage T2 of twelve subregions over four years: `{run.name}`, preset "
    text = [f"{title}{run.command.preset}\n", *(f"{line}\n" for line in told), *headed(parts)]
    run.write("\n".join(text), partial(_write_page, run, study, told, parts, drawn))
    say("\n" + parts[CLAIMS][0].markdown())
    say(f"{source(study)}. Report: {run.folder / 'report.html'}")


def remarks(
    run: Run[Settings], study: Study, readings: Mapping[str, Reading], short: Sequence[str]
) -> list[str]:
    """What must be known before a number is read."""
    told = []
    if study.simulated:
        told.append(
            f"{source(study)}. How differently two readers draw was set so that they overlap as "
            "the paper's do, and how steadily Reader 1 draws is assumed: overlap with Reader 1 "
            "follows from that. Regional T2 by region, its spread and change follow the paper's "
            "figures; how well readings agree on them does not."
        )
    else:
        told.append(f"{source(study)}. The paper's numbers are of its own readers and network.")
    lost = [
        f"{region} of {label_of(study.tasks[visit].entities)}"
        for visit, region in lost_regions(readings[READER_1])
    ]
    if lost:
        told.append(
            "Subregions of which next to nothing is left in Reader 1's cartilage, and which have "
            f"no mean: {', '.join(lost)}."
        )
    told += [
        f"Visits that {model} does not divide into subregions, and of which it has no numbers, not "
        f"even an overlap: {', '.join(names)}."
        for model, names in undivided(study, readings).items()
    ]
    for name in run.settings.ablation:
        told.append(
            f"An ablation, a run that tells what a claim rests on, {name}: {ABLATIONS[name].text}."
        )
    if short:
        told.append(f"Short of the plateau, and so without a claim: {', '.join(short)}.")
    if run.command.preset == "smoke":
        told.append("Preset smoke shows that everything runs. Its numbers claim nothing.")
    return told


def undivided(study: Study, readings: Mapping[str, Reading]) -> dict[str, list[str]]:
    """Names of the test visits of which a network or the atlas has no reading, by model."""
    known = readings[READER_1]
    return {
        model: names
        for model in (NETWORK, NETWORK_2, ATLAS)
        if model in readings
        and (
            names := [label_of(study.tasks[v].entities) for v in known if v not in readings[model]]
        )
    }


def fitted_as(settings: Settings) -> str:
    """What a caption says of the fit and of the subregions."""
    fit = {"offset": "a decay with offset", "two-parameters": "a decay of two parameters"}
    return (
        f"T2 by {fit[settings.fit]} without the first echo; subregions by the rule "
        f"{settings.rule}; S superficial, D deep, L lateral, M medial, A anterior, C central, P "
        "posterior."
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
        "Cartilage T2 of twelve subregions over four years",
        "Does a network tell T2 of femoral cartilage, its change and its clusters as closely to "
        "one reader as another reader does? Beside Thomas et al. 2021 "
        "(doi:10.1177/19476035211042406).",
        parts,
        drawn,
        BELOW,
        opening(_key_numbers(run.results), seconds, told, warning=study.simulated),
    )


def _key_numbers(rows: Sequence[Result]) -> list[Number | None]:
    found = {(one.model, one.input, one.metric): one for one in rows if one.region is None}

    def one(label: str, model: str, name: str, metric: str, digits: int) -> Number | None:
        return key_number(label, found.get((model, name, metric)), digits)

    return [
        one("Dice, U-Net, Reader 1", NETWORK, against(READER_1), DICE, 3),
        one("Dice, Reader 2, Reader 1", READER_2, against(READER_1, SUBSET), DICE, 3),
        one("T2, subregions, error", NETWORK, against(READER_1),
            of(VALUE, f"{ERROR}, {OVER_SUBREGIONS}"), 2),
        one("T2, subregions, rank r", NETWORK, against(READER_1),
            of(VALUE, f"{SPEARMAN}, {OVER_SUBREGIONS}"), 2),
        one("Plate in clusters", NETWORK, against(READER_1), COVERAGE, 1),
    ]  # fmt: skip
