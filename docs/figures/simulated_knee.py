"""Draw docs/images/simulated_knee.png: a real knee and the simulated one, slice beside slice.

python docs/figures/simulated_knee.py --data FOLDER [--out docs/images/simulated_knee.png]

FOLDER is a BIDS dataset with a sagittal multi-echo spin echo of a knee, whose first echo is drawn.
"""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from jax import Array
from matplotlib.figure import Figure
from PIL import Image

from jaxqmri.io import bids
from jaxqmri.simulate.acquisition import Acquisition, acquire
from jaxqmri.simulate.anatomy.shape import sample_knee
from jaxqmri.simulate.geometry import Grid, Pose
from jaxqmri.simulate.knee_t1rho import KneeT1rhoStudy, scan_knee
from jaxqmri.simulate.people import person
from jaxqmri.simulate.scanner import Subject, sample_fields
from jaxqmri.simulate.sequence import Protocol
from jaxqmri.simulate.study import session_key
from jaxqmri.simulate.tissue import sample_cartilage

REAL_SLICES = (4, 11, 17)  # condyle, midline, condyle of the example this was made for
RIGHT = (21.0, 1.0, -21.0)  # the same places in the simulated knee, mm
NUMBER = 20  # of the simulated subject


def at(volume: Array, grid: Grid) -> list[np.ndarray]:
    """Slices of a simulated volume at the chosen places."""
    middle, step = (grid.shape[2] - 1) / 2, grid.spacing[2]
    return [np.asarray(volume)[:, :, round(middle + x / step)] for x in RIGHT]


def spin_echo_knee() -> list[np.ndarray]:
    """The simulated knee as the real scan's protocol would show it: TE 6 ms, fat not suppressed."""
    grid = Grid((200, 185, 25), (0.625, 0.625, 4.0), (0.0, -3.0, 3.0), (2, 2, 2))
    shape, cartilage, fields = jax.random.split(jax.random.key(NUMBER), 3)
    subject = Subject(
        sample_knee(shape, 0.0, 25.0, 1.0),
        sample_cartilage(cartilage, 42.0, 0.28),
        0.0,
        sample_fields(fields),
        1.0,
    )
    still = Pose(jnp.zeros((1, 3)), jnp.zeros((1, 3)))
    protocol = Protocol(recovery=2450.0, echo_time=6.3)
    scan = Acquisition(grid, protocol, still)
    return at(jax.jit(lambda s: acquire([scan], s)[0].signals[0])(subject), grid)


def rows(data: Path) -> list[tuple[str, list[np.ndarray], list[float]]]:
    """Title, slices and pixel aspect of every row of the picture."""
    (who,) = bids.find_series(data, "MESE")
    real = bids.read_series(data, "MESE", who)
    pixel = np.linalg.norm(real.affine[:3, :2], axis=0)
    study = KneeT1rhoStudy().at("full")
    key = jax.random.fold_in(jax.random.key(0), 0)
    scan = scan_knee(key, person(0, 0), study, session_key(key, 0))

    fine, pd = study.t1rho_grid, study.pd_grid
    aspects = [g.spacing[1] / g.spacing[0] for g in (fine, pd)]
    drawn = [
        np.where(label > 0, t1rho, np.nan)
        for label, t1rho in zip(at(scan.labels, fine), at(scan.t1rho, fine), strict=True)
    ]
    return [
        (
            "real knee: spin echo, TE 6 ms",
            [real.images[:, :, k, 0] for k in REAL_SLICES],
            pixel[1] / pixel[0],
        ),
        ("simulated: spin echo, TE 6 ms", spin_echo_knee(), 1.0),
        ("simulated: spin lock 0 ms", at(scan.t1rho_weighted[0], fine), aspects[0]),
        ("simulated: spin lock 50 ms", at(scan.t1rho_weighted[-1], fine), aspects[0]),
        ("simulated: PD-weighted", at(scan.pd_weighted, pd), aspects[1]),
        ("simulated: true T1rho (10–90 ms)", drawn, aspects[0]),
    ]


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="dataset of the real knee")
    parser.add_argument("--out", type=Path, default=Path("docs/images/simulated_knee.png"))
    arguments = parser.parse_args()
    content = rows(arguments.data)
    figure = Figure(figsize=(2 * len(content), 5.4), facecolor="black")
    for column, (title, slices, aspect) in enumerate(content):
        top = None if "T1rho" in title else np.percentile(np.stack(slices), 99.5)
        if "spin lock 50" in title:
            top = np.percentile(np.stack(content[column - 1][1]), 99.5)
        for line, pixels in enumerate(slices):
            axes = figure.add_axes(
                (column / len(content), 0.95 - 0.95 * (line + 1) / 3, 0.98 / len(content), 0.93 / 3)
            )
            axes.axis("off")
            if top is None:
                axes.imshow(pixels.T, cmap="turbo", vmin=10, vmax=90, aspect=aspect)
            else:
                axes.imshow(pixels.T, cmap="gray", vmin=0, vmax=top, aspect=aspect)
        figure.text((column + 0.5) / len(content), 0.965, title, color="white", ha="center", size=6)
    drawn = BytesIO()
    with mpl.rc_context({"savefig.facecolor": "black"}):
        figure.savefig(drawn, dpi=105, format="png")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(
        128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    ).save(arguments.out)


if __name__ == "__main__":
    main()
