"""``jaxqmri register``: what it writes, that it helps, and what it refuses."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxqmri.cli.main import main
from jaxqmri.io import bids, nifti
from jaxqmri.preprocessing import resample
from tests.experiments.small_study import write_study
from tests.preprocessing.knee_like import SAGITTAL, grid_affine, rigid, sample

pytest.importorskip("ants")

SHAPE = (20, 40, 40)
AFFINE = grid_affine(SHAPE, (4.0, 3.2, 3.6), SAGITTAL, (2, 3, -4))
CONTRAST = (12, 15, 10, 55, 70, 80)
MOTION = rigid((0, 0, 2), (1.5, -2.0, 1.0))


def knee(motion=None, seed=0, contrast=CONTRAST):
    return sample(SHAPE, AFFINE, contrast, motion, noise=0.5, seed=seed).data


def affine_in(path):
    """The matrix (RAS) of an ITK transform file."""
    lines = dict(line.split(": ", 1) for line in path.read_text().splitlines() if ": " in line)
    numbers = np.array(lines["Parameters"].split(), float)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = numbers[:9].reshape(3, 3), numbers[9:]
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    return flip @ matrix @ flip


def error(image, given, still):
    """Mean difference to a scan without motion, in the tissue that every position shows."""
    wanted = 3.0 * still.data + 20
    seen = np.isfinite(resample(given, still, MOTION)) & (still.data > 8)
    return np.nanmean(np.abs(image - wanted)[seen])


@pytest.fixture
def two(tmp_path):
    moving, fixed = tmp_path / "moved.nii.gz", tmp_path / "still.nii.gz"
    other = tuple(3 * value + 20 for value in CONTRAST)
    nifti.write_image(moving, knee(MOTION, 1, other), AFFINE, {"EchoTime": 0.03})
    nifti.write_image(fixed, knee(), AFFINE)
    return moving, fixed


def test_one_image_to_another(two, capsys):
    moving, fixed = two
    assert main(["register", str(moving), "--to", str(fixed)]) == 0
    out = moving.parent / "moved_registered"
    registered = nifti.read_image(out / "moved_registered.nii.gz").data
    given, still = nifti.read_image(moving), nifti.read_image(fixed)
    assert error(registered, given, still) < 1.1 * error(
        resample(given, still, MOTION), given, still
    )
    assert error(registered, given, still) < 0.8 * error(given.data, given, still)
    found = affine_in(out / "moved_xfm.txt")
    centre = np.array([0.0, 0.0, 0.0, 1.0])
    assert np.linalg.norm(((found - MOTION) @ centre)[:3]) < 0.3  # a tenth of a voxel
    sidecar = json.loads((out / "moved_registered.json").read_text())
    assert sidecar["EchoTime"] == 0.03
    assert sidecar["Registration"]["stage"] == "rigid"
    assert sidecar["Reference"] == "still.nii.gz"
    page = (out / "moved_registered.html").read_text("utf-8")
    assert "data:image/png;base64," in page
    assert "SSIM" in capsys.readouterr().out


def test_again_it_is_done_and_other_settings_are_refused(two, capsys):
    moving, fixed = two
    command = ["register", str(moving), "--to", str(fixed)]
    assert main(command) == 0
    image = moving.parent / "moved_registered" / "moved_registered.nii.gz"
    written = image.stat().st_mtime_ns
    assert main(command) == 0
    assert "already done" in capsys.readouterr().out
    assert image.stat().st_mtime_ns == written
    assert main([*command, "--stages", "affine"]) == 2
    assert "other settings" in capsys.readouterr().err
    assert main([*command, "--stages", "affine", "--overwrite"]) == 0
    assert image.stat().st_mtime_ns > written


def test_the_images_of_a_file_to_the_first(tmp_path):
    motions = (np.eye(4), rigid((0, 0, 1), (1.0, 2.0, 0)), rigid((1, 0, 0), (0, -1.5, 1.0)))
    stack = np.stack([np.exp(-0.3 * k) * knee(m, k) for k, m in enumerate(motions)], axis=-1)
    path = tmp_path / "series.nii.gz"
    nifti.write_image(path, stack.astype(np.float32), AFFINE)
    out = tmp_path / "out"
    assert main(["register", str(path), "--to-first", "--out", str(out)]) == 0
    registered = nifti.read_stack(out / "series_registered.nii.gz").data
    np.testing.assert_array_equal(registered[..., 0], stack[..., 0].astype(np.float32))
    assert not (out / "series_image-1_xfm.txt").exists()
    for k in (1, 2):
        found = affine_in(out / f"series_image-{k + 1}_xfm.txt")
        assert np.linalg.norm((found - motions[k])[:3, 3]) < 0.35
        image = nifti.Image(stack[..., k].astype(np.float32), AFFINE, path)
        best = resample(image, image, motions[k])
        seen = np.isfinite(registered[..., k]) & np.isfinite(best) & (knee() > 8)
        still = np.exp(-0.3 * k) * knee()
        before, after, least = (
            np.abs(each - still)[seen].mean() for each in (stack[..., k], registered[..., k], best)
        )
        assert after < 1.1 * least
        assert after < 0.8 * before


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"), count=2)


def test_a_dataset_gives_derivatives(study, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["register", str(study), "--image", "PDw", "--to", "T1rhow", "--mask", "manual",
               "--subject", "02", "--stages", "deformable", "--out", str(out)]  # fmt: skip
    assert main(command) == 0
    anat = out / "sub-02" / "anat"
    assert {path.name for path in anat.iterdir()} == {
        "sub-02_desc-registered_PDw.nii.gz",
        "sub-02_desc-registered_PDw.json",
        "sub-02_desc-registered_PDw.html",
        "sub-02_from-PDw_to-T1rhow_mode-image_xfm.txt",
        "sub-02_from-PDw_to-T1rhow_mode-image_xfm_warp.nii.gz",
    }
    series = bids.read_series(study, "T1rhow", {"sub": "02"})
    registered = nifti.read_image(anat / "sub-02_desc-registered_PDw.nii.gz")
    assert registered.data.shape == series.images.shape[:3]
    np.testing.assert_allclose(registered.affine, series.affine, atol=1e-4)
    sidecar = json.loads((anat / "sub-02_desc-registered_PDw.json").read_text())
    assert sidecar["EchoTime"] == 0.03
    assert (out / "dataset_description.json").exists()
    before, after = (
        float(word) for word in capsys.readouterr().out.split("SSIM ")[1].split()[0:4:2]
    )
    assert after > before + 0.02


def test_a_series_without_motion_can_be_fitted_as_before(study, tmp_path):
    out = tmp_path / "out"
    command = ["register", str(study), "--image", "T1rhow", "--to-first", "--out", str(out)]
    assert main([*command, "--subject", "01"]) == 0
    given = bids.read_series(study, "T1rhow", {"sub": "01"})
    (entities,) = bids.find_series(out, "T1rhow")
    registered = bids.read_series(out, "T1rhow", entities)
    np.testing.assert_allclose(registered.times, given.times)
    labels = bids.read_labels(study, "manual", {"sub": "01"}).data > 0
    seen = labels & np.isfinite(registered.images).all(axis=-1)
    assert seen.sum() > 0.95 * labels.sum()
    ours, theirs = (images[seen].mean(axis=0) for images in (registered.images, given.images))
    np.testing.assert_allclose(ours, theirs, rtol=0.05)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["PLAIN"], "--to-first"),
        (["PLAIN", "--to", "PLAIN", "--to-first"], "--to-first"),
        (["nowhere.nii", "--to-first"], "nowhere.nii: no such file"),
        (["PLAIN", "--to", "nowhere.nii"], "nowhere.nii: no such file"),
        (["PLAIN", "--to-first"], "expected a 4-D file"),
        (["PLAIN", "--to", "PLAIN", "--image", "PDw"], "--image"),
        (["PLAIN", "--to", "PLAIN", "--match-in-mask"], "give the --mask"),
        (["PLAIN", "--to", "PLAIN", "--mask", "EMPTY"], "the mask is empty"),
        (["PLAIN", "--to", "EMPTY"], "no contrast to register by"),
        (["STUDY", "--to", "T1rhow"], "--image SUFFIX"),
        (["STUDY", "--image", "PDw", "--to-first"], "no series"),
        (["STUDY", "--image", "T1rhow", "--to", "PDw"], "--to-first"),
        (["STUDY", "--image", "T1w", "--to", "PDw"], "no T1w image"),
        (["STUDY", "--image", "PDw", "--to", "T1rhow", "--subject", "77"], "subject 77"),
        (["STUDY", "--image", "PDw", "--to", "FLAIR", "--subject", "01"], "no FLAIR image"),
    ],
)
def test_what_cannot_be_done_is_one_line(two, study, tmp_path, capsys, words, message):
    empty = tmp_path / "empty.nii.gz"
    nifti.write_image(empty, np.zeros(SHAPE, np.float32), AFFINE)
    places = {"PLAIN": str(two[0]), "EMPTY": str(empty), "STUDY": str(study)}
    out = tmp_path / "out"
    command = ["register", *(places.get(word, word) for word in words), "--out", str(out)]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_without_ants_the_extra_is_named(two, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ants", None)
    moving, fixed = two
    assert main(["register", str(moving), "--to", str(fixed)]) == 2
    assert "pip install 'jaxqmri[experiments]'" in capsys.readouterr().err
    assert not Path(moving.parent / "moved_registered").exists()
