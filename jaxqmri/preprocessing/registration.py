"""Registration by ANTs in up to three stages: rigid, affine, symmetric deformable."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxqmri.io import InputError
from jaxqmri.io.nifti import Image
from jaxqmri.preprocessing.itk import load_ants, read_linear, to_ants
from jaxqmri.preprocessing.resampling import Volume, coarsened, resample
from jaxqmri.preprocessing.transforms import (
    Affine,
    Transform,
    keep_transform,
    kept_transform,
    rounded,
)

Stage = Literal["rigid", "affine", "deformable"]
STAGES: tuple[Stage, ...] = ("rigid", "affine", "deformable")

_FEWEST = 5  # voxels along an axis: fewer leave nothing to shrink and to smooth


@dataclass(frozen=True)
class Registration:
    """Settings of a registration.

    Attributes
    ----------
    stage
        The last stage; those before it are run too.
    edge
        Voxel edge in mm to which both images are averaged in blocks for the linear stages.
        Matching by mutual information is exact to a small part of a voxel, and this makes its
        time independent of the scan's resolution.
    shrink, smoothing, iterations
        Of each level of the rigid stage, coarse to fine; smoothing is a standard deviation in
        voxels. The affine stage has the finest level alone.
    bins
        Of the histogram of mutual information (Mattes).
    sampling
        Share of the voxels that the linear metric reads, on a regular grid.
    deformable_edge
        As ``edge``, for the deformable stage.
    deformable_iterations
        Of each level, coarse to fine; each level halves the voxels of the one before.
    radius
        Of the local cross-correlation in voxels, the metric of the deformable stage.
    step
        Gradient step of the deformable stage, voxels.
    update_variance, total_variance
        Smoothing of the update and of the whole displacement, voxels squared. The latter holds
        noise back: without it noise of the images is matched too.
    seed
        Of ANTs.
    """

    stage: Stage = "rigid"
    edge: float = 2.2
    shrink: tuple[int, ...] = (2, 1)
    smoothing: tuple[int, ...] = (1, 0)
    iterations: tuple[int, ...] = (30, 20)
    bins: int = 32
    sampling: float = 0.5
    deformable_edge: float = 3.75
    deformable_iterations: tuple[int, ...] = (10, 5)
    radius: int = 1
    step: float = 0.2
    update_variance: float = 3.0
    total_variance: float = 1.0
    seed: int = 1


RIGID = Registration()


class Registered(NamedTuple):
    """An image brought onto another's grid.

    Attributes
    ----------
    data
        The moving image in its own units on the fixed grid, NaN outside its field of view.
    transform
        Fixed to moving.
    """

    data: Volume
    transform: Transform


def register(
    moving: Image,
    fixed: Image,
    settings: Registration = RIGID,
    *,
    within: Bool[np.ndarray, "x y z"] | None = None,
    cache: Path | None = None,
    match_resolution: bool = True,
) -> Registered:
    """Bring ``moving`` onto the grid of ``fixed``, its units unchanged.

    Parameters
    ----------
    moving, fixed
        Three-dimensional images of one subject, on any grids.
    settings
        Stages and their settings.
    within
        Voxels of ``fixed`` that the match is judged in; all when None.
    cache
        Folder in which the transform is kept, under a name made from both images' voxels and the
        settings. What is found there is not computed again.
    match_resolution
        See :func:`jaxqmri.preprocessing.resample`.

    Raises
    ------
    InputError
        If antspyx is not installed, an image has no signal, or a grid is sheared.
    """
    transform = transform_between(moving, fixed, settings, within=within, cache=cache)
    data = resample(moving, fixed, transform, match_resolution=match_resolution)
    return Registered(data, transform)


def transform_between(
    moving: Image,
    fixed: Image,
    settings: Registration = RIGID,
    *,
    within: Bool[np.ndarray, "x y z"] | None = None,
    cache: Path | None = None,
) -> Transform:
    """What :func:`find_transform` finds, or what is kept of it; parameters as of :func:`register`.

    Raises
    ------
    InputError
        If antspyx is not installed, an image has no signal, or a grid is sheared.
    """
    if cache is None:
        return find_transform(moving, fixed, settings, within=within)
    kept = Path(cache) / f"{_fingerprint(moving, fixed, settings, within)}.npz"
    if kept.exists():
        return kept_transform(kept)
    transform = find_transform(moving, fixed, settings, within=within)
    keep_transform(kept, transform)
    return transform


def find_transform(
    moving: Image,
    fixed: Image,
    settings: Registration = RIGID,
    *,
    within: Bool[np.ndarray, "x y z"] | None = None,
) -> Transform:
    """Map from points of ``fixed`` to the same anatomy in ``moving``.

    The linear stages maximise Mattes mutual information and start where the scanner put both
    images; the deformable one (SyN) maximises local cross-correlation with the affinely
    registered image on the fixed grid, inside its field of view. Repeatable to the last digit on
    one machine: one thread, a fixed seed, regular sampling.

    Raises
    ------
    InputError
        If antspyx is not installed, an image has no signal, or a grid is sheared.

    References
    ----------
    Avants et al., NeuroImage 2011, doi:10.1016/j.neuroimage.2010.09.025; Avants et al., Medical
    Image Analysis 2008, doi:10.1016/j.media.2007.06.004.
    """
    ants = load_ants(settings.seed)
    mask = None if within is None else _mask(within, fixed, settings.edge)
    linear = _linear(ants, moving, fixed, settings, mask)
    if settings.stage != "deformable":
        return Transform(linear)
    return Transform(linear, _displacement(ants, moving, fixed, linear, settings, within))


def _linear(
    ants: Any, moving: Image, fixed: Image, settings: Registration, mask: Image | None
) -> Affine:
    images = {
        "fixed": to_ants(ants, coarsened(fixed, settings.edge)),
        "moving": to_ants(ants, coarsened(moving, settings.edge)),
        "mask": None if mask is None or mask.data.all() else to_ants(ants, mask),
    }
    with tempfile.TemporaryDirectory() as folder:
        start = "Identity"
        for kind, levels in (("Rigid", slice(None)), ("Affine", slice(-1, None))):
            if kind == "Affine" and settings.stage == "rigid":
                break
            found = ants.registration(
                **images,
                type_of_transform=kind,
                initial_transform=[start],
                outprefix=str(Path(folder) / f"{kind}_"),
                aff_metric="mattes",
                aff_sampling=settings.bins,
                aff_random_sampling_rate=settings.sampling,
                aff_iterations=settings.iterations[levels],
                aff_shrink_factors=settings.shrink[levels],
                aff_smoothing_sigmas=settings.smoothing[levels],
                singleprecision=False,
            )
            start = found["fwdtransforms"][0]
        return read_linear(ants, start)


def _displacement(
    ants: Any,
    moving: Image,
    fixed: Image,
    linear: Affine,
    settings: Registration,
    within: Bool[np.ndarray, "x y z"] | None,
) -> Float[np.ndarray, "x y z 3"]:
    """What is left between the images after the linear stages, at every voxel of ``fixed``."""
    from scipy import ndimage

    coarse = coarsened(fixed, settings.deformable_edge)
    if min(coarse.data.shape) < _FEWEST:
        raise InputError(
            f"{fixed.path}: {' x '.join(map(str, fixed.data.shape))} voxels are too few for a "
            "deformable registration; choose rigid or affine"
        )
    registered = resample(moving, coarse, linear)
    seen = np.isfinite(registered)
    if within is not None:
        seen &= _mask(within, fixed, settings.deformable_edge).data > 0
    with tempfile.TemporaryDirectory() as folder:
        found = ants.registration(
            fixed=to_ants(ants, coarse),
            moving=to_ants(ants, Image(registered, coarse.affine, moving.path)),
            mask=to_ants(ants, Image(seen.astype(np.float32), coarse.affine, moving.path))
            if not seen.all()
            else None,
            type_of_transform="SyNOnly",
            initial_transform="Identity",
            outprefix=str(Path(folder) / "deformable_"),
            syn_metric="CC",
            syn_sampling=settings.radius,
            reg_iterations=settings.deformable_iterations,
            grad_step=settings.step,
            flow_sigma=settings.update_variance,
            total_sigma=settings.total_variance,
            singleprecision=False,
        )
        field = ants.image_read(found["fwdtransforms"][0]).numpy()
    to_coarse = np.linalg.inv(coarse.affine) @ fixed.affine
    start: Any = to_coarse[:3, 3]  # scipy's stub knows a number only
    fine = np.empty((*fixed.data.shape, 3), np.float32)
    for axis, sign in enumerate((-1.0, -1.0, 1.0)):  # LPS to RAS
        fine[..., axis] = ndimage.affine_transform(
            sign * field[..., axis],
            to_coarse[:3, :3],
            start,
            output_shape=fixed.data.shape,
            order=1,
            mode="nearest",
        )
    return rounded(fine)


def _mask(within: Bool[np.ndarray, "x y z"], fixed: Image, edge: float) -> Image:
    """Voxels of the coarse grid that hold anything of a region of the fine one."""
    share = coarsened(Image(np.asarray(within, np.float32), fixed.affine, fixed.path), edge)
    return share._replace(data=(share.data > 0).astype(np.float32))


def _fingerprint(
    moving: Image, fixed: Image, settings: Registration, within: Bool[np.ndarray, "x y z"] | None
) -> str:
    digest = hashlib.blake2b(repr(astuple(settings)).encode(), digest_size=16)
    for image in (moving, fixed):
        digest.update(repr(image.data.shape).encode())
        digest.update(np.asarray(image.affine, np.float64).tobytes())
        digest.update(np.asarray(image.data, np.float32).tobytes())
    if within is not None:
        digest.update(np.asarray(within, bool).tobytes())
    return digest.hexdigest()
