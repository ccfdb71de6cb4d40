"""Echo trains by :class:`jaxqmri.physics.MultiEchoSpinEcho`, shared out over every device."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.timing import Columns, Fit, serve
from jaxqmri.cli.accelerator import configure_jax


def prepare(problem: dict[str, Any]) -> tuple[Fit, Columns]:
    """Rows of T2 (ms) and B1 to echoes, float32, a NumPy array in and out."""
    configure_jax(problem["devices"])
    import jax
    import jax.numpy as jnp
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    from jaxqmri.physics import MultiEchoSpinEcho

    model = MultiEchoSpinEcho(problem["spacing"] * np.arange(1, problem["echoes"] + 1))
    devices = jax.local_devices()
    divided = NamedSharding(Mesh(np.asarray(devices), ("rows",)), PartitionSpec("rows"))

    def train(row: Any) -> Any:
        t2, b1 = row
        return model(model.Params(s0=jnp.ones_like(t2), t2=t2, b1=b1, t1=problem["t1"]))

    many = jax.jit(jax.vmap(train), in_shardings=divided, out_shardings=divided)

    def signals(tissue: np.ndarray) -> np.ndarray:
        padded = np.pad(tissue, ((0, -len(tissue) % len(devices)), (0, 0)), mode="edge")
        return np.asarray(many(padded))[: len(tissue)]

    return signals, lambda found: found


if __name__ == "__main__":
    serve(prepare)
