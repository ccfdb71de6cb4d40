"""What is written down of a fit: settings to compare, sidecars, facts for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxqmri import __version__
from jaxqmri.cli.fit_options import FitOptions
from jaxqmri.cli.given import Given
from jaxqmri.cli.measured import Measured
from jaxqmri.cli.series import Ready
from jaxqmri.io.acquisition import to_disk
from jaxqmri.io.settings import contents_of

if TYPE_CHECKING:
    from jaxqmri.fitting import FitResult

ALGORITHM = "Levenberg-Marquardt non-linear least squares in every voxel"


@dataclass(frozen=True)
class Streamed:
    """What is told of a streamed fit, whose maps are on disk.

    Attributes
    ----------
    free
        Names of the fitted parameters.
    sigma
        The noise behind the errors.
    counts
        Voxels of every status, by name.
    """

    free: tuple[str, ...]
    sigma: float
    counts: Mapping[str, int]

    def status_counts(self) -> Mapping[str, int]:
        """As of a result in memory."""
        return self.counts


def settings_of(options: FitOptions, ready: Ready, units: str) -> dict[str, Any]:
    """All that the results depend on, files by what they hold."""
    protocol = ready.measured.protocol
    mask = ready.mask
    return {
        "jaxqmri version": __version__,
        "model": options.model,
        ready.measured.axis.field: protocol.values.tolist(),
        "repetition time": protocol.repetition_time,
        "flip angle": protocol.flip_angle,
        "refocusing angle": protocol.refocusing_angle,
        "preparation time": protocol.preparation_time,
        "spokes": protocol.spokes,
        "spoke spacing": protocol.spoke_spacing,
        "signed": protocol.signed,
        "mask": None if mask is None or mask.path is None else contents_of(mask.path),
        "fixed": _contents(ready.known),
        "fixed_std": _contents(ready.known_std),
        "fixed_cov": {
            ",".join(sorted(pair)): contents
            for pair, contents in _contents(ready.known_cov).items()
        }
        or None,
        "free": sorted(options.free),
        "bounds": {name: list(pair) for name, pair in sorted(ready.bounds.items())},
        "likelihood": options.likelihood,
        "sigma": options.sigma,
        "weights": list(options.weights),
        "starts": options.starts,
        "intervals": options.intervals,
        "smooth": options.smooth or None,
        "quality": not options.no_quality,
        "stream": options.stream or None,
        "units": units,
        "fill": options.fill,
        "images": [contents_of(path) for path in ready.measured.sources],
    }


def sidecar_of(options: FitOptions, ready: Ready, result: FitResult | Streamed) -> dict[str, Any]:
    """What every map's sidecar says of the fit; times named as in BIDS are in seconds."""
    model, mask = ready.model, ready.mask
    lower, upper = model.bounds()
    limits = {
        name: ready.bounds.get(name, (getattr(lower, name), getattr(upper, name)))
        for name in result.free
    }
    sigma = float(result.sigma) if ready.sigma is None else ready.sigma
    if options.sigma is None:
        rough = ready.method.main == "b1"
        noise = "how rough B1 is" if rough else "residuals of all fitted voxels"
    else:
        noise = "given" if ready.sigma == options.sigma else "air around the body"
    held = {name: f"{value:g}" for name, value in model.defaults.items() if name not in result.free}
    held |= {
        name: f"{entry.value:g}" if entry.path is None else relative(entry.path, ready.out)
        for name, entry in ready.known.items()
    }
    return {
        "Sources": [relative(path, ready.out) for path in ready.measured.sources],
        "Model": type(model).__name__,
        "Equation": ready.method.equation,
        **_acquisition(ready.measured),
        "EstimationAlgorithm": ALGORITHM,
        "Likelihood": options.likelihood,
        "Sigma": sigma if np.isfinite(sigma) else "unknown",
        "SigmaSource": noise,
        "Fitted": list(result.free),
        "Held": held,
        "Bounds": {
            name: {"Lower": _finite(low), "Upper": _finite(high), "Units": model.units[name]}
            for name, (low, high) in limits.items()
        },
        "Mask": "none" if mask is None or mask.path is None else relative(mask.path, ready.out),
        **({"SmoothedFWHM": options.smooth} if options.smooth else {}),  # mm
        "VoxelsByStatus": result.status_counts(),
        "GeneratedBy": [{"Name": "jaxqmri", "Version": __version__}],
    }


def facts_of(options: FitOptions, ready: Ready, sidecar: Mapping[str, Any]) -> dict[str, str]:
    """Settings and sources for the quality page."""
    axis, protocol = ready.measured.axis, ready.measured.protocol
    facts = {
        "Command": f"`{' '.join(['jaxqmri', *sys.argv[1:]])}`",
        "Model": f"{sidecar['Model']}, `{sidecar['Equation']}`",
        axis.label[0].upper() + axis.label[1:]: ", ".join(f"{v:g}" for v in protocol.values),
    }
    for words, value in (
        ("Repetition time (ms)", protocol.repetition_time),
        ("From preparation to preparation (ms)", protocol.preparation_time),
        ("Spokes after each preparation", protocol.spokes),
        ("Spacing of the spokes (ms)", protocol.spoke_spacing),
    ):
        if value is not None:
            facts[words] = f"{value:g}"
    if ready.method.main == "t1" and "efficiency" in ready.method.maps:
        facts["Images"] = "signed" if protocol.signed else "magnitudes"
    facts["Bounds"] = "; ".join(
        f"{name} {limit['Lower']} to {limit['Upper']} {limit['Units']}".strip()
        for name, limit in sidecar["Bounds"].items()
    )
    facts["Held"] = ", ".join(f"{k} = {v}" for k, v in sidecar["Held"].items()) or "nothing"
    sigma = sidecar["Sigma"]
    facts |= {
        "Likelihood": options.likelihood,
        "Noise": f"{sigma:.4g}" if isinstance(sigma, float) else sigma,
        "Noise from": sidecar["SigmaSource"],
        "Mask": sidecar["Mask"],
        "Algorithm": sidecar["EstimationAlgorithm"],
        "Sources": ", ".join(sidecar["Sources"]),
    }
    return facts


def relative(path: Path, folder: Path) -> str:
    """A file as seen from a folder."""
    return Path(os.path.relpath(path, folder)).as_posix()


def _acquisition(measured: Measured) -> dict[str, Any]:
    protocol = measured.protocol
    fields: dict[str, Any] = {measured.axis.field: protocol.values.tolist()}
    for name, value in (
        ("RepetitionTime", protocol.repetition_time),
        ("FlipAngle", protocol.flip_angle),
        ("RefocusingAngle", protocol.refocusing_angle),
        ("RepetitionTimePreparation", protocol.preparation_time),
        ("NumberShots", protocol.spokes),
        ("RepetitionTimeExcitation", protocol.spoke_spacing),
    ):
        if value is not None:
            fields[name] = float(value)
    return to_disk(fields)


def _contents(given: Mapping[Any, Given]) -> dict[Any, Any]:
    return {
        name: entry.value if entry.path is None else contents_of(entry.path)
        for name, entry in given.items()
    }


def _finite(value: Any) -> float | str:
    """JSON has no infinity."""
    number = float(value)
    return number if np.isfinite(number) else "-inf" if number < 0 else "inf"
