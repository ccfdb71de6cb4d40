"""The error's predicted law taken at its word: its likelihood, and what its intervals hold.

An uncertainty ``u`` is the scale of a Laplace law, ``exp(-|e|/u) / 2u``, as a network trained on
that likelihood predicts it, or the standard deviation of a Gaussian one, as a fit states it. Means
are taken over the pixels of a subject, then over subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxqmri.analysis.pixels import Pixels
from jaxqmri.analysis.resampling import Interval, bootstrap, complete, mean

Law = Literal["laplace", "gaussian"]

LEVELS = (0.5, 0.8, 0.9, 0.95)
DEVIATION: dict[Law, float] = {"laplace": float(np.sqrt(2.0)), "gaussian": 1.0}  # SD over u
MEAN_ERROR: dict[Law, float] = {"laplace": 1.0, "gaussian": float(np.sqrt(2.0 / np.pi))}  # over u


class Likelihood(NamedTuple):
    """How probable the errors are under the law that was predicted for them, nats a pixel.

    Attributes
    ----------
    nll
        Negative log-likelihood; smaller is better.
    constant
        The same for the best constant uncertainty.
    gain
        ``constant - nll``: positive where the uncertainty tells more than one number could.
    best
        That constant, in the map's unit.
    n
        Subjects.
    """

    nll: Interval
    constant: Interval
    gain: Interval
    best: float
    n: int


class Coverage(NamedTuple):
    """What intervals of one level hold.

    Attributes
    ----------
    level
        Share of the targets that the intervals should hold.
    found
        Share that they hold.
    width
        Mean width, in the map's unit. Infinite where there are no intervals of this level.
    n
        Subjects.
    """

    level: float
    found: Interval
    width: Interval
    n: int

    @property
    def holds(self) -> bool:
        """Whether the level lies within the interval of the share that was found."""
        return self.found.low <= self.level <= self.found.high

    @property
    def reaches(self) -> bool:
        """Whether no less was found than the level, as far as these subjects can tell."""
        return self.level <= self.found.high


def half_width(level: float, law: Law = "laplace") -> float:
    r"""Half the central interval of a level ``q``, over ``u``.

    :math:`-\ln(1 - q)` for Laplace's law, :math:`\Phi^{-1}((1 + q) / 2)` for the Gaussian.

    Raises
    ------
    ValueError
        If the level does not lie between 0 and 1.
    """
    from scipy import special

    if not 0.0 < level < 1.0:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    return float(-np.log1p(-level) if law == "laplace" else special.ndtri((1.0 + level) / 2.0))


def likelihood(pixels: Pixels, law: Law = "laplace", *, seed: int = 0) -> Likelihood:
    r"""Negative log-likelihood of the errors, beside that of the best constant.

    .. math::
        -\ln p(e) = \frac{|e|}{u} + \ln 2u
        \quad\text{or}\quad \frac{e^2}{2u^2} + \frac{1}{2} \ln 2 \pi u^2 ,

    whose best constants are the mean of :math:`|e|`, and the root of the mean of :math:`e^2`, over
    the very errors that they are judged on: no constant chosen beforehand does better. Those of a
    resample are found anew.

    Parameters
    ----------
    pixels
        With an uncertainty above zero.
    law
        What the uncertainty is of.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If an uncertainty is zero or missing.
    """
    u, e = pixels.stated(), pixels.absolute_error
    if not u.all():
        raise ValueError(f"uncertainty is zero in {np.sum(u == 0)} of {u.size} pixels")
    if law == "laplace":
        own, moment = e / u + np.log(2.0 * u), e
    else:
        own, moment = 0.5 * ((e / u) ** 2 + np.log(2.0 * np.pi * u**2)), e**2
    nll, moments = complete(pixels.by_subject(own), pixels.by_subject(moment))
    if nll.size == 0:
        none = Interval(np.nan)
        return Likelihood(none, none, none, np.nan, 0)

    def measures(nll: np.ndarray, moments: np.ndarray) -> np.ndarray:
        found, moment = nll.mean(axis=1), moments.mean(axis=1)
        if law == "laplace":
            constant = 1.0 + np.log(2.0 * moment)
        else:
            constant = 0.5 * (1.0 + np.log(2.0 * np.pi * moment))
        return np.stack([found, constant, constant - found], axis=-1)

    found, constant, gain = bootstrap(measures, (nll, moments), seed=seed)
    best = float(moments.mean() if law == "laplace" else np.sqrt(moments.mean()))
    return Likelihood(found, constant, gain, best, nll.size)


def coverage(
    pixels: Pixels, law: Law = "laplace", levels: Sequence[float] = LEVELS, *, seed: int = 0
) -> list[Coverage]:
    """What the central intervals of the predicted law hold, and how wide they are.

    Parameters
    ----------
    pixels
        With their uncertainty.
    law
        What the uncertainty is of.
    levels
        Shares that the intervals should hold.
    seed
        Of the resampling of subjects.

    Returns
    -------
    list of Coverage
        One for each level.

    Raises
    ------
    ValueError
        If there is no uncertainty, or a level does not lie between 0 and 1.
    """
    rows = []
    for level in levels:
        half = half_width(level, law) * pixels.stated()
        ends = pixels.prediction - half, pixels.prediction + half
        rows.append(interval_coverage(pixels, *ends, level, seed=seed))
    return rows


def interval_coverage(
    pixels: Pixels,
    lower: Float[np.ndarray, " pixels"],
    upper: Float[np.ndarray, " pixels"],
    level: float,
    *,
    seed: int = 0,
) -> Coverage:
    """What any intervals hold, and how wide they are.

    Parameters
    ----------
    pixels
        Of which the targets count.
    lower, upper
        Ends of each pixel's interval, shape ``(pixels,)``.
    level
        Share that they should hold.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If there is not one interval for each pixel.
    """
    if not lower.shape == upper.shape == pixels.target.shape:
        raise ValueError(
            f"{pixels.target.size} pixels, but ends of shapes {lower.shape} and {upper.shape}"
        )
    inside = pixels.by_subject((lower <= pixels.target) & (pixels.target <= upper))
    found = mean(inside, seed=seed)
    bounded = np.isfinite(upper - lower).all()
    width = mean(pixels.by_subject(upper - lower), seed=seed) if bounded else Interval(np.inf)
    return Coverage(level, found, width, int(np.isfinite(inside).sum()))
