"""A network from its description: a name and plain numbers, as a saved model records them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flax import nnx

from jaxqmri.networks.disc_detector import DiscDetector
from jaxqmri.networks.mlp import SkipMLP
from jaxqmri.networks.rmq_net import RMQNet
from jaxqmri.networks.unet import UNet
from jaxqmri.networks.wide_resnet import WideResNet

NETWORKS: dict[str, Callable[..., nnx.Module]] = {
    "UNet": UNet,
    "SkipMLP": SkipMLP,
    "RMQNet": RMQNet,
    "WideResNet": WideResNet,
    "DiscDetector": DiscDetector,
}


def build(description: Mapping[str, Any], rngs: nnx.Rngs | None = None) -> nnx.Module:
    """Build a network that is described by its name and the arguments of its constructor.

    Parameters
    ----------
    description
        ``{"network": "UNet", "in_channels": 2, "features": [16, 32, 64], ...}``: plain numbers,
        texts and lists, as JSON holds them.
    rngs
        Keys for the weights; ``Rngs(0)`` when None, which is as good where weights are read.

    Returns
    -------
    flax.nnx.Module
        The network, untrained.

    Raises
    ------
    ValueError
        If there is no such network, or it does not take such arguments.
    """
    arguments = dict(description)
    name = arguments.pop("network", None)
    if name not in NETWORKS:
        raise ValueError(f"no network {name!r}: there are {', '.join(NETWORKS)}")
    if arguments.get("limits") is not None:
        arguments["limits"] = tuple(float(limit) for limit in arguments["limits"])
    try:
        return NETWORKS[name](**arguments, rngs=nnx.Rngs(0) if rngs is None else rngs)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None
