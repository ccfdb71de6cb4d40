"""Published sizes, and every layer against plain NumPy."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from flax import nnx

from jaxqmri.networks import WideBlock, WideResNet
from tests.networks.weights import number_of_weights, shake
from tests.reference.layers import convolve, normalise, relu


def size(in_channels: int, width: int) -> int:
    return number_of_weights(lambda: WideResNet(in_channels, 3, width=width, rngs=nnx.Rngs(0)))


def test_published_number_of_weights_of_colour_images():
    assert size(3, 4) == 4_297_171
    assert size(3, 4) - size(1, 4) == 9 * 2 * 16


@pytest.mark.parametrize(("width", "millions"), [(1, 0.27), (2, 1.08), (4, 4.30), (8, 17.2)])
def test_published_millions_of_weights(width: int, millions: float):
    assert size(1, width) / 1e6 == pytest.approx(millions, rel=0.006)


def plain_block(block: WideBlock, x: np.ndarray, stride: int, train: bool) -> np.ndarray:
    first, second = (conv.kernel[...] for conv in block.convs)
    a = relu(normalise(x, block.norms[0], train))
    y = relu(normalise(convolve(a, first, stride), block.norms[1], train))
    if block.shortcut is not None:
        x = convolve(a, block.shortcut.kernel[...], stride)
    return x + convolve(y, second)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(
    ("channels", "stride", "shortcut"), [((3, 3), 1, False), ((3, 5), 1, True), ((3, 3), 2, True)]
)
def test_block_against_plain_layers(channels, stride: int, shortcut: bool, train: bool):
    block = WideBlock(*channels, stride, rngs=nnx.Rngs(0))
    shake(block)
    assert (block.shortcut is not None) == shortcut
    x = jax.random.normal(jax.random.key(2), (3, 6, 9, 3))
    expected = plain_block(block, np.asarray(x, np.float64), stride, train)
    np.testing.assert_allclose(block(x, train), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("width", [1, 2])
def test_network_against_plain_layers(width: int):
    network = WideResNet(1, 3, depth=16, width=width, rngs=nnx.Rngs(0))
    shake(network)
    images = jax.random.normal(jax.random.key(2), (2, 12, 10, 1))
    x = convolve(np.asarray(images), network.first.kernel[...])
    channels = []
    for block, stride in zip(network.blocks, (1, 1, 2, 1, 2, 1), strict=True):
        x = plain_block(block, x, stride, train=False)
        channels.append(x.shape[1:])
    assert channels[1::2] == [(12, 10, 16 * width), (6, 5, 32 * width), (3, 3, 64 * width)]
    features = relu(normalise(x, network.norm, train=False)).mean(axis=(1, 2))
    linear = network.regressor.linear
    expected = features @ np.asarray(linear.kernel[...]) + np.asarray(linear.bias[...])
    np.testing.assert_allclose(network(images), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("depth", [4, 20, 21])
def test_other_depths_are_refused(depth: int):
    with pytest.raises(ValueError, match=f"6 n \\+ 4, that is 10, 16, 22, ..., got {depth}"):
        WideResNet(1, 3, depth=depth, rngs=nnx.Rngs(0))


def test_no_width_is_refused():
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        WideResNet(1, 3, width=0, rngs=nnx.Rngs(0))
