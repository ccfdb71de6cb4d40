"""Past one process and past memory: throughput of several processes, memory of a streamed fit.

``python -m benchmarks.scale`` fits one case in one process on one core and in several on one core
each, a volume each and one together, and then files of more and more voxels from disk to disk,
each with its largest memory. ``--streamed 1e6 1e7 1e8`` needs 20 bytes of disk a voxel.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.methods.jaxqmri_together import EACH, TOGETHER

PLANE = (512, 512)
WORKER = "benchmarks.methods.jaxqmri_together"


@dataclass(frozen=True)
class Settings:
    """Time fits of several processes, and measure the memory of fits from disk to disk."""

    voxels: int = 4_000_000
    """Voxels of a volume that processes fit."""
    case: str = "mono"
    """What processes fit, a case of benchmarks.fit."""
    processes: tuple[int, ...] = (1, 2)
    """Numbers of processes, each on one core."""
    streamed: tuple[float, ...] = (1e6, 1e7)
    """Voxels of the files."""
    repeats: int = 7
    """Timed fits after the first; the median counts."""
    out: Path | None = None
    """JSON file to write."""


def processes(how: str, case: str, count: int, voxels: int, repeats: int) -> dict[str, Any]:
    """Voxels a second of so many processes, one core each."""
    from jaxqmri.cli.launch import first_failure, free_port, shares, stop

    address = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "seconds.json"
        words = [how, case, str(voxels), str(repeats), address, str(count), str(report)]
        started = [
            subprocess.Popen([sys.executable, "-m", WORKER, *words, str(k), str(cores[0])])
            for k, cores in enumerate(shares(count))
        ]
        try:
            failed = first_failure(started)
        finally:
            stop(started)
        if failed is not None:
            raise SystemExit(f"process {failed} of {count} failed")
        seconds = json.loads(report.read_text("utf-8"))
    fitted = voxels * (count if how == EACH else 1)
    return {"processes": count, "how": how, "voxels_per_s": fitted / float(np.median(seconds))}


def streamed(voxels: int) -> dict[str, Any]:
    """Largest memory and seconds of a fit from disk to disk, by a process of its own."""
    from benchmarks.cases import CASES
    from jaxqmri.io import nifti

    case, planes = CASES["mono"], max(1, round(voxels / np.prod(PLANE)))
    signals, _, _ = case.simulate(int(np.prod(PLANE)), 0)
    plane = np.rint(signals * (1000.0 / signals.max())).astype(np.int16).reshape(*PLANE, 1, -1)
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "images.nii", Path(folder) / "maps"
        nifti.write_image(path, np.repeat(plane, planes, axis=2), np.eye(4))
        words = ["fit", "t1rho", path, "--tsl", *case.times, "--out", out, "--stream"]
        program = (
            "import sys\nfrom pathlib import Path\nfrom jaxqmri.cli.main import main\n"
            "assert main(sys.argv[1:]) == 0\nprint(Path('/proc/self/status').read_text())\n"
        )
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, words), "--no-quality"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds = time.perf_counter() - began
    peak = next(line for line in done.stdout.splitlines() if line.startswith("VmHWM"))
    return {
        "voxels": planes * int(np.prod(PLANE)),
        "seconds": seconds,
        "memory_peak_mib": int(peak.split()[1]) / 1024,
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, and write down."""
    import tyro

    from benchmarks.report import machine
    from jaxqmri.io.files import write_json

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    found: dict[str, Any] = {"benchmark": "scale", "data": "simulated", "machine": machine()}
    found["processes"] = rows = []
    for how in (EACH, TOGETHER):
        for count in settings.processes:
            row = processes(how, settings.case, count, settings.voxels, settings.repeats)
            rows.append(row)
            first = next(one for one in rows if one["how"] == how)
            row["times"] = row["voxels_per_s"] / first["voxels_per_s"]
            print(
                f"{count} processes of one core, {how}: {row['voxels_per_s']:,.0f} voxels/s, "
                f"{row['times']:.2f} times {first['processes']}",
                flush=True,
            )
    found["streamed"] = []
    for voxels in settings.streamed:
        row = streamed(int(voxels))
        found["streamed"].append(row)
        print(
            f"{row['voxels']:,} voxels from disk to disk: {row['seconds']:.1f} s, at most "
            f"{row['memory_peak_mib']:,.0f} MiB",
            flush=True,
        )
    if settings.out is not None:
        write_json(settings.out, found)


if __name__ == "__main__":
    main()
