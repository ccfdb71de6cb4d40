"""Does a bound hold: fits of simulated noisy voxels, beside what the acquisition promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from jaxqmri.fitting import Status, fit
from jaxqmri.physics import SignalModel, sample_gaussian, sample_rician


class Trial(NamedTuple):
    """Fits of one acquisition, by tissue.

    Attributes
    ----------
    bias
        Mean estimate over the truth, less one.
    deviation
        Standard deviation of the estimates over the truth.
    found
        Share of voxels with an estimate off its bounds; others do not count.
    """

    bias: Float[np.ndarray, " k"]
    deviation: Float[np.ndarray, " k"]
    found: Float[np.ndarray, " k"]


def try_acquisition(
    model: SignalModel,
    tissue: Any,
    sigma: float,
    target: str,
    *,
    likelihood: str = "gaussian",
    free: Sequence[str] | None = None,
    voxels: int = 2000,
    seed: int = 0,
) -> Trial:
    """Simulate noisy voxels of every tissue, fit them, and measure bias and spread.

    Parameters
    ----------
    model
        The acquisition.
    tissue, sigma, target, likelihood, free
        As for :func:`jaxqmri.design.relative_bounds`; what is not free is held at the truth.
    voxels
        Of each tissue.
    seed
        Of the noise.
    """
    names = model.Params._fields
    count = max(np.size(leaf) for leaf in tissue)
    each = {n: np.broadcast_to(np.float32(v), (count,)) for n, v in zip(names, tissue, strict=True)}
    clean = np.asarray(jax.vmap(model)(model.Params(**each)))
    clean = np.broadcast_to(clean[:, None], (count, voxels, clean.shape[-1]))
    sample = sample_rician if likelihood == "rician" else sample_gaussian
    images = np.asarray(sample(jax.random.key(seed), clean, sigma))
    free = [n for n in names if n not in model.defaults] if free is None else list(free)
    held = {n: np.repeat(v[:, None], voxels, 1) for n, v in each.items() if n not in free}
    result = fit(
        model,
        images,
        fixed=held,
        free=tuple(n for n in free if n in model.defaults),
        likelihood=likelihood,
        sigma=sigma,
        quality=False,
    )
    settled = np.asarray(result.status) == Status.CONVERGED
    estimates = np.where(settled, np.asarray(getattr(result.params, target)), np.nan)
    truth = each[target]
    return Trial(
        np.nanmean(estimates, axis=1) / truth - 1,
        np.nanstd(estimates, axis=1, ddof=1) / truth,
        settled.mean(axis=1),
    )
