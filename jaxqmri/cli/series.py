"""One series: everything read and checked, then fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxqmri.cli.fit_options import FitOptions
from jaxqmri.cli.given import (
    Given,
    check_known,
    noise_level,
    outside_limits,
    read_bounds,
    read_covariances,
    read_known,
    read_mask,
)
from jaxqmri.cli.inputs import Source
from jaxqmri.cli.loading import Loading
from jaxqmri.cli.measured import Flags, Measured
from jaxqmri.cli.models import METHODS, Method
from jaxqmri.io import InputError

if TYPE_CHECKING:
    from jaxqmri.fitting import FitResult
    from jaxqmri.physics import SignalModel


class Ready(NamedTuple):
    """One series with all that its fit takes."""

    source: Source
    out: Path
    method: Method
    measured: Measured
    model: SignalModel
    mask: Given | None
    known: Mapping[str, Given]
    known_std: Mapping[str, Given]
    known_cov: Mapping[tuple[str, str], Given]
    bounds: Mapping[str, tuple[float, float]]
    sigma: float | None

    @property
    def files(self) -> list[Path]:
        """Every file that the fit is made from."""
        maps = (self.known, self.known_std, self.known_cov)
        given = [self.mask, *(entry for group in maps for entry in group.values())]
        beside = [entry.path for entry in given if entry is not None and entry.path is not None]
        return [*self.measured.sources, *beside]

    def warnings(self) -> list[str]:
        """What a person should know before using the maps."""
        told = [
            f"{entry.path}: {name} lies on another grid than the images and was interpolated "
            "linearly onto theirs"
            for name, entry in self.known.items()
            if entry.interpolated
        ]
        told += outside_limits(self.known, self.model.limits, self.mask)
        spokes = self.measured.protocol.spokes
        if spokes is not None and "spokes" not in self.method.needs:
            told.append(
                f"{self.measured.sources[0]}: {spokes:g} spokes follow each preparation, which no "
                "decay with spin-lock time alone describes (T1rho of 40 ms reads as 36); "
                "t1rho-adiabatic does"
            )
        return told


def prepare(
    options: FitOptions, source: Source, flags: Flags, out: Path, loading: Loading
) -> Ready:
    """Read and check everything that a fit takes.

    Parameters
    ----------
    options
        The command.
    source, flags
        What to read, and the acquisition numbers that were given.
    out
        Where results go, and where maps of earlier fits are looked for.
    loading
        Imports under way; waited for once the images are read.

    Raises
    ------
    InputError
        If anything is missing or contradicts the images.
    """
    method = METHODS[options.model]
    names = tuple(method.maps)
    bounds = read_bounds(options.bounds, names)
    measured = source.read(method, flags, whole=not options.stream)
    images = measured.images
    mask = None if options.mask is None else read_mask(options.mask, source, images)
    known = read_known(options.fixed, "--fixed", names, source, out, images)
    known_std = read_known(options.fixed_std, "--fixed-std", names, source, out, images)
    known_cov = read_covariances(options.fixed_cov, known_std, source, out, images)
    loading.for_computing()
    try:
        model = method.build(measured.protocol)
    except ValueError as error:
        raise InputError(f"{images.path}: {error}") from error
    _check(options, model, measured, known, known_std)
    sigma = noise_level(options.sigma, options.likelihood, images)
    return Ready(
        source, out, method, measured, model, mask, known, known_std, known_cov, bounds, sigma
    )


def estimate(options: FitOptions, ready: Ready, together: bool = False) -> FitResult:
    """Fit, with a progress bar where it takes more than a second.

    ``together`` with the other processes of a distributed run.

    Raises
    ------
    InputError
        If the fit refuses its arguments.
    """
    from tqdm import tqdm

    import jaxqmri

    images = ready.measured.images
    bar = tqdm(desc=ready.source.name, unit=" voxels", unit_scale=True, delay=1.0, disable=None)

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    def fit(sigma: float | None) -> FitResult:
        asked = arguments(options, ready)
        return jaxqmri.fit(
            ready.model, images.data, sigma=sigma, progress=progress, distributed=together, **asked
        )

    try:
        return fit_of_b1(options, ready, fit) if ready.method.main == "b1" else fit(ready.sigma)
    except ValueError as error:
        raise InputError(f"{images.path}: {error}") from error
    finally:
        bar.close()


def arguments(
    options: FitOptions,
    ready: Ready,
    of_map: Callable[[np.ndarray], np.ndarray] = lambda whole: whole,
) -> dict[str, Any]:
    """What :func:`jaxqmri.fit` is given beside model, images and noise.

    Parameters
    ----------
    options, ready
        The command, and what was read for it.
    of_map
        The part that is fitted of a map of the whole grid.
    """

    def part(entry: Given) -> Any:
        return entry.value if np.ndim(entry.value) == 0 else of_map(entry.value)

    known, std, cov = (
        {name: part(entry) for name, entry in group.items()} or None
        for group in (ready.known, ready.known_std, ready.known_cov)
    )
    return {
        "mask": None if ready.mask is None else part(ready.mask),
        "fixed": known,
        "fixed_std": std,
        "fixed_cov": cov,
        "bounds": dict(ready.bounds) or None,
        "likelihood": options.likelihood,
        "weights": np.asarray(options.weights) if options.weights else None,
        "free": options.free,
        "starts": options.starts,
        "intervals": options.intervals,
        "quality": not options.no_quality,
    }


def fit_of_b1(
    options: FitOptions, ready: Ready, fit: Callable[[float | None], FitResult]
) -> FitResult:
    """A fit of B1, which leaves no sample for the noise: that is seen from B1 itself."""
    from jaxqmri.mapping import Series, sigma_from_roughness, smoothed_b1

    sigma = ready.sigma
    if sigma is None and not options.no_quality:
        with suppress(ValueError):  # too few voxels: the noise stays unknown
            sigma = sigma_from_roughness(fit(1.0)) or None
    result = fit(sigma)
    if not options.smooth:
        return result
    images = ready.measured.images
    x, y, z = images.data.shape[:3]
    series = Series(ready.model, images.data, images.affine)
    field = smoothed_b1(series, result, (x, y, z), images.affine, options.smooth)
    std = None if result.std is None else result.std._replace(b1=field.std)
    return replace(result, params=result.params._replace(b1=field.values), std=std)


def _check(
    options: FitOptions,
    model: SignalModel,
    measured: Measured,
    known: Mapping[str, Given],
    known_std: Mapping[str, Given],
) -> None:
    """What the fit itself would refuse, told by file and option."""
    path, count = measured.images.path, len(measured.protocol.values)
    names = model.Params._fields
    for name in options.free:
        if name not in names:
            raise InputError(f"--free {name}: the parameters are {', '.join(names)}")
        if name in known:
            raise InputError(f"--free {name}: it is --fixed as well")
    for name in known_std:
        if name not in known:
            raise InputError(f"--fixed-std {name}: {name} is not --fixed")
    check_known(known, known_std, model.limits)
    held = (set(model.defaults) - set(options.free)) | set(known)
    free = [name for name in names if name not in held]
    if not free:
        raise InputError(f"--fixed {', '.join(known)}: nothing is left to fit")
    if count < len(free):
        raise InputError(
            f"{path}: a series of {count} images cannot determine {len(free)} parameters "
            f"({', '.join(free)})"
        )
    if options.weights and len(options.weights) != count:
        raise InputError(
            f"--weights: {len(options.weights)} numbers, but {path} is of {count} images"
        )
    for weight in options.weights:
        if not np.isfinite(weight) or weight < 0:
            raise InputError(f"--weights {weight:g}: expected a number, zero or above")
    weighted = np.count_nonzero(options.weights)
    if options.weights and weighted < len(free):
        raise InputError(
            f"--weights: {weighted} above zero cannot determine {len(free)} parameters "
            f"({', '.join(free)})"
        )
