"""Who is in the study: participants' numbers, the published split, and what Reader 2 drew."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jaxqmri.io.files import read_table

VISITS = {"00m": "01", "48m": "02"}
"""Session of each visit: baseline and Year 4."""


class Subject(NamedTuple):
    """One participant.

    Attributes
    ----------
    participant
        Number of the Osteoarthritis Initiative, seven digits.
    fold
        ``train``, ``validation`` or ``test``.
    reader2
        The one visit that Reader 2 drew too, a key of :data:`VISITS`; None outside the test set.
    """

    participant: str
    fold: str
    reader2: str | None

    @property
    def drawn(self) -> tuple[tuple[str, str], ...]:
        """Reader and visit of every mask that the study had."""
        first = tuple(("reader1", visit) for visit in VISITS)
        return first if self.reader2 is None else (*first, ("reader2", self.reader2))


def read_subjects() -> dict[str, Subject]:
    """The 143 participants by number: 115 to train, 14 to validate, 14 to test.

    References
    ----------
    Thomas et al., Cartilage 2021, doi:10.1177/19476035211042406, supplementary material 1.
    """
    rows = read_table(Path(__file__).with_name("subjects.tsv"))
    found = (Subject(str(row["participant_id"]), row["fold"], row["reader2"]) for row in rows)
    return {subject.participant: subject for subject in found}
