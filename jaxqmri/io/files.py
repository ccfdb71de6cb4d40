"""Single files, written whole or not at all, and the small text files of a dataset."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxqmri.io.errors import InputError


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The whole file.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be read.
    """
    with open_to_read(path) as file:
        return file.read()


@contextmanager
def open_to_read(path: str | os.PathLike[str]) -> Iterator[io.BufferedReader]:
    """A file's bytes, piece by piece.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    A temporary file in the same folder takes the content and then the file's name, in one step.
    Missing folders are made.

    Raises
    ------
    InputError
        If the folder or the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """Permissions that this process withholds from new files (a temporary file ignores them)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A JSON object.

    Raises
    ------
    InputError
        If the file is missing, is not JSON, or holds something other than an object.
    """
    try:
        content = json.loads(read_bytes(path))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return content


def write_json(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    """Write a JSON object, whole or not at all. Not-a-number is refused: JSON has none."""
    text = json.dumps(dict(content), indent=2, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def read_table(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Rows of a tab-separated table with a header line.

    Whole numbers and decimals become numbers, ``n/a`` becomes None, everything else (and a code
    with leading zeros, such as 007) stays text.

    Raises
    ------
    InputError
        If the file is missing or a row has another number of cells than the header.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text table in UTF-8") from None
    lines = [line for line in csv.reader(io.StringIO(text), delimiter="\t") if line]
    if not lines:
        raise InputError(f"{path}: empty, expected a header line and rows")
    header, *rows = lines
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise InputError(
                f"{path}: line {number} has {len(row)} cells, the header has {len(header)}"
            )
    return [{name: _cell(cell) for name, cell in zip(header, row, strict=True)} for row in rows]


def write_table(
    path: str | os.PathLike[str], rows: Iterable[Mapping[str, Any]], columns: Sequence[str]
) -> None:
    """Write a tab-separated table, whole or not at all; None and NaN become ``n/a``."""
    write_text(path, table_text(rows, columns))


def table_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """A tab-separated table as text; None and NaN become ``n/a``."""
    lines = ["\t".join(columns)]
    lines += ["\t".join(_text(row.get(name)) for name in columns) for row in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> Any:
    if text in ("n/a", ""):
        return None
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits.isdigit():
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "n/a"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("\t", " ").replace("\n", " ")
