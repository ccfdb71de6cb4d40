"""Figures of several runs: one number in every run, and those of the experiment's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from experiments.pages import mark_simulated
from experiments.several.collect import Collected
from experiments.several.plan import HEADLINE
from experiments.several.predictions import Fate, Prediction
from jaxqmri.report import Finding, Outcome
from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT, WIDTH, add_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OPEN = "A dot is open where a network was short of its plateau."
ROW = 0.26  # inches
COLOURS: Mapping[Fate | None, str] = {
    None: CYCLE[6], Fate.STAY: CYCLE[0], Fate.VANISH: CYCLE[1], Fate.HOLD: CYCLE[2],
}  # fmt: skip


def figures_of(collected: Collected) -> dict[str, tuple[Figure, str]]:
    """All figures with their captions, by name."""
    prediction = collected.joining.predictions[0]
    drawn = dict(collected.joining.figures(collected))
    tested = [
        number
        for number, one in enumerate(prediction.test(collected.headline.judging.rows))
        if one.outcome is not Outcome.NOT_RUN
    ]
    if tested:
        figure = _in_every_run(collected, prediction, tested[-1])
        drawn = {
            "every_run": (
                figure,
                f"{prediction.claim}: the number in every run, with its 95 % interval over "
                f"subjects; the band is the headline's. {OPEN}",
            ),
            **drawn,
        }
    if collected.headline.simulated:
        for figure, _ in drawn.values():
            mark_simulated(figure)
    return drawn


def face(finding: Finding, colour: str) -> str:
    """Of a dot: open where a network was stopped short of its plateau."""
    return "white" if finding.outcome is Outcome.SHORT else colour


def numbers(findings: Collection[Finding], end: str) -> np.ndarray:
    """One of ``value``, ``low``, ``high`` of every finding."""
    return np.array([getattr(one, end) for one in findings], float)


def reach(findings: Collection[Finding]) -> np.ndarray:
    """How far intervals reach below and above their numbers."""
    values, low, high = (numbers(findings, end) for end in ("value", "low", "high"))
    return np.stack([values - low, high - values])


def _in_every_run(collected: Collected, prediction: Prediction, number: int) -> Figure:
    found = {run: prediction.test(one.judging.rows)[number] for run, one in collected.runs.items()}
    known = {run: one for run, one in found.items() if one.outcome is not Outcome.NOT_RUN}
    own = known[HEADLINE]
    height = 0.95 + ROW * len(known)
    figure = new_figure(WIDTH, height)
    title = f"{own.what} ({own.unit})" if own.unit else own.what
    axes = add_axes(figure, (1.9, 0.55, WIDTH - 4.2, height - 0.75), title, "")
    labels = {None: "nothing expected", **{fate: str(fate) for fate in Fate}}
    for place, (run, one) in enumerate(known.items()):
        fate = prediction.fates.get(run)
        axes.errorbar(
            numbers([one], "value"), [place], xerr=reach([one]), fmt="o", ms=6,
            color=COLOURS[fate], mfc=face(one, COLOURS[fate]), elinewidth=1.6,
            label=labels.pop(fate, None),
        )  # fmt: skip
    if own.low is not None and own.high is not None:
        axes.axvspan(own.low, own.high, color=LINE, linewidth=0, zorder=0)
    axes.axvline(0, color=SOFT, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(known)), list(known), fontsize=8.5)
    axes.set_ylim(len(known) - 0.5, -0.5)
    axes.legend(
        frameon=False, fontsize=8.5, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.01, 1)
    )
    return figure
