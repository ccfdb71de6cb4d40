"""Entry point of the ``jaxqmri`` command."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

import tyro

from jaxqmri.io import InputError

INPUT_ERROR = 2
INTERRUPTED = 130


class Entry(NamedTuple):
    """Where a command is, and what it does in a few words."""

    module: str
    name: str
    summary: str


COMMANDS = {
    "fit": Entry("fit", "Fit", "images to maps, with their errors and a page to judge them by"),
    "convert": Entry("convert", "Convert", "DICOM files to a BIDS folder"),
    "stats": Entry("stats", "Stats", "maps and regions to a table of numbers"),
    "simulate": Entry("simulate", "Simulate", "a study's digital cohort, as a BIDS folder"),
}

HELP = """usage: jaxqmri COMMAND [OPTIONS]

Quantitative MRI: from images to maps, and from maps to numbers.

Commands:
{commands}

A first session, from the scanner's files to a table:
  jaxqmri convert dicom --out study
  jaxqmri fit t2 study
  jaxqmri stats --help

"jaxqmri COMMAND --help" explains a command with examples. Times are in milliseconds, angles in
degrees; BIDS folders are read and written in seconds, as BIDS says."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        Words after ``jaxqmri``; those of the process when None.

    Returns
    -------
    int
        Exit code: 0, or 2 where the data or the command cannot be used, told in one line on the
        standard error stream.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        return 0 if words else INPUT_ERROR
    if words[0] == "--version":
        from jaxqmri import __version__

        print(f"jaxqmri {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print(
            f"jaxqmri: {words[0]}: no such command, expected {', '.join(COMMANDS)}", file=sys.stderr
        )
        return INPUT_ERROR
    entry = COMMANDS[words[0]]
    module = importlib.import_module(f"jaxqmri.cli.{entry.module}")
    try:
        command = tyro.cli(
            getattr(module, entry.name),
            prog=f"jaxqmri {words[0]}",
            description=getattr(module, "HELP", None),
            args=words[1:],
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
        )
        command.run()
    except InputError as error:
        print(f"jaxqmri: {error}", file=sys.stderr)
        return INPUT_ERROR
    except KeyboardInterrupt:
        print("jaxqmri: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _help() -> str:
    lines = [f"  {name:<10}{entry.summary}" for name, entry in COMMANDS.items()]
    return HELP.format(commands="\n".join(lines))
