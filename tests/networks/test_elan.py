"""A detector's blocks against plain NumPy, and one convolution in place of several."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxqmri.networks import (
    ELAN,
    SPPCSPC,
    ConvSiLU,
    DownSample,
    RepConv,
    sliding_max,
    upsample,
)
from tests.networks.weights import shake
from tests.reference.layers import EPSILON, convolve, largest, normalise, silu

X = jax.random.normal(jax.random.key(2), (2, 6, 8, 4))
TRAIN = pytest.mark.parametrize("train", [False, True])


def plain(layer: ConvSiLU, x: np.ndarray, stride: int = 1, train: bool = False) -> np.ndarray:
    return silu(normalise(convolve(x, layer.conv.kernel[...], stride), layer.norm, train))


def shaken(block):
    shake(block)
    return block


@TRAIN
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2)])
def test_convolution(kernel: int, stride: int, train: bool):
    layer = shaken(ConvSiLU(4, 3, kernel, stride, rngs=nnx.Rngs(0)))
    expected = plain(layer, X, stride, train)
    assert expected.shape == (2, 6 // stride, 8 // stride, 3)
    np.testing.assert_allclose(layer(X, train), expected, rtol=1e-4, atol=1e-4)


@TRAIN
@pytest.mark.parametrize(("links", "keep"), [(4, 2), (4, 1), (2, 2)])
def test_elan(links: int, keep: int, train: bool):
    block = shaken(ELAN(4, 5, branch=3, link=2, links=links, keep=keep, rngs=nnx.Rngs(0)))
    both = plain(block.branches, X, 1, train)
    x, kept = both[..., 3:], [both]
    for k, link in enumerate(block.chain):
        x = plain(link, x, 1, train)
        if keep == 1 or k % 2:
            kept.append(x)
    expected = plain(block.merge, np.concatenate(kept, -1), 1, train)
    np.testing.assert_allclose(block(X, train), expected, rtol=1e-3, atol=1e-3)


def test_down_sampling():
    block = shaken(DownSample(4, 6, rngs=nnx.Rngs(0)))
    strided = plain(block.stride, plain(block.reduce, X), 2)
    pooled = plain(block.pooled, largest(X, 2, stride=2))
    expected = np.concatenate([strided, pooled], -1)
    np.testing.assert_allclose(block(X), expected, rtol=1e-4, atol=1e-4)


def test_pyramid_pooling():
    block = shaken(SPPCSPC(4, 3, rngs=nnx.Rngs(0)))
    both = plain(block.branches, X)
    x, beside = both[..., :3], both[..., 3:]
    for layer in block.before:
        x = plain(layer, x)
    x = np.concatenate([x, *(largest(x, window) for window in (5, 9, 13))], -1)
    for layer in block.after:
        x = plain(layer, x)
    expected = plain(block.merge, np.concatenate([x, beside], -1))
    np.testing.assert_allclose(block(X), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("out_channels", [4, 6])
def test_rep_conv_is_one_convolution_after_training(out_channels: int):
    block = shaken(RepConv(4, out_channels, rngs=nnx.Rngs(0)))
    assert (block.identity is not None) == (out_channels == 4)
    kernel, shift = np.zeros((3, 3, 4, out_channels)), np.zeros(out_channels)
    one = np.eye(4)[None, None]
    for taps, norm in (
        (block.wide.conv.kernel[...], block.wide.norm),
        (block.point.conv.kernel[...], block.point.norm),
        (one, block.identity),
    ):
        if norm is None:
            continue
        factor = np.asarray(norm.scale[...]) / np.sqrt(np.asarray(norm.var[...]) + EPSILON)
        middle = slice(None) if len(taps) == 3 else slice(1, 2)
        kernel[middle, middle] += np.asarray(taps) * factor
        shift += np.asarray(norm.bias[...]) - np.asarray(norm.mean[...]) * factor
    expected = silu(convolve(X, kernel) + shift)
    np.testing.assert_allclose(block(X), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("window", [1, 3, 5, 9, 13])
def test_sliding_maximum(window: int):
    np.testing.assert_array_equal(sliding_max(X, window), largest(X, window))


def test_slope_of_a_sliding_maximum_goes_to_the_largest():
    weights = jax.random.normal(jax.random.key(3), X.shape)
    slope = jax.grad(lambda x: jnp.sum(sliding_max(x, 5) * weights))(X)
    expected = np.zeros(X.shape)
    for n, i, j, c in np.ndindex(*X.shape):
        top, left = max(i - 2, 0), max(j - 2, 0)
        seen = np.asarray(X)[n, top : i + 3, left : j + 3, c]
        y, x = np.unravel_index(seen.argmax(), seen.shape)
        expected[n, top + y, left + x, c] += weights[n, i, j, c]
    np.testing.assert_allclose(slope, expected, atol=1e-5)


@pytest.mark.parametrize("window", [0, 4])
def test_windows_without_a_middle_are_refused(window: int):
    with pytest.raises(ValueError, match=f"1, 3, 5, ... wide, got {window}"):
        sliding_max(X, window)


def test_up_sampling_repeats_pixels():
    np.testing.assert_array_equal(upsample(X), np.asarray(X).repeat(2, 1).repeat(2, 2))
