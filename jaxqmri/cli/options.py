"""How options are declared."""

from __future__ import annotations

from typing import Any

import tyro


def option(metavar: str | None, text: str) -> Any:
    """An option's placeholder and help text; the text tells what holds without it."""
    return tyro.conf.arg(metavar=metavar, help=text, help_behavior_hint="")
