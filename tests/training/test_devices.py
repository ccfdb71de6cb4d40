"""One batch on several devices, of one process and of several: the same step, resumed on others."""

import subprocess
import sys

import numpy as np
import pytest

from jaxqmri.cli.launch import first_failure, free_port, stop
from tests.training.one_of_several import APART, TOGETHER

WORKER = "tests.training.one_of_several"


@pytest.fixture(scope="module", autouse=True)
def _compiled_once(tmp_path_factory):
    """The same program is compiled for one of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
        yield


def ran(how, processes, devices, folder, checks):
    """What each of the processes wrote."""
    folder.mkdir(exist_ok=True)
    address = f"127.0.0.1:{free_port()}"
    started = [
        subprocess.Popen(
            [sys.executable, "-m", WORKER, how, *map(str, (processes, k, devices, address)),
             folder, str(checks)]
        )
        for k in range(processes)
    ]  # fmt: skip
    try:
        assert first_failure(started) is None
    finally:
        stop(started)
    return [dict(np.load(folder / f"process-{k}.npz")) for k in range(processes)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Gradient of the first step, and losses of six, on one device of one process."""
    return ran(TOGETHER, 1, 1, tmp_path_factory.mktemp("alone"), 6)[0]


def assert_same_training(found, alone):
    scale = np.abs(alone["gradient"]).max()
    np.testing.assert_allclose(found["gradient"], alone["gradient"], rtol=1e-4, atol=1e-5 * scale)
    np.testing.assert_allclose(found["losses"], alone["losses"], rtol=1e-4)


@pytest.mark.parametrize(("processes", "devices"), [(1, 3), (1, 8), (2, 1), (4, 1)])
def test_the_first_gradient_is_that_of_one_device(alone, tmp_path, processes, devices):
    for found in ran(TOGETHER, processes, devices, tmp_path / "run", 6):
        assert_same_training(found, alone)


def test_a_training_goes_on_with_other_devices_and_processes(alone, tmp_path):
    folder = tmp_path / "run"
    for processes, devices, checks in ((2, 1, 2), (1, 8, 4), (1, 1, 6)):
        losses = [found["losses"] for found in ran(TOGETHER, processes, devices, folder, checks)]
        assert all(each.size == checks for each in losses)
    np.testing.assert_allclose(losses[0], alone["losses"], rtol=1e-4)


def test_processes_keep_trainings_of_their_own(alone, tmp_path):
    first, second = (found["losses"] for found in ran(APART, 2, 1, tmp_path / "run", 6))
    np.testing.assert_allclose(first, alone["losses"], rtol=1e-4)
    assert np.abs(second - first).max() > 1e-2
