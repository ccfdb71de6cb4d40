"""Networks: arrays in, arrays out. They know neither the physics nor where images come from."""

from __future__ import annotations

from jaxqmri.networks.blocks import ConvBlock, UpConv, batch_norm, depth_to_space, max_pool
from jaxqmri.networks.build import NETWORKS, build
from jaxqmri.networks.heads import Regressor, laplace_std, limiter
from jaxqmri.networks.mlp import SkipMLP
from jaxqmri.networks.rmq_net import MapsAndLogits, RMQNet
from jaxqmri.networks.unet import Decoder, Encoder, UNet

__all__ = [
    "NETWORKS",
    "ConvBlock",
    "Decoder",
    "Encoder",
    "MapsAndLogits",
    "RMQNet",
    "Regressor",
    "SkipMLP",
    "UNet",
    "UpConv",
    "batch_norm",
    "build",
    "depth_to_space",
    "laplace_std",
    "limiter",
    "max_pool",
]
