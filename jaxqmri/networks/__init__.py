"""Networks: arrays in, arrays out. They know neither the physics nor where images come from."""

from __future__ import annotations

from jaxqmri.networks.blocks import (
    ConvBlock,
    UpConv,
    batch_norm,
    conv,
    depth_to_space,
    max_pool,
    sliding_max,
    upsample,
)
from jaxqmri.networks.build import NETWORKS, build
from jaxqmri.networks.disc_detector import DiscDetector
from jaxqmri.networks.elan import ELAN, SPPCSPC, ConvSiLU, DownSample, RepConv
from jaxqmri.networks.heads import Regressor, laplace_std, limiter
from jaxqmri.networks.mlp import SkipMLP
from jaxqmri.networks.rmq_net import MapsAndLogits, RMQNet
from jaxqmri.networks.unet import Decoder, Encoder, UNet
from jaxqmri.networks.wide_resnet import WideBlock, WideResNet

__all__ = [
    "ELAN",
    "NETWORKS",
    "SPPCSPC",
    "ConvBlock",
    "ConvSiLU",
    "Decoder",
    "DiscDetector",
    "DownSample",
    "Encoder",
    "MapsAndLogits",
    "RMQNet",
    "Regressor",
    "RepConv",
    "SkipMLP",
    "UNet",
    "UpConv",
    "WideBlock",
    "WideResNet",
    "batch_norm",
    "build",
    "conv",
    "depth_to_space",
    "laplace_std",
    "limiter",
    "max_pool",
    "sliding_max",
    "upsample",
]
