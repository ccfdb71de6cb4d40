"""Figure of the ablations: what the spread of the PD gain between subjects does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.knee_cv.claims import SMALLER, WITH_PD
from experiments.knee_cv.comparisons import CALIBRATED, LOOKUP
from experiments.knee_cv.paper import MLP, NETWORKS, UNMASKED
from experiments.knee_cv.settings import GAINS
from experiments.several import HEADLINE
from experiments.several.collect import Collected, Complete
from experiments.several.figures import OPEN, face, numbers, reach
from jaxqmri.report import Criterion, Finding, Outcome
from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT
from jaxqmri.report.panels import panels
from jaxqmri.simulate import variants

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES = (*NETWORKS, LOOKUP, CALIBRATED)
LEAD = "RPE, unmasked U-Net less MLP (%)"


def gain_figure(collected: Collected) -> dict[str, tuple[Figure, str]]:
    """The figure with its caption; nothing where no network saw a PD-weighted image."""
    trained = [name for name in WITH_PD if _lead(collected.headline, name) is not None]
    if not trained or not any(name in GAINS for name in collected.runs):
        return {}
    caption = (
        f"{LEAD}, and the RPE of each method, over the spread of the PD gain between subjects; "
        f"{100 * _spread_of(HEADLINE):g} % is the headline. Below zero the U-Net is ahead. 95 % "
        f"intervals over subjects. {OPEN}"
    )
    return {"gain_spread": (_drawn(collected, trained), caption)}


def _drawn(collected: Collected, inputs: Sequence[str]) -> Figure:
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
        np.array(list(known)) + shift, numbers(known.values(), "value"),
        yerr=reach(known.values()), fmt="o-", ms=4.5, color=colour, linewidth=1.1,
        elinewidth=1.3, label=label,
    )  # fmt: skip
    for spread, one in known.items():
        inside = face(one, colour)
        axes.plot(spread + shift, numbers([one], "value"), "o", ms=3.5, color=inside, zorder=4)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)


def _spread_of(name: str) -> float:
    """Spread of the PD gain between the subjects of a run, as a fraction."""
    study = GAINS[name].study if name in GAINS else variants.CALIBRATED[variants.HEADLINE]
    spread = study["pd_gain_sd"]
    assert isinstance(spread, float)
    return spread


def _lead(run: Complete, name: str) -> Finding | None:
    return _known(run.judging.rows.difference(SMALLER, (UNMASKED, name), (MLP, name), "RPE"))


def _rpe(run: Complete, model: str, name: str) -> Finding | None:
    return _known(run.judging.rows.value(Criterion(), model, name, "RPE"))


def _known(finding: Finding) -> Finding | None:
    return None if finding.outcome is Outcome.NOT_RUN else finding
