"""Learning curves: whether a network had learnt what it could before it was judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxqmri.report.figures import CYCLE, INK
from jaxqmri.report.panels import panels
from jaxqmri.report.tables import Real

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DECADE = 10.0
NAMED = 10  # trainings of one network that a legend has room for


class Curve(NamedTuple):
    """One training, as far as it went.

    Attributes
    ----------
    steps
        Steps taken at each check.
    loss
        Mean training loss since the check before.
    metric
        Of the inner validation part, smaller is better.
    reached
        Whether the plateau was reached.
    """

    steps: tuple[float, ...]
    loss: tuple[float, ...]
    metric: tuple[float, ...]
    reached: bool

    @classmethod
    def of(cls, points: Iterable[tuple[Real, Real, Real]], reached: bool) -> Curve:
        """From triples of steps, loss and metric, one for each check."""
        checks = [(float(steps), float(loss), float(metric)) for steps, loss, metric in points]
        steps, loss, metric = tuple(zip(*checks, strict=True)) or ((), (), ())
        return cls(steps, loss, metric, reached)


def learning_curves(
    trainings: Mapping[str, Sequence[Curve]],
    *,
    loss: str = "training loss",
    metric: str = "validation metric",
    each: str = "fold",
) -> Figure:
    """Loss and validation metric over training steps, one line for each training.

    The dot is the network that was kept; from it a line at its value leads to the check at which
    the plateau was told. A training that stopped short of its plateau ends in a cross, and the
    title of its panel says so. A legend names up to ten.

    Parameters
    ----------
    trainings
        Those of every network, by its name; a row of two panels each.
    loss, metric
        What the two are called, with their units.
    each
        What the trainings of one network differ in: ``fold``, ``seed``.
    """
    titles = [
        title
        for name, curves in trainings.items()
        for title in (f"{name}: {loss}", f"{metric}{_shortfall(curves, each)}")
    ]
    figure, axes = panels(titles, "training steps", "", columns=2, height=1.7)
    for index, curves in enumerate(trainings.values()):
        left, right = axes[2 * index : 2 * index + 2]
        if any(not curve.reached for curve in curves):
            right.set_title(right.get_title("left"), loc="left", color=CYCLE[1], fontsize=10, pad=6)
        for number, curve in enumerate(curves):
            colour = CYCLE[number % len(CYCLE)]
            label = f"{each} {number + 1}"
            left.plot(curve.steps, curve.loss, color=colour, linewidth=1.1, label=label)
            _metric_line(right, curve, colour, label)
        for panel, values in ((left, "loss"), (right, "metric")):
            _scale(panel, [value for curve in curves for value in getattr(curve, values)])
    if 0 < max(map(len, trainings.values()), default=0) <= NAMED:
        axes[1].legend(
            frameon=False, fontsize=8, labelcolor=INK, ncols=2, handlelength=1.2, loc="upper right"
        )
    return figure


def _metric_line(axes: Axes, curve: Curve, colour: str, label: str) -> None:
    axes.plot(curve.steps, curve.metric, color=colour, linewidth=1.1, label=label)
    finite = np.isfinite(curve.metric)
    if not finite.any():
        return
    best = int(np.nanargmin(np.where(finite, curve.metric, np.nan)))
    kept, last = curve.steps[best], curve.steps[-1]
    axes.plot(kept, curve.metric[best], "o", ms=4.5, color=colour, label="_kept")
    if curve.reached:
        level = [curve.metric[best]] * 2
        axes.plot([kept, last], level, color=colour, linewidth=2.4, alpha=0.45, label="_plateau")
    else:
        end = curve.metric[-1]
        axes.plot(last, end, "x", ms=7, mew=1.8, color=colour, clip_on=False, label="_short")


def _shortfall(curves: Sequence[Curve], each: str) -> str:
    short = sum(not curve.reached for curve in curves)
    if not short:
        return ""
    return f" \N{EN DASH} {short} of {len(curves)} {each}s short of the plateau"


def _scale(axes: Axes, values: Sequence[float]) -> None:
    """Logarithmic where the values spread over more than a decade."""
    finite = np.array([value for value in values if np.isfinite(value)])
    if finite.size and finite.min() > 0 and finite.max() > DECADE * finite.min():
        axes.set_yscale("log")
