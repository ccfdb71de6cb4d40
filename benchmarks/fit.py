"""How fast ``jaxqmri.fit`` is, and how close to the minimum, beside what else one could use.

``python -m benchmarks.fit`` simulates every case once and gives all methods the same arrays,
each method in a process of its own, one after another: no program is compiled before its first
call, and the memory is its own. Methods that fit voxel by voxel see the first voxels only. A second
table says how far our fits are from the limits of the devices, measured in the same run.
About ten minutes on two cores, more with ``--peers``, which installs other packages in
environments of their own. Run it on a quiet machine: the load is printed with the results.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.failure import last_words
from jaxqmri.cli.accelerator import configure_jax

ROOT = Path(__file__).resolve().parents[1]
COLD = {"JAX_ENABLE_COMPILATION_CACHE": "false"}
COMPARED = 2000  # voxels whose minimum is found by the reference


@dataclass(frozen=True)
class Settings:
    """Time the fit of every case, and compare it with scipy, optimistix and other packages."""

    voxels: int = 1_000_000
    """Voxels of each case."""
    repeats: int = 9
    """Timed calls after the first; the median counts. Slow methods get at least three, or all
    that fit into 20 s."""
    cases: tuple[str, ...] = ()
    """Cases to run; all of them unless given."""
    peers: bool = False
    """Whether to install other packages and time them on the mono-exponential case."""
    seed: int = 0
    """Random seed of tissue and noise."""
    devices: int | None = None
    """CPU devices of jaxqmri; all the cores unless given."""
    out: Path | None = None
    """JSON file to write, or a folder to write one in that is named after the devices."""


@dataclass(frozen=True)
class Method:
    """A program and how many voxels it is timed on."""

    name: str
    module: str
    voxels: int
    peer: str | None = None


def methods(case: str, peers: bool) -> list[Method]:
    """What is run on one case, ours last so that the table ends with it."""
    from benchmarks.environments import PEERS
    from benchmarks.plain import PLAIN
    from benchmarks.report import MINPACK, OURS

    here = "benchmarks.methods"
    found = []
    if case in PLAIN:
        found += [
            Method(f"{MINPACK}, bounds", f"{here}.scipy_curve_fit_bounds", 2000),
            Method(MINPACK, f"{here}.scipy_curve_fit", 5000),
            Method("optimistix LM, vmap", f"{here}.optimistix_lm", 50_000),
        ]
    if peers and case == "mono":
        found += [
            Method(peer.label or name, f"benchmarks.peers.{name}", peer.voxels, name)
            for name, peer in PEERS.items()
        ]
    return [*found, Method(OURS, f"{here}.jaxqmri_fit", sys.maxsize)]


def run(settings: Settings) -> dict[str, Any]:
    """Everything that was measured, as the JSON file holds it."""
    from benchmarks import limits
    from benchmarks.cases import CASES
    from benchmarks.report import machine, targets, with_ratios

    unknown = set(settings.cases) - set(CASES)
    if unknown:
        raise SystemExit(f"no case {sorted(unknown)[0]!r}: there are {', '.join(CASES)}")
    before = os.getloadavg()
    rows, rates = [], limits.rates()
    for name in settings.cases or tuple(CASES):
        for row in _rows_of(name, settings, rates):
            rows.append(row)
            said = row.get("error") or f"{row['voxels_per_s']:,.0f} voxels/s"
            print(f"{name}: {row['method']}: {said}", file=sys.stderr, flush=True)
    rows = with_ratios(rows)
    asked = {k: v for k, v in asdict(settings).items() if k != "out"}
    return {
        "benchmark": "fit",
        "data": "simulated",
        "settings": asked,
        "machine": machine(),
        "load_average": {"before": before, "after": os.getloadavg()},
        "limits": rates,
        "rows": rows,
        "targets": targets(rows),
    }


def _rows_of(name: str, settings: Settings, rates: dict[str, float]) -> Iterator[dict[str, Any]]:
    """Time all methods on one case; compare each with the minimum, and ours with the limits."""
    from benchmarks import limits, operations, reference
    from benchmarks.cases import CASES
    from benchmarks.report import OURS

    case = CASES[name]
    images, truth, sigma = case.simulate(settings.voxels, settings.seed)
    few = min(COMPARED, max(50, settings.voxels // 500))
    minimum = reference.find(case, images[:few], truth[:few], sigma)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.save(folder / "images.npy", images)
        del images
        for method in methods(name, settings.peers):
            problem = {
                "case": name, "times": case.times.tolist(), "sigma": sigma,
                "devices": settings.devices, "voxels": min(method.voxels, settings.voxels),
                "repeats": settings.repeats, "at_least": min(3, settings.repeats), "patience": 20,
            }  # fmt: skip
            row = {"case": name, "method": method.name, **measured(method, problem, folder)}
            if "error" not in row:
                row |= _agreement(reference.differences(row.pop("estimates"), minimum), "")
            if method.name == OURS:
                images = np.load(folder / "images.npy")
                row |= _in_float64(name, images[:few], sigma, minimum)
                if "error" not in row:
                    work, seconds = (
                        operations.of_fit(case, images, sigma),
                        1 / row["best_voxels_per_s"],
                    )
                    row["limit"] = limits.distance(work, rates, seconds)
            yield row


def measured(method: Method, problem: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run one program on the arrays in ``folder``; ``error`` where it did not come through."""
    from benchmarks.environments import NotInstalled, interpreter

    python: Path | str = sys.executable
    if method.peer is not None:
        try:
            python = interpreter(method.peer, patience=600)
        except NotInstalled as error:
            return {"error": f"does not install: {error}"}
    (folder / "problem.json").write_text(json.dumps(problem), "utf-8")
    try:
        done = subprocess.run(
            [python, "-m", method.module, folder],
            cwd=ROOT, env=os.environ | COLD, capture_output=True, text=True, check=False,
            timeout=1200,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": "not done after 1200 s"}
    if done.returncode != 0:
        return {"error": last_words(done.stderr, done.returncode)}
    report = json.loads((folder / "report.json").read_text("utf-8"))
    steady, best = float(np.median(report["seconds"])), min(report["seconds"])
    return report | {
        "estimates": np.load(folder / "estimates.npy"),
        "steady_s": steady,
        "voxels_per_s": report["voxels"] / steady,
        "best_voxels_per_s": report["voxels"] / best,
    }


def _in_float64(name: str, images: np.ndarray, sigma: float, minimum: Any) -> dict[str, Any]:
    """How far from the minimum our fit ends in float64."""
    import jax

    import jaxqmri
    from benchmarks import reference
    from benchmarks.cases import CASES

    case = CASES[name]
    with jax.enable_x64(True):
        result = jaxqmri.fit(case.model, images.astype(np.float64), **case.call(sigma))
    estimates = np.stack([getattr(result.params, each) for each in case.tissue], axis=-1)
    return _agreement(reference.differences(estimates, minimum), "float64_")


def _agreement(apart: np.ndarray, prefix: str) -> dict[str, Any]:
    """Median and 99.9th percentile of differences in units of the voxel's std; None if infinite."""
    ends = [float(np.percentile(apart, q, method="higher")) for q in (50, 99.9)]
    median, most = (value if np.isfinite(value) else None for value in ends)
    return {
        f"{prefix}difference_median": median,
        f"{prefix}difference_999": most,
        f"{prefix}compared": len(apart),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table and the targets, and write them down."""
    import tyro

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    configure_jax(settings.devices)
    from benchmarks import limits
    from benchmarks.report import table, target_lines
    from jaxqmri.io.files import write_json

    found = run(settings)
    here = found["machine"]
    loads = " to ".join(f"{found['load_average'][k][0]:.1f}" for k in ("before", "after"))
    print(f"Simulated data; {here['cpu']}, {here['cores']} cores, load average {loads}")
    ours = {row["case"]: row["limit"] for row in found["rows"] if "limit" in row}
    print(f"\n{table(found['rows'])}\n\n{limits.table(ours, found['limits'])}\n")
    print(target_lines(found["targets"]))
    if settings.out is not None:
        device = here["device"]
        name = f"fit-{device['platform']}-{device['count']}.json"
        out = settings.out if settings.out.suffix == ".json" else settings.out / name
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(out, found)
        print(f"\nWritten: {out}")


if __name__ == "__main__":
    main()
