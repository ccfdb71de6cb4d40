"""What every method says of every pixel of the drawn regions, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments import run as shared
from experiments.kept_arrays import keep_arrays, kept_arrays
from experiments.kept_networks import End
from experiments.liver_uncertainty import fits
from experiments.liver_uncertainty.fits import CutOff, Fitted
from experiments.liver_uncertainty.methods import (
    BM3D_ORACLE,
    CALIBRATED,
    DOUBTING,
    ENSEMBLE,
)
from experiments.liver_uncertainty.networks import OneTraining
from experiments.liver_uncertainty.paper import BM3D, COARSE, LBRU
from experiments.liver_uncertainty.patients import Study
from experiments.run import Run
from jaxqmri.analysis import Pixels
from jaxqmri.analysis.laws import Law
from jaxqmri.training import Split

FEW = 12  # slices that a noise level is chosen on


class Estimates(NamedTuple):
    """Of one method, a row for each training seed; NaN where it says nothing.

    Attributes
    ----------
    t1rho
        ms, cut off.
    uncertainty
        Laplace's scale or the Gaussian standard deviation, ms; None for a method that states none.
    law
        Which of the two.
    """

    t1rho: Float[np.ndarray, "k n"]
    uncertainty: Float[np.ndarray, "k n"] | None = None
    law: Law = "laplace"

    def pixels(self, study: Study, target: Float[np.ndarray, " n"], seed: int = 0) -> Pixels:
        """The pixels of one training seed beside their target."""
        doubt = None if self.uncertainty is None else self.uncertainty[seed]
        return Pixels.of(target, self.t1rho[seed], doubt, study.pixel_slice, study.owner)


def untrained(
    run: Run, study: Study, target: Fitted, coarse: Fitted, splits: Sequence[Split]
) -> dict[str, Estimates]:
    """The methods without a network."""
    cut_off: CutOff = run.settings.cut_off
    found = {COARSE: Estimates(coarse.t1rho[None], coarse.std[None], "gaussian")}
    calibrated = np.full(coarse.t1rho.shape, np.nan)
    for split in splits:
        known = np.isin(study.pixel_owner, np.concatenate([split.train, split.validation]))
        parabola = fits.quadratic(coarse.t1rho[known], target.t1rho[known])
        test = np.isin(study.pixel_owner, split.test)
        calibrated[test] = np.clip(parabola(coarse.t1rho[test]), cut_off[0], cut_off[1])
    found[CALIBRATED] = Estimates(calibrated[None])
    if run.settings.denoise != "none":
        found |= _denoised(run, study, target, cut_off)
    return found


def _denoised(run: Run, study: Study, target: Fitted, cut_off: CutOff) -> dict[str, Estimates]:
    """BM3D with the noise that the map itself shows, and with the level nearest to the target."""
    try:
        import bm3d  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:
        shared.say("no BM3D: it is an extra of its own, pip install -e '.[bm3d]'")
        return {}
    del bm3d
    kept = run.checkpoint(f"bm3d-{study.fingerprint}.npz")
    maps: dict[str, np.ndarray] = kept_arrays(kept)
    if not maps:
        levels: tuple[float | None, ...] = (None,)
        if run.settings.denoise == "oracle":
            levels = (None, _nearest_level(study, target, cut_off))
        count = len(study.label)
        bar = shared.progress(range(count), "denoise", "slice", count)
        parts = zip(*(_denoised_slice(study, k, cut_off, levels) for k in bar), strict=True)
        pixels = [np.concatenate(part) for part in parts]
        maps = dict(zip((BM3D, BM3D_ORACLE), pixels, strict=False))
        keep_arrays(kept, maps)
    return {name: Estimates(np.clip(found, *cut_off)[None]) for name, found in maps.items()}


def _nearest_level(study: Study, target: Fitted, cut_off: CutOff) -> float:
    """The noise level at which BM3D comes nearest to the target, on a few slices of all."""
    few = np.unique(np.linspace(0, len(study.label) - 1, FEW).round().astype(int)).tolist()
    found = [_denoised_slice(study, k, cut_off, fits.NOISE_LEVELS) for k in few]
    wanted = np.concatenate([target.t1rho[study.pixel_slice == k] for k in few])
    errors = [
        float(np.nanmean(np.abs(np.concatenate(parts) - wanted) / wanted))
        for parts in zip(*found, strict=True)
    ]
    return fits.NOISE_LEVELS[int(np.argmin(errors))]


def _denoised_slice(
    study: Study, k: int, cut_off: CutOff, levels: Sequence[float | None]
) -> list[Float[np.ndarray, " n"]]:
    """The drawn pixels of a slice after BM3D at each noise level; None is the map's own."""
    coarse, liver = fits.two_point(study.images[k], cut_off), study.label[k] > 0
    return [fits.denoise_liver(coarse, liver, level)[study.roi[k]] for level in levels]


def learnt(
    ends: Mapping[OneTraining, End], splits: Sequence[Split], study: Study
) -> dict[str, Estimates]:
    """The networks' predictions for patients of the test part, all folds together."""
    found: dict[str, Estimates] = {}
    methods = dict.fromkeys(arm.method for arm in ends)
    for method in methods:
        seeds = sorted({arm.seed for arm in ends if arm.method == method})
        values = np.full((2, len(seeds), study.pixel_slice.size), np.nan)
        for arm, end in _of(ends, method):
            test = np.isin(study.pixel_owner, splits[arm.fold].test)
            row = seeds.index(arm.seed)
            values[0, row, test] = end.predicted["t1rho"][test]
            values[1, row, test] = np.exp(end.predicted["log_scale"][test])
        found[method] = Estimates(values[0], values[1] if method in DOUBTING else None)
    if LBRU in found and len(found[LBRU].t1rho) > 1:
        found[ENSEMBLE] = _ensemble(found[LBRU])
    return found


def _ensemble(members: Estimates) -> Estimates:
    """The mean over seeds; its Laplace law has the variance of their mixture.

    A Laplace law of scale ``b`` has the variance ``2 b^2``.
    """
    assert members.uncertainty is not None
    variance = 2.0 * np.mean(members.uncertainty**2, axis=0) + np.var(members.t1rho, axis=0)
    return Estimates(members.t1rho.mean(axis=0)[None], np.sqrt(variance / 2.0)[None])


def scale_factor(study: Study, target: Float[np.ndarray, " n"], end: End, split: Split) -> float:
    r"""How many times too small a network's scale is, by its validation patients.

    The factor ``c`` that makes their errors most probable under Laplace's law of scale ``c b``,
    the mean of :math:`|e| / b`.

    References
    ----------
    Laves et al., doi:10.48550/arXiv.2006.11584.
    """
    own = np.isin(study.pixel_owner, split.validation)
    error = np.abs(end.predicted["t1rho"][own] - target[own])
    return float(np.nanmean(error / np.exp(end.predicted["log_scale"][own])))


def scaled(
    ends: Mapping[OneTraining, End],
    splits: Sequence[Split],
    study: Study,
    factors: Mapping[OneTraining, float],
) -> tuple[Estimates, list[Float[np.ndarray, " n"] | None]]:
    """LBRU's first seed with its scale corrected, and the same for what each fold is watched on."""
    first = min(arm.seed for arm in ends if arm.method == LBRU)
    values = np.full((2, 1, study.pixel_slice.size), np.nan)
    watched: list[Float[np.ndarray, " n"] | None] = [None] * len(splits)
    for arm, end in _of(ends, LBRU):
        if arm.seed != first:
            continue
        split = splits[arm.fold]
        scale = factors[arm] * np.exp(end.predicted["log_scale"])
        test = np.isin(study.pixel_owner, split.test)
        values[0, 0, test], values[1, 0, test] = end.predicted["t1rho"][test], scale[test]
        watched[arm.fold] = scale
    return Estimates(values[0], values[1]), watched


def aside(
    name: str, ends: Mapping[OneTraining, End], fold: int, coarse: Fitted
) -> Float[np.ndarray, " n"] | None:
    """A method's uncertainty for the patients that a fold's networks were watched on.

    That of a network's first seed; None if it was not trained. Other patients' pixels hold
    anything.
    """
    if name == COARSE:
        return coarse.std
    members = LBRU if name == ENSEMBLE else name
    own = [end for arm, end in sorted(ends.items()) if arm[:2] == (members, fold)]
    if not own:
        return None
    t1rho, scale = (
        np.stack([end.predicted[part] for end in own]) for part in ("t1rho", "log_scale")
    )
    every = Estimates(t1rho, np.exp(scale))
    chosen = _ensemble(every) if name == ENSEMBLE else every
    assert chosen.uncertainty is not None
    return chosen.uncertainty[0]


def _of(ends: Mapping[OneTraining, End], method: str) -> Iterable[tuple[OneTraining, End]]:
    return [(arm, end) for arm, end in sorted(ends.items()) if arm.method == method]
