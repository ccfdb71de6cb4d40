"""``jaxqmri fit t1rho-adiabatic --chain``: three series to B1, T1 and T1rho at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxqmri.cli.fit_options import FitOptions
from jaxqmri.cli.given import Given
from jaxqmri.cli.inputs import BidsSource, Source
from jaxqmri.cli.loading import Loading
from jaxqmri.cli.measured import Flags
from jaxqmri.cli.models import METHODS
from jaxqmri.cli.outputs import Output
from jaxqmri.cli.record import facts_of, settings_of, sidecar_of
from jaxqmri.cli.series import Ready, prepare
from jaxqmri.io import InputError, bids, files, staging

if TYPE_CHECKING:
    from jaxqmri.fitting import FitResult
    from jaxqmri.mapping import AdiabaticMaps, Series

EXACT = "t1rho-adiabatic-exact"
WITHOUT = (
    "fixed", "fixed_std", "fixed_cov", "free", "bounds", "weights", "starts", "intervals",
    "no_quality",
)  # fmt: skip
SMOOTH = 8.0  # mm, the default of jaxqmri.mapping, which would import JAX


class Link(NamedTuple):
    """One fit of the chain, and what names its maps."""

    options: FitOptions
    ready: Ready
    output: Output

    def facing(self, out: Path, maps: AdiabaticMaps, held: tuple[tuple[str, Output], ...]) -> Ready:
        """As it was fitted: with the maps that went before it held."""
        known = {}
        for name, output in held:
            path = out / output.place(output.method.maps[output.method.main])
            known[name] = Given(getattr(maps.params, name), path)
        return self.ready._replace(known=known)


def check_chain(options: FitOptions) -> None:
    """Refuse options that a chain has no use for.

    Raises
    ------
    InputError
        If one was given.
    """
    for name in WITHOUT:
        if getattr(options, name):
            raise InputError(f"--{name.replace('_', '-')}: not with --chain")
    if options.likelihood != "gaussian":
        raise InputError(f"--likelihood {options.likelihood}: not with --chain")
    if isinstance(options.sigma, float | int):
        raise InputError(
            f"--sigma {options.sigma:g}: not with --chain, whose series have each their own noise; "
            "--sigma background, or leave it out"
        )


def fit_chain(
    options: FitOptions, source: Source, flags: Flags, out: Path, loading: Loading
) -> str | None:
    """Read, fit and write the three series of one subject; None if that is done already.

    Returns
    -------
    str
        What came out, in a few words.

    Raises
    ------
    InputError
        If a series is missing or the three do not go together.
    """
    if not isinstance(source, BidsSource):
        raise InputError(f"{source.paths[0]}: --chain finds its three series in a BIDS folder")
    units = options.units or "s"
    mapped = _link(options, source, flags, out, loading, units)
    others = [
        _link(
            replace(options, model=name, mask=None, chain=False, smooth=None),
            _companion(source, suffix, name),
            Flags(),
            out,
            loading,
            units,
        )
        for name, suffix in (("t1-vfa", "VFA"), ("b1-afi", "TB1AFI"))
    ]
    t1, b1 = others
    width = SMOOTH if options.smooth is None else options.smooth
    links = {"t1rho": mapped, "t1": t1, "b1": b1}
    with staging.staged(
        out,
        settings={"chain": True, "smoothed by": width}
        | {name: settings_of(each.options, each.ready, units) for name, each in links.items()},
        overwrite=options.overwrite,
        name=mapped.output.record,
        inputs=[path for each in links.values() for path in each.ready.files],
    ) as stage:
        if stage.already_done:
            return None
        maps = _map(mapped, t1, b1, width)
        fitted = (
            (t1, t1.facing(out, maps, (("b1", b1.output),)), maps.fits.t1),
            (
                mapped,
                mapped.facing(out, maps, (("t1", t1.output), ("b1", b1.output))),
                maps.fits.t1rho,
            ),
        )
        with ThreadPoolExecutor() as pool:
            writing = [*_write_b1(stage.folder, b1, t1.ready, maps, width, pool)]
            for link, ready, result in fitted:
                sidecar = sidecar_of(link.options, ready, result)
                writing += link.output.write(
                    stage.folder, result, ready.model.units, ready.measured, sidecar, pool
                )
                _write_page(stage.folder, link, ready, result, sidecar, loading)
            for task in writing:
                task.result()
    estimates = maps.params.t1rho
    count, known = np.count_nonzero(np.isfinite(estimates)), maps.params.t1
    return (
        f"{source.name}: {count:,} voxels estimated, median B1 {np.nanmedian(maps.params.b1):.3g}, "
        f"T1 {np.nanmedian(known):.4g} ms, T1ρ {np.nanmedian(estimates):.4g} ms"
    )


def _link(
    options: FitOptions, source: BidsSource, flags: Flags, out: Path, loading: Loading, units: Any
) -> Link:
    ready = prepare(options, source, flags, out, loading)
    return Link(options, ready, Output(source, options.model, ready.method, units, options.fill))


def _companion(source: BidsSource, suffix: str, name: str) -> BidsSource:
    """The one series of another kind of the same subject and visit."""
    who = {key: source.entities[key] for key in ("sub", "ses") if key in source.entities}
    found = [
        each
        for each in bids.find_series(source.root, suffix, who["sub"])
        if who.items() <= each.items() and each.get("ses") == who.get("ses")
    ]
    run = source.entities.get("run")
    found = [each for each in found if each.get("run") == run] or found
    if len(found) != 1:
        called = "_".join(f"{key}-{value}" for key, value in who.items())
        raise InputError(
            f"{source.root}: {called} has {len(found)} {suffix} series, expected one for --chain"
        )
    return BidsSource(source.root, suffix, found[0], METHODS[name].series[suffix])


def _map(mapped: Link, t1: Link, b1: Link, width: float) -> AdiabaticMaps:
    from jaxqmri.mapping import Series, adiabatic_t1rho_maps

    def series(link: Link) -> Series:
        images = link.ready.measured.images
        return Series(link.ready.model, images.data, images.affine, link.ready.sigma)

    mask = mapped.ready.mask
    try:
        return adiabatic_t1rho_maps(
            series(t1),
            series(b1),
            series(mapped),
            mask=None if mask is None else mask.value,
            form="exact" if mapped.options.model == EXACT else "fitting",
            smooth=width,
        )
    except ValueError as error:
        raise InputError(f"{mapped.ready.measured.images.path}: {error}") from error


def _write_b1(
    folder: Path,
    link: Link,
    grid: Ready,
    maps: AdiabaticMaps,
    width: float,
    pool: ThreadPoolExecutor,
) -> list[Any]:
    """B1 as it was used, smoothed and on the grid of the others, and its error."""
    main = link.output.method.maps["b1"]
    said = sidecar_of(link.options, link.ready, maps.fits.b1)
    said |= {"SmoothedFWHM": width, "Units": ""}  # mm
    return [
        pool.submit(
            bids.write_map_file,
            folder / link.output.place(main, desc),
            values.astype(np.float32),
            grid.measured.images.affine,
            {"Description": words, **said},
        )
        for desc, words, values in (
            (None, main.label, maps.params.b1),
            ("std", f"standard error of {main.label}", maps.std.b1),
        )
    ]


def _write_page(
    folder: Path,
    link: Link,
    ready: Ready,
    result: FitResult,
    sidecar: dict[str, Any],
    loading: Loading,
) -> None:
    loading.for_drawing()
    from jaxqmri.cli.quality import page_of_fit

    page = page_of_fit(ready, result, facts_of(link.options, ready, sidecar))
    files.write_text(folder / link.output.page(), page)
