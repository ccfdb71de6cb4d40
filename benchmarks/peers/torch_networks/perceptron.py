"""Multilayer perceptron with skip connections."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import nn  # pyright: ignore[reportMissingImports]

HIDDEN = (128, 256, 512, 1024, 768, 640, 512, 384, 256, 192, 128)
SKIPS = {6: 2, 8: 1, 10: 0, 11: -1}  # layer: the one of equal width whose output is added to it


class SkipMLP(nn.Module):
    """Linear layers, each with ReLU and batch normalisation, some with what came before added."""

    def __init__(self, in_features: int, out_features: int, width: float):
        super().__init__()
        hidden = [round(each * width) for each in HIDDEN]
        widths = [in_features, *hidden, in_features, 10, 6]
        self.linears = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(nn.BatchNorm1d(b) for b in widths[1:])
        self.last = nn.Linear(widths[-1], out_features)

    def forward(self, x: Any) -> tuple[Any, ...]:
        """Parameters of each voxel."""
        before = {-1: x}
        for k, (linear, norm) in enumerate(zip(self.linears, self.norms, strict=True)):
            before[k] = linear(x)
            y = before[k] + before[SKIPS[k]] if k in SKIPS else before[k]
            x = norm(nn.functional.relu(y))
        return (self.last(x),)
