"""The same command in several processes of this machine, watched until all have ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from jaxqmri.cli.accelerator import available_cores
from jaxqmri.io import InputError

LOOK = 0.2  # seconds between two looks at the processes
PATIENCE = 5.0  # seconds that the others have to end by themselves

PROGRAM = "from jaxqmri.cli.main import main; raise SystemExit(main())"
COMMAND = ("-c", PROGRAM)

Processes = Sequence[subprocess.Popen[bytes]]


def launch(words: Sequence[str], count: int, program: Sequence[str] = COMMAND) -> None:
    """Run a command in so many processes, each with its share of the cores.

    Parameters
    ----------
    words
        Of the command, as typed; each process is told its place besides.
    count
        How many.
    program
        What takes the words, as Python's own arguments: ``jaxqmri`` unless told otherwise.

    Raises
    ------
    InputError
        If one of them is killed or fails: the others are then stopped.
    """
    address = f"127.0.0.1:{free_port()}"
    processes = [
        subprocess.Popen(
            [
                sys.executable, *program, *words, "--distributed", "--coordinator", address,
                "--process", str(k),
            ],
            preexec_fn=pinned(cores),  # noqa: PLW1509 - no thread has been started
        )
        for k, cores in enumerate(shares(count))
    ]  # fmt: skip
    try:
        failed = first_failure(processes)
    finally:
        stop(processes)
    if failed is not None:
        raise InputError(
            f"process {failed} of {count} {ended(processes[failed].returncode)}; the others were "
            "stopped. The same command goes on with what is not done"
        )


def first_failure(processes: Processes) -> int | None:
    """Number of the first process that is killed or fails; None once all have ended well."""
    while True:
        codes = [process.poll() for process in processes]
        for number, code in enumerate(codes):
            if code:
                return number
        if all(code == 0 for code in codes):
            return None
        time.sleep(LOOK)


def ended(code: int) -> str:
    """What became of a process that did not end well, in words."""
    if code < 0:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"failed with exit code {code}"


def stop(processes: Processes) -> None:
    """End those that still run: asked first, then killed."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + PATIENCE
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def shares(count: int) -> list[list[int]]:
    """Cores of each process: all of them dealt out, or one for several where there are too few."""
    cores = list(range(available_cores()))
    if hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))
    return [cores[k::count] or [cores[k % len(cores)]] for k in range(count)]


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(cores: Sequence[int]) -> Callable[[], None] | None:
    """What a new process does first to run on these cores alone, where the system can do that."""
    return partial(os.sched_setaffinity, 0, cores) if hasattr(os, "sched_setaffinity") else None
