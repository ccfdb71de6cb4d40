"""Adiabatic T1rho by commands: its sidecar fields, other grids for B1, errors from fit to fit."""

import json

import nibabel as nib
import numpy as np
import pytest

from jaxqmri.cli import chain
from jaxqmri.cli.main import main
from jaxqmri.io import bids
from jaxqmri.mapping import adiabatic
from tests.cli.conftest import save
from tests.mapping.knee import AFI, COARSE, FINE, LOCKS, VFA, subject

TISSUE = {"t1": 900.0, "t1rho": 40.0, "b1": 0.9}
PREPARED = {
    "FlipAngle": 10.0,
    "NumberShots": 25,
    "RepetitionTimePreparation": 500.0,
    "RepetitionTimeExcitation": 5.0,
}
INNER = np.s_[8:16, 8:16, 4:8]  # of the simulated subject


def write_study(root, noisy=False, prepared=PREPARED, seed=0, part=INNER):
    """Three series of one subject, B1's on half the resolution."""
    vfa, afi, locks = subject(**TISSUE, noisy=noisy, seed=seed)
    fine, coarse = FINE.copy(), COARSE.copy()
    x, y, z = part
    half = tuple(slice(s.start // 2, s.stop // 2) for s in part)
    for affine, starts in ((fine, part), (coarse, half)):
        affine[:3, 3] += affine[:3, :3] @ [s.start for s in starts]
    who, who_adiabatic = {"sub": "01"}, {"sub": "01", "acq": "adiab"}
    timing = {"RepetitionTimeExcitation": 20.0}
    series = (
        (who, "VFA", vfa.images[x, y, z], fine, VFA.flip_angles, timing),
        (who, "TB1AFI", afi.images[half], coarse, AFI.repetition_times, {"FlipAngle": 45.0}),
        (who_adiabatic, "T1rhow", locks.images[x, y, z], fine, LOCKS, prepared),
    )
    for entities, suffix, images, affine, times, fields in series:
        bids.write_series(
            root, entities, suffix, 1e4 * images, affine, times, fields, integer_scaling=False
        )
    return root


def voxels(root, name):
    path = root / "derivatives" / "jaxqmri" / "sub-01" / "anat" / f"sub-01_{name}.nii.gz"
    return np.asarray(nib.load(path).dataobj)


def fit(*words):
    assert main(["fit", *map(str, words), "--no-quality"]) == 0


@pytest.mark.parametrize(
    ("model", "tolerance"), [("t1rho-adiabatic", 5e-3), ("t1rho-adiabatic-exact", 1e-3)]
)
def test_three_commands_from_images_to_t1rho(tmp_path, capfd, model, tolerance):
    root = write_study(tmp_path / "study")
    fit("b1-afi", root)
    fit("t1-vfa", root, "--fixed", "b1=TB1map")
    told = capfd.readouterr().err
    assert told.count("\n") == 1
    assert "TB1map.nii.gz: b1 lies on another grid than the images and was interpolated" in told
    fit(model, root, "--fixed", "t1=T1map", "b1=TB1map")
    desc = model.replace("-", "")
    t1rho = voxels(root, f"acq-adiab_desc-{desc}_T1rho")
    assert t1rho.shape == (8, 8, 4)
    np.testing.assert_allclose(voxels(root, "TB1map"), TISSUE["b1"], rtol=1e-3)
    np.testing.assert_allclose(voxels(root, "desc-t1vfa_T1map"), TISSUE["t1"] / 1e3, rtol=2e-3)
    np.testing.assert_allclose(t1rho, TISSUE["t1rho"] / 1e3, rtol=tolerance)
    anat = root / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    said = json.loads((anat / f"sub-01_acq-adiab_desc-{desc}_T1rho.json").read_text())
    assert said["RepetitionTimePreparation"] == 0.5
    assert said["NumberShots"] == 25
    assert said["Held"]["t1"].endswith("sub-01_desc-t1vfa_T1map.nii.gz")


def test_plain_images_with_times_by_flag(tmp_path):
    _, _, locks = subject(1000.0, 40.0, 1.0)
    path, out = save(tmp_path / "knee.nii.gz", locks.images[:4, :4, :2]), tmp_path / "maps"
    words = ["--tsl", *LOCKS, "--tr", 500, "--fa", 10, "--spokes", 25, "--out", out]
    fit("t1rho-adiabatic-exact", path, *words, "--spoke-spacing", 5)
    np.testing.assert_allclose(np.asarray(nib.load(out / "T1rho.nii.gz").dataobj), 40.0, rtol=1e-3)


def test_errors_go_from_map_to_map_with_their_covariance(tmp_path):
    whole = np.s_[0:48, 0:48, 0:12]
    root = write_study(tmp_path / "study", noisy=True, part=whole)
    assert main(["fit", "b1-afi", str(root), "--smooth", "6"]) == 0
    b1 = ["--fixed", "b1=TB1map", "--fixed-std", "b1=desc-std_TB1map"]
    assert main(["fit", "t1-vfa", str(root), *b1]) == 0
    told = [*b1[:2], "t1=T1map", *b1[2:], "t1=desc-t1vfastd_T1map"]
    covariance = ["--fixed-cov", "t1,b1=desc-t1vfacovb1_T1map"]
    assert main(["fit", "t1rho-adiabatic-exact", str(root), *told, *covariance]) == 0
    estimate = voxels(root, "acq-adiab_desc-t1rhoadiabaticexact_T1rho")
    std = voxels(root, "acq-adiab_desc-t1rhoadiabaticexactstd_T1rho")
    assert np.std((estimate - 0.04) / std) == pytest.approx(1.0, abs=0.03)
    b1, b1_std = voxels(root, "TB1map"), voxels(root, "desc-std_TB1map")
    assert np.std(b1) < 0.01
    assert 0.003 < np.median(b1_std) < 0.01


@pytest.mark.parametrize(
    "model",
    ["t1rho-adiabatic", pytest.param("t1rho-adiabatic-exact", marks=pytest.mark.exhaustive)],
)
def test_the_chain_in_one_command(tmp_path, capfd, model):
    whole = np.s_[0:48, 0:48, 0:12]
    root = write_study(tmp_path / "study", noisy=True, part=whole)
    labels = np.zeros((48, 48, 12), np.uint8)
    labels[4:44, 4:44, 2:10] = 1
    save(root / "derivatives" / "manual" / "sub-01" / "anat" / "sub-01_dseg.nii.gz", labels, FINE)
    command = ["fit", model, str(root), "--chain", "--mask", "manual"]
    assert main(command) == 0
    told = capfd.readouterr().out
    assert "12,800 voxels estimated, median B1 0.899, T1 9" in told
    desc, inside = f"acq-adiab_desc-{model.replace('-', '')}", labels == 1
    for name, std, truth in (
        (f"{desc}_T1rho", f"{desc}std_T1rho", 0.04),
        ("desc-t1vfa_T1map", "desc-t1vfastd_T1map", 0.9),
    ):
        z = (voxels(root, name) - truth)[inside] / voxels(root, std)[inside]
        assert np.std(z) == pytest.approx(1.0, abs=0.05)
        assert abs(np.mean(z)) < 0.2
    assert voxels(root, "TB1map").shape == labels.shape
    assert np.nanmax(voxels(root, "desc-std_TB1map")) < 0.02
    anat = root / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    said = json.loads((anat / f"sub-01_{desc}_T1rho.json").read_text())
    assert said["Held"] == {
        "t1": "sub-01/anat/sub-01_desc-t1vfa_T1map.nii.gz",
        "b1": "sub-01/anat/sub-01_TB1map.nii.gz",
    }
    assert (anat / f"sub-01_{desc}quality_T1rho.html").exists()
    assert main(command) == 0
    assert "already done" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["t1-vfa", "--chain"], "--chain: t1-vfa has no such option"),
        (["t1rho-adiabatic", "--smooth", "5"], "--smooth: t1rho-adiabatic has no such option"),
        (["t1rho-adiabatic", "--chain", "--fixed", "b1=1"], "--fixed: not with --chain"),
        (["t1rho-adiabatic", "--chain", "--sigma", "3"], "each their own noise"),
        (["t1rho-adiabatic", "--chain", "--likelihood", "rician"], "not with --chain"),
    ],
)
def test_what_a_chain_does_not_take(tmp_path, capfd, words, told):
    root = write_study(tmp_path / "study")
    assert main(["fit", words[0], str(root), *words[1:]]) == 2
    assert told in capfd.readouterr().err


def test_a_chain_smooths_as_the_library_does():
    assert chain.SMOOTH == adiabatic.SMOOTH


def test_a_chain_needs_its_three_series(tmp_path, capfd):
    root = write_study(tmp_path / "study")
    for path in (root / "sub-01" / "fmap").iterdir():
        path.unlink()
    assert main(["fit", "t1rho-adiabatic", str(root), "--chain"]) == 2
    assert "no TB1AFI series" in capfd.readouterr().err
    path = save(tmp_path / "knee.nii.gz", np.ones((2, 2, 2, 7), np.float32))
    assert main(["fit", "t1rho-adiabatic", str(path), "--chain"]) == 2
    assert "in a BIDS folder" in capfd.readouterr().err


def test_smoothing_leaves_air_alone(tmp_path):
    _, afi, _ = subject(1000.0, 40.0, 0.9, noisy=True)
    afi.images[12:] = np.random.default_rng(0).rayleigh(0.003, afi.images[12:].shape)
    path, out = save(tmp_path / "afi.nii.gz", afi.images, COARSE), tmp_path / "maps"
    fit("b1-afi", path, "--tr", 20, 100, "--fa", 45, "--smooth", 6, "--out", out)
    b1 = np.asarray(nib.load(out / "TB1map.nii.gz").dataobj)
    np.testing.assert_allclose(b1[:12], 0.9, atol=0.05)
    assert np.isnan(b1[20:]).all()


@pytest.mark.parametrize("lacking", list(PREPARED))
def test_a_series_that_lacks_a_field_is_refused_by_name(tmp_path, capfd, lacking):
    fields = {name: value for name, value in PREPARED.items() if name != lacking}
    root = write_study(tmp_path / "study", prepared=fields)
    assert main(["fit", "t1rho-adiabatic-exact", str(root)]) == 2
    told = capfd.readouterr().err
    assert f"its sidecar has no {lacking}" in told
    assert "sub-01_acq-adiab_tsl-1_T1rhow" in told


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("RepetitionTimePreparation", 500_000.0, "looks like milliseconds, expected seconds"),
        ("RepetitionTimeExcitation", 5_000.0, "looks like milliseconds, expected seconds"),
        ("NumberShots", 2.5, "spokes must be a whole number of spokes, got 2.5"),
        ("NumberShots", 0, "NumberShots is 0, expected a number above zero"),
        ("RepetitionTimePreparation", 150.0, r"96 + 125 ms, got 150"),
        ("FlipAngle", 60.0, "flip_angle must be above 0 and at most 45 degrees"),
    ],
)
def test_fields_that_cannot_be_meant_are_refused(tmp_path, capfd, field, value, words):
    root = write_study(tmp_path / "study", prepared=PREPARED | {field: value})
    assert main(["fit", "t1rho-adiabatic-exact", str(root)]) == 2
    assert words in capfd.readouterr().err


def test_one_exponential_says_that_it_does_not_describe_spokes(tmp_path, capfd):
    root = write_study(tmp_path / "study")
    fit("t1rho", root)
    told = capfd.readouterr().err
    assert "25 spokes follow each preparation" in told
    assert "t1rho-adiabatic does" in told
    assert told.count("\n") == 1
    ordinary = {"NumberShots": 32, "RepetitionTime": 3000.0}
    fit("t1rho", write_study(tmp_path / "other", prepared=ordinary))
    assert capfd.readouterr().err == ""


def test_adiabatic_series_are_told_from_others(tmp_path, capfd):
    root = write_study(tmp_path / "study")
    _, _, locks = subject(1000.0, 40.0, 1.0)
    bids.write_series(root, {"sub": "01"}, "T1rhow", locks.images[INNER], FINE, LOCKS, {})
    fit("t1rho-adiabatic", root)
    assert capfd.readouterr().out.count("voxels estimated") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["t1rho", "--spokes", "25"], "--spokes 25: t1rho takes --tsl"),
        (["t1rho", "--smooth", "5"], "--smooth: t1rho has no such option"),
        (["b1-afi", "--smooth", "-5"], "--smooth -5: expected a number of mm"),
        (
            ["t1rho-adiabatic", "--tsl", *map(str, LOCKS)],
            "give --tr, or RepetitionTimePreparation in",
        ),
        (["t1rho-adiabatic", "--fixed-cov", "t1=3"], "--fixed-cov t1=3: expected NAME,NAME=VALUE"),
        (["t1rho-adiabatic", "--fixed-cov", "t1,b1=3"], "t1 has no --fixed-std"),
    ],
)
def test_words_that_make_no_sense(tmp_path, capfd, words, told):
    path = save(tmp_path / "knee.nii.gz", np.ones((2, 2, 2, 7), np.float32))
    if "--fixed-cov" in words:
        words = [*words, "--tsl", *map(str, LOCKS), "--tr", "500", "--fa", "10", "--spokes", "25"]
    elif words[0] == "t1rho":
        words = [*words, "--tsl", *map(str, LOCKS)]
    assert main(["fit", words[0], str(path), *words[1:]]) == 2
    assert told in capfd.readouterr().err
