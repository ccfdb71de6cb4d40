"""Entry point of the ``jaxqmri`` command."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from jaxqmri.cli.together import leaving_at_once
from jaxqmri.io import InputError

INPUT_ERROR = 2
INTERRUPTED = 130
READER_GONE = 141  # as a shell counts a process that a closed pipe has ended


class Entry(NamedTuple):
    """Where a command is, and what it does in a few words."""

    module: str
    name: str
    summary: str


COMMANDS = {
    "fit": Entry("fit", "Fit", "images to maps, with their errors and a page to judge them by"),
    "convert": Entry("convert", "Convert", "DICOM files to a BIDS folder"),
    "convert-oai": Entry("convert_oai", "ConvertOai", "a download of knee T2 images to a study"),
    "stats": Entry("stats", "Stats", "maps and regions to a table of numbers"),
    "cartilage": Entry("cartilage", "Cartilage", "femoral cartilage to its subregions' numbers"),
    "register": Entry("register", "Register", "images onto the grid of another, or of the first"),
    "predict": Entry("predict", "Predict", "a saved network applied to new images"),
    "design": Entry("design", "Design", "times or angles that measure a tissue most precisely"),
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
    try:
        try:
            with leaving_at_once():
                return _run(words)
        except InputError as error:
            print(f"jaxqmri: {' '.join(str(error).splitlines())}", file=sys.stderr)
            return INPUT_ERROR
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("jaxqmri: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes once more when it ends: let that go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        return 0 if words else INPUT_ERROR
    if words[0] == "--version":
        from jaxqmri import __version__

        print(f"jaxqmri {__version__}")
        return 0
    if words[0] not in COMMANDS:
        raise InputError(f"{words[0]}: no such command, expected {', '.join(COMMANDS)}")
    from jaxqmri.cli.usage import parse

    entry = COMMANDS[words[0]]
    module = importlib.import_module(f"jaxqmri.cli.{entry.module}")
    parse(getattr(module, entry.name), words[1:], f"jaxqmri {words[0]}", module.HELP).run()
    return 0


def _help() -> str:
    lines = [f"  {name:<13}{entry.summary}" for name, entry in COMMANDS.items()]
    return HELP.format(commands="\n".join(lines))
