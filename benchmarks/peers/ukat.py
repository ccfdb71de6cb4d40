"""ukat's two-parameter T2 map, all cores."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.timing import Columns, Fit, serve


def prepare(problem: dict[str, Any]) -> tuple[Fit, Columns]:
    """``T2`` with its defaults."""
    # without the package's own first lines, which import TensorFlow for segmentation
    package = ModuleType("ukat")
    found = find_spec("ukat")
    if found is None:
        raise ModuleNotFoundError("no module named ukat")
    package.__path__ = list(found.submodule_search_locations or ())
    sys.modules["ukat"] = package
    from ukat.mapping import T2  # pyright: ignore[reportMissingImports]

    times = np.asarray(problem["times"])

    def fit(images: np.ndarray) -> Any:
        return T2(images[:, None, None, :], times, np.eye(4))

    def columns(found: Any) -> np.ndarray:
        return np.stack([found.m0_map, found.t2_map], axis=-1)[:, 0, 0]

    return fit, columns


if __name__ == "__main__":
    serve(prepare)
