"""What holds for every network that can be built from a description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxqmri.networks import NETWORKS, build
from jaxqmri.training import Variables, load_model, save_model
from tests.compiled import quickly
from tests.networks.weights import made

IMAGES = (2, 32, 64, 2)
CASES = {
    "UNet": ({"in_channels": 2, "features": [2, 4]}, IMAGES),
    "SkipMLP": ({"in_features": 2, "width": 0.02}, (20, 2)),
    "RMQNet": ({"in_channels": 2, "maps": 2, "features": [2, 4]}, IMAGES),
    "WideResNet": ({"in_channels": 2, "out_features": 3, "depth": 10, "width": 1}, IMAGES),
    "DiscDetector": ({"in_channels": 2, "classes": 2, "width": 0.0625, "depth": 1}, IMAGES),
}


class Case(NamedTuple):
    """A network before and after a training step's forward pass."""

    description: dict[str, Any]
    x: jax.Array
    before: Any  # statistics
    slopes: Any
    after: Any
    network: nnx.Module
    output: Any  # compiled, not in training
    still: Any  # statistics after it


@pytest.fixture(scope="module", params=list(CASES))
def case(request) -> Case:
    arguments, shape = CASES[request.param]
    description = json.loads(json.dumps({"network": request.param, **arguments}))
    x = jax.random.normal(jax.random.key(0), shape)
    graph, params, before = nnx.split(built(description), nnx.Param, ...)

    @quickly
    def step(params, before):
        def loss(params):
            network = nnx.merge(graph, params, before, copy=True)
            out = network(x, train=True)
            error = sum(jnp.mean((leaf - 1) ** 2) for leaf in jax.tree.leaves(out))
            return error, nnx.split(network, nnx.Param, ...)[2]

        slopes, after = jax.grad(loss, has_aux=True)(params)
        network = nnx.merge(graph, params, after, copy=True)
        return slopes, after, network(x), nnx.split(network, nnx.Param, ...)[2]

    slopes, after, output, still = step(params, before)
    network = nnx.merge(graph, params, after, copy=True)
    return Case(description, x, before, slopes, after, network, output, still)


def built(description: Mapping[str, Any]) -> nnx.Module:
    return made(lambda: build(description))


def leaves(tree: Any) -> list[np.ndarray]:
    return [np.array(leaf) for leaf in jax.tree.leaves(tree)]


def test_every_network_is_tried():
    assert set(CASES) == set(NETWORKS)


def test_every_weight_learns(case: Case):
    for path, slope in jax.tree.leaves_with_path(case.slopes):
        assert np.isfinite(slope).all(), path
        assert np.any(slope != 0), path


def test_statistics_follow_in_training_alone(case: Case):
    changes = zip(leaves(case.before), leaves(case.after), leaves(case.still), strict=True)
    for before, after, still in changes:
        assert (before != after).all()
        np.testing.assert_array_equal(after, still)


def test_compiled_it_gives_the_same(case: Case):
    for ours, theirs in zip(leaves(case.output), leaves(case.network(case.x)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_it_comes_back_from_its_folder(case: Case, tmp_path: Path):
    _, params, stats = nnx.split(case.network, nnx.Param, ...)
    folder = tmp_path / "model"
    save_model(folder, Variables(params, stats), {"architecture": case.description})
    loaded, _ = load_model(folder, build)
    assert nnx.graphdef(loaded) == nnx.graphdef(case.network)
    saved = jax.tree.leaves_with_path(nnx.state(case.network))
    for (path, ours), (name, theirs) in zip(
        jax.tree.leaves_with_path(nnx.state(loaded)), saved, strict=True
    ):
        assert path == name
        np.testing.assert_array_equal(ours, theirs)
