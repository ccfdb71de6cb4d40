"""Clusters of change: how much of the plate they cover, and what they cover without any change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from experiments.knee_t2 import paper
from experiments.knee_t2.agreement import agreement
from experiments.knee_t2.metrics import (
    COVERAGE,
    COVERAGE_ERROR,
    NETWORK,
    PERCENT,
    READER_1,
    SPEARMAN,
    against,
    of,
    row,
)
from experiments.knee_t2.readings import Read, Reading
from experiments.run import Result, say
from jaxqmri.analysis import cartilage, resampling
from jaxqmri.analysis.cartilage import Change
from jaxqmri.report import compared

NULL_COHORT = "no change"
Pair = tuple[int, int]


def changes_of(
    reading: Reading, pairs: Sequence[Pair], kathoma_sign: bool = False
) -> list[Change | None]:
    """Change between the two visits of each subject; None where one was not read."""
    return [_change(reading.get(a), reading.get(b), kathoma_sign) for a, b in pairs]


def _change(one: Read | None, other: Read | None, kathoma_sign: bool) -> Change | None:
    if one is None or other is None:
        return None
    before, after = one.projection, other.projection
    try:
        return cartilage.change(
            one.divided, before, other.divided, after, kathoma_sign=kathoma_sign
        )
    except ValueError as error:
        say(f"no change of a pair of visits: {error}")
        return None


def coverage(changes: Sequence[Change | None]) -> Float[np.ndarray, " p"]:
    """Share of the plate in clusters of each subject, %; NaN where not known."""
    return np.array([np.nan if one is None else 100.0 * one.share for one in changes])


def cluster_rows(
    changes: Mapping[str, Sequence[Change | None]], null: Sequence[Change | None], seed: int
) -> list[Result]:
    """Coverage by every reading, its agreement with Reader 1's, and that of the null cohort."""
    shares = {model: coverage(own) for model, own in changes.items()}
    reference, source = shares[READER_1], against(READER_1)
    rows: list[Result] = []
    for model, own in shares.items():
        known = own[np.isfinite(own)]
        if not known.size:
            continue
        printed = paper.LESION_COVERAGE.get({READER_1: "reader 1", NETWORK: "model"}.get(model, ""))
        rows.append(
            row(model, source, COVERAGE, PERCENT, resampling.mean(own, seed=seed), n=known.size,
                sd=float(known.std()), paper=printed)
        )  # fmt: skip
        if model == READER_1:
            continue
        one = agreement(reference[:, None], own[:, None], seed=seed)
        ours = model == NETWORK
        rows += [
            row(model, source, of(COVERAGE, SPEARMAN), "", one.spearman, n=one.n,
                paper=paper.LESION_SPEARMAN if ours else None),
            row(model, source, COVERAGE_ERROR, PERCENT, one.error, n=one.n, sd=one.error_sd,
                paper=paper.LESION_MAE if ours else None,
                paper_sd=paper.LESION_MAE_SD if ours else None),
        ]  # fmt: skip
    without = coverage(null)
    if np.isfinite(without).any():
        rows.append(
            row(READER_1, NULL_COHORT, COVERAGE, PERCENT, resampling.mean(without, seed=seed),
                n=int(np.isfinite(without).sum()), sd=float(np.nanstd(without)))
        )  # fmt: skip
        both = resampling.bootstrap(
            lambda a, b: a.mean(axis=1) - b.mean(axis=1),
            (reference[np.isfinite(reference)],), (without[np.isfinite(without)],), seed=seed,
        )  # fmt: skip
        rows.append(
            row(*compared((READER_1, source), (READER_1, NULL_COHORT)), COVERAGE, PERCENT, both[0])
        )
    return rows
