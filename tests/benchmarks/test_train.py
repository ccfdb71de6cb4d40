"""The training benchmark times our step, and lists what fails with its last line."""

from __future__ import annotations

import sys

import numpy as np

from benchmarks import train


def test_our_step_is_timed_and_a_failure_is_listed():
    settings = train.Settings(features=(2, 4), batch=2, size=8, steps=2)
    ours = train.measured("benchmarks.methods.jaxqmri_train", sys.executable, settings)
    assert len(ours["seconds"]) == 2
    assert ours["best_patches_per_s"] == 2 / min(ours["seconds"])
    two = train.measured("benchmarks.methods.jaxqmri_train", sys.executable, settings, 2)
    assert two["patches_per_s"] == 2 * 2 / np.median(two["seconds"])
    absent = train.measured("benchmarks.methods.absent", sys.executable, settings)
    assert "absent" in absent["error"]
    printed = train.table(
        [
            {"method": "ours", "trainings": 1, **ours},
            {"method": "other", "trainings": 1, **absent},
        ]
    )
    assert f"{ours['weights']:,}" in printed
    assert "failed" in printed
