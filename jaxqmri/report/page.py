"""One self-contained HTML page: title, lead, sections of prose, numbers, tables and figures.

Blocks are strings of finished HTML made by the functions here; every text that goes into one is
escaped, and `` `code` `` between backticks is set as code. Images are inlined, nothing is
fetched, so that a page can be mailed or put beside the maps that it shows.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NewType
from urllib.parse import quote

from jaxqmri.report.style import STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jaxqmri.report.tables import Table

Html = NewType("Html", str)

SECTIONS_WITH_CONTENTS = 4  # a page of fewer sections needs no list of them


class Section(NamedTuple):
    """A titled part of a page, its blocks in reading order."""

    title: str
    blocks: Sequence[Html]


class Number(NamedTuple):
    """One of the few numbers that a reader should see first."""

    label: str
    value: str
    detail: str = ""


def prose(text: str) -> Html:
    """Escaped text, with code between backticks."""
    return Html(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False)))


def paragraph(text: str) -> Html:
    """One paragraph."""
    return Html(f"<p>{prose(text)}</p>")


def heading(text: str) -> Html:
    """A heading inside a section."""
    return Html(f"<h3>{prose(text)}</h3>")


def note(text: str, warning: bool = False) -> Html:
    """A remark set apart; a ``warning`` is one that the reader must not miss."""
    kind = "note warning" if warning else "note"
    return Html(f'<p class="{kind}">{prose(text)}</p>')


def numbers(entries: Iterable[Number]) -> Html:
    """Key numbers side by side."""
    cells = [
        f"<div><dt>{prose(entry.label)}</dt><dd>{prose(entry.value)}"
        + (f"<small>{prose(entry.detail)}</small>" if entry.detail else "")
        + "</dd></div>"
        for entry in entries
    ]
    return Html(f'<dl class="numbers">{"".join(cells)}</dl>')


def facts(pairs: Mapping[str, str]) -> Html:
    """Names and values, one pair a line: settings, sources."""
    lines = [f"<dt>{prose(name)}</dt><dd>{prose(value)}</dd>" for name, value in pairs.items()]
    return Html(f'<dl class="facts">{"".join(lines)}</dl>')


def links(targets: Mapping[str, str]) -> Html:
    """Names that lead to other pages, by their address: relative to where this page will lie."""
    found = [
        f'<a href="{escape(quote(target))}">{prose(name)}</a>' for name, target in targets.items()
    ]
    return Html(f'<p class="links">{" ".join(found)}</p>')


def table(content: Table) -> Html:
    """A table; see :class:`jaxqmri.report.tables.Table`."""
    return Html(content.html())


def figure(image: Figure | bytes, caption: str, alt: str = "", width: int | None = None) -> Html:
    """A figure with its caption.

    Parameters
    ----------
    image
        A matplotlib figure, or the bytes of a PNG file.
    caption
        What the figure shows, for everybody.
    alt
        What it shows, for those who cannot see it; the caption when empty.
    width
        Displayed width in CSS pixels; a matplotlib figure knows its own.
    """
    if isinstance(image, bytes):
        png = image
    else:
        from jaxqmri.report.figures import CSS_PIXELS_PER_INCH, png_bytes

        png = png_bytes(image)
        width = width or round(image.get_figwidth() * CSS_PIXELS_PER_INCH)
    source = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    size = f' width="{width}"' if width else ""
    return Html(
        f'<figure><img src="{source}" alt="{escape(alt or caption)}"{size}>'
        f"<figcaption>{prose(caption)}</figcaption></figure>"
    )


def page(
    title: str,
    sections: Sequence[Section],
    *,
    lead: str = "",
    kicker: str = "",
    opening: Sequence[Html] = (),
    footer: str = "",
) -> Html:
    """Assemble one page.

    Parameters
    ----------
    title
        Name of the page.
    sections
        Its parts. Four or more get a list of contents.
    lead
        One or two sentences below the title: what this is and what it says.
    kicker
        A word above the title: the kind of page.
    opening
        Blocks before the first section, such as :func:`numbers` or a :func:`note`.
    footer
        Last line: software and version.

    Returns
    -------
    Html
        A whole document.
    """
    anchors = [f"part-{i}" for i, _ in enumerate(sections, start=1)]
    contents = ""
    if len(sections) >= SECTIONS_WITH_CONTENTS:
        links = [
            f'<a href="#{anchor}">{prose(section.title)}</a>'
            for anchor, section in zip(anchors, sections, strict=True)
        ]
        contents = f"<nav>{''.join(links)}</nav>"
    body = [
        f'<section id="{anchor}"><h2>{prose(section.title)}</h2>{"".join(section.blocks)}</section>'
        for anchor, section in zip(anchors, sections, strict=True)
    ]
    parts = [
        "<header>",
        f'<p class="kicker">{prose(kicker)}</p>' if kicker else "",
        f"<h1>{prose(title)}</h1>",
        f'<p class="lead">{prose(lead)}</p>' if lead else "",
        contents,
        "</header>",
        *opening,
        *body,
        f"<footer>{prose(footer)}</footer>" if footer else "",
    ]
    return Html(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        "<body><main>" + "\n".join(part for part in parts if part) + "</main></body></html>\n"
    )


def write_page(path: Path, document: Html) -> None:
    """Write a page whole: a reader of ``path`` sees the old page or the new one, never half.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(document)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
