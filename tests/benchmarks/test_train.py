"""The training benchmark times our step of every network, and lists what fails."""

from __future__ import annotations

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import train
from jaxqmri.networks import build

UNET = {
    "network": {"network": "UNet", "in_channels": 2, "out_channels": 1, "features": [2, 4]},
    "images": [2, 8, 8, 2],
}


def test_our_step_is_timed_and_a_failure_is_listed():
    ours = train.measured(train.OURS, sys.executable, UNET, steps=2)
    assert len(ours["seconds"]) == 2
    assert ours["best_samples_per_s"] == 2 / min(ours["seconds"])
    two = train.measured(train.OURS, sys.executable, UNET, 2, trainings=2)
    assert two["samples_per_s"] == 2 * 2 / np.median(two["seconds"])
    absent = train.measured("benchmarks.methods.absent", sys.executable, UNET, steps=2)
    assert "absent" in absent["error"]
    start = {"network": "unet", "method": "ours", "trainings": 1}
    assert f"{ours['weights']:,}" in train.line(start | ours)
    assert "failed" in train.line(start | absent)


@pytest.mark.parametrize("name", train.NETWORKS)
def test_each_network_takes_its_batch(name):
    problem = train.NETWORKS[name]

    def predicted():
        return build(problem["network"])(jnp.zeros(problem["images"]), train=True)

    images = problem["images"][0]
    assert all(leaf.shape[0] == images for leaf in jax.tree.leaves(jax.eval_shape(predicted)))
