"""Wide residual network: an image to a few numbers."""

from __future__ import annotations

from itertools import pairwise

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from jaxqmri.networks.blocks import batch_norm, conv
from jaxqmri.networks.heads import Regressor

FIRST = 16  # channels of the first convolution, whatever the width


class WideBlock(nnx.Module):
    """Twice a normalisation, a ReLU and a 3 x 3 convolution, added to what came in.

    ``a = relu(BN(x))``, ``y = shortcut + K2 * relu(BN(K1 * a))``. The shortcut is ``x`` itself, or
    a 1 x 1 convolution of ``a`` where channels or size change.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the images that come in and go out.
    stride
        Pixels between outputs: 1 keeps the size, 2 halves an even one.
    rngs
        Keys for the weights (He et al., ICCV 2015).

    References
    ----------
    He et al., ECCV 2016, arXiv:1603.05027.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, *, rngs: nnx.Rngs):
        self.norms = nnx.List([batch_norm(in_channels, rngs), batch_norm(out_channels, rngs)])
        self.convs = nnx.List(
            [
                conv(in_channels, out_channels, 3, stride, rngs=rngs),
                conv(out_channels, out_channels, 3, rngs=rngs),
            ]
        )
        changes = in_channels != out_channels or stride != 1
        self.shortcut = conv(in_channels, out_channels, 1, stride, rngs=rngs) if changes else None

    def __call__(
        self, x: Float[Array, "n h w in"], train: bool = False
    ) -> Float[Array, "n _h _w out"]:
        """Feature maps; with ``train`` normalised by the batch's statistics."""
        a = nnx.relu(self.norms[0](x, use_running_average=not train))
        y = nnx.relu(self.norms[1](self.convs[0](a), use_running_average=not train))
        return self.convs[1](y) + (x if self.shortcut is None else self.shortcut(a))


class WideResNet(nnx.Module):
    """Wide residual network ``WRN-depth-width`` that regresses a few numbers from an image.

    A 3 x 3 convolution to 16 channels; three groups of ``(depth - 4) / 6`` blocks with
    ``16 width``, ``32 width`` and ``64 width`` channels at full, half and quarter size; a
    normalisation, a ReLU, the mean over the image and a linear layer.

    Parameters
    ----------
    in_channels
        Channels of the images.
    out_features
        Numbers to regress.
    depth
        Number of convolutions, those of the shortcuts included: ``6 n + 4``.
    width
        Factor on the channels of the groups.
    rngs
        Keys for the weights.

    Raises
    ------
    ValueError
        If ``depth`` is not ``6 n + 4`` with ``n`` at least 1, or ``width`` is not at least 1.

    References
    ----------
    Zagoruyko and Komodakis, BMVC 2016, arXiv:1605.07146.
    """

    def __init__(
        self,
        in_channels: int,
        out_features: int,
        *,
        depth: int = 22,
        width: int = 4,
        rngs: nnx.Rngs,
    ):
        if depth < 10 or depth % 6 != 4:
            raise ValueError(f"depth must be 6 n + 4, that is 10, 16, 22, ..., got {depth}")
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}")
        blocks = (depth - 4) // 6
        widths = [FIRST, *(FIRST * width * 2**k for k in range(3))]
        self.first = conv(in_channels, FIRST, 3, rngs=rngs)
        self.blocks = nnx.List(
            WideBlock(b if k else a, b, 1 if k else stride, rngs=rngs)
            for (a, b), stride in zip(pairwise(widths), (1, 2, 2), strict=True)
            for k in range(blocks)
        )
        self.norm = batch_norm(widths[-1], rngs)
        self.regressor = Regressor(widths[-1], out_features, rngs=rngs)

    def __call__(
        self, images: Float[Array, "n h w in"], train: bool = False
    ) -> Float[Array, "n out"]:
        """The numbers of each image.

        Parameters
        ----------
        images
            Shape ``(n, h, w, in_channels)``, of any height and width.
        train
            Normalise with the batch's statistics and remember them, rather than with those
            remembered.
        """
        x = self.first(images)
        for block in self.blocks:
            x = block(x, train)
        x = nnx.relu(self.norm(x, use_running_average=not train))
        return self.regressor(jnp.mean(x, axis=(1, 2)))
