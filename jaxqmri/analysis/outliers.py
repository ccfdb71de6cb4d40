"""How far each of many numbers lies from the others, judged by what most of them do."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

SD_OF_MAD = 1.4826  # standard deviation of a normal variable over its median absolute deviation
OUTLYING = 3.5


def robust_z(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Distance from the median, in standard deviations that the middle half of the values tells.

    ``z = (x - median) / (1.4826 MAD)``, MAD being the median of ``|x - median|``. A mean and a
    standard deviation would follow the outliers themselves. Iglewicz and Hoaglin call a value
    outlying beyond 3.5.

    Parameters
    ----------
    values
        One number for each subject; not-a-number where there is none.

    Returns
    -------
    array
        NaN where there is no number. Where more than half of the numbers are the same, these
        have zero and all others infinity.

    References
    ----------
    Iglewicz and Hoaglin, How to detect and handle outliers, ASQC Quality Press 1993.
    """
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).any():
        return np.full(values.shape, np.nan)
    apart = values - np.nanmedian(values)
    spread = SD_OF_MAD * np.nanmedian(np.abs(apart))
    if spread == 0:
        return np.where(apart == 0, 0.0, np.copysign(np.inf, apart) + 0 * apart)
    return apart / spread
