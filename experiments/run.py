"""What the experiments share: the run folder, results, and going on after a stop.

A run folder holds ``config.json`` (every setting, the seed, versions and hardware),
``metrics.json`` (the numbers), ``tables.md``, ``report.html``, ``figures/``, ``maps/``,
``checkpoints/`` and, where networks were trained, ``models/``. A run that was stopped goes on from
its checkpoints when the same command is given again; another command is refused the folder unless
told to overwrite it. Several processes may work on one run (:mod:`experiments.together`).
"""

from __future__ import annotations

import dataclasses
import math
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import jaxqmri
from experiments.command import Command, Preset, Settings, execute, parse
from experiments.surroundings import surroundings
from jaxqmri.cli.accelerator import available_cores, keep_compiled
from jaxqmri.cli.cache import cache_folder
from jaxqmri.cli.together import is_first
from jaxqmri.io import InputError
from jaxqmri.io.files import read_json, write_json, write_text

__all__ = [
    "Command",
    "Preset",
    "Result",
    "Run",
    "cache_folder",
    "configure_jax",
    "execute",
    "identity",
    "labelled",
    "parse",
    "progress",
    "run_folder",
    "say",
    "why_missing",
    "write_metrics",
]

Item = TypeVar("Item")

WORTH_KEEPING = 0.2  # seconds that a program took to compile

OURS = (
    "metrics.json", "tables.md", "report.html", "figures", "maps", "models", "checkpoints",
    "config.json",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Result:
    """One number of a run, beside the paper's.

    ``ours_sd`` is over the unit that the paper uses, ``low`` and ``high`` a 95 % interval over
    subjects; what there is none of is None, and so is a number that is not finite.
    """

    model: str
    metric: str
    unit: str
    input: str | None = None
    region: str | None = None
    visit: str | None = None
    n: int | None = None
    ours: float | None = None
    ours_sd: float | None = None
    low: float | None = None
    high: float | None = None
    paper: float | None = None
    paper_sd: float | None = None

    def entry(self) -> dict[str, Any]:
        """As ``metrics.json`` holds it."""
        names = (
            "model", "input", "region", "visit", "metric", "unit",
            "n", "ours", "ours_sd", "low", "high", "paper", "paper_sd",
        )  # fmt: skip
        return {name: _plain(getattr(self, name)) for name in names}


def labelled(metric: str, unit: str) -> str:
    """A metric with its unit, as a table or an axis shows it: ``Bias (%)``."""
    name = metric.removeprefix("% ")
    return f"{name} ({unit})" if unit else name


class Run(Generic[Settings]):
    """One run and its folder.

    Parameters
    ----------
    name
        The experiment.
    command
        What was asked for.
    data
        What the images are, as it enters the run's identity: a folder, or the simulated cohort's.

    Raises
    ------
    InputError
        If the folder cannot be written, holds a run with other settings, or holds something else.
    """

    def __init__(self, name: str, command: Command[Settings], data: Path) -> None:
        self.name = name
        self.command = command
        self.settings = command.settings
        self.data = data
        self.folder = run_folder(name, command)
        self.results: list[Result] = []
        self._claim()
        self._before = self._seconds_of_earlier_sessions()
        self._started = time.monotonic()

    @property
    def complete(self) -> bool:
        """Whether an earlier run of the same command has written everything."""
        return (self.folder / "metrics.json").exists()

    @property
    def writes(self) -> bool:
        """Whether this process writes what comes of the run; another has helped, and is done."""
        return is_first()

    def checkpoint(self, name: str) -> Path:
        """Where a part of the work is kept."""
        path = self.folder / "checkpoints" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def tick(self) -> float:
        """Seconds spent on this run so far, over all its sessions; also noted for the next."""
        seconds = self._before + time.monotonic() - self._started
        if self.writes:
            write_json(self.checkpoint("seconds.json"), {"seconds": round(seconds, 3)})
        return seconds

    def write(self, tables: str, report: Callable[[float], None]) -> None:
        """Write tables, report and, last of all, ``metrics.json``: with it the run is complete."""
        write_text(self.folder / "tables.md", tables)
        report(self.tick())
        write_metrics(self.folder, self.name, self.command.preset, self.tick(), self.results)

    def _claim(self) -> None:
        config, now = self.folder / "config.json", identity(self.name, self.command, self.data)
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder}: a file, expected a run folder")
        if config.exists():
            before = read_json(config)
            if self.command.overwrite and self.writes:
                self._discard()
            elif (changed := _difference(before, now)) is not None:
                raise InputError(
                    f"{self.folder}: holds a run with other settings ({changed}); "
                    "give another --out, or --overwrite"
                )
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise InputError(f"{self.folder}: not empty, and not a run folder; give another --out")
        if not config.exists():
            write_json(config, {**now, **_plain(surroundings())})
        for part in ("figures", "maps", "checkpoints"):
            (self.folder / part).mkdir(exist_ok=True)

    def _discard(self) -> None:
        for name in OURS:  # config.json last: until then the folder is known as ours
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _seconds_of_earlier_sessions(self) -> float:
        kept = self.folder / "checkpoints" / "seconds.json"
        return float(read_json(kept)["seconds"]) if kept.exists() else 0.0


def run_folder(name: str, command: Command[Any]) -> Path:
    """Where the run of a command is kept."""
    return command.out or Path("runs") / f"{name}-{command.preset}"


def identity(name: str, command: Command[Any], data: Path) -> dict[str, Any]:
    """What must be the same for a run to go on where it stopped."""
    return _plain(
        {
            "experiment": name,
            "preset": command.preset,
            "seed": command.seed,
            "data": data,
            "settings": dataclasses.asdict(command.settings),
            "version": jaxqmri.__version__,
        }
    )


def why_missing(name: str, command: Command[Any], data: Path) -> str | None:
    """Why a command's folder holds no complete run of it, in words; None where it does."""
    folder = run_folder(name, command)
    if not (folder / "config.json").exists():
        return "not run"
    changed = _difference(read_json(folder / "config.json"), identity(name, command, data))
    if changed is not None:
        return f"run with other settings ({changed})"
    return None if (folder / "metrics.json").exists() else "not complete"


def write_metrics(
    folder: Path, name: str, preset: Preset, seconds: float, results: Iterable[Result]
) -> None:
    """Write ``metrics.json``: every number, by the names of :class:`Result`."""
    content = {
        "experiment": name,
        "preset": preset,
        "seconds": round(seconds, 3),
        "results": [result.entry() for result in results],
    }
    write_json(folder / "metrics.json", content)


def configure_jax() -> None:
    """Make every CPU core a device of JAX and keep compiled programs for the next run.

    Programs are kept in the cache folder (:mod:`jaxqmri.cli.cache`), or where
    ``JAX_COMPILATION_CACHE_DIR`` says. Where an accelerator is present that is what JAX computes
    on. Without effect once JAX has started.
    """
    import jax

    try:
        jax.config.update("jax_num_cpu_devices", available_cores())
    except RuntimeError:  # already started, with as many devices as it was given then
        return
    keep_compiled(cache_folder() / "compiled", WORTH_KEEPING)


def progress(
    items: Iterable[Item], what: str, unit: str, total: int, done: int = 0
) -> Iterator[Item]:
    """Iterate under a bar with a rate and a time left; ``done`` were there before."""
    from tqdm import tqdm

    yield from tqdm(
        items, desc=what, unit=unit, total=total, initial=done, dynamic_ncols=True, mininterval=0.5
    )


def say(text: str) -> None:
    """Print a line above the progress bar."""
    from tqdm import tqdm

    tqdm.write(text)


def _plain(value: Any) -> Any:
    """A value as JSON can hold it; not-a-number becomes None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The first entry of ``now`` that differs, as a person can read it."""
    for key, value in now.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            inner = _difference(old, value)
            if inner is not None:
                return inner
        elif old != value:
            return f"{key}: {old} there, {value} now"
    return None
