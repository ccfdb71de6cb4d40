"""One encoder for several maps and a segmentation, each with a decoder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from jaxqmri.networks.blocks import Norm
from jaxqmri.networks.heads import Regressor
from jaxqmri.networks.unet import Decoder, Encoder


class MapsAndLogits(NamedTuple):
    """What :class:`RMQNet` makes of images.

    Attributes
    ----------
    maps
        Shape ``(n, h, w, maps)``, each in the unit that it was trained in.
    logits
        Shape ``(n, h, w, classes)``: the logistic function of each is the probability that the
        pixel is of this class. Classes may overlap.
    """

    maps: Float[Array, "n h w maps"]
    logits: Float[Array, "n h w classes"]


class RMQNet(nnx.Module):
    """U-Net whose features are shared by a decoder for every map and one that segments.

    Parameters
    ----------
    in_channels
        Channels of the images.
    maps
        Number of quantitative maps.
    classes
        Number of tissues to segment.
    features
        Channels at each level, finest first.
    norm, up_kernel
        Normalisation and kernel of the transposed convolutions, as of
        :class:`jaxqmri.networks.UNet`.
    direct
        Add to every map a linear function of the pixel's own images, 0 before training. What a
        pixel's signals tell of its maps then need not pass through the channels of the finest
        level, which all decoders share.
    starts
        Value of each map before training; all 0 when None. Maps of unlike units learn together
        only if all of them start near their own values.
    rngs
        Keys for the weights.

    Raises
    ------
    ValueError
        If there is not one start for each map, or no map or class.

    Notes
    -----
    The decoders run one after the other. Mapped over stacked weights they become grouped
    convolutions, which XLA runs on CPUs some ten times slower; one wide convolution of
    the encoder's features for all decoders saves about a tenth of a training step.

    References
    ----------
    Lu et al., Journal of Imaging Informatics in Medicine 2024, doi:10.1007/s10278-024-01089-8.
    """

    def __init__(
        self,
        in_channels: int,
        maps: int = 4,
        classes: int = 1,
        features: Sequence[int] = (32, 64, 128, 256, 512),
        *,
        norm: Norm = "batch",
        up_kernel: int = 2,
        direct: bool = False,
        starts: Sequence[float] | None = None,
        rngs: nnx.Rngs,
    ):
        if maps < 1 or classes < 1:
            raise ValueError(f"maps and classes must be at least 1, got {maps} and {classes}")
        starts = [0.0] * maps if starts is None else starts
        if len(starts) != maps:
            raise ValueError(f"expected a start for each of {maps} maps, got {len(starts)}")

        def decoder() -> Decoder:
            return Decoder(features, norm=norm, up_kernel=up_kernel, rngs=rngs)

        self.encoder = Encoder(in_channels, features, norm=norm, rngs=rngs)
        self.decoders = nnx.List(decoder() for _ in range(maps))
        self.regressors = nnx.List(
            Regressor(features[0], 1, start=float(start), rngs=rngs) for start in starts
        )
        self.segmenter = decoder()
        self.classifier = Regressor(features[0], classes, rngs=rngs)
        zeros = nnx.initializers.zeros
        self.direct = (
            nnx.Linear(in_channels, maps, use_bias=False, kernel_init=zeros, rngs=rngs)
            if direct
            else None
        )

    def __call__(self, images: Float[Array, "n h w in"], train: bool = False) -> MapsAndLogits:
        """Maps and logits of the images' height and width.

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
        levels = self.encoder(images, train)
        maps = [
            regressor(decoder(levels, train))
            for decoder, regressor in zip(self.decoders, self.regressors, strict=True)
        ]
        logits = self.classifier(self.segmenter(levels, train))
        joined = jnp.concatenate(maps, axis=-1)
        if self.direct is not None:
            joined = joined + self.direct(images)
        return MapsAndLogits(joined, logits)
