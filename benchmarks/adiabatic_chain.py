"""From three series to B1, T1 and adiabatic T1rho: how right, how sure, how fast.

``python -m benchmarks.adiabatic_chain`` simulates the knee protocol of variable flip angles, actual
flip angle (half the resolution) and adiabatic spin locks by their exact steady states, maps them
with :func:`jaxqmri.mapping.adiabatic_t1rho_maps`, and prints three tables: errors without noise,
beside those of the published decay and of the usual flip-angle formula; z-scores at the noise of
the study; seconds for a whole knee after the programs are compiled. About three minutes on two
cores.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxqmri.cli.accelerator import configure_jax

FLIP_ANGLES, TR = np.array([5.0, 10.0, 20.0, 30.0]), 20.0
AFI_TIMES, AFI_ANGLE = np.array([20.0, 100.0]), 45.0
LOCKS = np.array([0.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0])
SNR = {"vfa": (1, 40.0), "afi": (0, 60.0), "t1rhow": (0, 40.0)}  # of which image
T1 = np.array([300.0, 500.0, 800.0, 1000.0, 1500.0, 2000.0])
T1RHO = np.array([10.0, 20.0, 40.0, 60.0, 100.0])
B1 = np.array([0.8, 0.9, 1.0, 1.1, 1.2])
EDGES = (0.586, 0.586, 3.0)  # mm
TIMED = (256, 256, 36)
SLOPE = 2e-3  # of B1 in a mm: 30 % over a knee
PRECISE = 0.1  # relative standard deviation below which errors are nearly Gaussian


@dataclass(frozen=True)
class Settings:
    """Judge the chain from actual flip angle to adiabatic T1rho on simulated images."""

    shape: tuple[int, int, int] = TIMED
    """Voxels of the volume that is timed."""
    noisy: tuple[int, int, int] = (96, 96, 16)
    """Voxels of each volume whose errors are judged."""
    smooth: float = 8.0
    """Gaussian that B1 is smoothed by, mm, where there is noise."""
    repeats: int = 3
    """Runs that are timed after the first."""
    devices: int = 2
    """CPU devices."""
    seed: int = 0
    """Random seed of the noise."""
    out: Path | None = None
    """JSON file to write."""


def series(tissue: dict[str, Any], halve: bool, noise: np.random.Generator | None) -> list[Any]:
    """The three series of a volume of tissue; the second on half the resolution where told."""
    import jax

    from jaxqmri import physics
    from jaxqmri.mapping import Series

    models = {
        "vfa": physics.SpoiledGradientEcho(FLIP_ANGLES, TR),
        "afi": physics.ActualFlipAngle(AFI_TIMES, AFI_ANGLE),
        "t1rhow": physics.AdiabaticT1rho(LOCKS, 500.0, 10.0, 25, 5.0),
    }
    made = []
    for name, model in models.items():
        maps = [np.asarray(tissue[n], np.float32) for n in model.Params._fields]
        images = np.asarray(
            jax.jit(jax.vmap(lambda *v, m=model: m(m.Params(*v))))(*(m.ravel() for m in maps))
        ).reshape(*maps[0].shape, -1)
        affine = np.diag([*EDGES, 1.0])
        if name == "afi" and halve:
            x, y, z, n = images.shape
            images = images.reshape(x // 2, 2, y // 2, 2, z // 2, 2, n).mean(axis=(1, 3, 5))
            affine[:3, 3] = 0.5 * np.diag(affine)[:3]
            affine[:3, :3] *= 2.0
        sample, snr = SNR[name]
        sigma = float(np.median(images[..., sample][images[..., sample] > 0]) / snr)
        if noise is not None:
            images = images + noise.normal(0.0, sigma, images.shape).astype(np.float32)
        # what is free of noise has none to be pooled
        made.append(Series(model, images, affine, 1e-4 if noise is None else sigma))
    return made


def without_noise() -> list[dict[str, Any]]:
    """Largest relative errors over B1 0.8 to 1.2, for each T1 and T1rho."""
    from jaxqmri.mapping import adiabatic_t1rho_maps
    from jaxqmri.physics import approximate_flip_angle

    t1, t1rho, b1 = np.meshgrid(T1, T1RHO, B1, indexing="ij")
    vfa, afi, locks = series(
        {"m0": np.ones_like(t1), "t1": t1, "t1rho": t1rho, "b1": b1}, False, None
    )
    exact = adiabatic_t1rho_maps(vfa, afi, locks, smooth=0.0)
    published = adiabatic_t1rho_maps(vfa, afi, locks, smooth=0.0, form="fitting")
    usual_b1 = np.asarray(
        approximate_flip_angle(afi.images[..., 0], afi.images[..., 1], AFI_TIMES, AFI_ANGLE)
    )
    import jaxqmri

    usual = jaxqmri.fit(vfa.model, vfa.images, fixed={"b1": usual_b1}, quality=False)

    def worst(values: Any, truth: Any) -> Any:
        error = values / truth - 1.0
        place = np.argmax(np.abs(error), axis=-1)
        return 100.0 * np.take_along_axis(error, place[..., None], axis=-1)[..., 0]

    columns = {
        "b1": worst(exact.params.b1, b1),
        "t1": worst(exact.params.t1, t1),
        "t1rho": worst(exact.params.t1rho, t1rho),
        "t1rho_published": worst(published.params.t1rho, t1rho),
        "b1_usual": worst(usual_b1, b1),
        "t1_usual": worst(usual.params.t1, t1),
    }
    return [
        {"t1_ms": float(T1[i]), "t1rho_ms": float(T1RHO[j])}
        | {name: float(values[i, j]) for name, values in columns.items()}
        for i in range(len(T1))
        for j in range(len(T1RHO))
    ]


def with_noise(settings: Settings) -> list[dict[str, Any]]:
    """Mean and spread of z-scores at the noise of the study, for cartilage and what is near it."""
    from jaxqmri.mapping import adiabatic_t1rho_maps

    noise, shape = np.random.default_rng(settings.seed), settings.noisy
    b1 = 1.0 + SLOPE * EDGES[0] * (np.arange(shape[0]) - shape[0] / 2)[:, None, None]
    rows = []
    for t1, t1rho in ((1000.0, 20.0), (1000.0, 40.0), (1000.0, 60.0), (600.0, 40.0)):
        tissue = {"m0": 1.0, "t1": t1, "t1rho": t1rho, "b1": b1}
        each = series({n: np.broadcast_to(v, shape) for n, v in tissue.items()}, True, noise)
        for form, smooth in (
            ("exact", 0.0),
            ("exact", settings.smooth),
            ("fitting", settings.smooth),
        ):
            made = adiabatic_t1rho_maps(*each, smooth=smooth, form=form)
            row: dict[str, Any] = {
                "t1_ms": t1,
                "t1rho_ms": t1rho,
                "form": form,
                "smooth_mm": smooth,
            }
            end = shape[0] // 12  # the ends of the ramp are extrapolated
            inner = np.s_[end:-end]
            for name in ("b1", "t1", "t1rho"):
                truth = np.broadcast_to(tissue[name], shape)[inner]
                std = getattr(made.std, name)[inner]
                z = (getattr(made.params, name)[inner] - truth) / std
                row[name] = {
                    "relative_std": float(np.nanmedian(std / truth)),
                    "z_mean": float(np.nanmean(z)),
                    "z_sd": float(np.nanstd(z)),
                }
            rows.append(row)
    return rows


def knee_mask(shape: tuple[int, int, int]) -> np.ndarray:
    """About 40 % of a volume: an elliptic cylinder, as the leg fills it."""
    x, y, _ = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j, -1 : 1 : shape[2] * 1j]
    return np.broadcast_to((x / 0.68) ** 2 + (y / 0.75) ** 2 < 1.0, shape)


def timed(settings: Settings) -> list[dict[str, Any]]:
    """Seconds of the whole chain with errors, and of its three fits."""
    from jaxqmri.mapping import adiabatic_t1rho_maps

    noise, shape = np.random.default_rng(settings.seed), settings.shape
    tissue = {
        "m0": np.ones(shape),
        "t1": noise.uniform(700.0, 1300.0, shape),
        "t1rho": noise.uniform(20.0, 60.0, shape),
        "b1": np.linspace(0.85, 1.15, shape[0])[:, None, None] * np.ones(shape),
    }
    leg = knee_mask(shape)
    rows = []
    for what, mask in (("knee", leg), ("all voxels", None)):
        inside = {**tissue, "m0": tissue["m0"] if mask is None else np.where(mask, 1.0, 0.0)}
        each = series(inside, True, noise)
        for form in ("exact", "fitting"):
            seconds, busy, made = [], [], None
            for _ in range(settings.repeats + 1):
                start, cpu = time.perf_counter(), time.process_time()
                made = adiabatic_t1rho_maps(*each, mask=mask, smooth=settings.smooth, form=form)
                seconds.append(time.perf_counter() - start)
                busy.append(time.process_time() - cpu)
            assert made is not None
            counts = made.fits.t1rho.status_counts()
            rows.append(
                {
                    "volume": what, "form": form,
                    "voxels": int(np.prod(shape) if mask is None else mask.sum()),
                    "b1_voxels": int(np.prod(each[1].shape)),
                    "first_s": seconds[0], "seconds": float(np.median(seconds[1:])),
                    "best_s": min(seconds[1:]), "cpu_s": float(np.median(busy[1:])),
                    "not_converged": counts["not_converged"],
                }
            )  # fmt: skip
            print(f"{what}, {form}: {rows[-1]['seconds']:.1f} s", file=sys.stderr, flush=True)
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the three tables, and write them down."""
    import tyro

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    configure_jax(settings.devices)
    from benchmarks.report import machine
    from jaxqmri.io.files import write_json

    found = {"benchmark": "adiabatic_chain", "data": "simulated", "machine": machine()}
    found["without_noise"] = without_noise()
    print("Without noise, largest error over B1 0.8 to 1.2, %\n")
    print("  T1  T1rho |   B1     T1  T1rho | T1rho, published |   B1     T1, usual formula")
    for row in found["without_noise"]:
        print(
            f"{row['t1_ms']:5.0f} {row['t1rho_ms']:5.0f} | {row['b1']:+.3f} {row['t1']:+.3f} "
            f"{row['t1rho']:+.3f} | {row['t1rho_published']:+16.2f} | {row['b1_usual']:+.3f} "
            f"{row['t1_usual']:+.3f}"
        )
    found["with_noise"] = with_noise(settings)
    print("\nAt the noise of the study: relative standard deviation %, mean and SD of z\n")
    print("  T1 T1rho form    smooth |          B1          |          T1          |        T1rho")
    for row in found["with_noise"]:
        cells = " | ".join(
            f"{100 * row[n]['relative_std']:5.1f} {row[n]['z_mean']:+.2f} {row[n]['z_sd']:.3f}"
            + ("   " if row[n]["relative_std"] < PRECISE else " * ")
            for n in ("b1", "t1", "t1rho")
        )
        print(
            f"{row['t1_ms']:5.0f} {row['t1rho_ms']:3.0f} {row['form']:8}"
            f"{row['smooth_mm']:4.0f} mm | {cells}"
        )
    found["timed"] = timed(settings)
    print("\nSeconds of the whole chain with errors, after compilation\n")
    for row in found["timed"]:
        print(
            f"{row['volume']:10} {row['form']:8} {row['voxels']:9,} voxels, "
            f"B1 {row['b1_voxels']:,}: {row['seconds']:.1f} s "
            f"(best {row['best_s']:.1f}, of CPU {row['cpu_s']:.1f}, first {row['first_s']:.1f}), "
            f"{row['not_converged']} not converged"
        )
    if settings.out is not None:
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        write_json(settings.out, found)
        print(f"\nWritten: {settings.out}")


if __name__ == "__main__":
    main()
