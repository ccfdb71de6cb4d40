"""Spin-lock series as the studies read them: their times, and the images at those times."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from jaxqmri.io import InputError, bids

SPIN_LOCK_TIMES = (0.0, 10.0, 30.0, 50.0)  # ms
TIME_TOLERANCE = 0.05  # ms


def in_order(series: bids.Series) -> Float[np.ndarray, "x y z 4"]:
    """Images at the four spin-lock times.

    Raises
    ------
    InputError
        If there is not one image at each of them.
    """
    chosen = []
    for time in SPIN_LOCK_TIMES:
        found = np.flatnonzero(np.abs(series.times - time) < TIME_TOLERANCE)
        if found.size != 1:
            raise InputError(
                f"{series.sources[0]}: no image at a spin-lock time of {time:g} ms, found "
                + ", ".join(f"{t:g}" for t in series.times)
            )
        chosen.append(int(found[0]))
    return series.images[..., chosen]
