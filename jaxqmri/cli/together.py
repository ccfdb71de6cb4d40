"""One command in several processes: how they meet, what each does, and who writes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, NoReturn, TypeVar

from jaxqmri.io import InputError

HEARTBEAT = 30  # seconds without a sign of life after which the others give up
LEFT = 2  # exit code
MEETING = 120  # seconds to wait for all to start
PARTING = 7 * 24 * 3600  # seconds that one may go on for when the others are done

T = TypeVar("T")


class Place(NamedTuple):
    """Where a process meets the others; what is None the cluster's environment tells.

    Attributes
    ----------
    coordinator
        Address of the first process, ``host:port``.
    processes
        How many there are.
    process
        Number of this one, from 0.
    """

    coordinator: str | None
    processes: int | None
    process: int | None


def check_place(distributed: bool, place: Place) -> None:
    """Refuse flags that make no sense together.

    Raises
    ------
    InputError
        If a process is to meet others without being told to, or told only half of where.
    """
    coordinator, count, number = place
    if count is not None and count < 1:
        raise InputError(f"--processes {count}: expected a whole number above zero")
    if not distributed:
        if coordinator is not None or number is not None:
            raise InputError("--coordinator, --process: they go with --distributed")
        return
    if coordinator is None and (count, number) == (None, None):
        return  # the cluster tells
    if coordinator is None or count is None or number is None:
        raise InputError("--distributed: give --coordinator, --processes and --process, or none")
    if ":" not in coordinator:
        raise InputError(f"--coordinator {coordinator}: expected HOST:PORT")
    if not 0 <= number < count:
        raise InputError(f"--process {number}: expected 0 to {count - 1}")


def meet(place: Place) -> None:
    """Meet the other processes; before JAX looks for devices.

    Raises
    ------
    InputError
        If no cluster tells where, or the others do not come.
    """
    import jax

    try:
        jax.distributed.initialize(
            *place,
            initialization_timeout=MEETING,
            heartbeat_timeout_seconds=HEARTBEAT,
            shutdown_timeout_seconds=PARTING,
        )
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            "--distributed: the processes did not meet; outside a cluster give --coordinator, "
            f"--processes and --process ({reason})"
        ) from None


def is_first() -> bool:
    """Whether this process is the one that writes what all have made; true of one alone."""
    if not is_one_of_several():
        return True
    import jax

    return jax.process_index() == 0


@contextmanager
def first_goes_first() -> Iterator[None]:
    """What is done inside the first process does before the others, who find it done."""
    if not is_one_of_several():
        yield
        return
    if not is_first():
        wait_for_all()
    try:
        yield
    finally:
        if is_first():
            wait_for_all()


def dealt(items: Sequence[T]) -> Sequence[T] | None:
    """Those of several items that this process works on; None where they are too few for all."""
    import jax

    count = jax.process_count()
    return items[jax.process_index() :: count] if len(items) >= count else None


@contextmanager
def leading() -> Iterator[Callable[[], None]]:
    """Of the first process: it lets the others go on, or ends without having done so.

    Yields
    ------
    callable
        Lets them go on; where it is not called they are told at the end that there is nothing to
        do.
    """
    told = False

    def tell() -> None:
        nonlocal told
        told = True
        _from_first(True)

    try:
        yield tell
    finally:
        if not told:
            _from_first(False)


def follow() -> bool:
    """Of another process: whether the first goes on."""
    return _from_first(False)


def leave(why: str) -> NoReturn:
    """End this process at once, where the others have gone on to what it cannot do.

    An ordinary end would wait for them, as they would for it; that it is gone they are told.
    """
    print(f"jaxqmri: {' '.join(why.splitlines())}", file=sys.stderr, flush=True)
    os._exit(LEFT)


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """End this process at once if something unforeseen fails inside, where there are others."""
    try:
        yield
    except Exception as error:
        if isinstance(error, InputError) or not is_one_of_several():
            raise
        traceback.print_exc()
        leave(f"{type(error).__name__}: {error}")


def is_one_of_several() -> bool:
    """Whether others would wait for this process, and it for them."""
    jax = sys.modules.get("jax")
    return jax is not None and jax.distributed.is_initialized()


def wait_for_all() -> None:
    """Wait until every process is here."""
    from jax.experimental import multihost_utils

    multihost_utils.sync_global_devices("all here")


def _from_first(value: bool) -> bool:
    import numpy as np
    from jax.experimental import multihost_utils

    return bool(multihost_utils.broadcast_one_to_all(np.int32(value)))
