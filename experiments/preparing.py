"""Subjects of a study read and registered, several side by side."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from typing import Any, Protocol, TypeVar

from experiments import run as shared
from experiments.run import Run
from jaxqmri.cli.accelerator import available_cores
from jaxqmri.cli.together import first_goes_first
from jaxqmri.io import InputError


class Task(Protocol):
    """What one process needs to prepare one subject."""

    @property
    def entities(self) -> Mapping[str, str]:
        """Of the subject's series."""
        ...


T = TypeVar("T", bound=Task)
Prepared = TypeVar("Prepared")


def prepare_all(
    run: Run[Any],
    tasks: Sequence[T],
    prepare: Callable[[T], Prepared],
    *,
    unit: str,
    skip_incomplete: bool,
    doing: str = "register",
) -> tuple[list[T], list[Prepared]]:
    """Prepare every subject in a process of its own, several side by side.

    Parameters
    ----------
    run
        Told the time after each subject.
    tasks
        One for each subject.
    prepare
        What is done with a task. It should not import JAX.
    unit
        What the progress bar counts.
    skip_incomplete
        Go on without subjects that lack something.
    doing
        What the progress bar says is done.

    Returns
    -------
    tasks, prepared
        Those that are complete, in the order of the tasks.

    Raises
    ------
    InputError
        If a subject lacks something and incomplete ones are not to be skipped, or none is left.
    """
    with first_goes_first():
        return _prepared(run, tasks, prepare, unit, skip_incomplete, doing)


def _prepared(
    run: Run[Any],
    tasks: Sequence[T],
    prepare: Callable[[T], Prepared],
    unit: str,
    skip_incomplete: bool,
    doing: str,
) -> tuple[list[T], list[Prepared]]:
    workers = min(available_cores(), len(tasks))
    found: dict[int, Prepared] = {}
    # processes start afresh: a fork would inherit a JAX that has started its threads
    pool = (
        ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
        if workers > 1
        else ThreadPoolExecutor(1)
    )
    try:
        pending = {pool.submit(prepare, task): number for number, task in enumerate(tasks)}
        for done in shared.progress(as_completed(pending), doing, unit, len(tasks)):
            number = pending[done]
            error = done.exception()
            if isinstance(error, InputError):
                told = f"{label_of(tasks[number].entities)}: {error}"
                if not skip_incomplete:
                    raise InputError(f"{told} (--skip-incomplete goes on without it)")
                shared.say(f"left out: {told}")
            elif error is not None:
                raise error
            else:
                found[number] = done.result()
            run.tick()
    finally:
        pool.shutdown(cancel_futures=True)
    if not found:
        raise InputError(f"{run.data}: no subject is complete")
    return [tasks[i] for i in sorted(found)], [found[i] for i in sorted(found)]


def label_of(entities: Mapping[str, str]) -> str:
    """Entities as a file name has them: ``sub-01_ses-1``."""
    return "_".join(f"{key}-{value}" for key, value in entities.items())
