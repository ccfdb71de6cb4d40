"""``jaxqmri fit --stream``: from disk to disk, slab by slab."""

import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from jaxqmri.cli import streamed
from jaxqmri.cli.main import main
from jaxqmri.io import bids, nifti

TIMES = np.array([0.0, 10.0, 30.0, 50.0])
SHAPE = (16, 15, 20)
AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])
MIB = 2**20


def simulated(shape, seed=0):
    generator = np.random.default_rng(seed)
    t1rho = generator.uniform(20, 80, shape)
    images = 800 * np.exp(-TIMES / t1rho[..., None]) + 15 * generator.standard_normal((*shape, 4))
    return images.astype(np.float32)


def run(*arguments):
    return main([str(each) for each in arguments])


def maps_in(folder):
    return {path.name: nib.load(path) for path in sorted(folder.rglob("*.nii.gz"))}


@pytest.fixture
def few_voxels(monkeypatch):
    """Slabs of three planes."""
    monkeypatch.setattr(streamed, "VOXELS", 3 * SHAPE[0] * SHAPE[1])


@pytest.mark.usefixtures("few_voxels")
@pytest.mark.parametrize("flags", [(), ("--bounds", "t1rho=5,60"), ("--sigma", "15")])
def test_maps_are_those_of_a_fit_in_memory(tmp_path, flags):
    scan, mask = tmp_path / "scan.nii.gz", np.zeros(SHAPE, np.uint8)
    nifti.write_image(scan, simulated(SHAPE), AFFINE, None, integer_scaling=True)
    mask[2:, :, 7:18] = 1  # the first slabs hold no voxel
    nifti.write_image(tmp_path / "mask.nii.gz", mask, AFFINE)
    common = ["fit", "t1rho", scan, "--tsl", *TIMES, "--mask", tmp_path / "mask.nii.gz", *flags]
    assert run(*common, "--out", tmp_path / "whole") == 0
    assert run(*common, "--out", tmp_path / "streamed", "--stream") == 0
    whole, found = maps_in(tmp_path / "whole"), maps_in(tmp_path / "streamed")
    assert set(found) == set(whole)
    for name, one in found.items():
        assert one.get_data_dtype() == whole[name].get_data_dtype()
        np.testing.assert_array_equal(one.affine, whole[name].affine)
        pooled = "std" in name and "--sigma" not in flags
        np.testing.assert_allclose(
            one.get_fdata(), whole[name].get_fdata(), rtol=0.03 if pooled else 1e-5
        )
    said, expected = (
        json.loads((tmp_path / folder / "T1rho.json").read_text("utf-8"))
        for folder in ("streamed", "whole")
    )
    differ = {name for name in {*said, *expected} if said.get(name) != expected.get(name)}
    assert differ <= (set() if "--sigma" in flags else {"Sigma", "SigmaSource"})
    assert said["VoxelsByStatus"] == expected["VoxelsByStatus"]


@pytest.mark.usefixtures("few_voxels")
def test_a_bids_folder_keeps_seconds_and_is_done_once(tmp_path, capsys):
    bids.write_dataset_description(tmp_path, "Small")
    for name in ("01", "02"):
        bids.write_series(
            tmp_path, {"sub": name}, "T1rhow", simulated(SHAPE, int(name)), AFFINE, TIMES.tolist()
        )
    assert run("fit", "t1rho", tmp_path, "--stream") == 0
    path = tmp_path / "derivatives/jaxqmri/sub-02/anat/sub-02_T1rho.nii.gz"
    assert json.loads(nifti.sidecar_path(path).read_text("utf-8"))["Units"] == "s"
    assert 0.045 < np.nanmedian(nifti.read_image(path).data) < 0.055
    capsys.readouterr()
    assert run("fit", "t1rho", tmp_path, "--stream") == 0
    assert capsys.readouterr().out.count("already done") == 2


@pytest.mark.parametrize(
    "flags", [("t1rho", "--sigma", "background"), ("b1-afi",), ("t1rho-adiabatic", "--chain")]
)
def test_what_needs_the_whole_is_refused(tmp_path, capsys, flags):
    assert run("fit", flags[0], tmp_path / "scan.nii", *flags[1:], "--stream") == 2
    assert "needs the whole images at once" in capsys.readouterr().err


@pytest.mark.usefixtures("few_voxels")
def test_a_damaged_file_leaves_no_maps(tmp_path, capsys):
    nifti.write_image(tmp_path / "scan.nii.gz", simulated(SHAPE), AFFINE)
    content = (tmp_path / "scan.nii.gz").read_bytes()
    (tmp_path / "scan.nii.gz").write_bytes(content[: -len(content) // 8])
    out = tmp_path / "out"
    command = ("fit", "t1rho", tmp_path / "scan.nii.gz", "--tsl", *TIMES, "--stream")
    assert run(*command, "--out", out) == 2
    assert "scan.nii.gz: truncated or damaged" in capsys.readouterr().err
    assert not out.exists()


def peak(path, out):
    """Largest memory of a process that fits a file, MiB."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom jaxqmri.cli.main import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        # not ru_maxrss, which begins with what the parent held
        "print(*[w for w in Path('/proc/self/status').read_text().splitlines() if 'VmHWM' in w])\n"
    )
    command = ["fit", "t1rho", path, "--tsl", *TIMES, "--out", out, "--stream", "--no-quality"]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, command)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout.split()[-2]) / 1024


def test_memory_does_not_grow_with_the_images(tmp_path):
    plane = np.rint(simulated((256, 256, 1))).astype(np.int16)
    peaks = []
    for planes in (64, 256):  # 4.2 and 16.8 million voxels, 33 and 134 MB
        path = tmp_path / f"scan{planes}.nii"
        nifti.write_image(path, np.repeat(plane, planes, axis=2), AFFINE)
        peaks.append(peak(path, tmp_path / f"out{planes}"))
    assert peaks[1] < peaks[0] + 60  # the images alone are 100 MB more, as float32 200
