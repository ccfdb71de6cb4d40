"""How the cost of fits and trainings grows with the work, in one table and one figure.

``python -m benchmarks.growth`` times mono-exponential fits of more voxels (scipy beside them), of
more images, decays of more parameters, the same fit on more CPU devices, perceptrons trained side
by side in one program, and ``jaxqmri fit`` of more subjects. Every point is the median of
repeats. About six minutes on two cores; run it on a quiet machine: the load is printed with the
results.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jaxqmri.cli.accelerator import available_cores, configure_jax

if TYPE_CHECKING:
    from benchmarks.growth.axes import Point


@dataclass(frozen=True)
class Settings:
    """Time fits, trainings and datasets of growing size."""

    voxels: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
    """Voxels of mono-exponential fits of four images: 24 bytes each, and as much for copies."""
    scipy_most: int = 100_000
    """Most voxels that scipy is given: it fits some ten thousand a second."""
    images: tuple[int, ...] = (4, 8, 16, 32, 64)
    """Images of a voxel."""
    parameters: tuple[int, ...] = (2, 3, 4)
    """Parameters of a decay of 16 echoes, from 2 to 4."""
    devices: tuple[int, ...] = ()
    """CPU devices; 1, 2, 4, ... up to the cores unless given."""
    trainings: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    """Trainings in one program."""
    subjects: tuple[int, ...] = (1, 4, 16, 64)
    """Subjects of a dataset, of 8,192 voxels each."""
    count: int = 500_000
    """Voxels where something else grows."""
    repeats: int = 7
    """Timed calls of each point after the first; the median counts."""
    seed: int = 0
    """Random seed of tissue and noise."""
    out: Path | None = None
    """Folder to write ``growth-<platform>-<devices>.json`` and ``.png`` in."""


def measured(settings: Settings) -> Iterator[Point]:
    """All points, axis by axis."""
    from benchmarks.growth import axes

    count, repeats, seed = settings.count, settings.repeats, settings.seed
    cores = available_cores()
    doubled = [2**k for k in range(cores.bit_length()) if 2**k < cores]
    yield from axes.voxels(settings.voxels, settings.scipy_most, repeats, seed)
    yield from axes.samples(settings.images, count, repeats, seed)
    yield from axes.parameters(settings.parameters, count, repeats, seed)
    yield from axes.devices(settings.devices or [*doubled, cores], count, repeats, seed)
    yield from axes.trainings(settings.trainings, repeats, seed)
    yield from axes.subjects(settings.subjects, repeats, seed)


def table(points: Sequence[Point]) -> str:
    """One line a point; ``growth`` is the power of size that cost has grown with since the last."""
    lines = [f"{'axis':<12}{'method':<17}{'size':>12}{'median s':>12}{'best s':>12}{'growth':>8}"]
    last = None
    for each in points:
        power = ""
        if last is not None and (last["axis"], last["method"]) == (each["axis"], each["method"]):
            more = math.log(each["size"] / last["size"])
            power = f"{math.log(each['median_s'] / last['median_s']) / more:.2f}" if more else ""
        last = each
        lines.append(
            f"{each['axis']:<12}{each['method']:<17}{each['size']:>12,}{each['median_s']:>12.4g}"
            f"{min(each['seconds']):>12.4g}{power:>8}"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table, and write it down with its figure."""
    import tyro

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    configure_jax()
    from benchmarks.growth.figure import drawn
    from benchmarks.report import machine
    from jaxqmri.io.files import write_json
    from jaxqmri.report.figures import save_png

    before = os.getloadavg()
    points = []
    for each in measured(settings):
        points.append(each)
        said = f"{each['axis']} {each['size']:,}: {each['method']}: {each['median_s']:.4g} s"
        print(said, file=sys.stderr, flush=True)
    here, loads = machine(), {"before": before, "after": os.getloadavg()}
    print(f"Simulated data; {here['cpu']}, {here['cores']} cores, load average ", end="")
    print(f"{before[0]:.1f} to {loads['after'][0]:.1f}\n\n{table(points)}")
    if settings.out is not None:
        device = here["device"]
        settings.out.mkdir(parents=True, exist_ok=True)
        name = settings.out / f"growth-{device['platform']}-{device['count']}"
        asked = {key: value for key, value in asdict(settings).items() if key != "out"}
        found = {"benchmark": "growth", "data": "simulated", "settings": asked}
        found |= {"machine": here, "load_average": loads, "points": points}
        write_json(name.with_suffix(".json"), found)
        save_png(drawn(points), name.with_suffix(".png"))
        print(f"\nWritten: {name}.json, {name}.png")


if __name__ == "__main__":
    main()
