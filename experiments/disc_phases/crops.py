"""What a network sees of one disc: a field of one size in mm about the middle of its box."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import ndimage

FIELD = (24.0, 48.0)  # mm, of rows and of columns: a disc and the bone beside its endplates


def field_about(box: Float[np.ndarray, 4], pixel: float) -> Float[np.ndarray, 4]:
    """The field about the middle of a box, in pixels of ``pixel`` mm.

    A box itself, brought to one size, would not tell how high a disc is.
    """
    middle, half = 0.5 * (box[:2] + box[2:]), 0.5 * np.array(FIELD[::-1]) / pixel
    return np.concatenate([middle - half, middle + half])


def crop(
    image: Float[np.ndarray, "h w c"],
    box: Float[np.ndarray, 4],
    size: tuple[int, int],
    padding: float = 0.0,
) -> Float[np.ndarray, "r s c"]:
    """A box (x1, y1, x2, y2, in pixels), resampled linearly, with ``padding`` of its size around.

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
