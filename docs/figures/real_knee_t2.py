"""Draw T2 of one real knee by every fit that the knee T2 study compares, and print their medians.

python docs/figures/real_knee_t2.py KNEE [--out docs/images/real_knee_t2.png]

KNEE is a BIDS folder with one multi-echo spin-echo series.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from experiments.knee_t2.t2_fits import FITS, t2_map
from experiments.knee_t2.visits import noise_of
from jaxqmri.io import bids
from jaxqmri.report.figures import save_png
from jaxqmri.report.maps import Panel, choose_slices, draw_maps

BRIGHT = 0.15  # of the 99th percentile of the first echo: air, bone and tendon are darker
LIMITS = (20.0, 100.0)  # ms


def main() -> None:
    """Fit the whole knee by every fit, and draw one slice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("knee", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images/real_knee_t2.png"))
    options = parser.parse_args()
    (entities,) = bids.find_series(options.knee, "MESE")
    series = bids.read_series(options.knee, "MESE", entities)
    axis = int(np.argmax(np.linalg.norm(series.affine[:3, :3], axis=0)))
    first = series.images[..., 0]
    inside = first > BRIGHT * np.percentile(first, 99)
    sigma = noise_of(np.moveaxis(series.images[..., -1], axis, 0))
    slices = choose_slices(series.affine, inside, count=1)
    panels = [Panel(first, f"Echo at {series.times[0]:.1f} ms", "", (0, np.percentile(first, 99.5)),
                    "gray")]  # fmt: skip
    print(f"sigma {sigma:.3g}, {int(inside.sum()):,} voxels")
    for how in FITS:
        t2 = t2_map(series.images, inside, series.times, sigma, how)
        panels.append(Panel(t2, f"T2, {how}", "ms", LIMITS, "viridis"))
        known = np.isfinite(t2)
        print(f"{how}: median {np.median(t2[known]):.1f} ms, {known.sum() / inside.sum():.1%}")
    save_png(draw_maps(panels, slices), options.out)


if __name__ == "__main__":
    main()
