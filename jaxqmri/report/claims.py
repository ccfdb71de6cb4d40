"""What a paper claims, as predictions: whether each held, with its number and interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from jaxqmri.report.findings import TESTED, Finding, Outcome, Rows
from jaxqmri.report.tables import Estimate, Table, number, p_value


class Verdict(StrEnum):
    """Of a claim, over all its numbers that could be tested."""

    HELD = "held"
    PARTLY = "held partly"
    UNDECIDED = "undecided"
    NOT_HELD = "not held"
    CALIBRATED = "calibrated, not tested"
    NOT_TESTABLE = "not testable here"


class Claim(NamedTuple):
    """A sentence of a paper, in our words, and how to tell whether it holds.

    Attributes
    ----------
    name
        One or two words.
    sentence
        What is claimed.
    criterion
        What is measured, and what it must be, for people.
    test
        The numbers on which it rests, each against its criterion. All must hold.
    ours
        Whether the claim is ours rather than the paper's.
    """

    name: str
    sentence: str
    criterion: str
    test: Callable[[Rows], Sequence[Finding]]
    ours: bool = False


class Judged(NamedTuple):
    """A claim with what was found."""

    claim: Claim
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """Over the findings that could be tested; :attr:`text` says how many could not."""
        outcomes = {finding.outcome for finding in self._tested}
        if not any(finding.needed for finding in self._tested):
            calibrated = any(f.outcome is Outcome.CALIBRATED for f in self.findings)
            return Verdict.CALIBRATED if calibrated else Verdict.NOT_TESTABLE
        if outcomes == {Outcome.HELD}:
            return Verdict.HELD
        if outcomes & {Outcome.HELD, Outcome.BY_MEAN}:
            return Verdict.PARTLY
        return Verdict.NOT_HELD if Outcome.NOT_HELD in outcomes else Verdict.UNDECIDED

    @property
    def _tested(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.outcome in TESTED]

    @property
    def text(self) -> str:
        """The verdict, and what it rests on: ``held where tested (2 of 6; 4 not run)``."""
        counts = Counter(finding.outcome for finding in self.findings)
        total, tested = len(self.findings), len(self._tested)
        verdict = str(self.verdict)
        remarks = []
        if self.verdict is Verdict.HELD and tested < total:
            verdict += " where tested"
            remarks.append(f"{tested} of {total}")
        elif self.verdict in (Verdict.NOT_TESTABLE, Verdict.CALIBRATED):
            if tested:
                remarks.append(f"{tested} of {total} tested, none that decides")
        else:
            remarks.append(f"{counts[Outcome.HELD]} of {tested}")
        if counts[Outcome.UNDECIDED]:
            remarks.append(f"{counts[Outcome.UNDECIDED]} undecided")
        if counts[Outcome.BY_MEAN]:
            remarks.append(f"{counts[Outcome.BY_MEAN]} by the mean, without an interval")
        if counts[Outcome.CALIBRATED]:
            remarks.append(f"{counts[Outcome.CALIBRATED]} that the data were made to match")
        if counts[Outcome.NOT_RUN]:
            remarks.append(f"{counts[Outcome.NOT_RUN]} not run")
        if counts[Outcome.FEW_SEEDS]:
            remarks.append(f"{counts[Outcome.FEW_SEEDS]} from too few training seeds")
        if counts[Outcome.SHORT]:
            remarks.append(f"{counts[Outcome.SHORT]} short of the plateau, supporting no claim")
        return f"{verdict} ({'; '.join(remarks)})"

    @property
    def deciding(self) -> Finding | None:
        """The tested number furthest outside, or else the least far inside, its criterion."""
        if self.verdict in (Verdict.NOT_TESTABLE, Verdict.CALIBRATED):
            return None
        order = {outcome: rank for rank, outcome in enumerate(reversed(TESTED))}
        return min(self._tested, key=lambda f: (order[f.outcome], f.margin), default=None)

    @property
    def paper(self) -> str:
        """How many of its criteria the paper's own numbers meet: ``11 of 12``."""
        told = [f.paper_held for f in self.findings if f.paper_held is not None]
        return f"{sum(told)} of {len(told)}" if told else ""


def judge(claims: Iterable[Claim], rows: Rows) -> list[Judged]:
    """Test every claim."""
    return [Judged(claim, tuple(claim.test(rows))) for claim in claims]


def claims_table(judged: Iterable[Judged], caption: str = "", digits: int = 2) -> Table:
    """One line a claim: verdict, the number that decides, and what the paper's own numbers say."""
    rows = []
    for one in judged:
        deciding = one.deciding
        shown = "" if deciding is None else f"{deciding.what}: {_told(deciding, digits)}"
        whose = "ours: " if one.claim.ours else ""
        rows.append(
            (
                one.claim.name,
                whose + one.claim.sentence,
                one.text,
                shown,
                one.claim.criterion,
                one.paper,
            )
        )
    header = (
        "claim", "as a prediction", "verdict", "deciding number (95 % interval; corrected p)",
        "holds when", "met by the paper's numbers",
    )  # fmt: skip
    return Table(header, tuple(rows), caption, stub=1, left=(1, 2, 3, 4))


def findings_table(judged: Iterable[Judged], caption: str = "", digits: int = 2) -> Table:
    """One line for each number on which a claim rests."""
    rows = tuple(
        (
            one.claim.name,
            finding.what,
            finding.unit,
            Estimate(finding.value, low=finding.low, high=finding.high, digits=digits),
            "" if finding.p is None else p_value(finding.p),
            Estimate(finding.paper, digits=digits),
            str(finding.outcome),
        )
        for one in judged
        for finding in one.findings
    )
    header = (
        "claim", "number", "unit", "ours (95 % interval)", "corrected p", "paper", "outcome",
    )  # fmt: skip
    return Table(header, rows, caption, stub=2, left=(6,))


def _told(finding: Finding, digits: int) -> str:
    text = number(finding.value, digits)
    if finding.unit:
        text += f" {finding.unit}"
    if finding.low is not None and finding.high is not None:
        inside = f"{number(finding.low, digits)} to {number(finding.high, digits)}"
        if finding.p is not None:
            inside += f"; p {p_value(finding.p)}"
        text += f" ({inside})"
    return text
