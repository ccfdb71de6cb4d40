"""Echo trains before they are fitted."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

FEWEST = 3  # echoes: a moving average of three


def smooth_where_rising(
    signals: Float[np.ndarray, "*place n"],
) -> Float[np.ndarray, "*place n"]:
    """Moving averages of three echoes where a signal does not fall from each echo to the next.

    Inside, the mean of an echo and its neighbours; at both ends, of the outermost two. Voxels
    that fall strictly are left as they are.

    Parameters
    ----------
    signals
        Echoes last, three or more.

    Raises
    ------
    ValueError
        If there are fewer than three echoes.

    References
    ----------
    The fit of Thomas et al., Cartilage 2021, doi:10.1177/19476035211042406.
    """
    if signals.shape[-1] < FEWEST:
        raise ValueError(f"expected {FEWEST} echoes or more, got {signals.shape[-1]}")
    rising = np.any(np.diff(signals, axis=-1) >= 0, axis=-1, keepdims=True)
    ends = (signals[..., :2].mean(-1, keepdims=True), signals[..., -2:].mean(-1, keepdims=True))
    inside = (signals[..., :-2] + signals[..., 1:-1] + signals[..., 2:]) / 3.0
    smooth = np.concatenate([ends[0], inside, ends[1]], axis=-1)
    return np.where(rising, smooth, signals).astype(signals.dtype)
