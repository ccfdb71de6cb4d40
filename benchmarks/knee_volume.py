"""From the echoes of one knee to T2 of its subregions: how fast, step by step.

``python -m benchmarks.knee_volume`` simulates one knee of 384 x 384 x 21 voxels and seven echoes,
segments it by an untrained U-Net of the light size (the time does not depend on what the weights
are), fits T2 in as many voxels as a trained one leaves, divides the cartilage and takes the means
of the 27 regions. Beside it the fit by scipy's ``curve_fit``, from a sample of the same voxels.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxqmri.cli.accelerator import configure_jax

SECOND = 1  # echo that the network sees
AT_A_TIME = 3  # slices of one call: whole slices are large
NEAR = 2  # pixels around cartilage in which a trained network does not rule it out


@dataclass(frozen=True)
class Settings:
    """Time segmentation, fit and analysis of one volume."""

    preset: str = "paper"
    """Resolution of the simulated knee."""
    features: tuple[int, ...] = (8, 16, 32, 64, 128)
    """Channels of the network."""
    repeats: int = 5
    """Runs that are timed after the first."""
    sampled: int = 500
    """Voxels that scipy fits."""
    devices: int = 2
    """CPU devices."""
    out: Path | None = None
    """JSON file to write."""


def timed(settings: Settings) -> dict[str, Any]:
    """Seconds of every step, medians after the first run."""
    import jax
    import jax.numpy as jnp
    from flax import nnx
    from scipy import ndimage

    import jaxqmri
    from jaxqmri import networks, physics
    from jaxqmri.analysis import cartilage
    from jaxqmri.preprocessing import between_quartiles, smooth_where_rising
    from jaxqmri.simulate.cohorts import STUDIES

    record = STUDIES["knee_mese"].at(settings.preset).record(0, 0, 0)
    (series,) = record.series
    drawn = next(one for one in record.maps if one.suffix == "dseg")
    side = {"L": "left", "R": "right"}[record.participant["side"]]
    images, times, inside = series.images, np.asarray(series.times), np.asarray(drawn.data) > 0
    around = np.ones((2 * NEAR + 1, 2 * NEAR + 1, 1))
    likely = np.asarray(ndimage.binary_dilation(inside, around), bool)
    built = {"network": "UNet", "in_channels": 1, "features": list(settings.features),
             "norm": "none", "up_kernel": 3}  # fmt: skip
    graph, state = nnx.split(networks.build(built))
    predict = jax.jit(lambda state, x: jax.nn.sigmoid(nnx.merge(graph, state)(x)))

    def segment() -> np.ndarray:
        second = np.moveaxis(images[..., SECOND], 2, 0)
        scaled = np.stack([between_quartiles(one) for one in second])[..., None]
        parts = [
            np.asarray(predict(state, jnp.asarray(scaled[k : k + AT_A_TIME])))
            for k in range(0, len(scaled), AT_A_TIME)
        ]
        return np.concatenate(parts)

    def fit() -> np.ndarray:
        signals = smooth_where_rising(images[likely][:, 1:])
        model = physics.T2DecayOffset(times[1:] - times[1])
        found = jaxqmri.fit(model, signals, bounds={"t2": (1.0, 400.0)}, quality=False)
        t2 = np.full(inside.shape, np.nan, np.float32)
        t2[likely] = found.params.t2
        return t2

    def analyse(t2: np.ndarray) -> list[Any]:
        measured = inside & cartilage.usable(t2, 100.0)
        divided = cartilage.divide(measured, series.affine, side, cartilage.PAPER)
        divided.project(t2)
        return cartilage.subregion_statistics(t2, divided, 100.0)

    steps: dict[str, list[float]] = {"segment": [], "fit": [], "analyse": []}
    for _ in range(settings.repeats + 1):
        marks = [time.perf_counter()]
        segment()
        marks.append(time.perf_counter())
        t2 = fit()
        marks.append(time.perf_counter())
        analyse(t2)
        marks.append(time.perf_counter())
        for name, seconds in zip(steps, np.diff(marks), strict=True):
            steps[name].append(float(seconds))
    found: dict[str, Any] = {
        "shape": list(images.shape), "voxels_fitted": int(likely.sum()),
        "voxels_of_cartilage": int(inside.sum()),
        "first_s": {name: values[0] for name, values in steps.items()},
        "seconds": {name: float(np.median(values[1:])) for name, values in steps.items()},
    }  # fmt: skip
    found["total_s"] = sum(found["seconds"].values())
    found["scipy_s"] = by_scipy(images[likely], times, settings.sampled)
    return found


def by_scipy(signals: np.ndarray, times: np.ndarray, sampled: int) -> float:
    """Seconds that ``curve_fit`` would take for all voxels, from a sample of them."""
    from scipy.optimize import OptimizeWarning, curve_fit

    later = times[1:] - times[1]
    chosen = np.random.default_rng(0).choice(len(signals), min(sampled, len(signals)), False)

    def decay(t: np.ndarray, s0: float, rate: float, offset: float) -> np.ndarray:
        return s0 * np.exp(-rate * t) + offset

    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)
        for own in signals[chosen, 1:].astype(np.float64):
            try:
                curve_fit(decay, later, own, (own[0], 0.02, 0.0))
            except RuntimeError:
                continue  # not converged, which takes its time too
    return (time.perf_counter() - start) / len(chosen) * len(signals)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, and write down."""
    import tyro

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    configure_jax(settings.devices)
    from benchmarks.report import machine
    from jaxqmri.io.files import write_json

    found = {
        "benchmark": "knee_volume", "data": "simulated", "machine": machine(), **timed(settings),
    }  # fmt: skip
    shape = " x ".join(map(str, found["shape"]))
    print(f"One volume of {shape}, simulated, seconds (first run):")
    for name, seconds in found["seconds"].items():
        print(f"  {name:<8} {seconds:6.2f} ({found['first_s'][name]:.1f})")
    print(f"  {'all':<8} {found['total_s']:6.2f}")
    print(
        f"  scipy curve_fit of the same {found['voxels_fitted']:,} voxels, from "
        f"{settings.sampled}: {found['scipy_s']:.1f}"
    )
    if settings.out is not None:
        write_json(settings.out, found)


if __name__ == "__main__":
    main()
