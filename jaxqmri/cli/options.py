"""How options are declared."""

from __future__ import annotations

from typing import Any

import tyro


def option(metavar: str | None, text: str, name: str | None = None) -> Any:
    """An option's placeholder and help text; the text tells what holds without it.

    ``name`` is its name where the field has another.
    """
    return tyro.conf.arg(name=name, metavar=metavar, help=text, help_behavior_hint="")
