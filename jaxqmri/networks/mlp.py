"""Multilayer perceptron with skip connections: one voxel's signals to its parameters."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, get_args

import jax
from flax import nnx
from jaxtyping import Array, Float

from jaxqmri.networks.blocks import batch_norm
from jaxqmri.networks.heads import Regressor

Order = Literal["fc_relu_bn", "fc_bn_relu", "fc_leaky_relu"]
RISING = (128, 256, 512, 1024, 768, 640)
FALLING = (512, 384, 256, 192, 128)
SKIPS = (512, 256, 128)  # widths at which what has been stored on the way up is added
TAIL = (10, 6)
KERNEL_INIT = jax.nn.initializers.he_uniform()


class SkipMLP(nnx.Module):
    """Fully connected network that widens, narrows, and adds what it saw at equal width.

    Widths ``in, 128, 256, 512, 1024, 768, 640, 512+, 384, 256+, 192, 128+, in+, 10, 6, out``:
    where a ``+`` stands, the linear output of the earlier layer of that width (before its
    activation; the signals themselves at width ``in``) is added to this layer's.

    Parameters
    ----------
    in_features, out_features
        Signals of a voxel and parameters to predict.
    width
        Factor on all the widths above 10; 1 as published.
    order
        What follows a linear layer: ``"fc_relu_bn"`` or, as in the network's first publication,
        ``"fc_bn_relu"``; ``"fc_leaky_relu"`` leaves batch normalisation
        out, without which a unit that is never on would stay so.
    limits, leak, start
        Range of the parameters, the slope outside it and where training starts
        (:class:`jaxqmri.networks.Regressor`).
    rngs
        Keys for the weights.

    Raises
    ------
    ValueError
        If ``order`` is none of the three, or ``width`` is so small that nothing is left.

    References
    ----------
    Zhang et al., Magnetic Resonance in Medicine 2022 (widths and skip connections).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int = 1,
        *,
        width: float = 1.0,
        order: Order = "fc_relu_bn",
        limits: tuple[float, float] | None = None,
        leak: float = 0.0,
        start: float | None = None,
        rngs: nnx.Rngs,
    ):
        if order not in get_args(Order):
            raise ValueError(f"order must be {' or '.join(get_args(Order))}, got {order!r}")
        rising = [round(w * width) for w in RISING]
        falling = [round(w * width) for w in FALLING]
        if min(rising + falling) < 1:
            raise ValueError(f"width {width:g} leaves layers without a unit")
        widths = [in_features, *rising, *falling, in_features, *TAIL]
        self.linears = nnx.List(
            nnx.Linear(a, b, kernel_init=KERNEL_INIT, rngs=rngs) for a, b in pairwise(widths)
        )
        normed = [] if order == "fc_leaky_relu" else widths[1:]
        self.norms = nnx.List(batch_norm(w, rngs) for w in normed)
        self.regressor = Regressor(
            TAIL[-1], out_features, limits=limits, leak=leak, start=start, rngs=rngs
        )
        first = {w: k for k, w in enumerate(RISING)}
        later = len(RISING)
        # layer -> the earlier layer that is added to it; -1 stands for the signals
        self.skips = {later + FALLING.index(w): first[w] for w in SKIPS}
        self.skips[later + len(FALLING)] = -1
        self.order = order

    def __call__(
        self, signals: Float[Array, "*voxels in"], train: bool = False
    ) -> Float[Array, "*voxels out"]:
        """Parameters of each voxel.

        Parameters
        ----------
        signals
            Shape ``(..., in_features)``.
        train
            Normalise with the batch's statistics and remember them, rather than with those
            remembered.
        """
        before = {-1: signals}
        x = signals
        for k, linear in enumerate(self.linears):
            before[k] = linear(x)
            x = before[k] + before[self.skips[k]] if k in self.skips else before[k]
            if self.order == "fc_bn_relu":
                x = nnx.relu(self.norms[k](x, use_running_average=not train))
            elif self.order == "fc_relu_bn":
                x = self.norms[k](nnx.relu(x), use_running_average=not train)
            else:
                x = nnx.leaky_relu(x)
        return self.regressor(x)
