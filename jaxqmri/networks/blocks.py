"""What convolutional networks are built of, in forms whose gradients are quick on CPUs and GPUs."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike
from jaxtyping import Array, Float

Norm = Literal["batch", "none"]
BATCH_NORM_MOMENTUM = 0.9  # 0.99 leaves the running statistics of a short training behind
HE_NORMAL = jax.nn.initializers.he_normal()


class ConvBlock(nnx.Module):
    """Twice a 3 x 3 convolution, a normalisation and a ReLU, at constant size.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the images that come in and go out.
    norm
        ``"batch"``: convolutions without bias, each followed by batch normalisation.
        ``"none"``: convolutions with bias.
    dropout
        Share of the features that each training step leaves out, at random.
    rngs
        Keys for the weights (He et al., ICCV 2015), and for what is left out.

    References
    ----------
    Ronneberger et al., MICCAI 2015, doi:10.1007/978-3-319-24574-4_28.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        norm: Norm = "batch",
        dropout: float = 0.0,
        rngs: nnx.Rngs,
    ):
        plain = norm == "none"
        widths = (in_channels, out_channels, out_channels)
        self.convs = nnx.List(
            nnx.Conv(a, b, (3, 3), use_bias=plain, kernel_init=HE_NORMAL, rngs=rngs)
            for a, b in pairwise(widths)
        )
        self.norms = nnx.List([] if plain else [batch_norm(out_channels, rngs) for _ in range(2)])
        self.dropout = nnx.Dropout(dropout, rngs=rngs) if dropout else None

    def __call__(
        self, x: Float[Array, "n h w in"], train: bool = False
    ) -> Float[Array, "n h w out"]:
        """Feature maps; with ``train`` features are dropped, and the batch's statistics used."""
        for k, conv in enumerate(self.convs):
            x = conv(x)
            if self.norms:
                x = self.norms[k](x, use_running_average=not train)
            x = nnx.relu(x)
        return x if self.dropout is None else self.dropout(x, deterministic=not train)


class UpConv(nnx.Module):
    """Transposed convolution with stride 2, as a convolution followed by depth-to-space.

    ``y[2 i + a] = sum_b w[2 b + a] x[i - b] + bias`` in each direction: every input pixel paints
    a ``kernel x kernel`` patch of an image of twice the size, of which the last row and column
    are dropped where the kernel is 3. All outputs of one input pixel are computed at once and
    then laid side by side, which on CPUs is much quicker than a dilated convolution.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the images that come in and go out.
    kernel
        Width of the kernel, 2 or 3.
    rngs
        Keys for the weights (He et al., ICCV 2015).

    Raises
    ------
    ValueError
        If the kernel is neither 2 nor 3.

    Notes
    -----
    ``kernel`` has shape ``(in_channels, kernel, kernel, out_channels)``, so that no step has to
    transpose it; those of ``flax.nnx.ConvTranspose`` are mirrored in both directions.

    References
    ----------
    Shi et al., CVPR 2016, doi:10.1109/CVPR.2016.207.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 2, *, rngs: nnx.Rngs):
        if kernel not in (2, 3):
            raise ValueError(f"kernel of an up-sampling must be 2 or 3, got {kernel}")
        shape = (kernel, kernel, in_channels, out_channels)
        weights = HE_NORMAL(rngs.params(), shape)
        self.kernel = nnx.Param(jnp.moveaxis(weights, 2, 0))
        self.bias = nnx.Param(jnp.zeros(out_channels))

    def __call__(self, x: Float[Array, "n h w in"]) -> Float[Array, "n _2h _2w out"]:
        """Feature maps of twice the height and width."""
        kernel = self.kernel[...]
        out = kernel.shape[-1]
        if kernel.shape[1] == 2:
            y = x @ kernel.reshape(-1, 4 * out)
        else:
            y = jax.lax.conv_general_dilated(
                x,
                _phases(kernel),
                (1, 1),
                [(1, 0), (1, 0)],
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )
        return depth_to_space(y + jnp.tile(self.bias[...], 4))


def _phases(kernel: Float[Array, "i 3 3 o"]) -> Float[Array, "2 2 i _4o"]:
    """Weights of a 2 x 2 convolution that gives the four outputs of a pixel, padded in front."""
    padded = jnp.pad(kernel, ((0, 0), (0, 1), (0, 1), (0, 0)))
    i, _, _, o = kernel.shape
    by_tap = padded.reshape(i, 2, 2, 2, 2, o)[:, ::-1, :, ::-1]  # the nearer pixel's come last
    return by_tap.transpose(1, 3, 0, 2, 4, 5).reshape(2, 2, i, 4 * o)


def conv(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, *, rngs: nnx.Rngs
) -> nnx.Conv:
    """Convolution without bias, for a normalisation to follow; padded alike on all sides."""

    def init(key: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        # the same numbers drawn as a matrix: networks of many shapes compile in half the time
        return HE_NORMAL(key, (prod(shape[:-1]), shape[-1]), dtype).reshape(shape)

    return nnx.Conv(
        in_channels,
        out_channels,
        (kernel, kernel),
        stride,
        padding=kernel // 2,
        use_bias=False,
        kernel_init=init,
        rngs=rngs,
    )


def batch_norm(channels: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
    """Batch normalisation whose running statistics follow within some tens of steps."""
    return nnx.BatchNorm(channels, momentum=BATCH_NORM_MOMENTUM, rngs=rngs)


def max_pool(x: Float[Array, "n h w c"]) -> Float[Array, "n _h2 _w2 c"]:
    """Largest of each 2 x 2 pixels.

    Raises
    ------
    ValueError
        If height or width is odd.
    """
    n, h, w, c = x.shape
    if h % 2 or w % 2:
        raise ValueError(f"2 x 2 pooling needs an even height and width, got {h} x {w}")
    return jnp.max(x.reshape(n, h // 2, 2, w // 2, 2, c), axis=(2, 4))


def sliding_max(x: Float[Array, "n h w c"], window: int) -> Float[Array, "n h w c"]:
    """Largest of the ``window x window`` pixels around each, of those inside the image.

    Maxima of shifted images, over twice as many pixels each time. Their gradient is some ten
    times quicker on CPUs than that of a reduction over windows.

    Parameters
    ----------
    x
        Images.
    window
        Width of the window, odd.

    Raises
    ------
    ValueError
        If the window has no middle.
    """
    if window < 1 or window % 2 == 0:
        raise ValueError(f"a window around each pixel must be 1, 3, 5, ... wide, got {window}")
    for axis in (1, 2):
        reach = [(window // 2,) * 2 if k == axis else (0, 0) for k in range(4)]
        x = jnp.pad(x, reach, constant_values=-jnp.inf)
        span = 1
        while span < window:
            step = min(span, window - span)
            shifted = jax.lax.slice_in_dim(x, step, None, axis=axis)
            x = jnp.maximum(jax.lax.slice_in_dim(x, 0, -step, axis=axis), shifted)
            span += step
    return x


def upsample(x: Float[Array, "n h w c"]) -> Float[Array, "n _2h _2w c"]:
    """Twice the height and width: each pixel becomes a square of 2 x 2 alike."""
    n, h, w, c = x.shape
    squares = jnp.broadcast_to(x[:, :, None, :, None], (n, h, 2, w, 2, c))
    return squares.reshape(n, 2 * h, 2 * w, c)


def depth_to_space(x: Float[Array, "n h w _4c"]) -> Float[Array, "n _2h _2w c"]:
    """Lay four groups of channels out as 2 x 2 pixels: top left, top right, bottom left, right."""
    n, h, w, c = x.shape
    blocks = x.reshape(n, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(n, 2 * h, 2 * w, c // 4)
