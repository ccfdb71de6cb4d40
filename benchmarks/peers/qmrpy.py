"""qmrpy's mono-exponential fit, all cores."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.timing import Columns, Fit, serve


def prepare(problem: dict[str, Any]) -> tuple[Fit, Columns]:
    """``T2Mono.fit_image`` with its defaults."""
    from qmrpy.models import T2Mono  # pyright: ignore[reportMissingImports]

    model = T2Mono(te_ms=problem["times"])

    def fit(images: np.ndarray) -> Any:
        return model.fit_image(images, n_jobs=-1)["params"]

    return fit, lambda maps: np.stack([maps["m0"], maps["t2_ms"]], axis=-1)


if __name__ == "__main__":
    serve(prepare)
