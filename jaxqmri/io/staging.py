"""A folder of results that appears whole or not at all, and knows the settings that made it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxqmri.io.errors import InputError
from jaxqmri.io.files import read_json, write_json
from jaxqmri.io.settings import as_json, difference

try:
    import fcntl
except ImportError:  # no such locks on Windows: two runs at once are not told apart there
    fcntl = None

RECORDS = ".jaxqmri"
_READY = ".ready.json"
_LOCK = ".lock"


@dataclass(frozen=True)
class Staging:
    """Where a run writes until all of its files are there.

    Attributes
    ----------
    folder
        The temporary folder; ``staging / "name"`` is a path in it.
    out
        The folder that its files will be moved to.
    already_done
        The same settings' results are in ``out`` already, complete: there is nothing to do.
    """

    folder: Path
    out: Path
    already_done: bool

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        return self.folder / name

    def __fspath__(self) -> str:
        return str(self.folder)


@contextmanager
def staged(
    out: str | os.PathLike[str],
    *,
    settings: Mapping[str, Any],
    overwrite: bool = False,
    name: str = "run",
    inputs: Iterable[str | os.PathLike[str]] = (),
) -> Iterator[Staging]:
    """Write results into a temporary folder that becomes part of ``out`` when all is well.

    The files of a new ``out`` appear in one step. Into an ``out`` that exists they are moved one
    by one, after a note of what is to be moved: a run that is killed meanwhile is completed by
    the next one. When the body raises, or the process is killed in it, ``out`` stays as it was;
    what a killed process left is removed by the next run.

    Parameters
    ----------
    out
        The folder of results; made, with its parents, when missing.
    settings
        What the results depend on, as JSON can hold it, files by
        :func:`~jaxqmri.io.settings.contents_of`. Kept with the results, and compared when the
        same ``out`` is asked for again.
    overwrite
        Replace results that were made with other settings, and make again those that are there.
    name
        Tells apart results that share one ``out``, such as the subjects of a dataset: each name
        has its own settings.
    inputs
        Files that the results are made from: never replaced or removed by them.

    Yields
    ------
    Staging
        With the folder to write to. When ``already_done`` is set, what is written is discarded.

    Raises
    ------
    InputError
        If ``out`` cannot be written, holds results with other settings, holds a file of the same
        name that such a run did not make, is being written by another run, or would lose one of
        the ``inputs``.
    """
    out = Path(out)
    wanted = as_json(settings)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: a file, expected an output folder")
    made = _make_parents(out)
    try:
        folder = _partial(out, name)
        lock = _open_partial(folder, out)
        try:
            _complete_interrupted(out, name)
            previous = _record(out, name)
            changed = None if previous is None else difference(previous["settings"], wanted)
            done = (
                previous is not None
                and changed is None
                and not overwrite
                and _is_complete(out, previous)
            )
            kept = {Path(path).resolve() for path in inputs}
            if previous is not None and not done:
                _spare(kept, out, previous["files"])
            if changed is not None and not overwrite:
                raise InputError(
                    f"{out}: holds results made with other settings ({changed}); "
                    "give another output folder, or --overwrite"
                )
            yield Staging(folder, out, done)
            if not done:
                _spare(kept, out, _files_in(folder))
                _commit(folder, out, name, wanted, previous, overwrite)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)
    finally:
        for parent in made:
            with suppress(OSError):  # not empty: the results are in it
                parent.rmdir()


def finished_at(out: str | os.PathLike[str], name: str) -> float | None:
    """When the results of a name in ``out`` were complete, s since the epoch; None if not yet."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return _record_path(Path(out), name).stat().st_mtime
    return None


def _partial(out: Path, name: str) -> Path:
    """The temporary folder: in ``out`` where that exists, so that both are on one file system."""
    return _partials(out, name)[0 if out.is_dir() else 1]


def _partials(out: Path, name: str) -> tuple[Path, Path]:
    return out / f".{name}.partial", out.parent / f".{out.name}.{name}.partial"


def _make_parents(out: Path) -> list[Path]:
    """Make the folders above ``out``; those that were missing, innermost first."""
    missing = []
    for parent in out.parents:
        if parent.exists():
            break
        missing.append(parent)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from None
    return missing


def _open_partial(folder: Path, out: Path) -> int | None:
    """Make the temporary folder ours alone, emptied of what a killed run left unfinished."""
    try:
        folder.mkdir(exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from None
    if fcntl is not None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise InputError(f"{out}: another run is writing to it") from None
        except OSError:  # a file system without locks
            pass
    return lock


def _complete_interrupted(out: Path, name: str) -> None:
    """Finish the moves of a run that was killed among them; drop what was never finished."""
    for folder in _partials(out, name):
        if not folder.is_dir():
            continue
        if (folder / _READY).exists():
            _move(folder, out, name)
        for entry in folder.iterdir():
            if entry.name == _LOCK:
                continue
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        if folder != _partial(out, name):
            shutil.rmtree(folder, ignore_errors=True)


def _record_path(out: Path, name: str) -> Path:
    return out / RECORDS / f"{name}.json"


def _record(out: Path, name: str) -> dict[str, Any] | None:
    path = _record_path(out, name)
    return read_json(path) if path.exists() else None


def _is_complete(out: Path, record: Mapping[str, Any]) -> bool:
    """Whether every recorded file is there, with its recorded size."""
    for name, size in record["files"].items():
        path = out / name
        if not path.is_file() or path.stat().st_size != size:
            return False
    return True


def _files_in(folder: Path) -> dict[str, int]:
    """Size of every file by its path below the folder."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _spare(inputs: set[Path], out: Path, files: Iterable[str]) -> None:
    """Refuse results that would take the place of what they are made from."""
    for file in files:
        if (out / file).resolve() in inputs:
            raise InputError(
                f"{out / file}: an input, and one of the results that would be replaced; "
                "copy it elsewhere, or give another output folder"
            )


def _commit(
    folder: Path,
    out: Path,
    name: str,
    settings: Any,
    previous: Mapping[str, Any] | None,
    overwrite: bool,
) -> None:
    (folder / _LOCK).unlink(missing_ok=True)
    files = _files_in(folder)
    ours = set() if previous is None else set(previous["files"])
    standing = [file for file in files if file not in ours and (out / file).exists()]
    if standing:  # whose they are matters only here: a cohort has thousands of records
        _refuse_others(out, name, standing)
    if standing and not overwrite:
        raise InputError(
            f"{out / standing[0]}: exists and was not made by this command; "
            "give another output folder, or --overwrite"
        )
    record = {"settings": settings, "files": files}
    try:
        if not out.exists():
            write_json(_record_path(folder, name), record)
            with suppress(OSError):  # another run made it first: share it
                os.replace(folder, out)
                return
        write_json(folder / _READY, {"record": record, "obsolete": sorted(ours - set(files))})
        _move(folder, out, name)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from None


def _refuse_others(out: Path, name: str, standing: Sequence[str]) -> None:
    """Refuse to replace files that results of another name consist of."""
    for other in sorted((out / RECORDS).glob("*.json")):
        taken = sorted(set(standing) & set(read_json(other)["files"]))
        if other != _record_path(out, name) and taken:
            raise InputError(
                f"{out / taken[0]}: belongs to the results of {other.stem}; "
                "give another output folder"
            )


def _move(folder: Path, out: Path, name: str) -> None:
    """Move a finished run's files into ``out``; run again, it goes on where it was stopped."""
    note = read_json(folder / _READY)
    record = note["record"]
    _record_path(out, name).unlink(missing_ok=True)
    for file in record["files"]:
        if (folder / file).exists():
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / file, out / file)
    for file in note["obsolete"]:
        (out / file).unlink(missing_ok=True)
    write_json(_record_path(out, name), record)
