"""U-Net, and the network of one encoder and many decoders."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]


def block(a: int, b: int) -> Any:
    """Twice a 3 x 3 convolution, batch normalisation and ReLU."""
    layers = []
    for c in (a, b):
        layers += [nn.Conv2d(c, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
    return nn.Sequential(*layers)


class Encoder(nn.Module):
    """A block at each level, 2 x 2 max-pooling between them."""

    def __init__(self, channels: int, features: list[int]):
        super().__init__()
        self.blocks = nn.ModuleList(block(a, b) for a, b in pairwise([channels, *features]))

    def forward(self, x: Any) -> list[Any]:
        """Features of every level, finest first."""
        levels = []
        for k, one in enumerate(self.blocks):
            x = one(nn.functional.max_pool2d(x, 2) if k else x)
            levels.append(x)
        return levels


class Decoder(nn.Module):
    """2 x 2 transposed convolutions and blocks, back to full size."""

    def __init__(self, features: list[int]):
        super().__init__()
        pairs = list(pairwise(features))[::-1]
        self.ups = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.blocks = nn.ModuleList(block(2 * a, a) for a, _ in pairs)

    def forward(self, levels: list[Any]) -> Any:
        """Features of the finest level."""
        x = levels[-1]
        for up, one, skip in zip(self.ups, self.blocks, levels[-2::-1], strict=True):
            x = one(torch.cat([skip, up(x)], 1))
        return x


class UNet(nn.Module):
    """Encoder, decoder, and a 1 x 1 convolution."""

    def __init__(self, in_channels: int, out_channels: int, features: list[int]):
        super().__init__()
        self.encoder, self.decoder = Encoder(in_channels, features), Decoder(features)
        self.last = nn.Conv2d(features[0], out_channels, 1)

    def forward(self, x: Any) -> tuple[Any, ...]:
        """Maps."""
        return (self.last(self.decoder(self.encoder(x))),)


class RMQNet(nn.Module):
    """One encoder, a decoder for every map and one for the classes."""

    def __init__(self, in_channels: int, maps: int, classes: int, features: list[int]):
        super().__init__()
        self.encoder = Encoder(in_channels, features)
        self.decoders = nn.ModuleList(Decoder(features) for _ in range(maps + 1))
        widths = [1] * maps + [classes]
        self.lasts = nn.ModuleList(nn.Conv2d(features[0], width, 1) for width in widths)

    def forward(self, x: Any) -> tuple[Any, ...]:
        """Maps and logits."""
        levels = self.encoder(x)
        *maps, logits = (
            last(decoder(levels)) for decoder, last in zip(self.decoders, self.lasts, strict=True)
        )
        return torch.cat(maps, 1), logits
