"""Quantitative MRI in JAX: one signal equation as a fit, a loss, a simulator and a bound.

Importing this package is quick: its parts, and JAX with them, load when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxqmri import (
        analysis,
        design,
        fitting,
        io,
        mapping,
        physics,
        preprocessing,
        report,
        simulate,
    )
    from jaxqmri.fitting import FitResult, Status, fit

__version__ = "0.1.0"

__all__ = [
    "FitResult",
    "Status",
    "analysis",
    "design",
    "fit",
    "fitting",
    "io",
    "mapping",
    "physics",
    "preprocessing",
    "report",
    "simulate",
]

_FROM_FITTING = ("FitResult", "Status", "fit")


def __getattr__(name: str) -> Any:
    if name in _FROM_FITTING:
        return getattr(importlib.import_module("jaxqmri.fitting"), name)
    if name in __all__:
        return importlib.import_module(f"jaxqmri.{name}")
    raise AttributeError(f"module 'jaxqmri' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
