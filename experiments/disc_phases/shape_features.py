"""Hand-made features of a disc in its T1-weighted image: its size, and how bright its parts are."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from experiments.disc_phases.crops import crop

NAMES = (
    "height", "width", "height over width", "height over the patient's", "middle", "front", "back",
    "roughness", "endplates", "vertebra above", "vertebra below", "contrast to bone",
)  # fmt: skip
ROWS, COLUMNS = 24, 36


def shape_features(
    image: Float[np.ndarray, "h w c"], boxes: Float[np.ndarray, "l 4"], pixel: float
) -> Float[np.ndarray, "l f"]:
    """Features of every disc of a patient, in the order of :data:`NAMES`.

    Parameters
    ----------
    image
        Of which the first channel counts.
    boxes
        Of the discs (x1, y1, x2, y2), in pixels.
    pixel
        Edge of a pixel, mm.
    """
    heights = (boxes[:, 3] - boxes[:, 1]) * pixel
    widths = (boxes[:, 2] - boxes[:, 0]) * pixel
    usual = heights.mean()
    found = []
    for box, height, width in zip(boxes, heights, widths, strict=True):
        inside = crop(image[..., :1], box, (ROWS, COLUMNS))[..., 0]
        around = crop(image[..., :1], box, (3 * ROWS, 3 * COLUMNS), 1.0)[:, COLUMNS:-COLUMNS, 0]
        third = COLUMNS // 3
        belly = inside[ROWS // 3 : -(ROWS // 3)]
        middle = belly[:, third:-third].mean()
        above, below = around[: ROWS // 2].mean(), around[-(ROWS // 2) :].mean()
        edges = np.concatenate([inside[: ROWS // 8], inside[-(ROWS // 8) :]]).mean()
        found.append(
            [
                height,
                width,
                height / width,
                height / usual,
                middle,
                belly[:, :third].mean() / middle,
                belly[:, -third:].mean() / middle,
                belly[:, third:-third].std() / middle,
                edges / middle,
                above,
                below,
                middle / (above + below),
            ]
        )
    return np.array(found)
