"""Figures of several runs: what the spread of the gain does, and every run's number in a line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.knee_cv.claims import SMALLER, WITH_PD
from experiments.knee_cv.comparisons import CALIBRATED, LOOKUP
from experiments.knee_cv.paper import MLP, NETWORKS, UNMASKED
from experiments.knee_cv.plan import HEADLINE
from experiments.knee_cv.settings import GAINS
from experiments.knee_cv.summary.collect import Collected, Complete
from experiments.knee_cv.summary.predictions import PREDICTIONS, Fate
from experiments.pages import mark_simulated
from jaxqmri.report import Criterion, Finding, Outcome
from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT, WIDTH, add_axes, new_figure
from jaxqmri.report.panels import panels
from jaxqmri.simulate import variants

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES = (*NETWORKS, LOOKUP, CALIBRATED)
LEAD = "RPE, unmasked U-Net less MLP (%)"
OPEN = "A dot is open where a network was short of its plateau."
ROW = 0.26  # inches
COLOURS: Mapping[Fate | None, str] = {
    None: CYCLE[6], Fate.STAY: CYCLE[0], Fate.VANISH: CYCLE[1], Fate.HOLD: CYCLE[2],
}  # fmt: skip


def figures_of(collected: Collected) -> dict[str, tuple[Figure, str]]:
    """All figures with their captions, by name; where no network saw a PD-weighted image, none."""
    trained = [name for name in WITH_PD if _lead(collected.headline, name) is not None]
    if not trained:
        return {}
    drawn = {
        "leads": (
            _leads(collected, trained[-1]),
            f"RPE at {trained[-1]}, unmasked U-Net less MLP, in every run, with its 95 % interval "
            "over subjects. Left of zero the U-Net is ahead; the band is the headline's interval. "
            f"{OPEN}",
        )
    }
    if any(name in GAINS for name in collected.runs):
        drawn["gain_spread"] = (
            _gain_spread(collected, trained),
            "The same number, and the RPE of each method, over the spread of the PD gain between "
            f"subjects; {100 * _spread_of(HEADLINE):g} % is the headline. 95 % intervals over "
            f"subjects. {OPEN}",
        )
    if collected.headline.simulated:
        for figure, _ in drawn.values():
            mark_simulated(figure)
    return drawn


def _gain_spread(collected: Collected, inputs: Sequence[str]) -> Figure:
    runs = {
        _spread_of(name): run
        for name, run in collected.runs.items()
        if name == HEADLINE or name in GAINS
    }
    runs = dict(sorted(runs.items()))
    titles = [title for name in inputs for title in (f"{name}: {LEAD}", f"{name}: RPE (%)")]
    figure, axes = panels(titles, "SD of the PD gain between subjects (%)", "", columns=2)
    for index, name in enumerate(inputs):
        left, right = axes[2 * index : 2 * index + 2]
        _curve(left, {spread: _lead(run, name) for spread, run in runs.items()}, CYCLE[0])
        left.axhline(0, color=SOFT, linewidth=0.8, zorder=0)
        for number, model in enumerate(CURVES):
            found = {spread: _rpe(run, model, name) for spread, run in runs.items()}
            _curve(right, found, CYCLE[number], model, shift=0.25 * (number - 2))
        right.set_ylim(bottom=0)
    axes[1].legend(frameon=False, fontsize=8, labelcolor=INK, handlelength=1.2)
    return figure


def _curve(
    axes: Axes,
    found: Mapping[float, Finding | None],
    colour: str,
    label: str | None = None,
    shift: float = 0.0,
) -> None:
    known = {100 * spread: one for spread, one in found.items() if one is not None}
    axes.errorbar(
        np.array(list(known)) + shift, _numbers(known.values(), "value"),
        yerr=_reach(known.values()), fmt="o-", ms=4.5, color=colour, linewidth=1.1,
        elinewidth=1.3, label=label,
    )  # fmt: skip
    for spread, one in known.items():
        place, face = spread + shift, _face(one, colour)
        axes.plot(place, _numbers([one], "value"), "o", ms=3.5, color=face, zorder=4)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)


def _leads(collected: Collected, name: str) -> Figure:
    found = {run: _lead(one, name) for run, one in collected.runs.items()}
    known = {run: one for run, one in found.items() if one is not None}
    height = 0.95 + ROW * len(known)
    figure = new_figure(WIDTH, height)
    axes = add_axes(figure, (1.9, 0.55, WIDTH - 4.2, height - 0.75), f"{name}: {LEAD}", "")
    labels = {None: "nothing expected", **{fate: str(fate) for fate in Fate}}
    for place, (run, one) in enumerate(known.items()):
        fate = PREDICTIONS[0].fates.get(run)
        axes.errorbar(
            _numbers([one], "value"), [place], xerr=_reach([one]), fmt="o", ms=6,
            color=COLOURS[fate], mfc=_face(one, COLOURS[fate]), elinewidth=1.6,
            label=labels.pop(fate, None),
        )  # fmt: skip
    own = known[HEADLINE]
    if own.low is not None and own.high is not None:
        axes.axvspan(own.low, own.high, color=LINE, linewidth=0, zorder=0)
    axes.axvline(0, color=SOFT, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(known)), list(known), fontsize=8.5)
    axes.set_ylim(len(known) - 0.5, -0.5)
    axes.legend(
        frameon=False, fontsize=8.5, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.01, 1)
    )
    return figure


def _face(finding: Finding, colour: str) -> str:
    """Of a dot: open where a network was stopped short of its plateau."""
    return "white" if finding.outcome is Outcome.SHORT else colour


def _numbers(findings: Collection[Finding], end: str) -> np.ndarray:
    return np.array([getattr(one, end) for one in findings], float)


def _reach(findings: Collection[Finding]) -> np.ndarray:
    """How far intervals reach below and above their numbers."""
    values, low, high = (_numbers(findings, end) for end in ("value", "low", "high"))
    return np.stack([values - low, high - values])


def _spread_of(name: str) -> float:
    """Spread of the PD gain between the subjects of a run, as a fraction."""
    study = GAINS[name].study if name in GAINS else variants.CALIBRATED[variants.HEADLINE]
    return study["pd_gain_sd"]


def _lead(run: Complete, name: str) -> Finding | None:
    return _known(run.rows.difference(SMALLER, (UNMASKED, name), (MLP, name), "RPE"))


def _rpe(run: Complete, model: str, name: str) -> Finding | None:
    return _known(run.rows.value(Criterion(), model, name, "RPE"))


def _known(finding: Finding) -> Finding | None:
    return None if finding.outcome is Outcome.NOT_RUN else finding
