"""What a fit returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8


class Status(IntEnum):
    """What became of one voxel.

    ``NO_SIGNAL``: no sample above zero, an amplitude of zero, or fewer samples with weight than
    parameters. ``NOT_FINITE``: a sample, a known value, its error, a weight or the noise is not
    finite, or beyond what the model allows.
    """

    OUTSIDE_MASK = 0
    CONVERGED = 1
    AT_BOUND = 2
    NOT_CONVERGED = 3
    NO_SIGNAL = 4
    NOT_FINITE = 5


@partial(
    jax.tree_util.register_dataclass,
    data_fields=(
        "params", "status", "sigma", "std", "triangle", "across", "rmse", "r_squared", "intervals",
    ),
    meta_fields=("free",),
)  # fmt: skip
@dataclass(frozen=True)
class FitResult:
    """Maps of one fit, each of the images' shape without its last axis; a pytree.

    There is an estimate where ``status`` is ``CONVERGED`` or ``AT_BOUND``; elsewhere every map
    holds NaN.

    Attributes
    ----------
    params
        The model's ``Params`` (or the start's pytree) of maps; a parameter that was held has
        the map, or the number broadcast to a map, that was given.
    status
        :class:`Status` of every voxel.
    free
        Names of the fitted parameters, in the order of ``covariance``.
    sigma
        Standard deviation of the noise behind the errors: as given, or pooled over the mask;
        NaN when it is unknown.
    std
        Standard deviation of every estimate, NaN where it sits on a bound and infinite where
        the samples say nothing about it; for a held parameter the error that was given, or NaN.
    triangle
        Covariances of the fitted parameters, the lower triangle row by row, each a map.
    across
        Of every parameter that was held with an error, its covariances with the fitted ones.
    rmse
        Root mean square of the residuals, in units of the signal.
    r_squared
        Share of the samples' variance that the model explains.
    intervals
        Lower and upper ends of the 95 % profile-likelihood intervals, two structures of maps.
    """

    params: Any
    status: UInt8[np.ndarray, ...] | UInt8[Array, ...]
    free: tuple[str, ...]
    sigma: Any = np.nan
    std: Any = None
    triangle: tuple[tuple[Any, ...], ...] | None = None
    across: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    rmse: Float[np.ndarray, ...] | Float[Array, ...] | None = None
    r_squared: Float[np.ndarray, ...] | Float[Array, ...] | None = None
    intervals: tuple[Any, Any] | None = None

    def status_counts(self) -> dict[str, int]:
        """Number of voxels of every status, by name."""
        counts = np.bincount(np.asarray(self.status).ravel(), minlength=len(Status))
        return {status.name.lower(): int(counts[status]) for status in Status}

    def covariance_of(self, one: str, other: str) -> Any:
        """Covariance of two parameters, a map: both fitted, or one of them held with an error.

        It is what a later fit that holds both needs beside their standard deviations, as
        ``fixed_cov``: an error of B1 that T1 was fitted with is in T1 too.

        Raises
        ------
        ValueError
            If the result holds no such covariance.
        """
        for first, second in ((one, other), (other, one)):
            if first in self.across and second in self.free:
                return self.across[first][self.free.index(second)]
        if self.triangle is None or one not in self.free or other not in self.free:
            known = ", ".join((*self.free, *self.across))
            raise ValueError(
                f"no covariance of {one!r} with {other!r}: there is that of fitted parameters, "
                f"with one another and with those held with an error ({known})"
            )
        places = sorted((self.free.index(one), self.free.index(other)))
        return self.triangle[places[1]][places[0]]

    @property
    def covariance(self) -> Float[np.ndarray, "... p p"] | Float[Array, "... p p"] | None:
        """Covariance of the fitted parameters, shape ``(..., p, p)``, ordered as ``free``."""
        if self.triangle is None:
            return None
        xp = np if isinstance(self.status, np.ndarray) else jnp
        size = len(self.free)
        full = [[self.triangle[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)]
        return xp.stack([xp.stack(row, axis=-1) for row in full], axis=-2)
