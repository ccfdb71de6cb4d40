"""Paired tests over subjects: one method against another, one input against another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise

from experiments.knee_cv.paper import INPUTS, NETWORKS, NLLS
from experiments.knee_cv.results import CARTILAGE, METRICS
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri import analysis
from jaxqmri.analysis import SubjectErrors
from jaxqmri.report import compared

CONSTANT, LOOKUP, CALIBRATED = "constant", "median look-up", "gain-calibrated NLLS"
COMPETITORS = (CONSTANT, LOOKUP, CALIBRATED)
COMPARED = ("MAE", "MAPE", "RE", "RPE")
P_T, P_WILCOXON = "p, paired t (Holm)", "p, Wilcoxon (Holm)"


def comparison_rows(errors: Mapping[Arm, Sequence[SubjectErrors]], seed: int) -> list[Result]:
    """Mean paired differences, each with its interval and two corrected p values.

    Networks are compared with each other and with everything else at the same input, and each
    network with itself at the next longer spin-lock time.

    Parameters
    ----------
    errors
        Errors over the whole cartilage by model and input, one entry a subject, subjects in the
        same order everywhere. What was not run is not there.
    seed
        Of the resampling of subjects.

    Returns
    -------
    list of Result
        Three rows for each comparison and metric: the difference, under the metric's own name and
        with a ``model`` or ``input`` of the form ``A minus B``; and its p values, corrected by
        Holm's method over all comparisons of the metric.
    """
    arms = [pair for pair in _pairs() if pair[0] in errors and pair[1] in errors]
    rows: list[Result] = []
    for metric in COMPARED:
        unit, measure = METRICS[metric]
        found = [
            analysis.paired_difference(
                *([getattr(one, measure) for one in errors[arm]] for arm in pair), seed=seed
            )
            for pair in arms
        ]
        tests = {
            P_T: analysis.holm([difference.p_t for difference in found]),
            P_WILCOXON: analysis.holm([difference.p_wilcoxon for difference in found]),
        }
        for index, (pair, difference) in enumerate(zip(arms, found, strict=True)):
            model, name = compared(*pair)
            value, low, high = difference.difference
            rows.append(
                Result(
                    model, metric, unit, name, CARTILAGE, n=difference.n,
                    ours=value, ours_sd=difference.sd, low=low, high=high,
                )
            )  # fmt: skip
            rows += [
                Result(
                    model, f"{metric}, {test}", "", name, CARTILAGE, n=difference.n,
                    ours=float(corrected[index]),
                )
                for test, corrected in tests.items()
            ]  # fmt: skip
    return rows


def longer_times() -> Iterator[tuple[str, str]]:
    """Inputs with the next longer and with the shorter spin-lock time."""
    for start in ("PD", "0"):
        own = [name for name in INPUTS if name.split("+")[0] == start]
        yield from ((longer, shorter) for shorter, longer in pairwise(own))


def _pairs() -> Iterator[tuple[Arm, Arm]]:
    for name in INPUTS:
        for first, second in combinations(NETWORKS, 2):
            yield (first, name), (second, name)
        for model in NETWORKS:
            for other in (NLLS, *COMPETITORS):
                yield (model, name), (other, name)
    for model in NETWORKS:
        for longer, shorter in longer_times():
            yield (model, longer), (model, shorter)
