"""What every study is: settings with presets, and subjects that can be simulated one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import Array, Float, Num, PRNGKeyArray, Shaped

Number = Float[Array, ""] | float

S = TypeVar("S", bound="Study")

PRESETS = ("smoke", "quick", "full", "paper")


class Series(NamedTuple):
    """Raw images that differ in one acquisition number."""

    suffix: str
    images: Shaped[np.ndarray, "x y z n"]
    affine: Num[np.ndarray, "4 4"]
    times: tuple[float, ...]  # ms
    metadata: Mapping[str, Any]  # of the sidecars, times in ms
    entities: Mapping[str, str] = MappingProxyType({})  # of the names, beside the subject's


class Image(NamedTuple):
    """One raw image."""

    suffix: str
    data: Shaped[np.ndarray, "x y z"]
    affine: Num[np.ndarray, "4 4"]
    metadata: Mapping[str, Any]


class Map(NamedTuple):
    """Regions that somebody drew, or a true map."""

    pipeline: str  # one of the study's ``readers``, or ``truth``
    suffix: str
    data: Shaped[np.ndarray, "x y z"]
    affine: Num[np.ndarray, "4 4"]
    units: str
    desc: str | None = None
    description: str = "simulated"


class Table(NamedTuple):
    """Rows that somebody filled in, or true numbers: more than one of a subject."""

    pipeline: str  # one of the study's ``readers``, or ``truth``
    name: str
    rows: Sequence[Mapping[str, Any]]  # without the subject's name


class Record(NamedTuple):
    """All that is written of one subject, or of one of its visits."""

    participant: Mapping[str, Any]  # its row of participants.tsv, without the name
    latent: Mapping[str, Number]  # numbers behind it that no map holds
    series: Sequence[Series]
    images: Sequence[Image]
    maps: Sequence[Map]
    session: str | None = None  # name of the visit, where a subject has several
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Study(ABC):
    """Settings of a study, and how one of its subjects comes about.

    A study is a frozen dataclass; all of its fields but those named in ``fixed`` are numbers, or
    pairs of numbers, that may be changed without anything being compiled anew.
    """

    subjects: int

    title: ClassVar[str]
    regions: ClassVar[Sequence[str]]  # names of the labels 1, 2, ... that readers draw
    readers: ClassVar[Sequence[str]] = ("manual",)  # folders of what they drew
    columns: ClassVar[Mapping[str, Mapping[str, Any]]]  # of participants.tsv
    fixed: ClassVar[tuple[str, ...]]  # fields that are no numbers
    above_zero: ClassVar[tuple[str, ...]]
    at_most_one: ClassVar[tuple[str, ...]] = ()
    presets: ClassVar[Mapping[str, Mapping[str, Any]]]  # grids and the number of subjects

    @abstractmethod
    def record(self, k: int, seed: int, repeat: int) -> Record:
        """Simulate subject ``k`` (from 0), scanned for the ``repeat``-th time.

        The first of its visits, where there are several.
        """

    def visits(self, k: int, seed: int, repeat: int) -> Iterable[Record]:
        """Simulate every visit of subject ``k``: one, unless the study has more."""
        return [self.record(k, seed, repeat)]

    def at(self: S, preset: str) -> S:
        """The same study with a preset's grids and number of subjects."""
        return replace(self, **self.presets[preset])

    def changed(self: S, settings: Mapping[str, float | Sequence[float]]) -> S:
        """The same study with some of its numbers changed: nothing is compiled anew for them.

        Parameters
        ----------
        settings
            Numbers by the names of :func:`numeric_settings`; two where the study has a pair.

        Raises
        ------
        ValueError
            If there is no such setting, not as many numbers as it takes, or one out of range.
        """
        known = numeric_settings(self)
        numbers: dict[str, float | tuple[float, ...]] = {}
        for name, given in settings.items():
            if name not in known:
                raise ValueError(f"no setting {name!r}, expected one of {', '.join(known)}")
            values = np.asarray(given, float)
            expected = _shape(known[name])
            if values.shape != expected:
                raise ValueError(f"{name}: expected {_COUNTS[expected]}, got {given}")
            if not np.all(np.isfinite(values)) or np.any(values < 0):
                raise ValueError(f"{name}: expected zero or above, got {given}")
            if name in self.above_zero and np.any(values == 0):
                raise ValueError(f"{name}: expected a number above zero, got {given}")
            if name in self.at_most_one and np.any(values > 1):
                raise ValueError(f"{name}: expected a share, 0 to 1, got {given}")
            numbers[name] = tuple(values.tolist()) if expected else float(values)
        return replace(self, **numbers)


_COUNTS = {(): "one number", (2,): "two numbers", (3,): "three numbers"}


def _shape(value: Number | tuple[Number, ...]) -> tuple[int, ...]:
    return (len(value),) if isinstance(value, tuple) else ()


def numeric_settings(study: Study) -> dict[str, Number | tuple[Number, ...]]:
    """The study's numbers by name: all of its settings but timing, grids and subjects."""
    names = [f.name for f in fields(study) if f.name not in (*study.fixed, "subjects")]
    return {name: getattr(study, name) for name in names}


def subject_key(seed: int, k: int) -> PRNGKeyArray:
    """Key of what subject ``k`` is, however many there are."""
    return jax.random.fold_in(jax.random.key(seed), k)


def session_key(key: PRNGKeyArray, repeat: int) -> PRNGKeyArray:
    """Key of a subject's scan: of the first the subject's own, of a repeat another."""
    # Splitting a key into n may give what folding in 0 to n - 1 does: repeats begin above that.
    return key if repeat == 0 else jax.random.fold_in(key, DRAWS - 1 + repeat)


DRAWS = 6  # keys that a scan splits its own into
