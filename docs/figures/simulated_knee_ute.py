"""Draw docs/images/simulated_knee_ute.png: UTE images of one simulated knee, and its true maps.

python docs/figures/simulated_knee_ute.py [--out docs/images/simulated_knee_ute.png]
"""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from PIL import Image

from jaxqmri.simulate.knee_ute import KneeUteStudy

NUMBER = 17  # of the simulated subject
RIGHT = (21.0, 1.0, -21.0)  # of the slices, mm


def columns() -> list[tuple[str, Float[np.ndarray, "x y z"], tuple[float, float], str]]:
    """Title, volume, range and colours of every column of the picture."""
    record = KneeUteStudy().at("full").record(NUMBER, 0, 0)
    flips, afi, locked = (series.images for series in record.series)
    maps = {one.suffix: one.data for one in record.maps}
    drawn = (maps["dseg"] > 0) & (maps["dseg"] < 5)
    unit = float(flips[..., 1][drawn].mean())
    t1, t1rho = (np.where(drawn, maps[name], np.nan) for name in ("T1map", "T1rho"))
    return [
        ("5 degrees", flips[..., 0], (0.0, 1.5 * unit), "gray"),
        ("30 degrees", flips[..., 3], (0.0, 2.6 * unit), "gray"),
        ("AFI, TR 20 ms", afi[..., 0].repeat(2, 2), (0.0, 4.2 * unit), "gray"),
        ("spin lock 0 ms", locked[..., 0], (0.0, 1.4 * unit), "gray"),
        ("spin lock 96 ms", locked[..., 6], (0.0, 0.7 * unit), "gray"),
        ("true T1 (500–1800 ms)", t1, (500.0, 1800.0), "turbo"),
        ("true T1rho (15–70 ms)", t1rho, (15.0, 70.0), "turbo"),
        ("true B1 (0.85–1.15)", maps["TB1map"], (0.85, 1.15), "turbo"),
    ]


def main() -> None:
    """Simulate one subject and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/simulated_knee_ute.png"))
    options = parser.parse_args()
    content = columns()
    figure = Figure(figsize=(1.6 * len(content), 5.0), facecolor="black")
    for column, (title, volume, (low, high), colours) in enumerate(content):
        left, width = column / len(content), 0.98 / len(content)
        figure.text(left + width / 2, 0.97, title, color="white", ha="center", size=7)
        step = KneeUteStudy().at("full").grid.spacing[2]
        for row, right in enumerate(RIGHT):
            axes = figure.add_axes((left, 0.95 - 0.95 * (row + 1) / 3, width, 0.93 / 3))
            axes.axis("off")
            pixels = volume[:, :, round((volume.shape[2] - 1) / 2 + right / step)]
            axes.imshow(pixels.T, cmap=colours, vmin=low, vmax=high)
    drawn = BytesIO()
    with mpl.rc_context({"savefig.facecolor": "black"}):
        figure.savefig(drawn, dpi=105, format="png")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(
        128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    ).save(options.out)


if __name__ == "__main__":
    main()
