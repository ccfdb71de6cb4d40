"""ukat's two-parameter T2 map, all cores."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.timing import Columns, Fit, serve


def prepare(problem: dict[str, Any]) -> tuple[Fit, Columns]:
    """``T2`` with its defaults; it divides the images by their largest value."""
    from ukat.mapping import T2  # pyright: ignore[reportMissingImports]

    times = np.asarray(problem["times"])

    def fit(images: np.ndarray) -> Any:
        return T2(images[:, None, None, :], times, np.eye(4))

    def columns(found: Any) -> np.ndarray:
        return np.stack([found.m0_map * found.scale, found.t2_map], axis=-1)[:, 0, 0]

    return fit, columns


if __name__ == "__main__":
    serve(prepare)
