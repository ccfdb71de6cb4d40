"""When a training has stopped getting better, told by a metric on subjects it does not see."""

from __future__ import annotations

import math
from typing import NamedTuple


class PlateauRule(NamedTuple):
    """A plateau: no improvement by ``improvement`` (relative) in ``checks`` checks in a row."""

    improvement: float = 0.01
    checks: int = 5


class Plateau(NamedTuple):
    """What has been seen of a metric that is the better the smaller it is.

    Attributes
    ----------
    best
        Smallest value so far; the state that belongs to it is the one to keep.
    reference
        Value that counts as not yet improved upon.
    since
        Checks since the reference was set.
    checks
        Checks so far.
    reached
        Whether the plateau was reached, at this check or an earlier one.
    """

    best: float = math.inf
    reference: float = math.inf
    since: int = 0
    checks: int = 0
    reached: bool = False


def check(plateau: Plateau, metric: float, rule: PlateauRule) -> tuple[Plateau, bool]:
    """Take one more value of the metric in.

    A value below ``(1 - improvement) reference`` is the new reference. After ``checks`` values in
    a row that are not, the plateau is reached. A value that is not a number is no improvement,
    and without any that is one there is no plateau.

    Parameters
    ----------
    plateau
        What was seen before; ``Plateau()`` at the start.
    metric
        The new value, positive, smaller is better.
    rule
        Size and number of what counts.

    Returns
    -------
    plateau, best
        The new record, and whether this value is the best so far.

    Raises
    ------
    ValueError
        If the rule's improvement is not in 0 to 1 or its checks are fewer than one.
    """
    if not 0 <= rule.improvement < 1 or rule.checks < 1:
        raise ValueError(f"improvement must be from 0 to below 1 and checks above 0, got {rule}")
    value = float(metric)
    is_best = value < plateau.best
    improved = value < (1 - rule.improvement) * plateau.reference
    since = 0 if improved else plateau.since + 1
    return Plateau(
        best=value if is_best else plateau.best,
        reference=value if improved else plateau.reference,
        since=since,
        checks=plateau.checks + 1,
        reached=plateau.reached or (since >= rule.checks and math.isfinite(plateau.best)),
    ), is_best
