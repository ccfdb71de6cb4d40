"""Several inputs one after another: one that cannot be used does not stop the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from jaxqmri.io import InputError


@runtime_checkable
class Named(Protocol):
    """What a command works on."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...


Item = TypeVar("Item", bound=Named)


def in_turn(items: Sequence[Item], work: Callable[[Item], None], failure: str) -> None:
    """Do the work on each.

    Parameters
    ----------
    items
        What a command works on.
    work
        What it does with one of them.
    failure
        What is said of those that failed, ``series could not be fitted``.

    Raises
    ------
    InputError
        That of the only one; of several, which ones failed, once the others are done.
    """
    failed = []
    for one in items:
        try:
            work(one)
        except InputError as error:
            if len(items) == 1:
                raise
            failed.append(one.name)
            print(f"jaxqmri: {one.name}: {error}", file=sys.stderr)
    if failed:
        raise InputError(f"{len(failed)} of {len(items)} {failure}: {', '.join(failed)}")
