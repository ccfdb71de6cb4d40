"""Decoders that share an encoder and nothing else."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxqmri.networks import RMQNet, build
from jaxqmri.training import Variables, load_model, save_model

STARTS = (1.0, 0.8, 1.1, 0.7)


@pytest.fixture(scope="module")
def network() -> RMQNet:
    return RMQNet(3, features=(2, 4), starts=STARTS, classes=2, rngs=nnx.Rngs(0))


def by_hand(channels: int, maps: int, classes: int, features: tuple[int, ...]) -> int:
    """Weights counted layer by layer: convolutions without bias, a scale and shift for each."""

    def block(a: int, b: int) -> int:
        return 9 * a * b + 9 * b * b + 4 * b

    encoder = sum(block(a, b) for a, b in pairwise((channels, *features)))
    decoder = sum(4 * b * a + a + block(2 * a, a) for a, b in pairwise(features))
    heads = (maps + classes) * (features[0] + 1)
    return encoder + (maps + 1) * decoder + heads


@pytest.mark.parametrize("shape", [(11, 4, 1), (2, 3, 2)])
def test_number_of_weights(shape):
    abstract = nnx.eval_shape(lambda: RMQNet(*shape, rngs=nnx.Rngs(0)))
    leaves = jax.tree.leaves(nnx.state(abstract, nnx.Param))
    count = sum(int(np.prod(leaf.shape)) for leaf in leaves)
    assert count == by_hand(*shape, (32, 64, 128, 256, 512))


def test_shapes_and_values_before_training(network):
    out = network(jax.random.normal(jax.random.key(0), (2, 8, 12, 3)))
    assert out.maps.shape == (2, 8, 12, 4)
    assert out.logits.shape == (2, 8, 12, 2)
    at_rest = network(jnp.zeros((1, 8, 8, 3)))
    np.testing.assert_allclose(at_rest.maps, np.broadcast_to(STARTS, (1, 8, 8, 4)), atol=1e-6)
    np.testing.assert_allclose(at_rest.logits, 0.0, atol=1e-6)
    plain = RMQNet(1, 2, features=(2, 4), rngs=nnx.Rngs(0))
    np.testing.assert_allclose(plain(jnp.zeros((1, 4, 4, 1))).maps, 0.0, atol=1e-6)


@pytest.mark.parametrize("output", [0, 3, "logits"])
def test_an_output_teaches_its_own_decoder_and_the_encoder(network, output):
    graph, params, stats = nnx.split(network, nnx.Param, ...)
    images = jax.random.normal(jax.random.key(1), (2, 8, 8, 3))

    @jax.grad
    def slopes(params):
        out = nnx.merge(graph, params, stats, copy=True)(images, train=True)
        one = out.logits if output == "logits" else out.maps[..., output]
        return jnp.mean(one**2)

    found = slopes(params)

    def touched(part) -> bool:
        return any(bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(part))

    assert touched(found["encoder"])
    for k in range(4):
        assert touched(found["decoders"][k]) == (k == output)
        assert touched(found["regressors"][k]) == (k == output)
    assert touched(found["segmenter"]) == (output == "logits")
    assert touched(found["classifier"]) == (output == "logits")


def test_each_decoder_draws_weights_of_its_own(network):
    first = [decoder.ups[0].kernel[...] for decoder in (*network.decoders, network.segmenter)]
    assert len({np.asarray(kernel).tobytes() for kernel in first}) == 5


def test_it_comes_back_from_its_description_and_folder(tmp_path: Path):
    architecture = {
        "network": "RMQNet", "in_channels": 2, "maps": 2, "features": [2, 4], "starts": [1.0, 50.0],
    }  # fmt: skip
    network = build(architecture, nnx.Rngs(3))
    _, params, stats = nnx.split(network, nnx.Param, ...)
    save_model(tmp_path / "model", Variables(params, stats), {"architecture": architecture})
    loaded, _ = load_model(tmp_path / "model", build)
    x = jax.random.normal(jax.random.key(0), (1, 8, 8, 2))
    for ours, theirs in zip(loaded(x), network(x), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_direct_layer_adds_a_linear_function_of_each_pixel():
    plain = RMQNet(3, 2, features=(2, 4), rngs=nnx.Rngs(0))
    direct = RMQNet(3, 2, features=(2, 4), direct=True, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (1, 4, 8, 3))
    np.testing.assert_array_equal(direct(x).maps, plain(x).maps)
    weights = np.arange(6.0).reshape(3, 2)
    direct.direct.kernel[...] = jnp.asarray(weights, jnp.float32)
    added = direct(x).maps - plain(x).maps
    np.testing.assert_allclose(added, np.asarray(x) @ weights, atol=1e-4)
    np.testing.assert_array_equal(direct(x).logits, plain(x).logits)


def test_what_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match="a start for each of 4 maps, got 2"):
        RMQNet(1, features=(2, 4), starts=(1.0, 2.0), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="at least 1, got 0 and 1"):
        RMQNet(1, 0, features=(2, 4), rngs=nnx.Rngs(0))
