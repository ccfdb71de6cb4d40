"""Draw docs/images/simulated_knee_mese.png: echoes of one simulated knee, readers, and true T2.

python docs/figures/simulated_knee_mese.py [--out docs/images/simulated_knee_mese.png]
"""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from jaxqmri.simulate.knee_mese import KneeMeseStudy

NUMBER = 36  # of the simulated subject, who has lesions at the second visit
SLICES = (4, 10, 16)
ECHOES = (0, 1, 6)
READERS = {"reader1": "tab:orange", "reader2": "tab:cyan"}
ZOOM = (slice(48, 160), slice(28, 140))  # of a matrix of 192, around the femoral cartilage


def main() -> None:
    """Simulate one subject and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/simulated_knee_mese.png"))
    options = parser.parse_args()
    first, second = KneeMeseStudy().at("full").visits(NUMBER, 0, 0)
    images = first.series[0].images
    times = first.series[0].times
    columns = 7
    figure = Figure(figsize=(1.6 * columns, 5.0), facecolor="black")

    def panel(row: int, column: int, title: str):
        left, width = column / columns, 0.98 / columns
        axes = figure.add_axes((left, 0.95 - 0.95 * (row + 1) / 3, width, 0.93 / 3))
        axes.axis("off")
        if row == 0:
            figure.text(left + width / 2, 0.97, title, color="white", ha="center", size=7)
        return axes

    def drawn(record, reader: str):
        return next(m.data for m in record.maps if m.pipeline == reader)

    def true_t2(record):
        t2 = next(m.data for m in record.maps if m.suffix == "T2map")
        return np.where(drawn(record, "reader1") > 0, t2, np.nan)

    for row, k in enumerate(SLICES):
        for column, echo in enumerate(ECHOES):
            axes = panel(row, column, f"TE {times[echo]:g} ms")
            axes.imshow(images[:, :, k, echo].T, cmap="gray", vmin=0.0, vmax=800.0)
        near = panel(row, 3, "TE 20 ms, nearer")
        both = panel(row, 4, "reader 1 orange, reader 2 blue")
        for axes in (near, both):
            axes.imshow(images[(*ZOOM, k, 1)].T, cmap="gray", vmin=0.0, vmax=700.0)
        for reader, color in READERS.items():
            region = drawn(first, reader)[(*ZOOM, k)].T
            both.contour(region, levels=[0.5], colors=[color], linewidths=0.6)
        for column, (record, name) in enumerate(((first, "first"), (second, "second")), start=5):
            axes = panel(row, column, f"true T2, {name} visit (30–75 ms)")
            axes.imshow(true_t2(record)[(*ZOOM, k)].T, cmap="turbo", vmin=30.0, vmax=75.0)
    painted = BytesIO()
    with mpl.rc_context({"savefig.facecolor": "black"}):
        figure.savefig(painted, dpi=105, format="png")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    Image.open(painted).convert("RGB").quantize(
        128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    ).save(options.out)


if __name__ == "__main__":
    main()
