"""One patient's scan of the spine study, and how it is put on record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer, Num

from jaxqmri.simulate.anatomy.spine import TISSUES
from jaxqmri.simulate.anatomy.spine_shape import LEVELS
from jaxqmri.simulate.sequence import Protocol
from jaxqmri.simulate.spine_discs import Discs, grade
from jaxqmri.simulate.spine_readers import Reading
from jaxqmri.simulate.spine_scanner import THICKNESS, Plane
from jaxqmri.simulate.spine_signal import Sequences
from jaxqmri.simulate.study import Image, Map, Series, Table

ECHO_TRAIN = 40.0  # ms, from the excitation to the end of its train
FIELD = {"MagneticFieldStrength": 1.5, "SliceThickness": THICKNESS}
BOX = ("x1", "y1", "x2", "y2")


class SpineScan(NamedTuple):
    """The images of one patient, what two readers say, and the truth."""

    t1w: Float[Array, "x y"]
    t2w: Float[Array, "x y"]
    t1rho: Float[Array, "n u v"]
    readings: tuple[Reading, Reading]
    true_t1rho: Float[Array, "u v"]  # ms, in lumbar nuclei
    disc: Integer[Array, "x y"]  # 1 to 5 in lumbar discs
    tissue: Integer[Array, "x y"]  # 1 and above; 0 is air
    latent: dict[str, Float[Array, ""]]


def labels(
    shares: Float[Array, "groups x y"],
) -> tuple[Integer[Array, "x y"], Integer[Array, "x y"]]:
    """Lumbar discs by level, and what most of a pixel holds, from shares in pixels."""
    tissues, nucleus, discs = jnp.split(shares, (len(TISSUES), len(TISSUES) + 1))
    disc = jnp.where(discs.sum(axis=0) > 0.5, discs.argmax(axis=0) + 1, 0)
    annulus = tissues.at[TISSUES.index("disc")].add(-nucleus[0])
    tissue = jnp.concatenate([annulus, nucleus]).argmax(axis=0)
    return disc.astype(jnp.uint8), tissue.astype(jnp.uint8)


def volume(plane: Num[Array, "x y"]) -> Num[np.ndarray, "x y 1"]:
    """An image as a volume of one slice."""
    return np.asarray(plane)[:, :, None]


def series_of(
    scan: SpineScan,
    plane: Plane,
    sequences: Sequences,
    times: tuple[float, ...],
    frequency: float,
) -> Series:
    """The T1rho-weighted series."""
    return Series(
        "T1rhow",
        np.moveaxis(np.asarray(scan.t1rho), 0, -1)[:, :, None],
        plane.grid(plane.t1rho_matrix).affine(),
        times,
        {**FIELD, "SpinLockFrequency": frequency, "EchoTime": sequences.t1rho.echo_time},
    )


def images_of(scan: SpineScan, plane: Plane, sequences: Sequences) -> list[Image]:
    """The T1- and the T2-weighted image."""
    affine = plane.grid(plane.matrix).affine()

    def image(suffix: str, data: Array, timing: Protocol) -> Image:
        repetition = float(timing.recovery) + ECHO_TRAIN
        times = {"RepetitionTime": repetition, "EchoTime": timing.echo_time}
        return Image(suffix, volume(data), affine, {**FIELD, **times})

    return [image("T1w", scan.t1w, sequences.t1w), image("T2w", scan.t2w, sequences.t2w)]


def maps_of(scan: SpineScan, plane: Plane, readers: Sequence[str]) -> list[Map]:
    """The regions that readers drew, and the truth."""
    fine, coarse = (plane.grid(n).affine() for n in (plane.matrix, plane.t1rho_matrix))
    regions = [
        Map(name, "dseg", volume(region), coarse, "", f"reading{number}")
        for name, reading in zip(readers, scan.readings, strict=True)
        for number, region in enumerate(reading.regions, start=1)
    ]
    listed = ", ".join(f"{i} {name}" for i, name in enumerate([*TISSUES, "nucleus"]))
    listed = listed.replace("disc", "annulus")
    disc = "simulated: lumbar discs, 1 to 5 from L1/2 to L5/S1, nucleus and annulus"
    mean = "simulated: mean over the nuclei in a pixel"
    tissue = f"simulated: what most of a pixel holds: {listed}"
    return [
        *regions,
        Map("truth", "T1rho", volume(scan.true_t1rho), coarse, "ms", None, mean),
        Map("truth", "dseg", volume(scan.disc), fine, "", "disc", disc),
        Map("truth", "dseg", volume(scan.tissue), fine, "", "tissue", tissue),
    ]


def tables_of(scan: SpineScan, discs: Discs, readers: Sequence[str]) -> list[Table]:
    """Boxes and grades of each reader, and the true numbers, a row for each disc."""
    read = [
        Table(
            name,
            "discs",
            [
                {
                    "level": level,
                    **{edge: round(float(at), 2) for edge, at in zip(BOX, box, strict=True)},
                    "pfirrmann": int(given),
                }
                for level, box, given in zip(LEVELS, reading.boxes, reading.grades, strict=True)
            ],
        )
        for name, reading in zip(readers, scan.readings, strict=True)
    ]
    rows = [
        {
            "level": level,
            "degeneration": round(float(score), 4),
            "grade": round(float(grade(score)), 4),
            "t1rho": round(float(t1rho), 4),
        }
        for level, score, t1rho in zip(LEVELS, discs.degeneration, discs.t1rho, strict=True)
    ]
    return [*read, Table("truth", "discs", rows)]
