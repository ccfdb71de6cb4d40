"""Single-stage detector: where the intervertebral discs are, and of which level each is."""

from __future__ import annotations

from math import log

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from jaxqmri.networks.blocks import upsample
from jaxqmri.networks.elan import ELAN, SPPCSPC, ConvSiLU, DownSample, RepConv

Scales = tuple[Float[Array, "n _ _ _"], Float[Array, "n _ _ _"], Float[Array, "n _ _ _"]]
Predictions = tuple[Float[Array, "n _ _ 3 _"], Float[Array, "n _ _ 3 _"], Float[Array, "n _ _ 3 _"]]

STRIDES = (8, 16, 32)
ANCHORS = 3  # boxes that a cell of each scale may predict
BOX = 5  # t_x, t_y, t_w, t_h and the logit of an object being there


class DiscDetector(nnx.Module):
    """YOLOv7: boxes, each with a class, proposed by every cell of three grids at once.

    Parameters
    ----------
    in_channels
        Channels of the images.
    classes
        Number of classes: the levels of the lumbar spine.
    width
        Factor on all channels; 1 as published. The first layer has ``32 width`` of them, rounded,
        and all others have multiples of that.
    depth
        Half the number of 3 x 3 convolutions in each ELAN block; 2 as published.
    rngs
        Keys for the weights.

    Raises
    ------
    ValueError
        If there is no class or no depth, or ``width`` is so small that nothing is left.

    Notes
    -----
    Most cells see no object. So that they do not rule the first steps, the logits start at what
    is rare: of an object, at the logarithm of the share of cells with one of 8 objects in
    640 x 640 pixels; of each class, at ``log(0.6 / (classes - 0.99))``.

    The implicit knowledge of the original's heads, an offset and a factor for each channel, is
    left out: the 1 x 1 convolution beside them can take up both.

    References
    ----------
    Wang et al., CVPR 2023, arXiv:2207.02696; Lin et al., ICCV 2017, arXiv:1708.02002 (start of
    the logits).
    """

    def __init__(
        self,
        in_channels: int,
        classes: int = 5,
        *,
        width: float = 0.25,
        depth: int = 2,
        rngs: nnx.Rngs,
    ):
        unit = round(32 * width)
        if unit < 1:
            raise ValueError(f"width {width:g} leaves layers without a channel")
        if classes < 1 or depth < 1:
            raise ValueError(f"classes and depth must be at least 1, got {classes} and {depth}")
        self.backbone = Backbone(in_channels, unit, depth, rngs=rngs)
        self.neck = Neck(unit, depth, rngs=rngs)
        self.heads = nnx.List(
            Head(w * unit, classes, stride, rngs=rngs)
            for w, stride in zip((4, 8, 16), STRIDES, strict=True)
        )

    def __call__(self, images: Float[Array, "n h w c"], train: bool = False) -> Predictions:
        """What each anchor of each cell predicts, at strides of 8, 16 and 32 pixels.

        Parameters
        ----------
        images
            Shape ``(n, h, w, in_channels)``.
        train
            Normalise with the batch's statistics and remember them, rather than with those
            remembered.

        Returns
        -------
        tuple of Array
            Three arrays of shape ``(n, h / stride, w / stride, 3, 5 + classes)``, finest first.
            Along the last axis: ``t_x, t_y, t_w, t_h``, not yet decoded; the logit of an object
            being there; the logit of each class.

        Raises
        ------
        ValueError
            If height or width is not divisible by 32.
        """
        h, w = images.shape[1:3]
        if h % STRIDES[-1] or w % STRIDES[-1]:
            raise ValueError(
                f"images of {h} x {w} pixels: the detector needs a height and width divisible "
                f"by {STRIDES[-1]}"
            )
        fine, middle, coarse = self.neck(self.backbone(images, train), train)
        return (
            self.heads[0](fine, train),
            self.heads[1](middle, train),
            self.heads[2](coarse, train),
        )


class Backbone(nnx.Module):
    """Features of images at an eighth, a sixteenth and a thirty-second of their size.

    Parameters
    ----------
    in_channels
        Channels of the images.
    unit
        Channels of the first layer, of which those of all others are multiples.
    depth
        Half the number of 3 x 3 convolutions in each ELAN block.
    rngs
        Keys for the weights.
    """

    def __init__(self, in_channels: int, unit: int, depth: int, *, rngs: nnx.Rngs):
        def elan(before: int, link: int, after: int) -> ELAN:
            return ELAN(
                before * unit,
                after * unit,
                branch=link * unit,
                link=link * unit,
                links=2 * depth,
                keep=2,
                rngs=rngs,
            )

        self.stem = nnx.List(
            [
                ConvSiLU(in_channels, unit, 3, rngs=rngs),
                ConvSiLU(unit, 2 * unit, 3, 2, rngs=rngs),
                ConvSiLU(2 * unit, 2 * unit, 3, rngs=rngs),
                ConvSiLU(2 * unit, 4 * unit, 3, 2, rngs=rngs),
                elan(4, 2, 8),
            ]
        )
        self.downs = nnx.List(DownSample(w * unit, w * unit, rngs=rngs) for w in (8, 16, 32))
        self.elans = nnx.List([elan(8, 4, 16), elan(16, 8, 32), elan(32, 8, 32)])

    def __call__(self, x: Float[Array, "n h w c"], train: bool = False) -> Scales:
        """Features with 16, 32 and 32 times ``unit`` channels, finest first."""
        for block in self.stem:
            x = block(x, train)
        scales = []
        for down, elan in zip(self.downs, self.elans, strict=True):
            x = elan(down(x, train), train)
            scales.append(x)
        return scales[0], scales[1], scales[2]


class Neck(nnx.Module):
    """Path aggregation: what coarse scales know is told to the finer ones, then the reverse.

    Parameters
    ----------
    unit, depth
        Those of the :class:`Backbone` whose features come in.
    rngs
        Keys for the weights.

    References
    ----------
    Liu et al., CVPR 2018, arXiv:1803.01534.
    """

    def __init__(self, unit: int, depth: int, *, rngs: nnx.Rngs):
        def lateral(before: int, after: int) -> ConvSiLU:
            return ConvSiLU(before * unit, after * unit, rngs=rngs)

        def elan(before: int, after: int) -> ELAN:
            return ELAN(
                before * unit,
                after * unit,
                branch=after * unit,
                link=after * unit // 2,
                links=2 * depth,
                rngs=rngs,
            )

        self.pyramid = SPPCSPC(32 * unit, 16 * unit, rngs=rngs)
        self.ups = nnx.List([lateral(16, 8), lateral(8, 4)])
        self.routes = nnx.List([lateral(32, 8), lateral(16, 4)])
        self.finer = nnx.List([elan(16, 8), elan(8, 4)])
        self.downs = nnx.List(DownSample(w * unit, 2 * w * unit, rngs=rngs) for w in (4, 8))
        self.coarser = nnx.List([elan(16, 8), elan(32, 16)])

    def __call__(self, scales: Scales, train: bool = False) -> Scales:
        """Features with 4, 8 and 16 times ``unit`` channels, finest first."""
        fine, middle, coarse = scales
        down = [self.pyramid(coarse, train)]
        for k, scale in enumerate((middle, fine)):
            above = upsample(self.ups[k](down[-1], train))
            joined = jnp.concatenate([self.routes[k](scale, train), above], axis=-1)
            down.append(self.finer[k](joined, train))
        coarse, middle, fine = down
        up = [fine]
        for k, scale in enumerate((middle, coarse)):
            joined = jnp.concatenate([self.downs[k](up[-1], train), scale], axis=-1)
            up.append(self.coarser[k](joined, train))
        return up[0], up[1], up[2]


class Head(nnx.Module):
    """From a scale's features to what its anchors predict.

    Parameters
    ----------
    in_channels
        Channels of the features.
    classes
        Number of classes.
    stride
        Pixels of the image in each direction of a cell.
    rngs
        Keys for the weights.
    """

    def __init__(self, in_channels: int, classes: int, stride: int, *, rngs: nnx.Rngs):
        self.rep = RepConv(in_channels, 2 * in_channels, rngs=rngs)
        self.linear = nnx.Linear(2 * in_channels, ANCHORS * (BOX + classes), rngs=rngs)
        objectness = log(8 * (stride / 640) ** 2)
        start = [0.0] * 4 + [objectness] + [log(0.6 / (classes - 0.99))] * classes
        self.linear.bias = nnx.Param(jnp.asarray(start * ANCHORS, jnp.float32))

    def __call__(
        self, x: Float[Array, "n h w c"], train: bool = False
    ) -> Float[Array, "n h w 3 _"]:
        """Raw predictions of each anchor of each cell."""
        x = self.linear(self.rep(x, train))
        return x.reshape(*x.shape[:3], ANCHORS, -1)
