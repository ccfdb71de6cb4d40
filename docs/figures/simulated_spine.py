"""Draw docs/images/simulated_spine.png: three simulated spines, and what readers say of one.

python docs/figures/simulated_spine.py [--out docs/images/simulated_spine.png]
"""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from jaxqmri.simulate.spine_t1rho import UNITS, SpineT1rhoStudy

NUMBERS = (0, 3, 7)  # of the simulated patients
TITLES = ("T1-weighted", "T2-weighted, reader 1's boxes", "spin lock 2 ms, regions", "true T1rho")


def main() -> None:
    """Simulate the patients and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/simulated_spine.png"))
    options = parser.parse_args()
    study = SpineT1rhoStudy().at("full")
    rows, columns = len(NUMBERS), len(TITLES)
    figure = Figure(figsize=(2.4 * columns, 2.5 * rows), facecolor="black")

    def panel(row: int, column: int) -> Axes:
        axes = figure.add_axes(
            (column / columns, 0.96 - 0.96 * (row + 1) / rows, 0.98 / columns, 0.945 / rows)
        )
        axes.axis("off")
        if row == 0:
            x = (column + 0.49) / columns
            figure.text(x, 0.972, TITLES[column], color="white", ha="center", size=8)
        return axes

    for row, number in enumerate(NUMBERS):
        record = study.record(number, 0, 0)
        t1w, t2w = (image.data[:, :, 0] for image in record.images)
        series = record.series[0].images[:, :, 0]
        maps = {(one.pipeline, one.suffix, one.desc): one.data[:, :, 0] for one in record.maps}
        region = maps["reader1", "dseg", "reading1"]
        gray = {"cmap": "gray", "vmin": 0.0}
        panel(row, 0).imshow(t1w.T, vmax=2.6 * UNITS, **gray)
        boxed = panel(row, 1)
        boxed.imshow(t2w.T, vmax=2.2 * UNITS, **gray)
        for found in record.tables[0].rows:
            # Pixel k reaches from k to k + 1 in a box, and is drawn about k.
            x1, y1, x2, y2 = (found[name] - 0.5 for name in ("x1", "y1", "x2", "y2"))
            boxed.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec="gold", lw=0.6))
            boxed.text(x1 - 6, y2, found["pfirrmann"], color="gold", size=6, ha="right")
        drawn = panel(row, 2)
        drawn.imshow(series[..., 0].T, vmax=2.2 * UNITS, **gray)
        drawn.contour(region.T > 0, levels=[0.5], colors=["tab:orange"], linewidths=0.5)
        truth = panel(row, 3)
        truth.imshow(series[..., 0].T, vmax=5.0 * UNITS, **gray)
        t1rho = np.ma.masked_invalid(maps["truth", "T1rho", None].T)
        truth.imshow(t1rho, cmap="turbo", vmin=50.0, vmax=170.0)
    painted = BytesIO()
    with mpl.rc_context({"savefig.facecolor": "black"}):
        figure.savefig(painted, dpi=100, format="png")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    Image.open(painted).convert("RGB").quantize(
        128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    ).save(options.out)


if __name__ == "__main__":
    main()
