"""Tables for people: the same content as Markdown and as HTML, ours beside the paper's."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import numpy as np

ABSENT = "–"
SMALLEST_P = 0.001

Real = float | int | np.number


class Estimate(NamedTuple):
    """A number with its spread.

    ``sd`` is a standard deviation, ``low`` and ``high`` an interval; either may be missing.
    """

    value: Real | None
    sd: Real | None = None
    low: Real | None = None
    high: Real | None = None
    digits: int | None = 2

    def text(self) -> str:
        """``10.29 ± 2.48 (9.51 to 11.07)``, as far as there is something to say."""
        parts = [number(self.value, self.digits)]
        if _known(self.sd):
            parts.append(f"± {number(self.sd, self.digits)}")
        if _known(self.low) and _known(self.high):
            parts.append(f"({number(self.low, self.digits)} to {number(self.high, self.digits)})")
        return " ".join(parts)


class Beside(NamedTuple):
    """Our number with the paper's below it."""

    ours: Estimate
    paper: Estimate


Cell = str | Real | Estimate | Beside | None


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header.

    Attributes
    ----------
    header
        One name for each column, with its unit.
    rows
        Cells: text, numbers, :class:`Estimate`, :class:`Beside`, or None where there is nothing.
    caption
        What the table says.
    stub
        How many leading columns name the row; they are set left, all others right.
    left
        Further columns that are set left: prose.

    Raises
    ------
    ValueError
        If a row is longer or shorter than the header.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    stub: int = 1
    left: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"row {row} has {len(row)} cells, the header {len(self.header)}")

    def markdown(self) -> str:
        """Pipe table with aligned columns; the paper's number stands in brackets."""
        lines = [[_pipe_safe(name) for name in self.header]]
        lines += [[_pipe_safe(_markdown_cell(cell)) for cell in row] for row in self.rows]
        widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(self.header))]
        text = [f"{self.caption}\n"] if self.caption else []
        for position, line in enumerate(lines):
            cells = [
                cell.ljust(width) if self._is_left(i) else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            text.append(f"| {' | '.join(cells)} |")
            if position == 0:
                rule = [
                    "-" * w if self._is_left(i) else f"{'-' * (w - 1)}:"
                    for i, w in enumerate(widths)
                ]
                text.append(f"| {' | '.join(rule)} |")
        return "\n".join(text) + "\n"

    def html(self) -> str:
        """An HTML table in a box that scrolls sideways when it is too wide."""
        caption = f"<caption><span>{escape(self.caption)}</span></caption>" if self.caption else ""
        head = "".join(
            f'<th scope="col"{self._set_left(i)}>{escape(name)}</th>'
            for i, name in enumerate(self.header)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<th scope="row">{_html_cell(cell)}</th>'
                if i < self.stub
                else f"<td{self._set_left(i)}>{_html_cell(cell)}</td>"
                for i, cell in enumerate(row)
            )
            + "</tr>"
            for row in self.rows
        )
        return (
            f'<div class="table"><table>{caption}<thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    def _is_left(self, column: int) -> bool:
        return column < self.stub or column in self.left

    def _set_left(self, column: int) -> str:
        return ' class="left"' if self._is_left(column) else ""


def number(value: Real | None, digits: int | None = None) -> str:
    """A number as it is printed: a true minus sign, thousands grouped, a dash for none.

    Parameters
    ----------
    value
        The number; None and NaN have a dash.
    digits
        Decimals. Without them whole numbers stay whole and others get four significant digits.
    """
    if value is None or math.isnan(value):
        return ABSENT
    if math.isinf(value):
        text = "∞" if value > 0 else "-∞"
    elif digits is not None:
        text = f"{value:,.{digits}f}"
    elif float(value).is_integer() and abs(value) < 1e15:
        text = f"{int(value):,}"
    else:
        text = _significant(value)
    if text.strip("-0.,") == "" and text.startswith("-"):
        text = text[1:]  # no negative zero
    return text.replace("-", "\u2212") if "e" not in text else text


def p_value(value: Real | None) -> str:
    """A p value as it is printed: three decimals, and what is smaller than that by its bound."""
    if value is not None and value < SMALLEST_P:
        return f"<{SMALLEST_P:g}"
    return number(value, 3)


def beside_paper(
    results: Sequence[Mapping[str, Any]],
    *,
    down: Sequence[str] = ("metric", "unit", "model"),
    across: str = "input",
    caption: str = "",
    digits: int | None = 2,
    interval: bool = False,
) -> Table:
    """Results laid out as the paper's table is, each of our numbers with the paper's.

    Parameters
    ----------
    results
        Mappings with ``ours``, ``ours_sd``, ``low``, ``high``, ``paper``, ``paper_sd`` (None
        where there is none) and the names by which they are laid out.
    down
        Names that together make a row, in the order of their first appearance.
    across
        Name whose values become columns, in the order of their first appearance.
    caption, digits
        As in :class:`Table` and :class:`Estimate`.
    interval
        Whether our interval is printed as well.

    Returns
    -------
    Table
        ``len(down)`` columns that name the row, then one column for each value of ``across``.

    Raises
    ------
    ValueError
        If two results belong in the same cell.
    """
    columns = list(dict.fromkeys(str(result[across]) for result in results))
    cells: dict[tuple[str, ...], dict[str, Beside]] = {}
    for result in results:
        key = tuple(_label(result.get(name)) for name in down)
        row, column = cells.setdefault(key, {}), str(result[across])
        if column in row:
            raise ValueError(f"two results for {', '.join(key)}, {across} {column}")
        low, high = (result.get("low"), result.get("high")) if interval else (None, None)
        row[column] = Beside(
            Estimate(result.get("ours"), result.get("ours_sd"), low, high, digits),
            Estimate(result.get("paper"), result.get("paper_sd"), digits=digits),
        )
    return Table(
        header=(*down, *columns),
        rows=tuple((*key, *(row.get(c) for c in columns)) for key, row in cells.items()),
        caption=caption,
        stub=len(down),
    )


def result_list(
    results: Sequence[Mapping[str, Any]],
    *,
    names: Sequence[str] = ("model", "input", "region", "metric", "unit"),
    caption: str = "",
    digits: int | None = 2,
    p_values: Collection[str] = (),
) -> Table:
    """Results one a line: ours with its interval, the paper's, and the difference.

    Parameters
    ----------
    results
        As in :func:`beside_paper`, with ``n`` where known.
    names
        What names a result; a name that no result has is left out.
    caption, digits
        As in :class:`Table` and :class:`Estimate`.
    p_values
        Metrics that are p values, printed by :func:`p_value`; no difference is taken.
    """
    shown = [name for name in names if any(result.get(name) is not None for result in results)]
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        ours, paper = result.get("ours"), result.get("paper")
        is_p = result.get("metric") in p_values
        difference = None if is_p or ours is None or paper is None else ours - paper
        low, high = result.get("low"), result.get("high")
        rows.append(
            (
                *(_label(result.get(name)) for name in shown),
                result.get("n"),
                p_value(ours) if is_p else Estimate(ours, result.get("ours_sd"), low, high, digits),
                p_value(paper) if is_p else Estimate(paper, result.get("paper_sd"), digits=digits),
                Estimate(difference, digits=digits),
            )
        )
    header = (*shown, "n", "ours (95 % interval)", "paper", "difference")
    return Table(header, tuple(rows), caption, stub=len(shown))


def _known(value: Real | None) -> bool:
    return value is not None and not math.isnan(value)


def _label(value: Any) -> str:
    return "" if value is None else str(value)


def _significant(value: Real, digits: int = 4) -> str:
    if 1e-3 <= abs(value) < 1e6:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{digits - 1}e}"


def _pipe_safe(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _plain_cell(cell: str | Real | Estimate | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return cell.text() if isinstance(cell, Estimate) else number(cell)


def _markdown_cell(cell: Cell) -> str:
    if isinstance(cell, Beside):
        beside = f" [{cell.paper.text()}]" if _known(cell.paper.value) else ""
        return cell.ours.text() + beside
    return _plain_cell(cell)


def _html_cell(cell: Cell) -> str:
    if isinstance(cell, Beside):
        beside = ""
        if _known(cell.paper.value):
            beside = f'<span class="paper">{escape(cell.paper.text())}</span>'
        return escape(cell.ours.text()) + beside
    return escape(_plain_cell(cell))
