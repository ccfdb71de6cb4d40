"""YOLOv7's network."""

from __future__ import annotations

from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from benchmarks.peers.torch_networks.wide_resnet import conv

PREDICTED = 5  # of each box, beside its classes
ANCHORS = 3


def convolved(a: int, b: int, kernel: int = 1, stride: int = 1) -> Any:
    """Convolution, normalisation, SiLU."""
    return nn.Sequential(conv(a, b, kernel, stride), nn.BatchNorm2d(b), nn.SiLU())


class ELAN(nn.Module):
    """A chain of convolutions, some of whose links are kept beside what came in."""

    def __init__(self, a: int, b: int, branch: int, link: int, links: int, keep: int):
        super().__init__()
        self.branches = convolved(a, 2 * branch)
        self.chain = nn.ModuleList(convolved(link if k else branch, link, 3) for k in range(links))
        self.merge = convolved(2 * branch + links // keep * link, b)
        self.keep = keep

    def forward(self, x: Any) -> Any:
        """Features."""
        kept = [self.branches(x)]
        x = kept[0].chunk(2, 1)[1]
        for k, link in enumerate(self.chain, 1):
            x = link(x)
            if k % self.keep == 0:
                kept.append(x)
        return self.merge(torch.cat(kept, 1))


class Down(nn.Module):
    """Max-pooling beside a convolution with stride 2."""

    def __init__(self, a: int, b: int):
        super().__init__()
        self.pooled = nn.Sequential(nn.MaxPool2d(2), convolved(a, b // 2))
        self.strided = nn.Sequential(convolved(a, b // 2), convolved(b // 2, b // 2, 3, 2))

    def forward(self, x: Any) -> Any:
        """Features of half the size."""
        return torch.cat([self.strided(x), self.pooled(x)], 1)


class Pyramid(nn.Module):
    """Largest within several reaches, beside a single convolution."""

    def __init__(self, a: int, b: int):
        super().__init__()
        self.branches = convolved(a, 2 * b)
        self.before = nn.Sequential(convolved(b, b, 3), convolved(b, b))
        self.after = nn.Sequential(convolved(4 * b, b), convolved(b, b, 3))
        self.merge = convolved(2 * b, b)

    def forward(self, x: Any) -> Any:
        """Features."""
        x, beside = self.branches(x).chunk(2, 1)
        reaches = [self.before(x)]
        for _ in range(3):
            reaches.append(nn.functional.max_pool2d(reaches[-1], 5, 1, 2))
        return self.merge(torch.cat([self.after(torch.cat(reaches, 1)), beside], 1))


class Head(nn.Module):
    """A 3 x 3 and a 1 x 1 convolution summed, then what each anchor predicts."""

    def __init__(self, a: int, classes: int):
        super().__init__()
        self.wide = nn.Sequential(conv(a, 2 * a, 3), nn.BatchNorm2d(2 * a))
        self.point = nn.Sequential(conv(a, 2 * a, 1), nn.BatchNorm2d(2 * a))
        self.last = nn.Conv2d(2 * a, ANCHORS * (PREDICTED + classes), 1)

    def forward(self, x: Any) -> Any:
        """Raw predictions."""
        return self.last(nn.functional.silu(self.wide(x) + self.point(x)))


class DiscDetector(nn.Module):
    """Backbone, neck and three heads."""

    def __init__(self, in_channels: int, classes: int, width: float, depth: int):
        super().__init__()
        unit, links = round(32 * width), 2 * depth

        def elan(a: int, branch: int, link: int, b: int, keep: int) -> ELAN:
            return ELAN(a * unit, b * unit, branch * unit, link * unit, links, keep)

        self.stem = nn.Sequential(
            convolved(in_channels, unit, 3),
            convolved(unit, 2 * unit, 3, 2),
            convolved(2 * unit, 2 * unit, 3),
            convolved(2 * unit, 4 * unit, 3, 2),
            elan(4, 2, 2, 8, 2),
        )
        sizes = ((8, 4, 16), (16, 8, 32), (32, 8, 32))
        self.scales = nn.ModuleList(
            nn.Sequential(Down(a * unit, a * unit), elan(a, link, link, b, 2))
            for a, link, b in sizes
        )
        self.pyramid = Pyramid(32 * unit, 16 * unit)
        pairs = ((16, 8), (8, 4))
        self.ups = nn.ModuleList(convolved(a * unit, b * unit) for a, b in pairs)
        self.routes = nn.ModuleList(convolved(a * unit, b * unit) for a, b in ((32, 8), (16, 4)))
        self.finer = nn.ModuleList(elan(a, b, b // 2, b, 1) for a, b in pairs)
        self.downs = nn.ModuleList(Down(a * unit, 2 * a * unit) for a in (4, 8))
        self.coarser = nn.ModuleList(elan(a, b, b // 2, b, 1) for a, b in ((16, 8), (32, 16)))
        self.heads = nn.ModuleList(Head(a * unit, classes) for a in (4, 8, 16))

    def forward(self, x: Any) -> tuple[Any, ...]:
        """Raw predictions at three scales."""
        x = self.stem(x)
        scales = []
        for scale in self.scales:
            x = scale(x)
            scales.append(x)
        fine, middle, coarse = scales
        down = [self.pyramid(coarse)]
        for k, scale in enumerate((middle, fine)):
            above = nn.functional.interpolate(self.ups[k](down[-1]), scale_factor=2)
            down.append(self.finer[k](torch.cat([self.routes[k](scale), above], 1)))
        coarse, middle, fine = down
        up = [fine]
        for k, scale in enumerate((middle, coarse)):
            up.append(self.coarser[k](torch.cat([self.downs[k](up[-1]), scale], 1)))
        return tuple(head(features) for head, features in zip(self.heads, up, strict=True))
