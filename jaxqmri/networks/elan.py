"""Blocks of single-stage detectors: many short ways through many layers, and several reaches."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from jaxqmri.networks.blocks import batch_norm, conv, max_pool, sliding_max

POOLING_WINDOW = 5  # one, two and three times in a row: windows of 5, 9 and 13 pixels


class ConvSiLU(nnx.Module):
    """Convolution without bias, batch normalisation and SiLU, ``y = z sigmoid(z)``.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the images that come in and go out.
    kernel
        Width of the kernel, odd.
    stride
        Pixels between outputs: 1 keeps the size, 2 halves an even one.
    activation
        False leaves the SiLU to the caller.
    rngs
        Keys for the weights (He et al., ICCV 2015).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        activation: bool = True,
        rngs: nnx.Rngs,
    ):
        self.conv = conv(in_channels, out_channels, kernel, stride, rngs=rngs)
        self.norm = batch_norm(out_channels, rngs)
        self.activation = activation

    def __call__(
        self, x: Float[Array, "n h w in"], train: bool = False
    ) -> Float[Array, "n _h _w out"]:
        """Feature maps; with ``train`` normalised by the batch's statistics."""
        x = self.norm(self.conv(x), use_running_average=not train)
        return nnx.silu(x) if self.activation else x


class ELAN(nnx.Module):
    """Efficient layer aggregation: a chain of 3 x 3 convolutions, many of whose links are kept.

    Two 1 x 1 convolutions, of ``branch`` channels each, look at the input. The chain goes on from
    the second; every ``keep``-th of its links is laid beside both, and a last 1 x 1 convolution
    sums all up. Gradients so reach every link by a short way, however long the chain.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the images that come in and go out.
    branch
        Channels of each of the two branches.
    link
        Channels of each link of the chain.
    links
        Number of links.
    keep
        Which links are kept: every one (1), every second (2), ...
    rngs
        Keys for the weights.

    References
    ----------
    Wang et al., CVPR 2023, arXiv:2207.02696; Wang et al., arXiv:2211.04800.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        branch: int,
        link: int,
        links: int = 4,
        keep: int = 1,
        rngs: nnx.Rngs,
    ):
        # both branches are one convolution: same weights, half as many passes over the input
        self.branches = ConvSiLU(in_channels, 2 * branch, rngs=rngs)
        self.chain = nnx.List(
            ConvSiLU(link if k else branch, link, 3, rngs=rngs) for k in range(links)
        )
        kept = 2 * branch + links // keep * link
        self.merge = ConvSiLU(kept, out_channels, rngs=rngs)
        self.keep = keep

    def __call__(
        self, x: Float[Array, "n h w in"], train: bool = False
    ) -> Float[Array, "n h w out"]:
        """Feature maps of the same height and width."""
        kept = [self.branches(x, train)]
        x = jnp.split(kept[0], 2, axis=-1)[1]
        for k, link in enumerate(self.chain, 1):
            x = link(x, train)
            if k % self.keep == 0:
                kept.append(x)
        return self.merge(jnp.concatenate(kept, axis=-1), train)


class DownSample(nnx.Module):
    """Half the size in two ways, side by side: 2 x 2 max-pooling, and convolution with stride 2.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the images that come in and go out; each way gives half of the latter.
    rngs
        Keys for the weights.

    References
    ----------
    Wang et al., CVPR 2023, arXiv:2207.02696 (there "MP").
    """

    def __init__(self, in_channels: int, out_channels: int, *, rngs: nnx.Rngs):
        half = out_channels // 2
        self.pooled = ConvSiLU(in_channels, half, rngs=rngs)
        self.reduce = ConvSiLU(in_channels, half, rngs=rngs)
        self.stride = ConvSiLU(half, half, 3, 2, rngs=rngs)

    def __call__(
        self, x: Float[Array, "n h w in"], train: bool = False
    ) -> Float[Array, "n _h2 _w2 out"]:
        """Feature maps of half the height and width."""
        strided = self.stride(self.reduce(x, train), train)
        return jnp.concatenate([strided, self.pooled(max_pool(x), train)], axis=-1)


class SPPCSPC(nnx.Module):
    """Spatial pyramid pooling on one of two paths: features beside the largest within reach.

    Maxima over 5 x 5, 9 x 9 and 13 x 13 pixels are laid beside the features themselves, so that
    a pixel knows of objects larger than what its convolutions see. The other path is a single
    1 x 1 convolution.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the images that come in and go out.
    rngs
        Keys for the weights.

    References
    ----------
    He et al., ECCV 2014, arXiv:1406.4729 (pyramid pooling); Wang et al., CVPR 2023,
    arXiv:2207.02696 (this block).
    """

    def __init__(self, in_channels: int, out_channels: int, *, rngs: nnx.Rngs):
        out = out_channels
        self.branches = ConvSiLU(in_channels, 2 * out, rngs=rngs)
        self.before = nnx.List([ConvSiLU(out, out, 3, rngs=rngs), ConvSiLU(out, out, rngs=rngs)])
        self.after = nnx.List([ConvSiLU(4 * out, out, rngs=rngs), ConvSiLU(out, out, 3, rngs=rngs)])
        self.merge = ConvSiLU(2 * out, out, rngs=rngs)

    def __call__(
        self, x: Float[Array, "n h w in"], train: bool = False
    ) -> Float[Array, "n h w out"]:
        """Feature maps of the same height and width."""
        x, beside = jnp.split(self.branches(x, train), 2, axis=-1)
        for layer in self.before:
            x = layer(x, train)
        pyramid = [x]
        for _ in range(3):
            pyramid.append(sliding_max(pyramid[-1], POOLING_WINDOW))
        x = jnp.concatenate(pyramid, axis=-1)
        for layer in self.after:
            x = layer(x, train)
        return self.merge(jnp.concatenate([x, beside], axis=-1), train)


class RepConv(nnx.Module):
    """SiLU of a 3 x 3 and a 1 x 1 convolution, and the input itself, each normalised, summed.

    ``y = silu(BN(K3 * x) + BN(K1 * x) + BN(x))``, the last term only where as many channels come
    in as go out. Outside training the sum is one 3 x 3 convolution, split so that it learns
    more easily.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the images that come in and go out.
    rngs
        Keys for the weights.

    References
    ----------
    Ding et al., CVPR 2021, arXiv:2101.03697.
    """

    def __init__(self, in_channels: int, out_channels: int, *, rngs: nnx.Rngs):
        self.wide = ConvSiLU(in_channels, out_channels, 3, activation=False, rngs=rngs)
        self.point = ConvSiLU(in_channels, out_channels, activation=False, rngs=rngs)
        self.identity = batch_norm(in_channels, rngs) if in_channels == out_channels else None

    def __call__(
        self, x: Float[Array, "n h w in"], train: bool = False
    ) -> Float[Array, "n h w out"]:
        """Feature maps of the same height and width."""
        y = self.wide(x, train) + self.point(x, train)
        if self.identity is not None:
            y = y + self.identity(x, use_running_average=not train)
        return nnx.silu(y)
