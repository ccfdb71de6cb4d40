"""The minimum itself, by MINPACK in float64 with analytic derivatives and tolerances of 1e-15."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.cases import Case

TIGHT = 1e-15


class Reference(NamedTuple):
    """Minima and standard deviations, shape ``(voxels, p)``; ``inside`` the bounds, ``(voxels,)``.

    The standard deviation is that of Gaussian noise, ``sigma^2 (J^T J)^-1``, for a Rician case
    too (its own is larger, by little at this SNR).
    """

    minima: np.ndarray
    std: np.ndarray
    inside: np.ndarray


def find(case: Case, images: np.ndarray, truth: np.ndarray, sigma: float) -> Reference:
    """Minima of every voxel: the lower of those reached from the truth and from a fit of ours.

    The second start matters where a cost has several minima; it is polished like the first.
    """
    import jax

    import jaxqmri

    with jax.enable_x64(True):
        both = jax.jit(_signal_and_jacobian(case))
        ours = jaxqmri.fit(case.model, images.astype(np.float64), **case.call(sigma))
        second = np.stack([getattr(ours.params, name) for name in case.tissue], axis=-1)
        rows = []
        for voxel, *starts in zip(images.astype(np.float64), truth, second, strict=True):
            found = [
                _minimum(case, both, voxel, s, sigma) for s in starts if np.all(np.isfinite(s))
            ]
            rows.append(min(found, key=lambda each: each[0])[1:])
    minima, std = (np.array(column) for column in zip(*rows, strict=True))
    lower, upper = (np.array([getattr(e, n) for n in case.tissue]) for e in case.model.bounds())
    return Reference(minima, std, np.all((minima > lower) & (minima < upper), axis=-1))


def differences(estimates: np.ndarray, reference: Reference) -> np.ndarray:
    """Largest ``|difference| / std`` over the parameters of each voxel whose minimum is inside.

    A voxel without an estimate differs infinitely.
    """
    count = min(len(estimates), len(reference.minima))
    inside = reference.inside[:count]
    apart = np.abs(estimates[:count] - reference.minima[:count]) / reference.std[:count]
    return np.nan_to_num(apart.max(axis=-1), nan=np.inf)[inside]


def _signal_and_jacobian(case: Case) -> Callable[[Any], Any]:
    import jax

    def signal(x: Any) -> Any:
        return case.model(case.params(list(x)))

    return lambda x: (signal(x), jax.jacfwd(signal)(x))


def _minimum(
    case: Case, both: Callable, voxel: np.ndarray, start: np.ndarray, sigma: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """Cost, minimum and standard deviations of one voxel from one start."""
    from scipy.optimize import least_squares, root
    from scipy.special import i0e, i1e

    kept: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}

    def at(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if x.tobytes() not in kept:
            signal, jacobian = both(x)
            kept[x.tobytes()] = np.asarray(signal), np.asarray(jacobian)
        return kept[x.tobytes()]

    options: dict[str, Any] = {
        "jac": lambda x: at(x)[1], "x_scale": np.abs(start),
        "ftol": TIGHT, "xtol": TIGHT, "gtol": TIGHT, "max_nfev": 1000,
    }  # fmt: skip
    fit = least_squares(lambda x: at(x)[0] - voxel, start, method="lm", **options)
    cost, x = fit.cost, fit.x
    if case.rician:

        def gradient(x: np.ndarray) -> np.ndarray:
            signal, jacobian = at(x)
            z = signal * voxel / sigma**2
            return (signal - voxel * i1e(z) / i0e(z)) @ jacobian / sigma**2

        x = root(gradient, x, method="hybr", options={"xtol": TIGHT}).x
        signal = at(x)[0]
        z = signal * voxel / sigma**2
        cost = float(np.sum((signal - voxel) ** 2 / (2 * sigma**2) - np.log(i0e(z))))
    jacobian = at(x)[1]
    return cost, x, sigma * np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)))
