"""Tables of several runs beside each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.run import labelled
from experiments.several.collect import Collected, Complete
from experiments.several.joining import Joining, is_of
from experiments.several.predictions import Prediction, came
from experiments.several.rows import Spread, spreads
from experiments.trainings import Arm, marked
from jaxqmri import report
from jaxqmri.report import Estimate, Finding, Outcome, Table

RUNS = "Runs"
BROKEN = "What should break, and whether it did"
RANGES = "Every row with its range over the calibrations"
SEEDED = "Training seeds"
CLAIMED = "Every claim in every run"


def tables_of(collected: Collected) -> dict[str, list[Table]]:
    """All tables, by the title of their section, in reading order; none without a row."""
    claims = range(len(collected.headline.judging.judged))
    tables = {
        RUNS: [_runs(collected)],
        BROKEN: [_prediction(one, collected) for one in collected.joining.predictions],
        RANGES: list(_ranges(collected)),
        SEEDED: list(_seeds(collected)),
        CLAIMED: [_claim(index, collected) for index in claims],
    }
    tables = {name: [table for table in each if table.rows] for name, each in tables.items()}
    if collected.headline.simulated:
        tables = {
            name: [replace(table, caption=f"Simulated data. {table.caption}") for table in each]
            for name, each in tables.items()
        }
    return {name: each for name, each in tables.items() if each}


def _runs(collected: Collected) -> Table:
    changed = collected.joining.plan.changed
    rows: list[tuple[Any, ...]] = [
        (name, changed(name), "complete", f"{run.seconds / 60:.1f}", str(run.planned.folder))
        for name, run in collected.runs.items()
    ]
    rows += [
        (name, changed(name), f"missing: {why}", "", "") for name, why in collected.missing.items()
    ]
    return Table(
        ("run", "what it changes", "", "minutes", "folder"),
        tuple(rows),
        "Every run has the preset, networks and inputs of the experiment itself, and its seed "
        "where the name tells no other. What is missing is in no number below.",
        left=(1, 2, 4),
    )


def _prediction(prediction: Prediction, collected: Collected) -> Table:
    rows: list[tuple[Any, ...]] = []
    headline = prediction.test(collected.headline.judging.rows)
    for ablation, fate in prediction.fates.items():
        if ablation in collected.missing:
            why = f"missing: {collected.missing[ablation]}"
            rows.append((ablation, "", None, None, str(fate), why))
        elif ablation in collected.runs:
            pairs = zip(
                headline, prediction.test(collected.runs[ablation].judging.rows), strict=True
            )
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
    headline = collected.headline.judging.judged[index]
    deciding, claim = headline.deciding, headline.claim
    at = None if deciding is None else headline.findings.index(deciding)
    rows: list[tuple[Any, ...]] = []
    for name, run in collected.runs.items():
        judged = run.judging.judged[index]
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
    runs, joining = collected.calibrations, collected.joining
    found = list(spreads(joining, collected.headline, runs))
    return _by_model(
        joining,
        list(dict.fromkeys((*joining.models, *(one.row.model for one in found)))),
        found,
        _short(runs.values()),
        lambda one: {"ours_sd": None, "low": min(one.values), "high": max(one.values)},
        "the headline's number, in brackets the lowest and the highest over the calibrations "
        f"({', '.join(runs)}), with the paper's. Means over the {joining.region}; the brackets are "
        "no intervals.",
    )


def _seeds(collected: Collected) -> Iterable[Table]:
    runs, joining = collected.seeds, collected.joining
    found = [
        one
        for one in spreads(joining, collected.headline, runs)
        if is_of(one.row, joining.networks)
    ]
    seeds = [str(run.planned.command.seed) for run in runs.values()]
    return _by_model(
        joining,
        list(dict.fromkeys(one.row.model for one in found)),
        found,
        _short(runs.values()),
        lambda one: {
            "ours": float(np.mean(one.values)),
            "ours_sd": float(np.std(one.values, ddof=1)),
        },
        f"mean ± SD over {len(runs)} trainings (seeds {', '.join(seeds)}) of the same subjects, on "
        "folds of their own where none are given, with the paper's. The spread is of training "
        "alone, not of subjects.",
        interval=False,
    )


def _by_model(
    joining: Joining,
    models: Iterable[str],
    found: Sequence[Spread],
    short: Collection[Arm],
    shown: Callable[[Spread], Mapping[str, Any]],
    caption: str,
    interval: bool = True,
) -> Iterable[Table]:
    inputs = list(joining.inputs)
    entries: dict[str, list[dict[str, Any]]] = {}
    for model in models:
        own = [one for one in found if one.row.model == model and one.row.input in inputs]
        name = marked(model, inputs, short)
        entries[name] = [
            {
                **one.row.entry(),
                **shown(one),
                "measure": labelled(one.row.metric, one.row.unit),
                "model": name,
            }
            for one in sorted(own, key=lambda one: inputs.index(str(one.row.input)))
        ]
    if len(inputs) == 1:  # one column: all models in one table
        entries = {"All methods": [entry for own in entries.values() for entry in own]}
    for name, own in entries.items():
        yield report.beside_paper(
            own, down=("model", "measure"), caption=f"{name}: {caption}", interval=interval
        )


def _short(runs: Iterable[Complete]) -> set[Arm]:
    """Networks that stopped short of their plateau in any of the runs."""
    return {arm for run in runs for arm in run.judging.short}


def _named(finding: Finding) -> str:
    return f"{finding.what} ({finding.unit})" if finding.unit else finding.what


def _estimate(finding: Finding) -> Estimate:
    return Estimate(finding.value, low=finding.low, high=finding.high)
