"""U-Net, and the encoder and decoder that other networks are made of."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from jaxqmri.networks.blocks import ConvBlock, Norm, UpConv, max_pool
from jaxqmri.networks.heads import Regressor

Features = list[Float[Array, "n _ _ _"]]


class Encoder(nnx.Module):
    """A convolution block at each level, with 2 x 2 max-pooling between levels.

    Parameters
    ----------
    in_channels
        Channels of the images.
    features
        Channels at each level, finest first.
    norm, dropout
        Normalisation and dropout of the blocks (:class:`jaxqmri.networks.ConvBlock`).
    rngs
        Keys for the weights.
    """

    def __init__(
        self,
        in_channels: int,
        features: Sequence[int],
        *,
        norm: Norm = "batch",
        dropout: float = 0.0,
        rngs: nnx.Rngs,
    ):
        widths = (in_channels, *features)
        self.blocks = nnx.List(
            ConvBlock(a, b, norm=norm, dropout=dropout, rngs=rngs)
            for a, b in zip(widths, features, strict=False)
        )

    def __call__(self, x: Float[Array, "n h w c"], train: bool = False) -> Features:
        """Feature maps of every level, finest first.

        Raises
        ------
        ValueError
            If height or width is not divisible by ``2**(levels - 1)``.
        """
        step = 2 ** (len(self.blocks) - 1)
        if x.shape[1] % step or x.shape[2] % step:
            raise ValueError(
                f"images of {x.shape[1]} x {x.shape[2]} pixels: a network of {len(self.blocks)} "
                f"levels needs a height and width divisible by {step}"
            )
        levels = []
        for k, block in enumerate(self.blocks):
            x = block(max_pool(x) if k else x, train)
            levels.append(x)
        return levels


class Decoder(nnx.Module):
    """From an encoder's feature maps back to full size, level by level.

    Parameters
    ----------
    features
        Channels at each level of the encoder, finest first.
    norm, dropout
        Normalisation and dropout of the blocks.
    up_kernel
        Kernel of the transposed convolutions, 2 or 3 (:class:`jaxqmri.networks.UpConv`).
    rngs
        Keys for the weights.
    """

    def __init__(
        self,
        features: Sequence[int],
        *,
        norm: Norm = "batch",
        dropout: float = 0.0,
        up_kernel: int = 2,
        rngs: nnx.Rngs,
    ):
        pairs = list(zip(features[1:], features, strict=False))[::-1]
        self.ups = nnx.List(UpConv(a, b, up_kernel, rngs=rngs) for a, b in pairs)
        self.blocks = nnx.List(
            ConvBlock(2 * b, b, norm=norm, dropout=dropout, rngs=rngs) for _, b in pairs
        )

    def __call__(self, levels: Features, train: bool = False) -> Float[Array, "n h w c"]:
        """Feature maps of the finest level."""
        x = levels[-1]
        for up, block, skip in zip(self.ups, self.blocks, levels[-2::-1], strict=True):
            x = block(jnp.concatenate([skip, up(x)], axis=-1), train)
        return x


class UNet(nnx.Module):
    """Two-dimensional U-Net with a pixelwise linear regressor, and limits if asked for.

    Parameters
    ----------
    in_channels, out_channels
        Channels of images and maps.
    features
        Channels at each level, finest first.
    norm
        ``"batch"`` or ``"none"``. Instance normalisation is left out on purpose: it removes the
        intensity ratios between patches that a quantitative map is made of.
    dropout
        Share of the features that each training step leaves out of every block.
    up_kernel
        Kernel of the transposed convolutions, 2 or 3.
    limits, leak, start
        Range of the maps, the slope outside it and where training starts
        (:class:`jaxqmri.networks.Regressor`).
    rngs
        Keys for the weights.

    References
    ----------
    Ronneberger et al., MICCAI 2015, doi:10.1007/978-3-319-24574-4_28.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 1,
        features: Sequence[int] = (32, 64, 128, 256, 512),
        *,
        norm: Norm = "batch",
        dropout: float = 0.0,
        up_kernel: int = 2,
        limits: tuple[float, float] | None = None,
        leak: float = 0.0,
        start: float | None = None,
        rngs: nnx.Rngs,
    ):
        self.encoder = Encoder(in_channels, features, norm=norm, dropout=dropout, rngs=rngs)
        self.decoder = Decoder(features, norm=norm, dropout=dropout, up_kernel=up_kernel, rngs=rngs)
        self.regressor = Regressor(
            features[0], out_channels, limits=limits, leak=leak, start=start, rngs=rngs
        )

    def __call__(
        self, images: Float[Array, "n h w in"], train: bool = False
    ) -> Float[Array, "n h w out"]:
        """Maps of the images' height and width.

        Parameters
        ----------
        images
            Shape ``(n, h, w, in_channels)``.
        train
            Normalise with the batch's statistics and remember them, rather than with those
            remembered.

        Raises
        ------
        ValueError
            If height or width is not divisible by ``2**(levels - 1)``.
        """
        return self.regressor(self.decoder(self.encoder(images, train), train))
