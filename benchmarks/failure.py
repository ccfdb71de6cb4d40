"""Why a process that a benchmark started has failed."""

from __future__ import annotations


def last_words(errors: str, code: int | None) -> str:
    """The last line that a process wrote to standard error, or what it ended with."""
    said = errors.strip().splitlines()
    return said[-1] if said else f"ended with {code}"
