"""One run in several processes: they share trainings out, and the first writes what comes of it.

Every process takes the same steps of the experiment in the same order. What is made once is made
by the first while the others wait; a training is made by one of them and read by the others.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partialmethod
from typing import TYPE_CHECKING, Any, TypeVar

from experiments.run import Command, configure_jax
from jaxqmri.cli.launch import launch
from jaxqmri.cli.together import Place, check_place, is_first, is_one_of_several, meet
from jaxqmri.io import InputError

if TYPE_CHECKING:
    from experiments.kept_networks import End, KeptNetworks

T = TypeVar("T", bound=Hashable)
LOOK = 0.5  # seconds between two looks for what another process has trained


def begin(command: Command[Any], module: str) -> bool:
    """Get JAX ready, with the other processes where there are some.

    Parameters
    ----------
    command
        What was asked for.
    module
        What the command line names after ``python -m``.

    Returns
    -------
    bool
        Whether to go on: False where this process has only started others, which have ended well.

    Raises
    ------
    InputError
        If flags contradict each other, the processes do not meet, or one that was started failed.
    """
    place = Place(command.coordinator, command.processes, command.process)
    check_place(command.distributed, place)
    if command.processes is not None and not command.distributed:
        launch(command.words, command.processes, ("-m", module))
        return False
    configure_jax()
    if command.distributed:
        meet(place)
        if not is_first():
            _be_silent()
    return True


def _refuse_differences(known: Iterable[tuple[str, str]]) -> None:
    """Refuse trainings that are not the same in every process: they would wait for each other."""
    if not is_one_of_several():
        return
    import numpy as np
    from jax.experimental import multihost_utils

    digest = hashlib.blake2b(repr(list(known)).encode(), digest_size=8).digest()
    every = multihost_utils.process_allgather(np.frombuffer(digest, np.uint8))
    if (np.asarray(every) != every[0]).any():
        raise InputError(
            "the processes learn from maps that differ in their last digits: start them on "
            "machines of one kind, with equal numbers of cores"
        )


def _be_silent() -> None:
    """Leave progress and results to the first process; errors are told by all."""
    from tqdm import tqdm

    silent = partialmethod(tqdm.__init__, disable=True)
    tqdm.__init__ = silent  # pyright: ignore[reportAttributeAccessIssue]
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - to the end


def share_out(
    kept: KeptNetworks,
    arms: Sequence[T],
    label: Callable[[T], str],
    made_from: Callable[[T], str],
    train: Callable[[Sequence[T]], Iterator[tuple[T, End]]],
    done: Callable[[], None],
    *,
    together: bool = False,
) -> Iterator[tuple[T, End]]:
    """Read what earlier sessions have kept, train what this process is to, wait for the others.

    Parameters
    ----------
    kept
        Where every process keeps its trainings.
    arms
        All trainings, the same in every process.
    label, made_from
        What an arm is kept by, and the fingerprint of what it learns from.
    train
        Trains some arms and keeps each.
    done
        Called after each.
    together
        Whether ``train`` is for all processes at once, of which the first keeps what comes of it.

    Yields
    ------
    arm, end
        Those kept first, then those trained here, then those that others have trained.
    """
    import jax

    known = {arm: (label(arm), made_from(arm)) for arm in arms}
    _refuse_differences(known.values())
    mine, others = [], []
    for number, arm in enumerate(arms):
        end = kept.read(*known[arm])
        if end is not None:
            done()
            yield arm, end
        else:
            # by its number among all: what is kept by now may differ from process to process
            own = together or number % jax.process_count() == jax.process_index()
            (mine if own else others).append(arm)
    for arm, end in train(mine):
        while together and kept.read(*known[arm]) is None:
            time.sleep(LOOK)  # until the first has written it
        done()
        yield arm, end
    while others:
        for arm in tuple(others):
            end = kept.read(*known[arm])
            if end is not None:
                others.remove(arm)
                done()
                yield arm, end
        if others:
            time.sleep(LOOK)
