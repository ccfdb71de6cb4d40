"""Several processes carry out one run: trainings shared out, nothing lost when one is killed."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from jaxqmri.cli.launch import free_port
from tests.experiments.shares import NAMES

WORKER = "tests.experiments.shares"


def started(folder, count, *words):
    """That many processes, each told its place."""
    address = f"127.0.0.1:{free_port()}"
    place = ["--distributed", "--coordinator", address, "--processes", str(count)]
    return [
        subprocess.Popen(
            [sys.executable, "-m", WORKER, "--out", folder, *words, *place, "--process", str(k)],
            stderr=subprocess.PIPE, text=True,
        )
        for k in range(count)
    ]  # fmt: skip


def seen(folder, number):
    return json.loads((folder / f"seen-by-{number}.json").read_text("utf-8"))


@pytest.mark.parametrize("count", [2, 4])
def test_each_training_is_made_once_and_read_by_all(tmp_path, count):
    folder = tmp_path / "run"
    for process in started(folder, count):
        assert process.wait(120) == 0
    expected = {name: number % count for number, name in enumerate(NAMES)}
    assert all(seen(folder, number) == expected for number in range(count))
    assert (folder / "metrics.json").exists()


def test_what_a_killed_process_leaves_the_next_run_makes(tmp_path):
    folder = tmp_path / "run"
    first, second = started(folder, 2, "--seconds", "2")
    networks = folder / "checkpoints" / "networks"
    while not (networks / "b.json").exists():
        time.sleep(0.05)
    os.kill(second.pid, signal.SIGKILL)
    first.kill()
    before = {path.stem for path in networks.glob("*.json")}
    assert {"b"} <= before < set(NAMES)
    for process in started(folder, 1, "--seconds", "2"):
        assert process.wait(120) == 0
    assert seen(folder, 0) == {**dict.fromkeys(NAMES, 0), "b": 1} | {
        name: 1 for name in before & {"b", "d"}
    }


def test_the_launcher_starts_them_and_tells_of_a_problem_in_one(tmp_path):
    command = [sys.executable, "-m", WORKER, "--out", tmp_path / "run", "--processes", "2"]
    done = subprocess.run(
        [*command, "--fails", "b", "--seconds", "0"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "b: cannot be learnt" in done.stderr
    assert "process 1 of 2 failed with exit code 2; the others were stopped" in done.stderr
    done = subprocess.run([*command, "--seconds", "0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "holds a run with other settings" in done.stderr
    assert "fails: b there,  now" in done.stderr


def test_what_nobody_foresaw_in_one_process_ends_all(tmp_path):
    command = [sys.executable, "-m", WORKER, "--out", tmp_path / "run", "--processes", "2"]
    done = subprocess.run(
        [*command, "--breaks", "b"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert "RuntimeError: b: out of memory" in done.stderr
    assert "process 1 of 2 failed with exit code 2; the others were stopped" in done.stderr
