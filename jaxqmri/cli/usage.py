"""From words typed after a command to its dataclass; wrong words are told in one line."""

from __future__ import annotations

import dataclasses
import difflib
import io
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import tyro

from jaxqmri.io import InputError

Command = TypeVar("Command")
_EXPECTED = {float: "a number", int: "a whole number", Path: "a path"}
_FRAME = "│╭╮╰╯─• "
_TITLE, _RULE = "╭", "──"


def parse(kind: type[Command], words: Sequence[str], prog: str, text: str | None) -> Command:
    """One command with what was typed after it; ``--help`` prints and exits.

    Parameters
    ----------
    kind
        The command's dataclass.
    words
        What was typed.
    prog
        How the command is called, ``jaxqmri fit``.
    text
        What its help says above the options.

    Raises
    ------
    InputError
        If a word is no option or no value of one, or one is missing.
    """
    if not {"-h", "--help"} & set(words):
        _check(kind, words, prog)
    return refused_in_one_line(
        lambda: tyro.cli(
            kind,
            prog=prog,
            description=text,
            args=words,
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
        )
    )


def refused_in_one_line(read: Callable[[], Command]) -> Command:
    """What a parser reads; its refusal, several lines in a frame, as one.

    Raises
    ------
    InputError
        Where the parser would end the program with its message.
    """
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            command = read()
    except SystemExit as stop:
        if stop.code in (None, 0):
            raise
        raise InputError(_in_one_line(told.getvalue())) from None
    sys.stderr.write(told.getvalue())
    return command


class _Option(NamedTuple):
    """What one field of a command's dataclass takes.

    ``kinds`` are the types that each word may have, empty for one that takes no word.
    """

    name: str
    kinds: tuple[Any, ...]
    several: bool
    required: bool
    metavar: str

    def check(self, words: Sequence[str]) -> None:
        """Refuse words that are no values of this option."""
        if not words:
            raise InputError(f"{self.name}: found nothing, expected {self.expected}")
        for word in words:
            if not any(_is_of(word, kind) for kind in self.kinds):
                raise InputError(f"{self.name} {word}: expected {self.expected}")

    @property
    def expected(self) -> str:
        """What it takes, in words."""
        words: list[str] = []
        for kind in self.kinds:
            if get_origin(kind) is Literal:
                words += [str(choice) for choice in get_args(kind)]
            else:
                words.append(_EXPECTED.get(kind, self.metavar))
        *most, last = words
        return f"{', '.join(most)} or {last}" if most else last


def _check(kind: type, words: Sequence[str], prog: str) -> None:
    """Refuse the first word that is wrong, then the first that is missing."""
    options, places = _options_of(kind)
    given: set[str] = set()
    loose: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not _is_flag(word):
            loose.append(word)
            continue
        name, equals, value = word.partition("=")
        option = options.get(name.replace("_", "-"))
        if option is None:
            raise InputError(f"{name}: no such option{_meant(name, options)}; see {prog} --help")
        if option.name in given:
            raise InputError(f"{option.name}: given twice, expected once")
        given.add(option.name)
        values = [value] if equals else []
        if not option.kinds:
            if values:
                raise InputError(f"{option.name} {value}: expected no value")
            continue
        while rest and not _is_flag(rest[0]) and (option.several or not values):
            values.append(rest.pop(0))
        option.check(values)
    for place in places:
        taken, loose = (loose, []) if place.several else (loose[:1], loose[1:])
        if taken or place.required:
            place.check(taken)
    if loose:
        takes = " ".join(place.name for place in places)
        raise InputError(f"{loose[0]}: one word too many, expected {takes}; see {prog} --help")
    for option in options.values():
        if option.required and option.name not in given:
            raise InputError(f"{option.name}: missing, expected {option.expected}")


def _options_of(kind: type) -> tuple[dict[str, _Option], list[_Option]]:
    """Options of a command by name, and what it takes without one, in order."""
    options: dict[str, _Option] = {}
    places: list[_Option] = []
    hints = get_type_hints(kind, include_extras=True)
    for entry in dataclasses.fields(kind):
        declared, extras = _unwrapped(hints[entry.name])
        several = get_origin(declared) is tuple
        if several:
            declared = get_args(declared)[0]
        union = get_origin(declared) in (Union, types.UnionType)
        kinds = tuple(
            _unwrapped(part)[0]
            for part in (get_args(declared) if union else (declared,))
            if part is not type(None)
        )
        required = entry.default is dataclasses.MISSING
        settings = next((e for e in extras if hasattr(e, "metavar")), None)
        metavar = getattr(settings, "metavar", None) or entry.name.upper()
        if tyro.conf.Positional in extras:
            places.append(_Option(metavar, kinds, several, required, metavar))
            continue
        name = f"--{getattr(settings, 'name', None) or entry.name.replace('_', '-')}"
        kinds = () if kinds == (bool,) else kinds
        options[name] = _Option(name, kinds, several, required, metavar)
    return options, places


def _unwrapped(declared: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without its annotations, and those."""
    if get_origin(declared) is Annotated:
        inner, *extras = get_args(declared)
        return inner, tuple(extras)
    return declared, ()


def _is_flag(word: str) -> bool:
    """Whether a word names an option; negative numbers do not."""
    return word[:1] == "-" and word.lstrip("-")[:1].isalpha() and not _is_of(word, float)


def _is_of(word: str, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return word in [str(choice) for choice in get_args(kind)]
    if kind not in (int, float):
        return True
    try:
        kind(word)
    except ValueError:
        return False
    return True


def _meant(name: str, options: Mapping[str, _Option]) -> str:
    """The option that a mistyped one comes closest to, as a question."""
    begun = [option for option in options if option.startswith(name)]
    close = begun if len(begun) == 1 else difflib.get_close_matches(name, options, 1)
    return f", did you mean {close[0]}?" if close else ""


def _in_one_line(text: str) -> str:
    """What a framed message says first, above its first rule and without its frame."""
    told: list[str] = []
    for line in text.splitlines():
        said = line.strip(_FRAME)
        if said and not line.startswith(_TITLE):
            told.append(said)
        elif told and _RULE in line:
            break
    return " ".join(told)
