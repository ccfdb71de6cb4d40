"""Train one of the networks with L1 and Adam on one batch of random images."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

from benchmarks.peers.torch_networks.disc_detector import DiscDetector
from benchmarks.peers.torch_networks.perceptron import SkipMLP
from benchmarks.peers.torch_networks.unet import RMQNet, UNet
from benchmarks.peers.torch_networks.wide_resnet import WideResNet
from benchmarks.step_timing import Prepared, serve

NETWORKS = {each.__name__: each for each in (UNet, SkipMLP, RMQNet, WideResNet, DiscDetector)}
TARGET = 45.0
IMAGE_AXES = 4


def prepare(problem: dict[str, Any]) -> Prepared:
    """As many trainings as asked for, each on a core of its own if there are several."""
    description, count = dict(problem["network"]), problem["trainings"]
    make = NETWORKS[description.pop("network")]

    def training() -> tuple[Callable[[], None], int]:
        network, images = make(**description), torch.randn(*problem["images"])
        if images.ndim == IMAGE_AXES:
            network = network.to(memory_format=torch.channels_last)
            images = images.permute(0, 3, 1, 2)  # seen as channels first, stored channels last
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)

        def step() -> None:
            if count > 1:
                torch.set_num_threads(1)  # of the thread that calls
            optimiser.zero_grad(set_to_none=True)
            errors = [(each - TARGET).abs().mean() for each in network(images)]
            torch.stack(errors).sum().backward()
            optimiser.step()

        return step, sum(p.numel() for p in network.parameters())

    steps, weights = zip(*(training() for _ in range(count)), strict=True)
    pool = ThreadPoolExecutor(count)

    def all_steps() -> None:
        list(pool.map(lambda step: step(), steps))

    return Prepared(all_steps if count > 1 else steps[0], weights[0])


if __name__ == "__main__":
    serve(prepare)
