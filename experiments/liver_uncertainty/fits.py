"""Maps without training: the target, the coarse map, BM3D, and a calibration of three numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

import jaxqmri
from experiments.liver_uncertainty.patients import Study
from experiments.spin_lock import SPIN_LOCK_TIMES

BOUNDS = (1.0, 1000.0)  # ms, of every fit; what lies outside the cut-off range is cut
PAIR = (0, 3)  # the two images, by their place among the spin-lock times
NOISE_LEVELS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # ms, for a BM3D that is told the best
ORDER = 2  # of the polynomial that calibrates the coarse value
MAD_TO_SD = 1.4826
MARGIN = 12  # pixels around the liver that BM3D sees

CutOff = tuple[float, float]


class Fitted(NamedTuple):
    """T1rho of every pixel of the drawn region, ms, cut off; NaN without an estimate.

    Attributes
    ----------
    t1rho
        The estimate.
    std
        What the fit says of its error, ms; NaN at a bound.
    residual
        Pooled from the residuals, scanner units: noise, and what the equation does not hold.
    """

    t1rho: Float[np.ndarray, " n"]
    std: Float[np.ndarray, " n"]
    residual: float


def fit_target(study: Study, cut_off: CutOff) -> Fitted:
    """The reference of the study: all spin-lock times."""
    return _fitted(study, range(len(SPIN_LOCK_TIMES)), cut_off, None)


def fit_coarse(study: Study, cut_off: CutOff, noise: Float[np.ndarray, " patients"]) -> Fitted:
    """Two spin-lock times; two points tell nothing of the noise, so it is given."""
    return _fitted(study, PAIR, cut_off, noise[study.pixel_owner])


def noise_of(study: Study) -> Float[np.ndarray, " patients"]:
    """Noise of each patient's images, scanner units: how neighbours in the drawn region differ.

    The median over slices and spin-lock times. Not from the residuals of a fit, which hold what
    the signal equation does not.
    """
    found = []
    for k in range(len(study.patients)):
        own = np.flatnonzero(study.owner == k)
        each = [
            noise_of_map(study.images[z, ..., time], study.roi[z])
            for z in own
            if study.roi[z].any()
            for time in range(len(SPIN_LOCK_TIMES))
        ]
        found.append(np.median(each))
    return np.maximum(np.array(found), np.finfo(np.float32).tiny)


def two_point(images: Float[np.ndarray, "*s 4"], cut_off: CutOff) -> Float[np.ndarray, "*s"]:
    """The coarse map of whole slices: two samples determine ``TSL / ln(S0 / S)``.

    Where the signal does not fall, T1rho is without limit: cut off above. Where there is none,
    as well.
    """
    first, second = (np.maximum(images[..., k], 0.0) for k in PAIR)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.log(first / second) / (SPIN_LOCK_TIMES[PAIR[1]] - SPIN_LOCK_TIMES[PAIR[0]])
        found = np.where(rate > 0, 1.0 / rate, np.inf)
    return np.clip(found, *cut_off).astype(np.float32)


def quadratic(
    coarse: Float[np.ndarray, " n"], target: Float[np.ndarray, " n"]
) -> np.polynomial.Polynomial:
    """Three numbers: the parabola of the coarse value that comes nearest to the target."""
    known = np.isfinite(coarse) & np.isfinite(target)
    return np.polynomial.Polynomial.fit(coarse[known], target[known], ORDER)


def noise_of_map(image: Float[np.ndarray, "h w"], region: Bool[np.ndarray, "h w"]) -> float:
    """Noise of a map or an image in a region, in its unit: the median difference of neighbours."""
    both = region[:, 1:] & region[:, :-1]
    steps = np.diff(image, axis=1)[both]
    if steps.size == 0:
        return 0.0
    return float(MAD_TO_SD * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2.0))


def _around(region: Bool[np.ndarray, "h w"], margin: int = MARGIN) -> tuple[slice, slice]:
    """The box that holds a region, with a margin; the whole where there is no region."""
    if not region.any():
        return slice(None), slice(None)
    ends = [np.flatnonzero(region.any(axis=axis))[[0, -1]] for axis in (1, 0)]
    rows, columns = (slice(max(int(a) - margin, 0), int(b) + margin + 1) for a, b in ends)
    return rows, columns


def denoise_liver(
    coarse: Float[np.ndarray, "h w"], liver: Bool[np.ndarray, "h w"], level: float | None = None
) -> Float[np.ndarray, "h w"]:
    """A map whose liver is what BM3D makes of it and its surroundings.

    Parameters
    ----------
    coarse
        The map, ms.
    liver
        Where the liver is; the map is denoised in a box around it.
    level
        Its noise, ms; what the map itself shows when None.

    References
    ----------
    Dabov et al., IEEE Transactions on Image Processing 2007, doi:10.1109/TIP.2007.901238.
    """
    import bm3d  # pyright: ignore[reportMissingImports]

    noise = noise_of_map(coarse, liver) if level is None else level
    box, found = _around(liver), coarse.copy()
    if noise > 0:
        found[box] = bm3d.bm3d(coarse[box], noise)
    return found


def _fitted(
    study: Study,
    which: Iterable[int],
    cut_off: CutOff,
    noise: Float[np.ndarray, " n"] | None,
) -> Fitted:
    from jaxqmri.physics import T1rhoDecay

    chosen = list(which)
    model = T1rhoDecay(spin_lock_times=np.array(SPIN_LOCK_TIMES)[chosen])
    signals = study.images[study.roi][:, chosen]
    result = jaxqmri.fit(model, signals, bounds={"t1rho": BOUNDS}, sigma=noise)
    found, std = np.asarray(result.params.t1rho), np.asarray(result.std.t1rho)
    residual = float(np.asarray(result.sigma)) if noise is None else np.nan
    return Fitted(np.clip(found, *cut_off), std, residual)
