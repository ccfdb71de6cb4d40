"""Every kind of bad input: one line that names it, exit code 2, nothing left behind."""

import gzip
import json
import os
import shutil

import numpy as np
import pytest

from jaxqmri import __version__
from jaxqmri.cli.main import main
from jaxqmri.io import staging
from tests.cli.conftest import AFFINE, TE, decay, save, save_series


def listing(folder):
    return sorted(
        (str(path.relative_to(folder)), path.stat().st_size if path.is_file() else 0)
        for path in folder.rglob("*")
    )


@pytest.fixture
def refused(tmp_path, capfd):
    """Run a command that must be refused; its message."""

    def run(*words):
        before = listing(tmp_path)
        code = main([str(word) for word in words])
        out, message = capfd.readouterr()
        assert code == 2
        assert out == ""
        assert message.startswith("jaxqmri: ")
        assert message.count("\n") == 1, message
        assert listing(tmp_path) == before
        return message

    return run


def sidecar_of(path):
    return json.loads(path.read_text())


def te(*times):
    return ["--te", *(str(time) for time in times)]


def test_number_of_times_and_images_differ(plain, refused):
    message = refused("fit", "t2", plain, *te(10, 25, 45))
    assert str(plain) in message
    assert "4 images" in message
    assert "3 times" in message


def test_number_of_times_and_files_differ(tmp_path, refused):
    paths = [save(tmp_path / f"{k}.nii", decay()[..., k]) for k in range(4)]
    message = refused("fit", "t2", *paths, *te(10, 25, 45))
    assert "4 images" in message
    assert "3 times" in message


def test_mask_of_another_shape(plain, tmp_path, refused):
    mask = save(tmp_path / "mask.nii.gz", np.ones((5, 3, 2), np.uint8))
    message = refused("fit", "t2", plain, *te(*TE), "--mask", mask)
    assert str(mask) in message
    assert "(5, 3, 2)" in message
    assert "(4, 3, 2)" in message


def test_mask_with_another_affine(plain, tmp_path, refused):
    shifted = AFFINE.copy()
    shifted[0, 3] = 7.0
    mask = save(tmp_path / "mask.nii.gz", np.ones((4, 3, 2), np.uint8), shifted)
    message = refused("fit", "t2", plain, *te(*TE), "--mask", mask)
    assert str(mask) in message
    assert "affine" in message
    assert "7 mm" in message


@pytest.mark.parametrize(
    ("name", "shape", "affine"),
    [
        ("b1", (4, 3, 1), AFFINE),
        ("b1", (4, 3, 2), np.diag([1.5, 2.0, 3.0, 1.0])),
        ("t1", (4, 3, 3), AFFINE),  # covers the images, but tissue is not interpolated
    ],
)
def test_fixed_map_on_another_grid(plain, tmp_path, refused, name, shape, affine):
    known = save(tmp_path / "known.nii.gz", np.ones(shape, np.float32), affine)
    message = refused("fit", "t2-epg", plain, *te(10, 20, 30, 40), "--fixed", f"{name}={known}")
    assert str(known) in message
    assert f"{name} map" in message
    assert ("nor does it cover the field of view" in message) == (name == "b1")


def test_missing_sidecar(dataset, refused):
    path = dataset / "sub-01" / "anat" / "sub-01_echo-3_MESE.json"
    path.unlink()
    assert path.name in refused("fit", "t2", dataset)


def test_sidecar_without_its_time(dataset, refused):
    path = dataset / "sub-01" / "anat" / "sub-01_echo-2_MESE.json"
    path.write_text('{"RepetitionTime": 2.0}')
    message = refused("fit", "t2", dataset)
    assert "sub-01_echo-2_MESE" in message
    assert "EchoTime" in message


def test_sidecar_that_is_not_json(dataset, refused):
    path = dataset / "sub-01" / "anat" / "sub-01_echo-2_MESE.json"
    path.write_text("{EchoTime: 0.025")
    message = refused("fit", "t2", dataset)
    assert str(path) in message
    assert "JSON" in message


def test_contradictory_sidecars(dataset, refused):
    path = dataset / "sub-01" / "anat" / "sub-01_echo-2_MESE.json"
    path.write_text('{"EchoTime": 0.025, "RepetitionTime": 3.5}')
    message = refused("fit", "t2", dataset)
    assert str(path) in message
    assert "3.5" in message


def test_sidecar_contradicts_the_option(plain, tmp_path, refused):
    sidecar = tmp_path / "knee.json"
    sidecar.write_text('{"EchoTime": [0.010, 0.025, 0.045, 0.080]}')
    message = refused("fit", "t2", plain, *te(*TE))
    assert str(sidecar) in message
    assert "80" in message
    assert "70" in message


@pytest.mark.parametrize(
    ("model", "option", "times", "word"),
    [
        ("t2", "--te", (0.010, 0.025, 0.045, 0.070), "seconds"),
        ("t2", "--te", (10_000, 25_000, 45_000, 70_000), "70000 ms"),
        ("t1rho", "--tsl", (0, 1000, 3000, 10_000), "10000 ms"),
        ("t1rho", "--tsl", (0, 0.01, 0.03, 0.05), "0.05 ms"),
    ],
)
def test_times_in_the_wrong_unit(plain, refused, model, option, times, word):
    message = refused("fit", model, plain, option, *times)
    assert option in message
    assert word in message


def test_sidecar_in_milliseconds(dataset, refused):
    folder = dataset / "sub-01" / "anat"
    for k, time in enumerate(TE):
        (folder / f"sub-01_echo-{k + 1}_MESE.json").write_text(json.dumps({"EchoTime": time}))
    message = refused("fit", "t2", dataset)
    assert "sub-01_echo-4_MESE.json" in message
    assert "70 s" in message


def test_duplicate_times(plain, refused):
    message = refused("fit", "t2", plain, *te(10, 25, 25, 70))
    assert "--te" in message
    assert "25 ms" in message
    assert "twice" in message


def test_negative_time(plain, refused):
    message = refused("fit", "t2", plain, *te(-10, 25, 45, 70))
    assert "-10" in message


def test_fewer_samples_than_parameters(tmp_path, refused):
    path = save(tmp_path / "two.nii.gz", decay(times=(10, 30)))
    message = refused("fit", "t2-offset", path, *te(10, 30))
    assert str(path) in message
    assert "2 images" in message
    assert "3 parameters" in message


@pytest.mark.parametrize("name", ["knee.nii.gz", "knee.nii"])
def test_truncated_nifti(tmp_path, refused, name):
    rng = np.random.default_rng(0)  # noise does not compress: half the file is half the voxels
    path = save(tmp_path / name, rng.normal(size=(16, 16, 4, 4)).astype(np.float32))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    message = refused("fit", "t2", path, *te(*TE))
    assert str(path) in message
    assert "truncated" in message


@pytest.mark.parametrize(
    "content", [b"", b"not an image at all", gzip.compress(b"nor this", mtime=0)]
)
def test_unreadable_nifti(tmp_path, refused, content):
    path = tmp_path / "knee.nii.gz"
    path.write_bytes(content)
    assert str(path) in refused("fit", "t2", path, *te(*TE))


def test_no_such_file(tmp_path, refused):
    path = tmp_path / "absent.nii.gz"
    message = refused("fit", "t2", path, *te(*TE))
    assert str(path) in message
    assert "no such file" in message


def test_three_dimensional_file_alone(tmp_path, refused):
    path = save(tmp_path / "one.nii.gz", decay()[..., 0])
    message = refused("fit", "t2", path, *te(*TE))
    assert str(path) in message
    assert "4-D" in message


def test_empty_mask(plain, tmp_path, refused):
    mask = save(tmp_path / "mask.nii.gz", np.zeros((4, 3, 2), np.uint8))
    message = refused("fit", "t2", plain, *te(*TE), "--mask", mask)
    assert str(mask) in message
    assert "empty" in message


def test_output_that_is_a_file(plain, tmp_path, refused):
    out = tmp_path / "maps"
    out.write_text("mine")
    message = refused("fit", "t2", plain, *te(*TE), "--out", out)
    assert str(out) in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_output_without_permission(plain, tmp_path, refused):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    assert str(locked) in refused("fit", "t2", plain, *te(*TE), "--out", locked / "maps")


def test_output_below_a_file(plain, tmp_path, refused):
    (tmp_path / "file").write_text("mine")
    out = tmp_path / "file" / "maps"
    message = refused("fit", "t2", plain, *te(*TE), "--out", out)
    assert str(out) in message
    assert "cannot be written" in message


def test_results_with_other_settings(plain, tmp_path, refused, capfd):
    words = ["fit", "t2", str(plain), *te(*TE), "--no-quality", "--out", str(tmp_path / "maps")]
    assert main(words) == 0
    capfd.readouterr()
    message = refused(*words, "--sigma", "2.5")
    assert str(tmp_path / "maps") in message
    assert "sigma" in message
    assert "2.5" in message
    assert main([*words, "--sigma", "2.5", "--overwrite"]) == 0
    sidecar = json.loads((tmp_path / "maps" / "T2map.json").read_text())
    assert sidecar["Sigma"] == 2.5


def test_changed_images_are_other_settings(plain, tmp_path, refused, capfd):
    words = ["fit", "t2", str(plain), *te(*TE), "--no-quality"]
    assert main(words) == 0
    capfd.readouterr()
    save(plain, decay(t2=50.0))
    assert f"(images: {plain} has changed)" in refused(*words)


@pytest.mark.parametrize("option", ["--mask", "--fixed"])
def test_a_changed_mask_or_map_is_named(plain, tmp_path, refused, capfd, option):
    path = save(tmp_path / "known.nii.gz", np.full((4, 3, 2), 100.0, np.float32))
    value = path if option == "--mask" else f"s0={path}"
    words = ["fit", "t2", str(plain), *te(*TE), "--no-quality", option, str(value)]
    assert main(words) == 0
    capfd.readouterr()
    changed = np.full((4, 3, 2), 100.0, np.float32)
    changed[0] = 0.0 if option == "--mask" else 120.0
    save(path, changed)
    setting = "mask" if option == "--mask" else "fixed s0"
    assert f"({setting}: {path} has changed)" in refused(*words)


def test_results_of_another_version_are_not_done(plain, refused, monkeypatch, capfd):
    words = ["fit", "t2", str(plain), *te(*TE), "--no-quality"]
    assert main(words) == 0
    capfd.readouterr()
    monkeypatch.setattr("jaxqmri.cli.record.__version__", "99.1.0")
    message = refused(*words)
    assert f'jaxqmri version: "{__version__}" there, "99.1.0" now' in message
    assert "--overwrite" in message
    assert main([*words, "--overwrite"]) == 0


def test_one_bad_subject_does_not_stop_the_others(dataset, tmp_path, capfd):
    shutil.copytree(dataset / "sub-01", dataset / "sub-02")
    for path in sorted((dataset / "sub-02" / "anat").iterdir()):
        path.rename(path.with_name(path.name.replace("sub-01", "sub-02")))
    bad = dataset / "sub-01" / "anat" / "sub-01_echo-1_MESE.nii.gz"
    bad.write_bytes(bad.read_bytes()[:100])
    assert main(["fit", "t2", str(dataset), "--no-quality"]) == 2
    out, message = capfd.readouterr()
    assert str(bad) in message
    assert message.splitlines()[-1] == "jaxqmri: 1 of 2 series could not be fitted: sub-01"
    assert out.startswith("sub-02: ")
    maps = dataset / "derivatives" / "jaxqmri"
    assert (maps / "sub-02" / "anat" / "sub-02_T2map.nii.gz").exists()
    assert not (maps / "sub-01").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--likelihood", "rician"], "--sigma"),
        (["--sigma", "-3"], "-3"),
        (["--sigma", "background"], "no air"),
        (["--bounds", "t2=100,1"], "t2=100,1"),
        (["--bounds", "t1=1,100"], "s0, t2"),
        (["--fixed", "t2"], "NAME=VALUE"),
        (["--fixed", "t2=absent.nii"], "absent.nii"),
        (["--fixed", "t2=40", "s0=100"], "nothing is left"),
        (["--fixed-std", "t2=1"], "not --fixed"),
        (["--free", "b1"], "s0, t2"),
        (["--weights", "1", "2"], "2 numbers"),
        (["--starts", "0"], "--starts 0"),
        (["--devices", "0"], "--devices 0"),
        (["--subject", "01"], "--subject"),
        (["--tsl", "1", "2", "3", "4"], "--tsl"),
        (["--signed", "--magnitude"], "--magnitude"),
        (["--signed"], "--signed"),
        (["--refocusing-angle", "150"], "--refocusing-angle"),
    ],
)
def test_options_that_make_no_sense(plain, refused, words, told):
    assert told in refused("fit", "t2", plain, *te(*TE), *words)


def test_needed_acquisition_number_is_missing(plain, refused):
    message = refused("fit", "t1-ir", plain, "--ti", 50, 400, 1100, 2500)
    assert str(plain) in message
    assert "--tr" in message


def test_refocusing_angle_out_of_range(plain, refused):
    words = ["fit", "t2-epg", plain, *te(10, 20, 30, 40), "--refocusing-angle", 200]
    assert "200" in refused(*words)


def test_echo_times_that_are_no_train(plain, refused):
    assert str(plain) in refused("fit", "t2-epg", plain, *te(*TE))


def test_inversion_time_beyond_repetition_time(plain, refused):
    message = refused("fit", "t1-ir", plain, "--ti", 50, 400, 1100, 2500, "--tr", 2000)
    assert str(plain) in message
    assert "2500" in message


def test_series_that_a_folder_does_not_hold(dataset, refused):
    message = refused("fit", "t1rho", dataset)
    assert str(dataset) in message
    assert "T1rhow" in message


def test_subject_that_a_folder_does_not_hold(dataset, refused):
    assert "sub-07" in refused("fit", "t2", dataset, "--subject", "07")


def test_times_given_for_a_folder(dataset, refused):
    message = refused("fit", "t2", dataset, *te(*TE))
    assert "--te" in message
    assert "sidecar" in message


def test_method_without_a_bids_series(dataset, refused):
    assert "--td" in refused("fit", "t1-sr", dataset)


def test_unknown_command(refused):
    assert "no such command" in refused("fti")


def test_simulated_numbers_that_make_no_sense(tmp_path, refused):
    words = ["simulate", "knee_t1rho", "--out", tmp_path / "knees"]
    assert "--subjects 0" in refused(*words, "--subjects", "0")
    assert "--seed -1" in refused(*words, "--seed", "-1")


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--fixed", "s0=nan", "--fixed s0=nan: expected a number from 0 to inf"),
        ("--fixed", "s0=inf", "--fixed s0=inf"),
        ("--fixed", "t2=-5", "--fixed t2=-5: expected a number from 0.1 to"),
        ("--fixed-std", "s0=-1", "--fixed-std s0=-1: expected a number, zero or above"),
    ],
)
def test_fixed_numbers_that_no_model_takes(plain, refused, option, value, expected):
    fixed = ["--fixed", "s0=100"] if option == "--fixed-std" else []
    assert expected in refused("fit", "t2", plain, *te(*TE), *fixed, option, value)


@pytest.mark.parametrize("value", ["t1=0", "t1=-5", "t1=20000", "b1=0"])
def test_fixed_numbers_outside_the_bounds_of_b1(tmp_path, refused, value):
    path = save(tmp_path / "afi.nii.gz", decay(times=(10, 30)))
    words = ["fit", "b1-afi", path, "--tr", 20, 100, "--fa", 60, "--fixed", value]
    assert f"--fixed {value}: expected a number from " in refused(*words)


def test_a_fit_does_not_replace_the_map_that_it_holds_fixed(tmp_path, refused):
    times = (10.0, 20.0, 30.0, 40.0)
    sidecars = [{"EchoTime": time / 1e3} for time in times]
    root = save_series(tmp_path / "study", "echo", "MESE", decay(times=times), sidecars)
    out = root / "derivatives" / "jaxqmri"
    name = "sub-01/anat/sub-01_desc-t2epg_TB1map.nii.gz"
    with staging.staged(out, settings={"free": ["b1"]}, name="sub-01_t2-epg") as stage:
        save(stage / name, np.ones((4, 3, 2), np.float32))
    words = ["fit", "t2-epg", root, "--fixed", "b1=desc-t2epg_TB1map"]
    for more in ([], ["--overwrite"]):
        message = refused(*words, *more)
        assert f"{out / name}: an input" in message
        assert "another output folder" in message
    assert main([str(word) for word in [*words, "--out", tmp_path / "held"]]) == 0
    held = sidecar_of(tmp_path / "held" / "sub-01/anat/sub-01_desc-t2epg_T2map.json")["Held"]
    assert held["b1"].endswith(name)


def test_fixed_std_map_below_zero(plain, tmp_path, refused):
    std = save(tmp_path / "std.nii.gz", np.full((4, 3, 2), -1.0, np.float32))
    words = ["--fixed", "s0=100", "--fixed-std", f"s0={std}"]
    message = refused("fit", "t2", plain, *te(*TE), *words)
    assert str(std) in message
    assert "below zero" in message


@pytest.mark.parametrize(
    ("weights", "expected"),
    [((1, 0, 0, 0), "1 above zero cannot determine 2"), ((1, 1, 1, -1), "--weights -1")],
)
def test_weights_that_leave_too_little(plain, refused, weights, expected):
    assert expected in refused("fit", "t2", plain, *te(*TE), "--weights", *weights)


def test_a_folder_does_not_hide_what_a_study_has(dataset, tmp_path, monkeypatch):
    anat = dataset / "derivatives" / "manual" / "sub-01" / "anat"
    save(anat / "sub-01_dseg.nii.gz", np.ones((4, 3, 2), np.uint8))
    (tmp_path / "manual").mkdir()
    (tmp_path / "S0map").mkdir()
    monkeypatch.chdir(tmp_path)
    found = dataset / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    save(found / "sub-01_S0map.nii.gz", decay(times=(0.0,))[..., 0])
    words = ["fit", "t2", str(dataset), "--mask", "manual", "--fixed", "s0=S0map", "--no-quality"]
    assert main(words) == 0
