"""Tables of several runs beside each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.knee_cv.comparisons import Arm
from experiments.knee_cv.paper import INPUTS, NETWORKS
from experiments.knee_cv.results import labelled
from experiments.knee_cv.settings import ABLATIONS
from experiments.knee_cv.summary.collect import Collected, Complete
from experiments.knee_cv.summary.predictions import PREDICTIONS, Prediction, came
from experiments.knee_cv.summary.rows import EVERYONE, Spread, is_of, spreads
from experiments.knee_cv.tables import marked
from jaxqmri import report
from jaxqmri.report import Estimate, Finding, Outcome, Table

RUNS = "Runs"
BROKEN = "What should break, and whether it did"
RANGES = "Every row with its range over the calibrations"
SEEDED = "Training seeds"
CLAIMED = "Every claim in every run"


def tables_of(collected: Collected) -> dict[str, list[Table]]:
    """All tables, by the title of their section, in reading order; none without a row."""
    tables = {
        RUNS: [_runs(collected)],
        BROKEN: [_prediction(one, collected) for one in PREDICTIONS],
        RANGES: list(_ranges(collected)),
        SEEDED: list(_seeds(collected)),
        CLAIMED: [_claim(index, collected) for index in range(len(collected.headline.judged))],
    }
    tables = {name: [table for table in each if table.rows] for name, each in tables.items()}
    if collected.headline.simulated:
        tables = {
            name: [replace(table, caption=f"Simulated data. {table.caption}") for table in each]
            for name, each in tables.items()
        }
    return {name: each for name, each in tables.items() if each}


def _runs(collected: Collected) -> Table:
    rows: list[tuple[Any, ...]] = [
        (name, _changed(name), "complete", f"{run.seconds / 60:.1f}", str(run.planned.folder))
        for name, run in collected.runs.items()
    ]
    rows += [
        (name, _changed(name), f"missing: {why}", "", "") for name, why in collected.missing.items()
    ]
    return Table(
        ("run", "what it changes", "", "minutes", "folder"),
        tuple(rows),
        "Every run has the preset, networks and inputs of the experiment itself, and its seed "
        "where the name tells no other. What is missing is in no number below.",
        left=(1, 2, 4),
    )


def _changed(name: str) -> str:
    if name in ABLATIONS:
        return ABLATIONS[name].text
    return "training seed and folds" if name.startswith("seed-") else ""


def _prediction(prediction: Prediction, collected: Collected) -> Table:
    rows: list[tuple[Any, ...]] = []
    headline = prediction.test(collected.headline.rows)
    for ablation, fate in prediction.fates.items():
        if ablation in collected.missing:
            why = f"missing: {collected.missing[ablation]}"
            rows.append((ablation, "", None, None, str(fate), why))
        elif ablation in collected.runs:
            pairs = zip(headline, prediction.test(collected.runs[ablation].rows), strict=True)
            rows += [
                (
                    ablation,
                    _named(after),
                    _estimate(before),
                    _estimate(after),
                    str(fate),
                    str(came(fate, before, after)),
                )
                for before, after in pairs
                if Outcome.NOT_RUN not in (before.outcome, after.outcome)
            ]
    return Table(
        ("ablation", "number", "headline (95 %)", "there (95 %)", "expected", "did it"),
        tuple(rows),
        f"{prediction.claim}. {prediction.why} Intervals are over subjects; a number has vanished "
        "where its criterion no longer holds and its interval does not reach the headline's.",
        stub=2,
        left=(4, 5),
    )


def _claim(index: int, collected: Collected) -> Table:
    headline = collected.headline.judged[index]
    deciding, claim = headline.deciding, headline.claim
    at = None if deciding is None else headline.findings.index(deciding)
    rows: list[tuple[Any, ...]] = []
    for name, run in collected.runs.items():
        judged = run.judged[index]
        found = None if at is None else judged.findings[at]
        number = None if found is None else _estimate(found)
        rows.append((name, number, "" if found is None else str(found.outcome), judged.text))
    missing = f" Missing: {', '.join(collected.missing)}." if collected.missing else ""
    number = "no number decides it" if deciding is None else f"{_named(deciding)} decides it"
    return Table(
        ("run", "that number (95 %)", "outcome", "verdict of the claim"),
        tuple(rows),
        f"{claim.name}: {claim.sentence} Holds when: {claim.criterion}. In the headline {number}."
        f"{missing}",
        left=(2, 3),
    )


def _ranges(collected: Collected) -> Iterable[Table]:
    runs = collected.calibrations
    found = list(spreads(collected.headline, runs))
    return _by_model(
        EVERYONE,
        found,
        _short(runs.values()),
        lambda one: {"ours_sd": None, "low": min(one.values), "high": max(one.values)},
        "the headline's number, in brackets the lowest and the highest over the calibrations "
        f"({', '.join(runs)}), with the paper's. Means over the whole cartilage; the brackets are "
        "no intervals.",
    )


def _seeds(collected: Collected) -> Iterable[Table]:
    runs = collected.seeds
    found = [one for one in spreads(collected.headline, runs) if is_of(one.row, NETWORKS)]
    seeds = [str(run.planned.command.seed) for run in runs.values()]
    return _by_model(
        list(dict.fromkeys(one.row.model for one in found)),
        found,
        _short(runs.values()),
        lambda one: {
            "ours": float(np.mean(one.values)),
            "ours_sd": float(np.std(one.values, ddof=1)),
        },
        f"mean ± SD over {len(runs)} trainings (seeds {', '.join(seeds)}) of the same subjects, on "
        "folds of their own, with the paper's. The spread is of training alone, not of subjects.",
        interval=False,
    )


def _by_model(
    models: Iterable[str],
    found: Sequence[Spread],
    short: Collection[Arm],
    shown: Callable[[Spread], Mapping[str, Any]],
    caption: str,
    interval: bool = True,
) -> Iterable[Table]:
    for model in models:
        entries = [
            {
                **one.row.entry(),
                **shown(one),
                "measure": labelled(one.row.metric, one.row.unit),
                "model": marked(model, short),
            }
            for one in sorted(found, key=lambda one: _place(one.row.input))
            if one.row.model == model and one.row.input in INPUTS
        ]
        yield report.beside_paper(
            entries,
            down=("model", "measure"),
            caption=f"{marked(model, short)}: {caption}",
            interval=interval,
        )


def _place(name: str | None) -> int:
    return INPUTS.index(name) if name in INPUTS else len(INPUTS)


def _short(runs: Iterable[Complete]) -> set[Arm]:
    """Networks that stopped short of their plateau in any of the runs."""
    return {arm for run in runs for arm in run.short}


def _named(finding: Finding) -> str:
    return f"{finding.what} ({finding.unit})" if finding.unit else finding.what


def _estimate(finding: Finding) -> Estimate:
    return Estimate(finding.value, low=finding.low, high=finding.high)
