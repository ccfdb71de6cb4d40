"""``jaxqmri.fit`` on every device, nothing compiled before the first call."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.timing import Columns, Fit, serve
from jaxqmri.cli.accelerator import configure_jax


def prepare(problem: dict[str, Any]) -> tuple[Fit, Columns]:
    """The public call: a NumPy array in, maps of NumPy out."""
    configure_jax(problem["devices"])
    import jax

    import jaxqmri
    from benchmarks.cases import CASES

    jax.devices()
    case = CASES[problem["case"]]
    model, options = case.model, case.call(problem["sigma"])

    def columns(result: Any) -> np.ndarray:
        return np.stack([getattr(result.params, name) for name in case.tissue], axis=-1)

    return lambda images: jaxqmri.fit(model, images, **options), columns


if __name__ == "__main__":
    serve(prepare)
