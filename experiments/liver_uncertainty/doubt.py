"""What the uncertainty of each method is worth: calibration, likelihood, order, and its use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from experiments.liver_uncertainty import paper
from experiments.liver_uncertainty.estimates import Estimates
from experiments.liver_uncertainty.fits import Fitted
from experiments.liver_uncertainty.paper import INPUT, LBRU, Printed
from experiments.liver_uncertainty.patients import Study
from experiments.liver_uncertainty.results import P_PATIENTS, UNPRINTED, pairs, row
from experiments.run import Result
from jaxqmri import analysis
from jaxqmri.analysis import (
    Coverage,
    Interval,
    Pixels,
    Refinement,
    ReliabilityDiagram,
    Sparsification,
)
from jaxqmri.report import compared
from jaxqmri.training import Split

BINS = 7
LEVELS = (0.5, 0.8, 0.9, 0.95)
UCE, UCE_MEANS, UCE_EXPECTED = (
    "UCE with the standard deviation",
    "UCE, equation 9 as printed",
    "UCE with the mean error",
)
CONSTANT = "of the constant"  # after a metric: the same of one number for all pixels
NLL, NLL_GAIN = "negative log-likelihood", "likelihood gained over the best constant"
COVERED, WIDTH = "covered by the {:g} % interval", "width of the {:g} % interval"
CONFORMAL = "conformal, "  # before a metric: of intervals calibrated on other folds' patients
UCE_LESS = f"{UCE_EXPECTED}, less the constant's"
ABOVE_RANDOM = "error up to half removed, less random"
AUSE = "AUSE"
RANKS = "rank correlation with the error"
RANKS_BY_PATIENT = "rank correlation with the error, mean of patients"
BEFORE, AFTER, CHANGE = "error before refinement", "error after refinement", "change by refinement"
P_SLICES = "p over slices"
KEPT = "pixels kept by refinement"


class Doubt(NamedTuple):
    """What was found of one method's uncertainty; None where it could not be.

    Attributes
    ----------
    diagram
        Reliability of slices, the standard deviation against the mean error.
    curve, curve_within
        Sparsification, pixels ranked all together and within their slices.
    coverage, conformal
        Of the predicted law's intervals, and of those calibrated on the other folds.
    ranks
        Of each patient, uncertainty with error.
    refinement
        Of the drawn regions.
    threshold
        Of each patient, ms.
    """

    diagram: ReliabilityDiagram
    curve: Sparsification
    curve_within: Sparsification
    coverage: Sequence[Coverage]
    conformal: Sequence[Coverage] | None
    ranks: Float[np.ndarray, " p"]
    refinement: Refinement | None
    threshold: Float[np.ndarray, " p"]


def judge(
    study: Study,
    target: Fitted,
    name: str,
    found: Estimates,
    folds: Int[np.ndarray, " p"],
    thresholds: Float[np.ndarray, " f"],
    seed: int,
) -> tuple[Doubt, list[Result]]:
    """Judge the uncertainty of one method's first seed.

    Parameters
    ----------
    study, target
        The pixels and what they are compared with.
    name, found
        The method.
    folds
        Fold of each patient.
    thresholds
        Of the refinement, for each fold, chosen on validation patients; NaN where there is none.
    seed
        Of resampling.
    """
    pixels = _positive(found.pixels(study, target.t1rho))
    n = int(np.unique(pixels.pixel_subjects).size)
    printed = name == LBRU
    errors = analysis.calibration_error(pixels, found.law, BINS, seed=seed)
    fitted = analysis.likelihood(pixels, found.law, seed=seed)
    curve = analysis.sparsification(pixels, seed=seed)
    within = analysis.sparsification(pixels, within_slices=True, seed=seed)
    ranks = analysis.rank_correlation(pixels, seed=seed)
    paper_uce = Printed(paper.UCE if printed else None)
    rows = [
        row(name, UCE, "ms", errors.deviation, n=n, printed=paper_uce),
        row(name, UCE_MEANS, "ms", errors.of_means, n=n),
        row(name, UCE_EXPECTED, "ms", errors.expected, n=n),
        row(name, NLL, "nats", fitted.nll, n=n),
        row(name, f"{NLL} {CONSTANT}", "nats", fitted.constant, n=n),
        row(name, NLL_GAIN, "nats", fitted.gain, n=n),
        row(name, AUSE, "%", curve.ause, n=n),
        row(name, f"{AUSE} within slices", "%", within.ause, n=n),
        row(name, ABOVE_RANDOM, "%", curve.excess, n=n),
        row(name, RANKS, "", ranks.pooled, n=n),
        row(name, RANKS_BY_PATIENT, "", ranks.mean, n=ranks.n),
    ]  # fmt: skip
    tested = np.unique(folds[np.unique(pixels.pixel_subjects)])
    conformal = None
    if tested.size > 1:
        constant = analysis.constant_calibration_error(pixels, folds, BINS, seed=seed)
        rows += [
            row(name, f"{UCE} {CONSTANT}", "ms", constant.deviation, n=n),
            row(name, f"{UCE_MEANS} {CONSTANT}", "ms", constant.of_means, n=n),
            row(name, f"{UCE_EXPECTED} {CONSTANT}", "ms", constant.expected, n=n),
            row(name, UCE_LESS, "ms", errors.expected.value - constant.expected.value, n=n),
        ]
        conformal = analysis.cross_conformal(pixels, folds, LEVELS, promised=False, seed=seed)
        rows += _coverage_rows(name, conformal, CONFORMAL)
    covered = analysis.coverage(pixels, found.law, LEVELS, seed=seed)
    rows += _coverage_rows(name, covered)
    by_patient = thresholds[folds]
    refinement = None
    if np.isfinite(thresholds[tested]).all():
        limits = np.nan_to_num(by_patient, nan=np.inf)
        refinement = analysis.refine(pixels, limits, seed=seed)
        rows += _refinement_rows(name, refinement, pixels, printed)
    means = analysis.slice_means(pixels)
    spread = np.sqrt(2.0) if found.law == "laplace" else 1.0
    diagram = analysis.reliability_diagram(
        spread * means.uncertainty, means.absolute_error, means.subjects, BINS, seed=seed
    )
    own = ranks.by_subject
    return Doubt(diagram, curve, within, covered, conformal, own, refinement, by_patient), rows


def rank_rows(doubts: Mapping[str, Doubt], seed: int) -> list[Result]:
    """Whose doubt follows its own errors better, paired over the patients that both have."""
    rows = []
    for first, second in pairs(list(doubts)):
        one, other = doubts[first].ranks, doubts[second].ranks
        difference = analysis.paired_difference(one, other, seed=seed)
        model, _ = compared((first, INPUT), (second, INPUT))
        rows.append(row(model, RANKS_BY_PATIENT, "", difference.difference, n=difference.n))
    return rows


def thresholds_of(
    study: Study, splits: Sequence[Split], aside: Sequence[Float[np.ndarray, " n"] | None]
) -> Float[np.ndarray, " f"]:
    """Mean plus standard deviation of the uncertainty in the validation's regions, by fold.

    Parameters
    ----------
    study, splits
        Patients and their parts.
    aside
        For each fold a method's uncertainty for every drawn pixel, of which the validation
        patients' count; None where it was not trained.
    """
    found = np.full(len(splits), np.nan)
    for fold, (split, doubt) in enumerate(zip(splits, aside, strict=True)):
        if doubt is None:
            continue
        own = np.isin(study.pixel_owner, split.validation)
        pixels = Pixels.of(doubt[own], doubt[own], doubt[own], study.pixel_slice[own], study.owner)
        found[fold] = analysis.refinement_threshold(pixels)
    return found


def _positive(pixels: Pixels) -> Pixels:
    """The pixels with an uncertainty above zero."""
    return Pixels.of(
        pixels.target,
        pixels.prediction,
        np.where(pixels.uncertainty > 0, pixels.uncertainty, np.nan),
        pixels.slices,
        pixels.subjects,
    )


def _coverage_rows(name: str, found: Sequence[Coverage], kind: str = "") -> list[Result]:
    rows = []
    for one in found:
        share = Interval(*(100.0 * part for part in one.found))
        level = 100.0 * one.level
        rows.append(row(name, kind + COVERED.format(level), "%", share, n=one.n))
        rows.append(row(name, kind + WIDTH.format(level), "ms", one.width, n=one.n))
    return rows


def _refinement_rows(name: str, found: Refinement, pixels: Pixels, printed: bool) -> list[Result]:
    n = found.by_subject.n

    def of(values: np.ndarray, text: str, sides: Printed) -> Result:
        known = values[np.isfinite(values)]
        mean = float(known.mean()) if known.size else np.nan
        sd = float(known.std(ddof=1)) if known.size > 1 else np.nan
        return row(
            name, text, "ms", mean, n=n, sd=sd,
            printed=sides if printed else UNPRINTED,
        )  # fmt: skip

    return [
        of(found.before, BEFORE, paper.BEFORE),
        of(found.after, AFTER, paper.AFTER),
        row(name, CHANGE, "ms", found.by_subject.difference, n=n),
        row(name, f"{CHANGE}, {P_PATIENTS}", "", found.by_subject.p_t, n=n),
        row(
            name, f"{CHANGE}, {P_SLICES}", "", found.by_slice.p_t, n=found.by_slice.n,
            printed=Printed(paper.P_BY_SLICE if printed else None),
        ),
        row(name, KEPT, "%", Interval(*(100.0 * part for part in found.kept)), n=n),
    ]  # fmt: skip
