"""Actual flip angle, variable flip angles and adiabatic spin locks to B1, T1 and T1rho."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxqmri.fitting import FitResult, fit
from jaxqmri.mapping.flip_angle import fit_b1
from jaxqmri.mapping.series import Series
from jaxqmri.physics import (
    ActualFlipAngle,
    AdiabaticT1rho,
    AdiabaticT1rhoOffset,
    FinitePulseGradientEcho,
    SpoiledGradientEcho,
)

SMOOTH = 8.0  # mm: B1 varies over centimetres


class Maps(NamedTuple):
    """One map of each, shape ``(x, y, z)``, NaN where there is no estimate.

    ``m0`` is that of the flip-angle images, arbitrary; ``t1`` and ``t1rho`` in ms, ``b1`` the
    actual over the nominal angle.
    """

    m0: Float[np.ndarray, "x y z"]
    t1: Float[np.ndarray, "x y z"]
    b1: Float[np.ndarray, "x y z"]
    t1rho: Float[np.ndarray, "x y z"]


class AdiabaticFits(NamedTuple):
    """The three fits, each with a status of every voxel: B1's on the grid of its own series."""

    b1: FitResult
    t1: FitResult
    t1rho: FitResult


@dataclass(frozen=True)
class AdiabaticMaps:
    """What :func:`adiabatic_t1rho_maps` returns.

    Attributes
    ----------
    params
        The maps.
    std
        Their standard deviations, each with the errors of all that went before it.
    fits
        The fits behind them.
    """

    params: Maps
    std: Maps
    fits: AdiabaticFits


def adiabatic_t1rho_maps(
    vfa: Series,
    afi: Series,
    t1rhow: Series,
    *,
    mask: Any = None,
    form: str = "exact",
    smooth: float = SMOOTH,
) -> AdiabaticMaps:
    """B1, then T1 with that B1, then T1rho with both; noise carried from each fit to the next.

    An error of B1 goes into T1 about doubled and with the other sign, and into T1rho both directly
    and through T1. The last fit is therefore given the covariance of the two.

    Parameters
    ----------
    vfa
        Variable flip angles, a :class:`~jaxqmri.physics.SpoiledGradientEcho`.
    afi
        Actual flip angle, an :class:`~jaxqmri.physics.ActualFlipAngle`, on any grid that covers
        the same field of view. Without a ``sigma`` its noise is taken from how rough B1 is.
    t1rhow
        Adiabatic spin locks on the grid of ``vfa``, an :class:`~jaxqmri.physics.AdiabaticT1rho`;
        for ``form="fitting"`` also an :class:`~jaxqmri.physics.AdiabaticT1rhoOffset`.
    mask
        Shape ``(x, y, z)``: voxels of ``vfa`` that are fitted. All of them when None. B1 is
        fitted wherever it has signal.
    form
        ``"exact"`` for the steady state with all its spokes, ``"fitting"`` for the published
        decay with a free constant, whose errors are about twice as large.
    smooth
        Full width at half maximum in mm of the Gaussian that B1 is smoothed by, each voxel
        weighted by its precision; 0 for none.

    Returns
    -------
    AdiabaticMaps
        Maps on the grid of ``vfa``, NaN where there is no estimate; B1 is given beyond the mask.

    Raises
    ------
    ValueError
        If shapes or grids do not agree, or the form needs what the model lacks.
    TypeError
        If a model is of another kind.
    """
    locks: tuple[type, ...] = (AdiabaticT1rho, AdiabaticT1rhoOffset)
    vfa.check("vfa", (SpoiledGradientEcho, FinitePulseGradientEcho))
    afi.check("afi", (ActualFlipAngle,))
    t1rhow.check("t1rhow", locks)
    if t1rhow.shape != vfa.shape or not np.allclose(t1rhow.affine, vfa.affine, atol=1e-3):
        raise ValueError("t1rhow must lie on the grid of vfa: same shape and affine")
    model = model_of_form(t1rhow.model, form)

    b1 = fit_b1(afi, vfa, smooth=smooth)
    held: dict[str, Any] = {"b1": b1.field.values}
    held_std: dict[str, Any] = {"b1": b1.field.std}
    t1 = fit(vfa.model, vfa.images, mask=mask, fixed=held, fixed_std=held_std, sigma=vfa.sigma)
    t1rho = fit(
        model,
        t1rhow.images,
        mask=mask,
        fixed=held | {"t1": t1.params.t1},
        fixed_std=held_std | {"t1": t1.std.t1},
        fixed_cov={("t1", "b1"): t1.covariance_of("t1", "b1")},
        sigma=t1rhow.sigma,
    )
    return AdiabaticMaps(
        Maps(t1.params.m0, t1.params.t1, b1.field.values, t1rho.params.t1rho),
        Maps(t1.std.m0, t1.std.t1, held_std["b1"], t1rho.std.t1rho),
        AdiabaticFits(b1.fit, t1, t1rho),
    )


def model_of_form(model: Any, form: str) -> AdiabaticT1rho | AdiabaticT1rhoOffset:
    """The equation of a form for the acquisition of a model.

    Parameters
    ----------
    model
        An :class:`~jaxqmri.physics.AdiabaticT1rho`, or an
        :class:`~jaxqmri.physics.AdiabaticT1rhoOffset` for ``"fitting"``.
    form
        ``"exact"`` or ``"fitting"``, see :func:`adiabatic_t1rho_maps`.

    Raises
    ------
    ValueError
        If there is no such form, or it needs what the model lacks.
    """
    if form not in ("exact", "fitting"):
        raise ValueError(f"form must be 'exact' or 'fitting', got {form!r}")
    if form == "fitting" and isinstance(model, AdiabaticT1rho):
        return AdiabaticT1rhoOffset(
            model.spin_lock_times, model.repetition_time, model.flip_angle, model.spokes
        )
    if form == "exact" and isinstance(model, AdiabaticT1rhoOffset):
        raise ValueError("form 'exact' needs the spacing of the spokes: give an AdiabaticT1rho")
    return model
