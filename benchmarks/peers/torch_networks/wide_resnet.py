"""Wide residual network."""

from __future__ import annotations

from typing import Any

from torch import nn  # pyright: ignore[reportMissingImports]


def conv(a: int, b: int, kernel: int, stride: int = 1) -> Any:
    """Convolution without bias, padded alike on all sides."""
    return nn.Conv2d(a, b, kernel, stride, padding=kernel // 2, bias=False)


class Block(nn.Module):
    """Twice normalisation, ReLU and a 3 x 3 convolution, beside a shortcut."""

    def __init__(self, a: int, b: int, stride: int):
        super().__init__()
        self.before, self.between = nn.BatchNorm2d(a), nn.BatchNorm2d(b)
        self.first, self.second = conv(a, b, 3, stride), conv(b, b, 3)
        self.shortcut = conv(a, b, 1, stride) if a != b or stride != 1 else None

    def forward(self, x: Any) -> Any:
        """Features."""
        a = nn.functional.relu(self.before(x))
        y = self.second(nn.functional.relu(self.between(self.first(a))))
        return y + (x if self.shortcut is None else self.shortcut(a))


class WideResNet(nn.Module):
    """Three groups of blocks, the mean over the image, a linear layer."""

    def __init__(self, in_channels: int, out_features: int, depth: int, width: int):
        super().__init__()
        layers, channels = [conv(in_channels, 16, 3)], 16
        for group, stride in enumerate((1, 2, 2)):
            for k in range((depth - 4) // 6):
                layers.append(Block(channels, 16 * width * 2**group, 1 if k else stride))
                channels = 16 * width * 2**group
        self.layers = nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU())
        self.last = nn.Linear(channels, out_features)

    def forward(self, x: Any) -> tuple[Any, ...]:
        """The numbers of each image."""
        return (self.last(self.layers(x).mean((2, 3))),)
