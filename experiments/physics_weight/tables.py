"""Tables of the study."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.pages import filled
from experiments.physics_weight.arms import Column, Point, points_of, weight_name
from experiments.physics_weight.conclusions import Rows, by_name
from experiments.physics_weight.networks import VALIDATION
from experiments.physics_weight.results import CHANGE, CHOSEN, LABELS_ALONE, RIVALS, P
from experiments.physics_weight.scores import MAE, METRICS
from experiments.run import Result, labelled
from experiments.trainings import SETTLED, STEPS
from jaxqmri.report import Estimate, Table, compared

TRAINED = "Trainings"
WEIGHT = "weight"


def section(column: Column) -> str:
    """The head of a column's tables."""
    return f"By {column.name}"


def tables_of(
    results: Sequence[Result], columns: Sequence[Column], weights: Sequence[float], simulated: bool
) -> dict[str, list[Table]]:
    """All tables, by the title of their section, in reading order."""
    rows = by_name(results)
    parts = {
        section(column): [_changes(rows, column, weights), *_metrics(rows, column, weights)]
        for column in columns
    }
    parts[TRAINED] = [_trainings(rows, columns, weights)]
    return filled(parts, simulated)


def _changes(rows: Rows, column: Column, weights: Sequence[float]) -> Table:
    body = []
    for name in [*(weight_name(weight) for weight in weights if weight > 0), CHOSEN]:
        versus, _ = compared((name, ""), (LABELS_ALONE, ""))
        body.append(_line(rows, name, versus, column, f"{CHANGE}{MAE}", 1))
        if name != CHOSEN:
            body.append(_line(rows, "p", versus, column, f"{CHANGE}{MAE}{P} after Holm", 3))
    return Table(
        (WEIGHT, *(name for name, _ in column.points)),
        tuple(body),
        f"Change of the {MAE} against labels alone (%), with 95 % intervals over seeds and test "
        "subjects, and p after Holm over all weights and conditions of this table.",
    )


def _metrics(rows: Rows, column: Column, weights: Sequence[float]) -> list[Table]:
    models = [*map(weight_name, weights), CHOSEN, *RIVALS]
    tables = []
    for metric, unit in METRICS.items():
        body = [_line(rows, model, model, column, metric, 2) for model in models]
        if any(cell is not None for line in body for cell in line[1:]):
            header = (WEIGHT, *(name for name, _ in column.points))
            tables.append(Table(header, tuple(body), f"{labelled(metric, unit)}."))
    return tables


def _line(
    rows: Rows, shown: str, model: str, column: Column, metric: str, digits: int
) -> tuple[str | Estimate | None, ...]:
    return (
        shown,
        *(_cell(rows.get((model, point.input, metric)), digits) for point in points_of([column])),
    )


def _cell(row: Result | None, digits: int) -> Estimate | None:
    if row is None:
        return None
    return Estimate(row.ours, None, row.low, row.high, digits)


def _trainings(rows: Rows, columns: Sequence[Column], weights: Sequence[float]) -> Table:
    body = []
    for point in points_of(columns):
        for weight in weights:
            body.append(_trained(rows, point, weight_name(weight)))
    return Table(
        ("condition", WEIGHT, "steps", "at the plateau (%)", "validation error (ms)"),
        tuple(body),
        "Means over seeds. The validation error is by the labels that the training is given, "
        "errors included.",
        stub=2,
    )


def _trained(rows: Rows, point: Point, model: str) -> tuple[str | float | None, ...]:
    found = [rows.get((model, point.input, metric)) for metric in (STEPS, SETTLED, VALIDATION)]
    return (point.input, model, *(None if one is None else one.ours for one in found))
