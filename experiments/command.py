"""The command line that all experiments share."""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import tyro

from jaxqmri.cli.together import is_one_of_several, leave, leaving_at_once
from jaxqmri.cli.usage import refused_in_one_line
from jaxqmri.io import InputError

Preset = Literal["smoke", "quick", "full", "paper"]
Settings = TypeVar("Settings")

INPUT_ERROR = 2
INTERRUPTED = 130


@dataclasses.dataclass(frozen=True)
class Command(Generic[Settings]):
    """What was asked for on the command line.

    Attributes
    ----------
    settings
        The experiment's own settings; each can be changed from its preset's value.
    preset
        Named sizes: smoke proves the plumbing and claims nothing, quick takes minutes, full the
        better part of an hour, paper the study's own sizes.
    data
        A BIDS folder. Without one a simulated cohort is made and kept for the next time.
    out
        The run folder, runs/EXPERIMENT-PRESET when not given.
    seed
        Of everything that is drawn at random.
    overwrite
        Discard what the run folder holds and start anew.
    processes
        Start so many processes on this machine, which share the trainings out, each with its share
        of the cores; with --distributed, how many there are.
    distributed
        This is one of several processes with the same run folder. Under SLURM nothing more is
        needed.
    coordinator
        HOST:PORT where the first of them listens, outside a cluster.
    process
        Which of them this is, from 0.
    words
        All of this as it was typed.
    """

    settings: Settings
    preset: Preset = "quick"
    data: Path | None = None
    out: Path | None = None
    seed: int = 0
    overwrite: bool = False
    processes: int | None = None
    distributed: bool = False
    coordinator: str | None = None
    process: int | None = None
    words: Annotated[tuple[str, ...], tyro.conf.Suppress] = dataclasses.field(
        default=(), compare=False
    )


def parse(
    name: str,
    description: str,
    presets: Mapping[Preset, Settings],
    argv: Sequence[str] | None = None,
) -> Command[Settings]:
    """Read the command line: the preset first, whose values are then the others' defaults."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--preset", default="quick")
    named = first.parse_known_args(arguments)[0].preset
    preset: Preset = named if named in presets else "quick"  # refused with the rest of the line
    defaults = presets[preset]
    kind: Any = Annotated[Command[type(defaults)], tyro.conf.OmitArgPrefixes]
    try:
        command = refused_in_one_line(
            lambda: tyro.cli(
                kind,
                prog=f"python -m experiments.{name}",
                description=_spaced(description),
                default=Command(settings=defaults, preset=preset),
                args=arguments,
            )
        )
        return dataclasses.replace(command, words=tuple(arguments))
    except InputError as error:
        print(error, file=sys.stderr)
        raise SystemExit(INPUT_ERROR) from None


def _spaced(description: str) -> str:
    """A blank line before every head that follows an indented line, lest it run into that."""
    return re.sub(r"(?m)^([ \t]+\S.*)\n(?=\S)", r"\1\n\n", description)


def execute(work: Callable[[], None]) -> int:
    """Run ``work``; an error that a person can act on is one line, and the exit code 2."""
    try:
        with leaving_at_once():
            work()
    except InputError as error:
        if is_one_of_several():
            leave(str(error))
        print(error, file=sys.stderr)
        return INPUT_ERROR
    except KeyboardInterrupt:
        print("stopped; the same command, without --overwrite, goes on from here", file=sys.stderr)
        return INTERRUPTED
    return 0
