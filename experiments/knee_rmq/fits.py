"""The reference maps: B1, T1 and T1rho from all images by one fit after another, with errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from experiments import run as shared
from experiments.knee_rmq.equations import equations
from experiments.knee_rmq.paper import FLIP_ANGLES
from experiments.knee_rmq.settings import Settings
from experiments.knee_rmq.study import QUANTITIES, Study
from experiments.knee_rmq.subjects import CARTILAGE, Subject
from jaxqmri import mapping
from jaxqmri.fitting import Status

AIR = 0.2  # of cartilage's signal at a flip angle of 10 degrees, below which nothing is fitted
FAT = 0.5  # of cartilage's signal without spin lock, below which fat was suppressed


class Reference(NamedTuple):
    """Maps fitted to all images of every subject, which networks learn and are held against.

    Attributes
    ----------
    maps
        M0 (scanner units), T1 (ms), B1 and T1rho (ms); NaN where there are none.
    std
        Standard errors that the fits report, in the same units.
    known
        Where all of them converged and fat is not in the way.
    noise
        Of each subject's images at flip angles and at spin-lock times, scanner units.
    """

    maps: Float[np.ndarray, "s h w 4"]
    std: Float[np.ndarray, "s h w 4"]
    known: Bool[np.ndarray, "s h w"]
    noise: Float[np.ndarray, "p 2"]


class Fitted(NamedTuple):
    """Maps of one subject, as :class:`Reference` has them of all."""

    maps: Float[np.ndarray, "x y z 4"]
    std: Float[np.ndarray, "x y z 4"]
    known: Bool[np.ndarray, "x y z"]
    noise: Float[np.ndarray, " 2"]


def fit_reference(study: Study, settings: Settings) -> Reference:
    """Fit every subject."""
    subjects = study.subjects
    fitted = [
        fit_subject(subject, settings)
        for subject in shared.progress(subjects, "fit", "knee", len(subjects))
    ]
    return Reference(
        study.stacked([one.maps for one in fitted]),
        study.stacked([one.std for one in fitted]),
        study.stacked([one.known for one in fitted]),
        np.stack([one.noise for one in fitted]),
    )


def fit_subject(subject: Subject, settings: Settings) -> Fitted:
    """B1 from the flip-angle map, T1 with that, T1rho with both.

    Fat is told by its suppression in the spin-lock series and left out, as the paper does: by a
    threshold on the image without spin lock.
    """
    flips = len(FLIP_ANGLES)
    cartilage = np.isin(subject.label, list(CARTILAGE))
    images, typical = subject.images, np.median(subject.images[cartilage], axis=0)
    no_fat = images[..., flips] > FAT * typical[flips]
    mask = subject.seen & no_fat & (images[..., 1] > AIR * typical[1])
    known = equations(subject.acquisition)
    found = mapping.adiabatic_t1rho_maps(
        mapping.Series(known.flips, images[..., :flips], subject.affine),
        mapping.Series(known.actual, subject.actual, subject.actual_affine),
        mapping.Series(known.locked, images[..., flips:], subject.affine),
        mask=mask,
        form=settings.form,
        smooth=settings.smoothing,
    )
    maps, std = (
        np.stack([getattr(one, name) for name in QUANTITIES], axis=-1).astype(np.float32)
        for one in (found.params, found.std)
    )
    status = np.stack([np.asarray(one.status) for one in (found.fits.t1, found.fits.t1rho)])
    converged = np.all(status == Status.CONVERGED, axis=0)
    usable = converged & np.isfinite(maps).all(axis=-1)
    noise = np.array([np.median(one.sigma) for one in (found.fits.t1, found.fits.t1rho)])
    return Fitted(maps, std, usable, noise.astype(np.float32))
