"""What a network sees of one disc: its box and a little around it, at one size."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import ndimage

PADDING = 0.1  # of the box, on every side


def crop(
    image: Float[np.ndarray, "h w c"],
    box: Float[np.ndarray, 4],
    size: tuple[int, int],
    padding: float = PADDING,
) -> Float[np.ndarray, "r s c"]:
    """A box (x1, y1, x2, y2, in pixels) and its surroundings, resampled linearly.

    Channels are scaled by the mean of the whole image, which gain does not change. Beyond the
    image the nearest pixel counts.
    """
    rows, columns = (
        _places(box[low], box[low + 2], count, padding)
        for low, count in ((1, size[0]), (0, size[1]))
    )
    grid = np.meshgrid(rows, columns, indexing="ij")
    channels = [
        ndimage.map_coordinates(channel / channel.mean(), grid, order=1, mode="nearest")
        for channel in np.moveaxis(image, -1, 0)
    ]
    return np.stack(channels, axis=-1).astype(np.float32)


def _places(low: float, high: float, count: int, padding: float) -> Float[np.ndarray, " n"]:
    """Centres of ``count`` cells that share out a box with its padding; pixel 0 is at 0.5."""
    margin = padding * (high - low)
    edges = np.linspace(low - margin, high + margin, count + 1)
    return 0.5 * (edges[1:] + edges[:-1]) - 0.5
