"""Doubt over the whole liver, where vessels and edges are not left out as a reader does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from experiments.liver_uncertainty.doubt import (
    ABOVE_RANDOM,
    AUSE,
    CONFORMAL,
    CONSTANT,
    COVERED,
    LEVELS,
    NLL_GAIN,
    RANKS,
    RANKS_BY_PATIENT,
    UCE_EXPECTED,
    WIDTH,
    Doubt,
    judge,
)
from experiments.liver_uncertainty.estimates import Estimates
from experiments.liver_uncertainty.fits import CutOff, fit_coarse, fit_target
from experiments.liver_uncertainty.methods import DOUBTING, SCALED
from experiments.liver_uncertainty.networks import Learner, OneTraining
from experiments.liver_uncertainty.paper import COARSE, LBRU
from experiments.liver_uncertainty.patients import REST, Study
from experiments.liver_uncertainty.results import row
from experiments.run import Result
from jaxqmri.analysis import resampling
from jaxqmri.training import Split

WHOLE = "whole liver"
ERROR = "mean absolute error"
LEVEL = 100.0 * LEVELS[-1]
METRICS = (
    ERROR, UCE_EXPECTED, f"{UCE_EXPECTED} {CONSTANT}", NLL_GAIN, RANKS, RANKS_BY_PATIENT, AUSE,
    ABOVE_RANDOM, COVERED.format(LEVEL), CONFORMAL + COVERED.format(LEVEL),
    CONFORMAL + WIDTH.format(LEVEL),
)  # fmt: skip


def named(metric: str) -> str:
    """A metric as the rows of the whole liver call it."""
    return f"{metric}, {WHOLE}"


def judge_whole_liver(
    study: Study,
    noise: Float[np.ndarray, " patients"],
    cut_off: CutOff,
    splits: Sequence[Split],
    folds: Int[np.ndarray, " patients"],
    learner: Learner | None,
    trained: Sequence[OneTraining],
    factors: Mapping[OneTraining, float],
    seed: int,
) -> tuple[dict[str, Doubt], list[Result]]:
    """Judge the first seed's doubt of every pixel of the liver.

    Pixels whose target is cut off are left out: methods that are cut off as well meet it without
    error. Where no more of the liver than the drawn region is marked there is nothing to add.

    Parameters
    ----------
    study
        The patients.
    noise
        Of each patient's images.
    cut_off
        Of every estimate, ms.
    splits, folds
        Parts of every fold, and the fold of each patient.
    learner, trained
        What trained the networks, None where there are none, and what was trained.
    factors
        What the doubt of each training of LBRU is to be multiplied by.
    seed
        Of resampling.
    """
    if not (study.label == REST).any():
        return {}, []
    liver = replace(study, whole=True)
    target = fit_target(liver, cut_off)
    inside = (target.t1rho > cut_off[0]) & (target.t1rho < cut_off[1])
    target = target._replace(t1rho=np.where(inside, target.t1rho, np.nan))
    coarse = fit_coarse(liver, cut_off, noise)
    found = {COARSE: Estimates(coarse.t1rho[None], coarse.std[None], "gaussian")}
    if learner is not None:
        found |= _of_networks(liver, splits, learner, trained, factors)
    doubts: dict[str, Doubt] = {}
    rows: list[Result] = []
    nowhere = np.full(len(splits), np.nan)  # no region is refined
    for name, estimates in found.items():
        doubts[name], own = judge(liver, target, name, estimates, folds, nowhere, seed)
        pixels = estimates.pixels(liver, target.t1rho)
        error = resampling.mean(pixels.by_subject(pixels.absolute_error), seed=seed)
        own.insert(0, row(name, ERROR, "ms", error, n=len(np.unique(pixels.pixel_subjects))))
        rows += [
            replace(one, metric=named(one.metric), region=WHOLE, paper=None, paper_sd=None)
            for one in own
            if one.metric in METRICS
        ]
    return doubts, rows


def _of_networks(
    liver: Study,
    splits: Sequence[Split],
    learner: Learner,
    trained: Sequence[OneTraining],
    factors: Mapping[OneTraining, float],
) -> Mapping[str, Estimates]:
    """Every fold's network that says how sure it is, of the first seed, on its test patients."""
    found: dict[str, Estimates] = {}
    for method in DOUBTING:
        own = [one for one in trained if one.method == method]
        values = np.full((3, 1, liver.pixel_slice.size), np.nan)
        for one in own:
            if one.seed != min(each.seed for each in own):
                continue
            slices = np.flatnonzero(np.isin(liver.owner, splits[one.fold].test))
            maps = np.full((*liver.label.shape, 2), np.nan, np.float32)
            maps[slices] = learner.apply(one, slices)
            pixels, test = maps[liver.roi], np.isin(liver.pixel_slice, slices)
            values[0, 0, test], values[1, 0, test] = pixels[test, 0], np.exp(pixels[test, 1])
            values[2, 0, test] = factors.get(one, np.nan) * values[1, 0, test]
        if own:
            found[method] = Estimates(values[0], values[1])
        if own and method == LBRU:
            found[SCALED] = Estimates(values[0], values[2])
    return found
