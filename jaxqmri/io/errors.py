"""The one error that a person's data or command can cause."""

from __future__ import annotations


class InputError(ValueError):
    """Data or a command that cannot be used, told in one line.

    The message names the file (or the flag), what was found and what was expected. The command
    line prints it alone, without a traceback, and exits with code 2.
    """
