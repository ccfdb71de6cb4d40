"""One series: everything read and checked, then fitted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxqmri.cli.fit_options import FitOptions
from jaxqmri.cli.given import (
    Given,
    check_known,
    noise_level,
    outside_limits,
    read_bounds,
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
    bounds: Mapping[str, tuple[float, float]]
    sigma: float | None

    @property
    def files(self) -> list[Path]:
        """Every file that the fit is made from."""
        given = [self.mask, *self.known.values(), *self.known_std.values()]
        beside = [entry.path for entry in given if entry is not None and entry.path is not None]
        return [*self.measured.sources, *beside]

    def warnings(self) -> list[str]:
        """What a person should know before using the maps."""
        return outside_limits(self.known, self.model.limits, self.mask)


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
    measured = source.read(method, flags)
    images = measured.images
    mask = None if options.mask is None else read_mask(options.mask, source, images)
    known = read_known(options.fixed, "--fixed", names, source, out, images)
    known_std = read_known(options.fixed_std, "--fixed-std", names, source, out, images)
    loading.for_computing()
    try:
        model = method.build(measured.protocol)
    except ValueError as error:
        raise InputError(f"{images.path}: {error}") from error
    _check(options, model, measured, known, known_std)
    sigma = noise_level(options.sigma, options.likelihood, images)
    return Ready(source, out, method, measured, model, mask, known, known_std, bounds, sigma)


def estimate(options: FitOptions, ready: Ready) -> FitResult:
    """Fit, with a progress bar where it takes more than a second.

    Raises
    ------
    InputError
        If the fit refuses its arguments.
    """
    from tqdm import tqdm

    import jaxqmri

    images, mask = ready.measured.images, ready.mask
    bar = tqdm(desc=ready.source.name, unit=" voxels", unit_scale=True, delay=1.0, disable=None)

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    try:
        return jaxqmri.fit(
            ready.model,
            images.data,
            mask=None if mask is None else mask.value,
            fixed={name: entry.value for name, entry in ready.known.items()} or None,
            fixed_std={name: entry.value for name, entry in ready.known_std.items()} or None,
            bounds=dict(ready.bounds) or None,
            likelihood=options.likelihood,
            sigma=ready.sigma,
            weights=np.asarray(options.weights) if options.weights else None,
            free=options.free,
            starts=options.starts,
            intervals=options.intervals,
            quality=not options.no_quality,
            progress=progress,
        )
    except ValueError as error:
        raise InputError(f"{images.path}: {error}") from error
    finally:
        bar.close()


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
