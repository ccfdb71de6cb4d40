"""torchimize's parallel Levenberg-Marquardt in PyTorch, with an analytic Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.timing import Columns, Fit, serve


def prepare(problem: dict[str, Any]) -> tuple[Fit, Columns]:
    """All voxels at once in float64, in decay rates, from amplitude 1 and 30 ms."""
    import torch  # pyright: ignore[reportMissingImports]
    from torchimize.functions import lsq_lma_parallel  # pyright: ignore[reportMissingImports]

    times = torch.tensor(problem["times"], dtype=torch.float64)

    def decay(params: Any) -> Any:
        return torch.exp(-params[:, 1:] * times)

    def residuals(params: Any, voxels: Any) -> Any:
        return (params[:, :1] * decay(params) - voxels)[:, None, :]

    def jacobian(params: Any, voxels: Any) -> Any:
        del voxels
        by_amplitude = decay(params)
        by_rate = -params[:, :1] * times * by_amplitude
        return torch.stack([by_amplitude, by_rate], dim=-1)[:, None]

    def fit(images: np.ndarray) -> np.ndarray:
        voxels = torch.from_numpy(images.astype(np.float64))
        start = torch.tensor([[1.0, 1 / 30.0]], dtype=torch.float64).repeat(len(images), 1)
        return lsq_lma_parallel(start, residuals, jacobian, args=(voxels,))[-1].numpy()

    return fit, lambda found: np.stack([found[:, 0], 1 / found[:, 1]], axis=-1)


if __name__ == "__main__":
    serve(prepare)
