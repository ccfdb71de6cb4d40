"""A fit from disk to disk, slab by slab: memory does not grow with the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from jaxqmri.cli.fit_options import FitOptions
from jaxqmri.cli.measured import is_signed
from jaxqmri.cli.outputs import Output
from jaxqmri.cli.record import Streamed, sidecar_of
from jaxqmri.cli.series import Ready, arguments
from jaxqmri.io import InputError, maps
from jaxqmri.io.files import write_json
from jaxqmri.io.image import sidecar_path
from jaxqmri.io.slabs import MapWriter, Slab, StoredSeries, slabs_of

if TYPE_CHECKING:
    from jaxqmri.fitting import FitResult

VOXELS = 2**20  # of a slab: enough to keep every core busy, little beside the programs themselves
PLANES, SAMPLE = 8, 2**18  # that tell the noise: so many at least, and so many voxels


def refuse_streaming(options: FitOptions) -> None:
    """Tell what needs whole images.

    Raises
    ------
    InputError
        If the command asks for it.
    """
    for flag, asked in (
        ("--chain", options.chain),
        ("--smooth", options.smooth is not None),
        ("--sigma background", options.sigma == "background"),
        ("b1-afi", options.model == "b1-afi"),
    ):
        if options.stream and asked:
            raise InputError(f"--stream: {flag} needs the whole images at once; leave one out")


def fit_streamed(options: FitOptions, ready: Ready, output: Output, folder: Path) -> Streamed:
    """Fit a series that stays on disk, and write its maps.

    Parameters
    ----------
    options, ready
        The command, and what was read for it: all but the images.
    output
        Names and units of the maps.
    folder
        Where they are written.

    Raises
    ------
    InputError
        If a file is damaged, a map cannot be written, or the fit refuses its arguments.
    """
    from tqdm import tqdm

    import jaxqmri
    from jaxqmri.fitting.streaming import blank, fit_parts

    stored = StoredSeries.open(ready.measured.sources)
    ready, magnitude = _with_sign(options, ready, stored)
    inside = None
    if ready.mask is not None:
        inside = np.asarray(np.any(ready.mask.value, axis=(0, 1)))

    def read(slab: Slab) -> Float[np.ndarray, "x y s n"]:
        images = stored.read(slab)
        return np.abs(images) if magnitude else images

    def fit(slab: Slab, images: Float[np.ndarray, "x y s n"], sigma: float | None) -> FitResult:
        return jaxqmri.fit(ready.model, images, sigma=sigma, **arguments(options, ready, slab.of))

    pooled = ready.sigma is None and not options.no_quality
    planes = _some_planes(stored.shape, inside, pooled)
    chosen = np.concatenate([read(Slab(k, k + 1)) for k in planes], axis=2)
    try:
        some = jaxqmri.fit(
            ready.model, chosen, sigma=ready.sigma,
            **arguments(options, ready, lambda whole: whole[:, :, planes]),
        )  # fmt: skip
        sigma = ready.sigma
        if pooled and np.isfinite(some.sigma):
            sigma = float(some.sigma)
        bar = tqdm(
            desc=ready.source.name, total=int(np.prod(stored.shape[:3])), unit=" voxels",
            unit_scale=True, delay=1.0, disable=None,
        )  # fmt: skip
        with ExitStack() as stack:
            written = _Maps(output, ready, folder, stack)
            stack.callback(bar.close)

            def fitted(slab: Slab, images: Float[np.ndarray, "x y s n"]) -> FitResult:
                empty = inside is not None and not inside[slab.first : slab.last].any()
                found = blank(some, images.shape[:3]) if empty else fit(slab, images, sigma)
                bar.update(int(np.prod(images.shape[:3])))
                return found

            slabs = slabs_of(stored.shape, VOXELS)
            counts = fit_parts(slabs, read, fitted, written.write)
    except ValueError as error:
        raise InputError(f"{ready.measured.images.path}: {error}") from error
    found = Streamed(some.free, np.nan if sigma is None else sigma, counts)
    sidecar = sidecar_of(options, ready, found)
    if options.sigma is None:
        sidecar["SigmaSource"] = f"residuals of {len(planes)} planes"
    written.describe(sidecar)
    return found


@dataclass
class _Maps:
    """The maps of one fit while they are written."""

    output: Output
    ready: Ready
    folder: Path
    stack: ExitStack
    writers: dict[str, MapWriter] = field(default_factory=dict)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, slab: Slab, result: FitResult) -> None:
        """Append one slab to every map."""
        del slab  # they come in order
        images = self.ready.measured.images
        for name, data, fields in self.output.maps_of(result, self.ready.model.units):
            planes, unit = maps.kept_in(data, fields["Units"], self.output.units)
            if planes.dtype.kind not in "iu":
                planes = self.output.filled(planes)
            if name not in self.writers:
                writer = MapWriter(
                    self.folder / name, images.data.shape[:3], images.affine, planes.dtype
                )
                self.writers[name] = self.stack.enter_context(writer)
                self.fields[name] = {**fields, "Units": unit}
            self.writers[name].write(planes)

    def describe(self, sidecar: Mapping[str, Any]) -> None:
        """Write the sidecars: what they say of all voxels is known at the end."""
        for name, fields in self.fields.items():
            write_json(sidecar_path(self.folder / name), {**fields, **sidecar})


def _with_sign(options: FitOptions, ready: Ready, stored: StoredSeries) -> tuple[Ready, bool]:
    """With the images' sign where it matters: by the flags, or as the middle plane shows it."""
    if "signed" not in ready.method.choices:
        return ready, False
    signed = options.signed
    if not signed and not options.magnitude:
        middle = stored.shape[2] // 2
        signed = is_signed(stored.read(Slab(middle, middle + 1)))
    protocol = replace(ready.measured.protocol, signed=signed)
    measured = ready.measured._replace(protocol=protocol)
    return ready._replace(measured=measured, model=ready.method.build(protocol)), options.magnitude


def _some_planes(shape: Sequence[int], inside: np.ndarray | None, pooled: bool) -> Sequence[int]:
    """Evenly spaced planes that have a voxel to fit; the first where no noise is to be pooled."""
    usable = np.arange(shape[2]) if inside is None else np.flatnonzero(inside)
    if not pooled:
        return [int(usable[0])]
    wanted = min(max(PLANES, SAMPLE // (shape[0] * shape[1])), usable.size)
    middles = (np.arange(wanted) + 0.5) / wanted * usable.size  # the outermost hold least
    return [int(k) for k in usable[middles.astype(int)]]
