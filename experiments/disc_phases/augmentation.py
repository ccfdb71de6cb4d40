"""Images a little moved and zoomed, and boxes with them."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def moved(
    image: Float[Array, "h w c"], shift: Float[Array, 2], zoom: Float[Array, 2]
) -> Float[Array, "h w c"]:
    """An image zoomed about its middle, then shifted; beyond it its edge counts.

    Parameters
    ----------
    image
        Resampled linearly.
    shift
        Down and to the right, pixels.
    zoom
        Of rows and columns.
    """
    weights = []
    for axis, count in enumerate(image.shape[:2]):
        middle = count / 2
        place = (jnp.arange(count) + 0.5 - middle - shift[axis]) / zoom[axis] + middle - 0.5
        place = jnp.clip(place, 0, count - 1)
        weights.append(jnp.maximum(0.0, 1.0 - jnp.abs(place[:, None] - jnp.arange(count))))
    return jnp.einsum("ih,hwc,jw->ijc", weights[0], image, weights[1])


def boxes_moved(
    boxes: Float[Array, "m 4"],
    size: tuple[int, int],
    shift: Float[Array, 2],
    zoom: Float[Array, 2],
) -> Float[Array, "m 4"]:
    """Boxes (x1, y1, x2, y2) of an image of ``size`` (rows, columns) after :func:`moved`."""
    middle = jnp.tile(jnp.asarray(size[::-1], boxes.dtype) / 2, 2)
    return (boxes - middle) * jnp.tile(zoom[::-1], 2) + middle + jnp.tile(shift[::-1], 2)
