"""Change of a map between two visits, and the clusters in which it stands out."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import binary_erosion, label

from jaxqmri.analysis.cartilage.subregions import Subregions

REACH = 2  # slices and bins that the follow-up may be moved by
EDGE = 4  # mm of the plate's edge that no cluster may lie in
SMALLEST = 0.01  # of the plate


class Change(NamedTuple):
    """What became of a plate of cartilage; its maps have pixels of 1 mm by 1 mm.

    Attributes
    ----------
    difference
        Follow-up minus baseline, in the map's unit; NaN where either visit has no cartilage.
    inside
        The plate without its edge, where clusters are looked for.
    clusters
        1 for the largest cluster, 2 for the next; 0 outside.
    areas
        Of the clusters, mm^2.
    share
        Of ``inside`` that clusters cover, between 0 and 1.
    mean, sd
        Of the difference over ``inside``.
    shift
        Bins and slices that the follow-up was moved by.
    dice
        Overlap of the two plates after that.
    """

    difference: Float[np.ndarray, "arc across"]
    inside: Bool[np.ndarray, "arc across"]
    clusters: Int[np.ndarray, "arc across"]
    areas: tuple[int, ...]
    share: float
    mean: float
    sd: float
    shift: tuple[int, int]
    dice: float

    @property
    def at_limit(self) -> bool:
        """Whether the follow-up was moved as far as it may be: perhaps not far enough."""
        return max(abs(step) for step in self.shift) == REACH


def change(
    baseline: Subregions,
    before: Float[np.ndarray, "bins slices"],
    follow_up: Subregions,
    after: Float[np.ndarray, "bins others"],
    *,
    kathoma_sign: bool = False,
) -> Change:
    """Compare a map's projections of two visits.

    The follow-up is moved by whole bins and slices, at most two of each, to where the plates
    overlap most. Both are brought to pixels of 1 mm^2 and subtracted. Clusters are pixels more
    than one standard deviation above the mean difference, further than 4 mm from the edge of the
    plate, that touch at sides or corners and together cover more than 1 % of it.

    Parameters
    ----------
    baseline, follow_up
        The cartilages.
    before, after
        Projections of the map, see :meth:`Subregions.project`.
    kathoma_sign
        Take baseline minus follow-up, and only what is above 0, as the software of the paper
        does: clusters are then decreases. The paper's text means increases.

    Raises
    ------
    ValueError
        If slices are differently spaced, or the plates do not overlap away from their edges.

    References
    ----------
    Monu et al., Osteoarthritis and Cartilage 2017, doi:10.1016/j.joca.2016.09.015.
    """
    spacing = baseline.layout.spacing[0]
    if abs(follow_up.layout.spacing[0] / spacing - 1.0) > 0.01:
        raise ValueError(
            f"slices are {spacing:g} mm apart at baseline, {follow_up.layout.spacing[0]:g} mm at "
            "follow-up"
        )
    count = max(before.shape[1], after.shape[1])
    before, after = (_moved(p, 0, 0, count) for p in (before, after))
    steps = range(-REACH, REACH + 1)
    shift = max(
        sorted(product(steps, steps), key=lambda s: abs(s[0]) + abs(s[1])),
        key=lambda s: _dice(before, _moved(after, *s, count)),
    )
    after = _moved(after, *shift, count)
    radius = 0.5 * (baseline.circle.radius + follow_up.circle.radius)
    shape = (round(2.0 * np.pi * radius), round(count * spacing))
    difference = _resampled(after, shape) - _resampled(before, shape)
    inside = np.asarray(binary_erosion(np.isfinite(difference), _disc(EDGE)), bool)
    if not inside.any():
        raise ValueError(f"the two visits share no cartilage further than {EDGE} mm from its edge")
    rise = -difference if kathoma_sign else difference
    mean, sd = float(rise[inside].mean()), float(rise[inside].std())
    threshold = max(mean + sd, 0.0) if kathoma_sign else mean + sd
    clusters, areas = _clusters(inside & (np.nan_to_num(rise) > threshold), SMALLEST * inside.sum())
    return Change(
        rise,
        inside,
        clusters,
        areas,
        sum(areas) / int(inside.sum()),
        mean,
        sd,
        shift,
        _dice(before, after),
    )


def _moved(
    projection: Float[np.ndarray, "bins slices"], bins: int, slices: int, count: int
) -> Float[np.ndarray, "bins count"]:
    """A projection by so many bins and slices further on, in ``count`` slices."""
    whole = np.full((projection.shape[0], count), np.nan)
    first = max(0, -slices)
    last = min(projection.shape[1], count - slices)
    whole[:, first + slices : last + slices] = projection[:, first:last]
    return np.roll(whole, bins, axis=0)


def _dice(one: Float[np.ndarray, "b s"], other: Float[np.ndarray, "b s"]) -> float:
    first, second = np.isfinite(one), np.isfinite(other)
    return float(2.0 * (first & second).sum() / max(first.sum() + second.sum(), 1))


def _resampled(
    projection: Float[np.ndarray, "b s"], shape: tuple[int, int]
) -> Float[np.ndarray, "arc across"]:
    """Linear interpolation among the values there are; NaN where most of the weight has none."""
    down, across = (_weights(n, m) for n, m in zip(projection.shape, shape, strict=True))
    known = np.isfinite(projection)
    weight = down @ known @ across.T
    total = down @ np.where(known, projection, 0.0) @ across.T
    return np.divide(total, weight, out=np.full(shape, np.nan), where=weight >= 0.5)


def _weights(size: int, wanted: int) -> Float[np.ndarray, "wanted size"]:
    """Of samples for others over the same length: a triangle of the coarser step."""
    step = size / wanted
    places = (np.arange(wanted) + 0.5) * step - 0.5
    weights = np.clip(1.0 - np.abs(places[:, None] - np.arange(size)) / max(step, 1.0), 0.0, None)
    return weights / weights.sum(axis=1, keepdims=True)


def _disc(radius: int) -> Bool[np.ndarray, "d d"]:
    away = np.arange(-radius, radius + 1)
    return away[:, None] ** 2 + away**2 <= radius**2


def _clusters(
    high: Bool[np.ndarray, "a b"], smallest: float
) -> tuple[Int[np.ndarray, "a b"], tuple[int, ...]]:
    """Connected parts above a size, by size, and their sizes."""
    parts = np.zeros(high.shape, np.int32)
    label(high, np.ones((3, 3)), output=parts)
    sizes = np.bincount(parts.ravel())
    kept = [k for k in np.argsort(-sizes[1:], kind="stable") + 1 if sizes[k] > smallest]
    places = np.zeros(len(sizes), np.int32)
    places[kept] = np.arange(1, len(kept) + 1)
    return places[parts], tuple(int(sizes[k]) for k in kept)
