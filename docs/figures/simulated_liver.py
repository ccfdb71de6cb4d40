"""Draw docs/images/simulated_liver.png: the slices of one simulated patient, and what made them.

python docs/figures/simulated_liver.py [--out docs/images/simulated_liver.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from jaxqmri.report.figures import save_png
from jaxqmri.report.maps import NO_ESTIMATE, Panel, choose_slices, draw_maps
from jaxqmri.simulate.liver_t1rho import UNITS, LiverT1rhoStudy

NUMBER = 3  # of the simulated patient
REGIONS = {
    0: ("elsewhere", NO_ESTIMATE),
    1: ("drawn parenchyma", "#3b7dd8"),
    2: ("rest of the liver", "#c98a2b"),
}


def main() -> None:
    """Simulate one patient and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/simulated_liver.png"))
    options = parser.parse_args()
    record = LiverT1rhoStudy().record(NUMBER, 0, 0)
    series = record.series[0]
    maps = {(one.suffix, one.desc): one.data for one in record.maps}
    labels = maps["dseg", None]
    body = series.images[..., 0] > 0.05 * UNITS
    slices = choose_slices(series.affine, body, count=3)
    panels = [
        Panel(series.images[..., 0], "TSL 0", "a.u.", (0.0, 1.6 * UNITS), "gray"),
        Panel(series.images[..., 3], "TSL 50 ms", "a.u.", (0.0, 0.6 * UNITS), "gray"),
        Panel(labels, "regions", categories=REGIONS),
        Panel(maps["T1rho", "effective"], "T1ρ that a fit reads", "ms", (34.0, 48.0)),
        Panel(maps["fraction", "short"], "short component", "", (0.05, 0.25)),
        Panel(np.where(labels > 0, maps["B0map", None], np.nan), "B0", "Hz", (-50.0, 150.0)),
    ]
    figure = draw_maps(panels, slices, tallest=2.0)
    figure.text(0.998, 0.998, "simulated data", ha="right", va="top", fontsize=8)
    save_png(figure, options.out)


if __name__ == "__main__":
    main()
