"""The same U-Net in PyTorch, channels last, with L1 and Adam."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.step_timing import Prepared, serve


def prepare(problem: dict[str, Any]) -> Prepared:
    """Blocks of two 3 x 3 convolutions with batch normalisation and ReLU, 2 x 2 up and down."""
    import torch  # pyright: ignore[reportMissingImports]
    from torch import nn  # pyright: ignore[reportMissingImports]

    features = problem["features"]

    def block(a: int, b: int) -> Any:
        layers = []
        for c in (a, b):
            layers += [nn.Conv2d(c, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
        return nn.Sequential(*layers)

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList(
                block(a, b) for a, b in zip([2, *features], features, strict=False)
            )
            pairs = list(zip(features[1:], features, strict=False))[::-1]
            self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs)
            self.join = nn.ModuleList(block(2 * b, b) for _, b in pairs)
            self.last = nn.Conv2d(features[0], 1, 1)

        def forward(self, x: Any) -> Any:
            levels = []
            for k, down in enumerate(self.down):
                x = down(nn.functional.max_pool2d(x, 2) if k else x)
                levels.append(x)
            for up, join, skip in zip(self.up, self.join, levels[-2::-1], strict=True):
                x = join(torch.cat([skip, up(x)], 1))
            return self.last(x)

    shape, count = (problem["size"], problem["size"]), problem["trainings"]

    def training() -> tuple[Callable[[], None], int]:
        network = UNet().to(memory_format=torch.channels_last)
        images = torch.randn(problem["batch"], 2, *shape).to(memory_format=torch.channels_last)
        targets = torch.full((problem["batch"], 1, *shape), 45.0)
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

        def step() -> None:
            if count > 1:
                torch.set_num_threads(1)  # of the thread that calls
            optimiser.zero_grad(set_to_none=True)
            (network(images) - targets).abs().mean().backward()
            optimiser.step()

        return step, sum(p.numel() for p in network.parameters())

    steps, weights = zip(*(training() for _ in range(count)), strict=True)
    pool = ThreadPoolExecutor(count)

    def all_steps() -> None:
        list(pool.map(lambda step: step(), steps))

    return Prepared(all_steps if count > 1 else steps[0], weights[0])


if __name__ == "__main__":
    serve(prepare)
