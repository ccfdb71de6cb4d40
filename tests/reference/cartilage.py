"""Subregions of femoral cartilage as the published software divides them, voxel by voxel."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize


def circle(t2):
    """Centre and radius in pixels, of the projection over slices ``t2[slice, row, column]``."""
    flat = t2.max(axis=0)
    points = [(x, y) for x in range(flat.shape[0]) for y in range(flat.shape[1]) if flat[x, y] != 0]

    def misfit(centre):
        radii = [math.hypot(x - centre[0], y - centre[1]) for x, y in points]
        mean = sum(radii) / len(radii)
        return sum((radius - mean) ** 2 for radius in radii)

    start = np.mean(points, axis=0)
    xc, yc = minimize(misfit, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9}).x
    return xc, yc, float(np.mean([math.hypot(x - xc, y - yc) for x, y in points]))


def subregions(t2):
    """Means, projection, thickness in pixels; ``t2`` is 0 outside cartilage, slice 0 lateral."""
    t2 = np.where(t2 > 100, 0.0, t2)
    xc, yc, _ = circle(t2)
    columns: dict[tuple[int, int], list] = {}
    for s, x, y in np.argwhere(t2 != 0).tolist():
        rho = math.hypot(x - xc, y - yc)
        phi = math.degrees(math.atan2(y - yc, x - xc))
        for number, edge in enumerate(range(-180, 180, 5)):
            if edge < phi <= edge + 5:
                columns.setdefault((number, s), []).append((rho, (s, x, y)))
    with_29 = sorted({s for number, s in columns if number == 29})
    middle_of_trochlea = float(np.median(with_29))
    projection = np.full((72, len(t2)), np.nan)
    thickness = np.full((72, len(t2)), np.nan)
    values: dict[str, list[float]] = {}
    for (number, s), members in columns.items():
        radii = [rho for rho, _ in members]
        split = min(radii) + 0.5 * (max(radii) - min(radii))
        projection[number, s] = np.mean([t2[place] for _, place in members])
        thickness[number, s] = max(radii) - min(radii)
        edge = -180 + 5 * number
        part = "A" if edge <= -35 else "C" if edge <= 25 else "P"
        last = middle_of_trochlea if part == "A" else len(t2) // 2
        half = "L" if s <= last else "M"
        for rho, place in members:
            layer = "D" if rho <= split else "S"
            values.setdefault(layer + half + part, []).append(float(t2[place]))
    return values, projection, thickness
