"""The training benchmark times our step of every network, and lists what fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import environments, train
from jaxqmri.networks import build

UNET = {
    "network": {"network": "UNet", "in_channels": 2, "out_channels": 1, "features": [2, 4]},
    "images": [2, 8, 8, 2],
}


def test_our_step_is_timed_in_turns_and_a_failure_is_listed():
    commands = {
        "ours": (train.OURS, sys.executable),
        "absent": ("benchmarks.methods.absent", sys.executable),
    }
    rows = train.in_turns(commands, UNET | {"steps": 2, "trainings": 2}, turns=3)
    seconds = np.concatenate(rows["ours"]["turns"])
    assert seconds.shape == (3 * 2,)
    assert rows["ours"]["samples_per_s"] == 2 * 2 / np.median(seconds)
    assert rows["ours"]["best_samples_per_s"] == 2 * 2 / min(seconds)
    assert "absent" in rows["absent"]["error"]
    start = {"network": "unet", "method": "ours", "trainings": 2}
    assert f"{rows['ours']['weights']:,}" in train.line(start | rows["ours"])
    assert "failed" in train.line(start | rows["absent"])


def test_networks_that_are_not_the_same_are_not_compared(monkeypatch):
    def found(commands, problem, turns):
        return {method: {"weights": {"jaxqmri": 1, "PyTorch": 2}[method]} for method in commands}

    monkeypatch.setattr(train, "in_turns", found)
    rows = train.compared("unet", train.Settings(), Path("python"))
    assert len(rows) >= 2
    assert all("differ" in row["error"] for row in rows)


def test_results_are_written_without_pytorch_too(monkeypatch, tmp_path, capsys):
    def absent(*_, **__):
        raise environments.NotInstalled("no such wheel")

    monkeypatch.setattr(environments, "interpreter", absent)
    monkeypatch.setitem(train.NETWORKS, "unet", UNET)
    out = tmp_path / "train.json"
    train.main(["--networks", "unet", "--steps", "1", "--turns", "1", "--out", str(out)])
    assert "no such wheel" in capsys.readouterr().out
    rows = json.loads(out.read_text())["rows"]
    assert {row["method"] for row in rows} == {"jaxqmri"}
    assert all(row["samples_per_s"] > 0 for row in rows)
    with pytest.raises(SystemExit, match="no network vnet"):
        train.main(["--networks", "vnet"])


@pytest.mark.parametrize("name", train.NETWORKS)
def test_each_network_takes_its_batch(name):
    problem = train.NETWORKS[name]

    def predicted():
        return build(problem["network"])(jnp.zeros(problem["images"]), train=True)

    images = problem["images"][0]
    assert all(leaf.shape[0] == images for leaf in jax.tree.leaves(jax.eval_shape(predicted)))


DYING = """
import sys
from benchmarks.step_timing import Prepared, serve

steps = []

def step():
    print("a library says hello")
    steps.append(1)
    if len(steps) > {lives}:
        sys.exit("out of memory")

serve(lambda problem: Prepared(step, 10))
"""


@pytest.mark.parametrize("lives", [0, 1, 4, 100])
def test_a_program_that_dies_is_listed_and_what_libraries_print_is_no_answer(
    tmp_path, monkeypatch, lives
):
    (tmp_path / "dying.py").write_text(DYING.format(lives=lives))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    problem = {"images": [3], "steps": 2, "trainings": 1}
    row = train.in_turns({"it": ("dying", sys.executable)}, problem, turns=3)["it"]
    assert row["error"] == "out of memory" if lives < 7 else len(row["turns"]) == 3
