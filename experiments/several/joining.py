"""What an experiment says of itself so that its runs can be read, judged and shown together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from experiments.run import Command, Result, Run
from experiments.several.plan import Plan
from experiments.several.predictions import Prediction
from experiments.trainings import Arm
from jaxqmri.report import Judged, Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.several.collect import Collected


class Judging(NamedTuple):
    """What claims rest on in one run, and how they stand.

    Attributes
    ----------
    short
        Model and input of networks that were stopped short of their plateau.
    rows
        The run's numbers by their names.
    judged
        Every claim; the same in every run.
    """

    short: frozenset[Arm]
    rows: Rows
    judged: Sequence[Judged]


@dataclass(frozen=True)
class Joining:
    """How runs are joined.

    Attributes
    ----------
    plan
        Which runs there are.
    title, question
        Of the page: what was studied, and what the claims rest on.
    calibrated_on
        Published numbers that the simulations were chosen on, in words.
    changed_since
        What of its data is no longer what a complete run was made from, in words.
    judge
        From the rows of a run, its command, and whether its data are simulated.
    predictions
        What should become of a claim's numbers in the ablations; the first is drawn.
    region
        Of the numbers that are shown.
    models, inputs, metrics
        Those that are shown, in this order.
    networks
        The models whose numbers depend on a training seed, where seeds are runs of their own.
    figures
        More figures with their captions, by name.
    """

    plan: Plan
    title: str
    question: str
    calibrated_on: str
    changed_since: Callable[[Run], str | None]
    judge: Callable[[Sequence[Result], Command, bool], Judging]
    predictions: Sequence[Prediction]
    region: str | None
    models: Sequence[str]
    inputs: Sequence[str]
    metrics: Collection[str]
    networks: Collection[str] = ()
    figures: Callable[[Collected], Mapping[str, tuple[Figure, str]]] = lambda _: {}

    def shows(self, row: Result) -> bool:
        """Whether a number is one of those that are shown; differences of two models are."""
        return (
            row.region == self.region
            and row.visit is None
            and row.ours is not None
            and row.metric in self.metrics
            and is_of(row, self.models)
        )


def is_of(row: Result, models: Collection[str]) -> bool:
    """Whether a number, or a difference of two, is of these models."""
    return set(row.model.split(" minus ")) <= set(models)
