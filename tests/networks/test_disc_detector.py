"""The published size, what each scale is made of, and the start of training."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxqmri.networks import DiscDetector, RepConv
from tests.compiled import quickly
from tests.networks.weights import made, number_of_weights

STRIDES = (8, 16, 32)


@pytest.fixture(scope="module")
def network() -> DiscDetector:
    return made(lambda: DiscDetector(1, 5, width=1 / 16, depth=1, rngs=nnx.Rngs(0)))


@pytest.fixture(scope="module")
def predict(network: DiscDetector):
    """What a network of this form makes of images."""
    graph = nnx.split(network)[0]
    compiled = quickly(lambda state, images: nnx.merge(graph, state, copy=True)(images))
    return lambda network, images: compiled(nnx.split(network)[1], jnp.asarray(images))


def test_published_number_of_weights_of_yolov7():
    # published as used: each normalisation and pair of convolutions is one convolution with a bias
    network = nnx.eval_shape(lambda: DiscDetector(3, 80, width=1.0, rngs=nnx.Rngs(0)))
    parts = [part for _, part in nnx.iter_graph(network)]
    merged = sum(part.num_features for part in parts if isinstance(part, nnx.BatchNorm))
    pairs = [part.point for part in parts if isinstance(part, RepConv)]
    merged += sum(point.conv.kernel.size + point.norm.num_features for point in pairs)
    assert len(pairs) == 3
    assert number_of_weights(lambda: network) - merged == 36_905_341


def test_width_and_depth():
    def size(width: float, depth: int) -> int:
        return number_of_weights(
            lambda: DiscDetector(1, width=width, depth=depth, rngs=nnx.Rngs(0))
        )

    shallow = size(1 / 8, 1)
    assert shallow / size(1 / 4, 1) == pytest.approx(1 / 4, rel=0.02)
    # a pair of links more in every block; one of it is laid beside the branches, in the neck both
    blocks = [(8, 1, 32), (16, 1, 64), (32, 1, 128), (32, 1, 128)]
    blocks += [(16, 2, 32), (8, 2, 16), (16, 2, 32), (32, 2, 64)]
    added = sum(2 * (9 * n * n + 2 * n) + kept * n * after for n, kept, after in blocks)
    assert size(1 / 8, 2) - shallow == added


def test_shapes_and_logits_before_training(network: DiscDetector, predict):
    scales = predict(network, np.zeros((2, 64, 96, 1), np.float32))
    assert [s.shape for s in scales] == [(2, 8, 12, 3, 10), (2, 4, 6, 3, 10), (2, 2, 3, 3, 10)]
    for scale, stride in zip(scales, STRIDES, strict=True):
        one = np.asarray(scale[0, 0, 0, 0])
        np.testing.assert_array_equal(scale, np.broadcast_to(one, scale.shape))
        np.testing.assert_array_equal(one[:4], 0)
        assert np.exp(one[4]) * (640 / stride) ** 2 == pytest.approx(8, rel=1e-5)
        np.testing.assert_allclose(np.exp(one[5:]), 0.6 / 4.01, rtol=1e-5)


def test_what_each_scale_is_made_of(network: DiscDetector, predict):
    images = np.random.default_rng(0).normal(size=(2, 64, 96, 1)).astype(np.float32)
    plain = predict(network, images)

    def changed(norm: nnx.BatchNorm) -> list[bool]:
        """Which scales change, finest first, when a layer's shift does."""
        norm.bias[...] += 1.0
        after = predict(network, images)
        norm.bias[...] -= 1.0
        return [bool((a != b).any()) for a, b in zip(plain, after, strict=True)]

    backbone, neck = network.backbone, network.neck
    for elan in backbone.elans:
        assert changed(elan.merge.norm) == [True, True, True]
    assert changed(neck.pyramid.merge.norm) == [True, True, True]
    for elan in neck.finer:
        assert changed(elan.merge.norm) == [True, True, True]
    for k, expected in enumerate([[False, True, True], [False, False, True]]):
        for layer in (neck.downs[k].stride, neck.downs[k].pooled, neck.coarser[k].merge):
            assert changed(layer.norm) == expected
    for k, head in enumerate(network.heads):
        assert changed(head.rep.point.norm) == [k == scale for scale in range(3)]


def test_an_object_further_down_is_found_as_many_cells_further_down(network, predict):
    images = np.zeros((2, 1024, 32, 1), np.float32)
    images[0, 490:510] = images[1, 522:542] = 100
    for scale, stride in zip(predict(network, images), STRIDES, strict=True):
        first, second = np.asarray(scale)
        cells = slice(480 // stride, 544 // stride)  # far from both edges
        moved = np.roll(second, -32 // stride, axis=0)
        seen = np.ptp(first[cells], axis=0).max()
        assert seen > 0.1
        np.testing.assert_allclose(first[cells], moved[cells], atol=1e-3 * seen)


@pytest.mark.parametrize("shape", [(40, 64), (64, 48)])
def test_sizes_without_whole_cells_are_refused(network: DiscDetector, shape: tuple[int, int]):
    with pytest.raises(ValueError, match=f"{shape[0]} x {shape[1]} pixels.*divisible by 32"):
        network(jnp.zeros((1, *shape, 1)))


def test_what_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match=r"width 0\.01 leaves layers without a channel"):
        DiscDetector(1, width=0.01, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="at least 1, got 0 and 2"):
        DiscDetector(1, 0, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="at least 1, got 5 and 0"):
        DiscDetector(1, depth=0, rngs=nnx.Rngs(0))
