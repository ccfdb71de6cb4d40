"""A fit of two parameters with a known answer."""

from typing import Any, NamedTuple

import numpy as np

from jaxqmri.fitting.result import FitResult
from jaxqmri.report.fitted import FittedSeries

TE = np.array([10.0, 20.0, 40.0, 60.0])


class Params(NamedTuple):
    s0: Any
    t2: Any


def signals(parameters, positions):
    at = TE if positions is None else positions
    return parameters["s0"][:, None] * np.exp(-at / parameters["t2"][:, None])


def fitted(shape=(12, 10, 6), std=True, t2=None, status=None):
    rng = np.random.default_rng(0)
    t2 = rng.uniform(30, 60, shape).astype(np.float32) if t2 is None else t2
    s0 = np.full(shape, 100.0, np.float32)
    status = np.ones(shape, np.uint8) if status is None else status
    gone = ~np.isin(status, (1, 2))
    s0[gone], t2[gone] = np.nan, np.nan
    images = signals({"s0": s0.ravel(), "t2": t2.ravel()}, None).reshape(*shape, 4)
    noise = rng.normal(0, 1, images.shape)
    result = FitResult(
        Params(s0, t2),
        status,
        ("s0", "t2"),
        sigma=1.0,
        std=Params(0 * s0 + 1, 0.02 * t2) if std else None,
        rmse=np.sqrt((noise**2).mean(-1)).astype(np.float32),
        r_squared=np.full(shape, 0.99, np.float32),
    )
    return FittedSeries(
        result,
        np.nan_to_num(images + noise),
        np.diag([1.0, 1.0, 3.0, 1.0]),
        "t2",
        {"s0": "S0", "t2": "T2"},
        {"s0": "arbitrary", "t2": "ms"},
        TE,
        "echo time (ms)",
        signals,
        title="T2, sub-01",
        settings={"Model": "T2Decay"},
    )
