"""optimistix's Levenberg-Marquardt under ``jit`` and ``vmap``, started by the linear fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.timing import Columns, Fit, serve
from jaxqmri.cli.accelerator import configure_jax


def prepare(problem: dict[str, Any]) -> tuple[Fit, Columns]:
    """Float32, tolerances of 1e-5; one device, whose threads are XLA's."""
    configure_jax(1)
    import jax
    import jax.numpy as jnp
    import optimistix  # pyright: ignore[reportMissingImports]

    from benchmarks.cases import CASES
    from benchmarks.plain import PLAIN

    case, plain = CASES[problem["case"]], PLAIN[problem["case"]]
    solver = optimistix.LevenbergMarquardt(rtol=1e-5, atol=1e-5)
    times = np.asarray(case.times, np.float32)

    def residuals(params: Any, voxel: Any) -> Any:
        return plain.signal(jnp, times, *params) - voxel

    def one(voxel: Any) -> Any:
        start = tuple(plain.start(jnp, times, voxel))
        found = optimistix.least_squares(
            residuals, solver, start, args=voxel, max_steps=100, throw=False
        )
        return jnp.stack(found.value)

    many = jax.jit(jax.vmap(one))
    return lambda images: np.asarray(many(images)), lambda found: found


if __name__ == "__main__":
    serve(prepare)
