"""scipy's ``curve_fit`` voxel by voxel: MINPACK, or with bounds its trust-region method."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.timing import Columns, Fit, serve


def prepare(problem: dict[str, Any], bounded: bool = False) -> tuple[Fit, Columns]:
    """The default Jacobian and tolerances, started by a linear fit; NaN where it gives up."""
    import jax
    from scipy.optimize import curve_fit

    from benchmarks.cases import CASES
    from benchmarks.plain import PLAIN

    jax.config.update("jax_enable_x64", True)
    case, plain = CASES[problem["case"]], PLAIN[problem["case"]]
    names, limits = list(case.tissue), case.model.bounds()
    lower, upper = ([getattr(end, name) for name in names] for end in limits)
    options: dict[str, Any] = {"bounds": (lower, upper)} if bounded else {}

    def signal(times: np.ndarray, *params: float) -> np.ndarray:
        return plain.signal(np, times, *params)

    def fit(images: np.ndarray) -> np.ndarray:
        starts = np.stack(plain.start(np, case.times, images), axis=-1)
        found = np.full((len(images), len(names)), np.nan)
        for row, start, voxel in zip(found, starts, images, strict=True):
            try:
                row[:] = curve_fit(signal, case.times, voxel, start, **options)[0]
            except RuntimeError:
                continue
        return found

    return fit, lambda found: found


if __name__ == "__main__":
    serve(prepare)
