"""Figures of several panels: their places on the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from jaxqmri.report.figures import INK, WIDTH, add_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, GAP, FOOT, HEAD, TOP, RIGHT = 0.7, 0.75, 0.6, 0.35, 0.12, 0.45  # inches around a panel
WIDEST = 4.6


def panels(
    titles: Sequence[str], x: str, y: str, *, columns: int = 3, height: float = 2.4
) -> tuple[Figure, list[Axes]]:
    """A figure with one panel for each title, filled row by row.

    Parameters
    ----------
    titles
        Set above the panels.
    x, y
        Labels of the axes: ``x`` below the lowest panel of each column, ``y`` left of each row.
    columns
        Panels in a row, at most.
    height
        Of a panel's axes, inches.

    Returns
    -------
    figure, axes
        The axes in the order of the titles.

    Raises
    ------
    ValueError
        If there is no title: a figure of nothing.
    """
    if not titles:
        raise ValueError("a figure needs at least one panel")
    across = min(columns, len(titles))
    down = math.ceil(len(titles) / across)
    wide = min((WIDTH - LEFT - (across - 1) * GAP - RIGHT) / across, WIDEST)
    high = down * (height + HEAD + FOOT) + TOP
    figure = new_figure(LEFT + across * wide + (across - 1) * GAP + RIGHT, high)
    return figure, list(_places(figure, titles, x, y, across, wide, height))


def _places(
    figure: Figure, titles: Sequence[str], x: str, y: str, across: int, wide: float, height: float
) -> Iterator[Axes]:
    top = float(figure.get_figheight()) - TOP
    for index, title in enumerate(titles):
        line, column = divmod(index, across)
        bottom = top - (line + 1) * (height + HEAD) - line * FOOT
        axes = add_axes(
            figure,
            (LEFT + column * (wide + GAP), bottom, wide, height),
            x if index + across >= len(titles) else "",
            y if column == 0 else "",
        )
        axes.set_title(title, loc="left", fontsize=10, color=INK, pad=6)
        yield axes
