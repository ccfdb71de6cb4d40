"""All visits, one after another, and who takes part in what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from experiments.knee_t2.visits import SIDES, Task, Visit
from jaxqmri.io import InputError

FIRST, LAST = "01", "02"  # sessions: baseline and Year 4


@dataclass(frozen=True)
class Study:
    """Visits with what the table of participants says of their subjects.

    Attributes
    ----------
    tasks, visits
        Where each visit is read from, and what is kept of it.
    participants
        Rows of the table, one a subject.
    owner
        Number of the subject of each visit.
    simulated
        Whether nobody was scanned.
    """

    tasks: Sequence[Task]
    visits: Sequence[Visit]
    participants: Sequence[Mapping[str, Any]]
    owner: Int[np.ndarray, " v"]
    simulated: bool

    @classmethod
    def of(
        cls,
        data: Path,
        tasks: Sequence[Task],
        visits: Sequence[Visit],
        people: Sequence[Mapping[str, Any]],
        simulated: bool,
    ) -> Study:
        """Put visits together; ``people`` has the row of each visit's subject.

        Raises
        ------
        InputError
            If slices differ in size, or the table does not say which knee was scanned.
        """
        shapes = {visit.network.shape[1:3] for visit in visits}
        if len(shapes) > 1:
            raise InputError(
                f"{data}: slices of {' and '.join(f'{h} x {w}' for h, w in sorted(shapes))} "
                "pixels: resize them to one matrix"
            )
        names = list(dict.fromkeys(person["participant_id"] for person in people))
        rows = {person["participant_id"]: person for person in people}
        unknown = [name for name in names if rows[name].get("side") not in SIDES]
        if unknown:
            raise InputError(
                f"{data / 'participants.tsv'}: no side (L or R) of {', '.join(unknown)}, which "
                "tells lateral from medial"
            )
        owner = np.array([names.index(person["participant_id"]) for person in people])
        return cls(list(tasks), list(visits), [rows[name] for name in names], owner, simulated)

    @cached_property
    def slices(self) -> Float[np.ndarray, "s h w 3"]:
        """What a network may see of all slices."""
        return np.concatenate([visit.network for visit in self.visits])

    @cached_property
    def visit_of(self) -> Int[np.ndarray, " s"]:
        """Number of the visit of each slice."""
        counts = [len(visit.network) for visit in self.visits]
        return np.repeat(np.arange(len(counts)), counts)

    def visits_of(self, subjects: Int[np.ndarray, " _"]) -> Int[np.ndarray, " _"]:
        """Numbers of the visits of some subjects."""
        return np.flatnonzero(np.isin(self.owner, subjects))

    def session(self, visit: int) -> str:
        """Which visit of its subject it is."""
        return str(self.tasks[visit].entities.get("ses", FIRST))

    def side(self, visit: int) -> str:
        """Which knee: left or right."""
        return SIDES[str(self.participants[self.owner[visit]]["side"])]

    @property
    def first_visits(self) -> list[int]:
        """Numbers of the visits of the first session."""
        return [v for v in range(len(self.visits)) if self.session(v) == self.session(0)]

    def by_session(self, subject: int) -> dict[str, int]:
        """Numbers of one subject's visits."""
        return {self.session(v): int(v) for v in np.flatnonzero(self.owner == subject)}

    def pairs(self, subjects: Int[np.ndarray, " _"]) -> list[tuple[int, int]]:
        """Numbers of the first and the last visit of subjects who have both."""
        found = []
        for subject in subjects:
            own = self.by_session(subject)
            if FIRST in own and LAST in own:
                found.append((own[FIRST], own[LAST]))
        return found

    def only(self, visits: Int[np.ndarray, " _"]) -> Study:
        """Some of the visits."""
        return replace(
            self,
            tasks=[self.tasks[v] for v in visits],
            visits=[self.visits[v] for v in visits],
            owner=self.owner[visits],
        )
