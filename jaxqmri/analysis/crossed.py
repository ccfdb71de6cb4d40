"""Means over two things at once, such as trainings and subjects, with an interval over both."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from jaxqmri.analysis.errors import INTERVAL, RESAMPLES
from jaxqmri.analysis.resampling import Interval

Means = Float[np.ndarray, " samples"]


def crossed_bootstrap(
    statistic: Callable[..., Means], *tables: ArrayLike, seed: int = 0
) -> Interval:
    """A statistic of the means of tables, with its interval over rows and columns.

    In each resample rows and columns are drawn with replacement, each by themselves and the same
    for all tables. Where effects of rows and columns cross this is not too narrow; what varies
    from cell to cell alone counts up to three times.

    Parameters
    ----------
    statistic
        Takes the mean of each table, shape ``(samples,)``, and returns as many numbers: ``lambda
        a, b: a - b`` for a paired difference.
    tables
        Numbers of equal shape ``(rows, columns)``. What there is one of is not drawn.
    seed
        Of the resampling.

    Returns
    -------
    Interval
        Without ends where there is one row and one column, or a number is missing.

    Raises
    ------
    ValueError
        If the tables have no cell, or differ in shape.

    References
    ----------
    Owen, Annals of Applied Statistics 2007, doi:10.1214/07-AOAS122 (the pigeonhole bootstrap).
    """
    arrays = [np.asarray(table, np.float64) for table in tables]
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1 or arrays[0].ndim != 2 or arrays[0].size == 0:
        found = " and ".join(str(array.shape) for array in arrays)
        raise ValueError(f"expected tables of one shape, rows and columns, got {found}")
    rows, columns = arrays[0].shape
    value = float(statistic(*(np.array([array.mean()]) for array in arrays))[0])
    if rows * columns < 2 or not np.isfinite(value):
        return Interval(value)
    by_row, by_column = _shares(rows, columns, seed)
    means = [((by_row @ array) * by_column).sum(axis=1) for array in arrays]
    low, high = np.percentile(statistic(*means), INTERVAL)
    return Interval(value, float(low), float(high))


@lru_cache(maxsize=8)
def _shares(
    rows: int, columns: int, seed: int
) -> tuple[Float[np.ndarray, "samples rows"], Float[np.ndarray, "samples columns"]]:
    """How much each row and each column counts in every resample."""
    generators = np.random.SeedSequence(seed).spawn(2)
    by_row, by_column = (
        np.random.default_rng(generator).multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES) / n
        for generator, n in zip(generators, (rows, columns), strict=True)
    )
    return by_row, by_column
