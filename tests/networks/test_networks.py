"""Published sizes, equality with plain layers, and errors that say what is wrong."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxqmri.networks import (
    Decoder,
    Encoder,
    Regressor,
    SkipMLP,
    UNet,
    UpConv,
    build,
    laplace_std,
    limiter,
    max_pool,
)
from jaxqmri.networks.blocks import ConvBlock


def parameters(network: nnx.Module) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(network, nnx.Param)))


def size_of(make):
    """Number of weights, without making any of them."""
    abstract = nnx.eval_shape(make)
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(nnx.state(abstract, nnx.Param)))


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda: UNet(1, 1, (16, 32, 64, 128, 256), rngs=nnx.Rngs(0)), 1_942_289),
        (
            lambda: UNet(
                1, 1, [32 * 2**i for i in range(6)], norm="none", up_kernel=3, rngs=nnx.Rngs(0)
            ),
            34_585_761,
        ),
        (lambda: SkipMLP(2, 1, rngs=nnx.Rngs(0)), 2_677_453),
    ],
    ids=["unet16", "unet32-six-levels", "mlp"],
)
def test_published_numbers_of_weights(make, count: int):
    assert size_of(make) == count


@pytest.mark.parametrize("kernel", [2, 3])
def test_up_sampling_is_a_transposed_convolution(kernel: int):
    ours = UpConv(5, 4, kernel, rngs=nnx.Rngs(0))
    ours.bias[...] = jnp.arange(4.0)
    theirs = nnx.ConvTranspose(5, 4, (kernel, kernel), (2, 2), padding="SAME", rngs=nnx.Rngs(1))
    theirs.kernel[...] = jnp.moveaxis(ours.kernel[...], 0, 2)[::-1, ::-1]
    theirs.bias[...] = ours.bias[...]
    x = jax.random.normal(jax.random.key(2), (2, 6, 8, 5))
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_up_sampling_refuses_other_kernels():
    with pytest.raises(ValueError, match="2 or 3, got 4"):
        UpConv(1, 1, 4, rngs=nnx.Rngs(0))


def test_pooling_takes_the_largest_of_each_square():
    x = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
    expected = nnx.max_pool(x, (2, 2), strides=(2, 2))
    np.testing.assert_array_equal(max_pool(x), expected)
    with pytest.raises(ValueError, match="even height and width, got 5 x 6"):
        max_pool(jnp.ones((1, 5, 6, 1)))


def test_block_against_plain_layers():
    block = ConvBlock(2, 3, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (4, 8, 8, 2))
    y = x
    for conv in block.convs:
        y = jax.lax.conv_general_dilated(
            y, conv.kernel[...], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        mean, var = jnp.mean(y, (0, 1, 2)), jnp.var(y, (0, 1, 2))
        y = jnp.maximum((y - mean) / jnp.sqrt(var + 1e-5), 0)
    np.testing.assert_allclose(block(x, train=True), y, atol=2e-5)
    np.testing.assert_allclose(block.norms[1].mean[...], 0.1 * mean, rtol=1e-4, atol=1e-6)
    before = np.array(block.norms[1].mean[...])
    block(x)
    np.testing.assert_array_equal(block.norms[1].mean[...], before)


def test_shape_and_limits_of_a_unet():
    network = UNet(2, 1, (4, 8), limits=(10.0, 100.0), start=45.0, rngs=nnx.Rngs(0))
    maps = network(100 * jax.random.normal(jax.random.key(0), (3, 8, 12, 2)))
    assert maps.shape == (3, 8, 12, 1)
    assert float(maps.min()) >= 10
    assert float(maps.max()) <= 100
    np.testing.assert_allclose(network(jnp.zeros((1, 8, 8, 2))), 45.0, atol=1e-4)


def test_sizes_a_unet_cannot_halve_are_refused():
    network = UNet(1, 1, (2, 4, 8), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"60 x 62 pixels.*3 levels.*divisible by 4"):
        network(jnp.zeros((1, 60, 62, 1)))


def test_one_encoder_serves_two_decoders():
    rngs = nnx.Rngs(0)
    encoder = Encoder(2, (4, 8), rngs=rngs)
    decoders = [Decoder((4, 8), rngs=rngs) for _ in range(2)]
    levels = encoder(jnp.ones((1, 8, 8, 2)))
    assert [level.shape for level in levels] == [(1, 8, 8, 4), (1, 4, 4, 8)]
    assert [decoder(levels).shape for decoder in decoders] == [(1, 8, 8, 4)] * 2


@pytest.mark.parametrize("order", ["fc_relu_bn", "fc_bn_relu", "fc_leaky_relu"])
def test_mlp_layer_by_layer(order):
    network = SkipMLP(3, 2, width=1 / 16, order=order, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (20, 3))
    widths = [linear.kernel.shape[1] for linear in network.linears]
    assert widths == [8, 16, 32, 64, 48, 40, 32, 24, 16, 12, 8, 3, 10, 6]
    lin = [lambda v, m=m: v @ m.kernel[...] + m.bias[...] for m in network.linears]

    def act(v):
        mean, std = v.mean(0), jnp.sqrt(v.var(0) + 1e-5)
        if order == "fc_bn_relu":
            return jnp.maximum((v - mean) / std, 0)
        r = jnp.maximum(v, 0)
        if order == "fc_leaky_relu":
            return jnp.where(v > 0, v, 0.01 * v)
        return (r - r.mean(0)) / jnp.sqrt(r.var(0) + 1e-5)

    p0 = lin[0](x)
    p1 = lin[1](act(p0))
    p2 = lin[2](act(p1))
    y = p2
    for k in (3, 4, 5):
        y = lin[k](act(y))
    y = lin[6](act(y)) + p2
    y = lin[7](act(y))
    y = lin[8](act(y)) + p1
    y = lin[9](act(y))
    y = lin[10](act(y)) + p0
    y = lin[11](act(y)) + x
    y = lin[12](act(y))
    y = lin[13](act(y))
    out = network.regressor.linear
    expected = act(y) @ out.kernel[...] + out.bias[...]
    np.testing.assert_allclose(network(x, train=True), expected, rtol=2e-3, atol=2e-3)


def test_mlp_refuses_what_it_cannot_be():
    with pytest.raises(ValueError, match="without a unit"):
        SkipMLP(2, width=1e-3, rngs=nnx.Rngs(0))


def test_limiter_and_its_slopes():
    x = jnp.array([-5.0, 0.0, 35.0, 90.0, 120.0])
    np.testing.assert_allclose(limiter(x, 10.0, 100.0), [10, 10, 45, 100, 100])
    slopes = jax.vmap(jax.grad(lambda v: limiter(v, 10.0, 100.0, leak=1e-3)))(
        x[jnp.array([0, 2, 4])]
    )
    np.testing.assert_allclose(slopes, [1e-3, 1, 1e-3], rtol=1e-5)
    assert jax.grad(lambda v: limiter(v, 10.0, 100.0))(120.0) == 0
    with pytest.raises(ValueError, match="above the lower"):
        limiter(x, 5.0, 5.0)
    with pytest.raises(ValueError, match="leak"):
        limiter(x, 1.0, 5.0, leak=2.0)


def test_regressor_starts_inside_its_limits():
    head = Regressor(3, 2, limits=(10.0, 100.0), rngs=nnx.Rngs(0))
    np.testing.assert_allclose(head(jnp.zeros((4, 3))), 55.0)
    with pytest.raises(ValueError, match="inside the limits"):
        Regressor(3, 2, limits=(10.0, 100.0), start=5.0, rngs=nnx.Rngs(0))


def test_laplace_std_of_samples():
    samples = np.random.default_rng(0).laplace(scale=3.0, size=200_000)
    assert float(laplace_std(jnp.log(3.0))) == pytest.approx(samples.std(), rel=0.01)


def test_a_network_from_its_description():
    network = build({"network": "UNet", "in_channels": 2, "features": [2, 4], "limits": [10, 100]})
    assert network(jnp.zeros((1, 4, 4, 2))).shape == (1, 4, 4, 1)
    with pytest.raises(ValueError, match="no network 'VNet': there are UNet"):
        build({"network": "VNet"})
    with pytest.raises(ValueError, match=r"UNet.*depth"):
        build({"network": "UNet", "in_channels": 1, "depth": 3})


def test_dropout_leaves_out_its_share_in_training_alone():
    block = ConvBlock(1, 400, norm="none", dropout=0.25, rngs=nnx.Rngs(0))
    plain = ConvBlock(1, 400, norm="none", rngs=nnx.Rngs(0))
    x = jnp.ones((1, 3, 3, 1))
    np.testing.assert_array_equal(block(x), plain(x))
    first, second = block(x, train=True), block(x, train=True)
    assert (np.asarray(first) != np.asarray(second)).any()
    there = np.asarray(plain(x)) > 0
    kept = np.asarray(first)[there] > 0
    # binomial: 0.75 within four standard errors of some thousand features
    assert abs(kept.mean() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / kept.size)
    np.testing.assert_allclose(
        np.asarray(first)[there][kept], np.asarray(plain(x))[there][kept] / 0.75, rtol=1e-5
    )
