"""``jaxqmri fit`` in several processes, and on several devices: the same maps, a watched end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from jaxqmri.cli import launch
from jaxqmri.cli.main import main
from jaxqmri.io import bids, nifti
from tests.cli.test_stream import AFFINE, TIMES, simulated

PROGRAM = launch.PROGRAM
SOON = 15.0  # seconds in which the launcher is to tell of a process that was killed


def start(*words):
    command = [sys.executable, "-c", PROGRAM, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process):
    out, error = process.communicate(timeout=300)
    return process.returncode, out, error


def assert_same_maps(one, other):
    names = {path.relative_to(one) for path in one.rglob("*.nii.gz")}
    assert names
    assert names == {path.relative_to(other) for path in other.rglob("*.nii.gz")}
    for name in names:
        first, second = (nib.load(folder / name).get_fdata() for folder in (one, other))
        np.testing.assert_allclose(first, second, rtol=1e-6)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A scan, and its maps by one process on one device."""
    folder = tmp_path_factory.mktemp("scan")
    nifti.write_image(folder / "scan.nii.gz", simulated((30, 20, 11)), AFFINE)
    command = ("fit", "t1rho", folder / "scan.nii.gz", "--tsl", *TIMES, "--devices", 1)
    assert finished(start(*command, "--out", folder / "alone"))[0] == 0
    return folder


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_fit_one_volume_together(scan, tmp_path, processes):
    command = ("fit", "t1rho", scan / "scan.nii.gz", "--tsl", *TIMES, "--processes", processes)
    code, out, error = finished(start(*command, "--out", tmp_path / "out"))
    assert code == 0, error
    assert out.count("voxels estimated") == 1
    assert_same_maps(tmp_path / "out", scan / "alone")
    code, out, error = finished(start(*command, "--out", tmp_path / "out"))
    assert code == 0, error
    assert out.count("already done") == 1


@pytest.mark.parametrize("devices", [2, 8])
def test_devices_of_one_process_fit_one_volume_together(scan, tmp_path, devices):
    command = ("fit", "t1rho", scan / "scan.nii.gz", "--tsl", *TIMES, "--devices", devices)
    code, _, error = finished(start(*command, "--out", tmp_path / "out"))
    assert code == 0, error
    assert_same_maps(tmp_path / "out", scan / "alone")


def write_cohort(root, count, shape):
    bids.write_dataset_description(root, "Small")
    for k in range(count):
        bids.write_series(
            root, {"sub": f"{k + 1:02d}"}, "T1rhow", simulated(shape, k), AFFINE, TIMES.tolist()
        )
    return root


def test_a_problem_that_all_meet_is_told_and_ends_all(scan, tmp_path):
    command = ("fit", "t1rho", scan / "scan.nii.gz", "--tsl", 0, 10, "--processes", 2)
    code, _, error = finished(start(*command, "--out", tmp_path / "out"))
    assert code == 2
    assert "holds 4 images, but 2 times were given" in error
    assert "of 2 failed with exit code 2" in error
    assert not (tmp_path / "out").exists()


def children(process):
    """Processes that a process has started, in their order."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("utf-8")
    return sorted(map(int, listed.split()))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no list of processes")
def test_a_killed_process_is_told_of_soon_and_what_is_done_stays_done(tmp_path, capsys):
    root = write_cohort(tmp_path / "study", 10, (64, 64, 24))
    out = root / "derivatives" / "jaxqmri"
    process = start("fit", "t1rho", root, "--processes", 2)
    while process.poll() is None and not list(out.glob("sub-*/anat/*_T1rho.nii.gz")):
        time.sleep(0.05)
    os.kill(children(process)[1], signal.SIGKILL)
    killed = time.monotonic()
    code, _, error = finished(process)
    assert time.monotonic() - killed < SOON
    assert code == 2
    assert "process 1 of 2 was killed by signal 9 (SIGKILL); the others were stopped" in error
    done = {path.name for path in out.glob("sub-*/anat/*_desc-status_T1rho.nii.gz")}
    assert 0 < len(done) < 10
    assert main(["fit", "t1rho", str(root)]) == 0
    assert capsys.readouterr().out.count("already done") == len(done)


def test_processes_deal_out_the_series_of_a_dataset(tmp_path):
    root = write_cohort(tmp_path / "study", 5, (10, 9, 8))
    (root / "sub-03" / "anat" / "sub-03_tsl-2_T1rhow.nii.gz").write_bytes(b"not an image")
    code, out, error = finished(start("fit", "t1rho", root, "--processes", 2, "--no-quality"))
    assert code == 2
    assert "sub-03" in error
    assert out.count("voxels estimated") == 4
    assert main(["fit", "t1rho", str(root), "--no-quality"]) == 2
    table = root / "derivatives" / "jaxqmri" / "t1rho_cohort.tsv"
    states = [line.split("\t")[3] for line in table.read_text("utf-8").splitlines()[1:]]
    assert states == ["already done", "already done", "failed", "already done", "already done"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--processes", "0"), "--processes 0: expected"),
        (("--process", "1"), "they go with --distributed"),
        (("--distributed", "--processes", "2"), "--distributed: give --coordinator"),
        (
            ("--distributed", "--coordinator", "here", "--processes", "2", "--process", "0"),
            "--coordinator here: expected HOST:PORT",
        ),
        (
            ("--distributed", "--coordinator", "here:1", "--processes", "2", "--process", "2"),
            "--process 2: expected 0 to 1",
        ),
    ],
)
def test_flags_that_make_no_sense_are_told(scan, capsys, flags, message):
    command = ["fit", "t1rho", str(scan / "scan.nii.gz"), "--tsl", "0", "10", "30", "50"]
    assert main([*command, *flags]) == 2
    assert message in capsys.readouterr().err


def test_cores_are_dealt_out(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 4}, raising=False)
    assert launch.shares(2) == [[0, 4], [2]]
    assert launch.shares(4) == [[0], [2], [4], [0]]
    assert launch.ended(-9) == "was killed by signal 9 (SIGKILL)"
