"""DOSMA's ``curve_fit`` of a single exponential, all cores."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from benchmarks.timing import Columns, Fit, serve


def prepare(problem: dict[str, Any]) -> tuple[Fit, Columns]:
    """Started as its ``MonoExponentialFit`` does, whose map is rounded and so not compared."""
    from dosma.core.fitting import (  # pyright: ignore[reportMissingImports]
        curve_fit,
        monoexponential,
    )

    times = np.asarray(problem["times"])

    def fit(images: np.ndarray) -> np.ndarray:
        start, workers = (1.0, -1 / 30.0), os.cpu_count()
        return curve_fit(
            monoexponential, times, images.T, p0=start, num_workers=workers, chunksize=100
        )[0]

    return fit, lambda found: np.stack([found[:, 0], -1 / found[:, 1]], axis=-1)


if __name__ == "__main__":
    serve(prepare)
