"""``jaxqmri predict``: maps are what the network makes of the images, or there is none."""

import functools
import json
import shutil

import jax.numpy as jnp
import nibabel as nib
import numpy as np
import pytest
from flax import nnx

from jaxqmri import networks, training
from jaxqmri.cli.main import main
from jaxqmri.io import bids, nifti
from jaxqmri.preprocessing import percentile_scale

SHAPE = (64, 64, 3)
AFFINE = np.array([[0, 0, 4.0, -6], [-1.5, 0, 0, 40], [0, 1.5, 0, -50], [0, 0, 0, 1]])
TIMES = (0.0, 10.0, 30.0, 50.0)
HEAD = {"limits": [10.0, 100.0], "leak": 1e-3, "start": 45.0}
UNET = {"network": "UNet", "in_channels": 2, "features": [4, 8], **HEAD}
MLP = {"network": "SkipMLP", "in_features": 2, "width": 0.05, **HEAD}
SCALES = (80.0, 120.0)


def description(**changes):
    said = {
        "architecture": UNET,
        "model": "U-Net unmasked",
        "input": ["PD", "50"],
        "spin_lock_times": [0.0, 50.0],
        "masked": False,
        "scaling": "scanner",
        "scales": list(SCALES),
        "output": "T1rho",
        "units": "ms",
        "limits": [10.0, 100.0],
        "test_subjects": ["01"],
        "simulated": True,
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def build(architecture, seed=0):
    """A network whose output varies over the limits, as no untrained one does."""
    return _build(json.dumps(architecture), seed)


@functools.cache
def _build(architecture, seed):
    network = networks.build(json.loads(architecture), nnx.Rngs(seed))
    kernel = network.regressor.linear.kernel
    kernel[...] = (8.0 if "UNet" in architecture else 80.0) * kernel[...]
    return network


def save(folder, seed=0, **changes):
    said = description(**changes)
    _, params, stats = nnx.split(build(said["architecture"], seed), nnx.Param, ...)
    training.save_model(folder, training.Variables(params, stats), said)
    return folder


def volume(seed, shape=SHAPE):
    return np.random.default_rng(seed).uniform(20, 200, shape).astype(np.float32)


def images(shape=SHAPE):
    return {"PD": volume(1, shape), **{f"{t:g}": volume(2 + t, shape) for t in (0, 10, 30, 50)}}


def write(folder, found, affine=AFFINE):
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.nii.gz" for name in found}
    for name, data in found.items():
        nifti.write_image(paths[name], data, affine)
    return paths


def flags(paths, *names):
    return ["--image", *(f"{name}={paths[name]}" for name in names)]


def slicewise(architecture, inputs, seed=0):
    """The network on whole slices of the size that it sees at once; the last axis is across."""
    slices = np.moveaxis(inputs, 2, 0)
    maps = np.asarray(build(architecture, seed)(jnp.asarray(slices)))[..., 0]
    return np.clip(np.moveaxis(maps, 0, 2), 10, 100)


def scaled(found, by=SCALES):
    return np.stack([found["PD"] / by[1], found["50"] / by[0]], axis=-1)


@pytest.fixture
def plain(tmp_path):
    return write(tmp_path / "images", images())


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save(tmp_path_factory.mktemp("models") / "unet")


@pytest.fixture
def unet(tmp_path, saved):
    return shutil.copytree(saved, tmp_path / "unet")


@pytest.fixture
def study(tmp_path):
    root, found = tmp_path / "study", images()
    series = np.stack([found[f"{t:g}"] for t in TIMES], axis=-1)
    bids.write_dataset_description(root, "Two knees")
    for subject in ("01", "02"):
        bids.write_series(root, {"sub": subject}, "T1rhow", series, AFFINE, TIMES, None, False)
        bids.write_raw(root, {"sub": subject}, "PDw", found["PD"], AFFINE, {}, False)
        labels = np.zeros(SHAPE, np.uint8)
        labels[20:40, 20:40] = 2
        bids.write_map(root, "manual", {"sub": subject}, "dseg", labels, AFFINE, {"Units": ""})
    return root


def test_unet_on_plain_images(plain, unet, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["predict", str(unet), *flags(plain, "PD", "50"), "--out", str(out)]
    assert main(command) == 0
    told = capsys.readouterr()
    found = nifti.read_image(out / "T1rho.nii.gz")
    wanted = slicewise(UNET, scaled(images()))
    assert np.ptp(wanted) > 20
    np.testing.assert_allclose(found.data, wanted, rtol=1e-4)
    np.testing.assert_allclose(found.affine, AFFINE)
    said = json.loads((out / "T1rho.json").read_text())
    assert said["TrainedOn"] == "simulated"
    assert said["Units"] == "ms"
    assert said["Input"] == ["PD", "50"]
    assert said["SpinLockTime"] == [0.05]
    assert said["Architecture"] == UNET
    assert said["Model"] == "U-Net unmasked"
    assert said["Sources"] == ["../images/PD.nii.gz", "../images/50.nii.gz"]
    assert said["IntensityScales"] == [{"T1rhow": 80.0, "PDw": 120.0}]
    page = (out / "quality.html").read_text("utf-8")
    assert "simulated data" in page
    assert page.count("data:image/png;base64,") == 3
    assert sum("scanner" in line for line in told.err.splitlines()) == 1
    assert not (out / "desc-spread_T1rho.nii.gz").exists()


def test_small_slices_are_padded_with_zeros_and_the_result_cut(tmp_path, unet):
    shape = (40, 50, 2)
    paths, out = write(tmp_path / "images", images(shape)), tmp_path / "out"
    assert main(["predict", str(unet), *flags(paths, "PD", "50"), "--out", str(out)]) == 0
    padded = np.pad(scaled(images(shape)), ((0, 24), (0, 14), (0, 0), (0, 0)))
    found = nifti.read_image(out / "T1rho.nii.gz").data
    np.testing.assert_allclose(found, slicewise(UNET, padded)[:40, :50], rtol=1e-4)


def test_tiles_are_those_of_the_description(plain, tmp_path):
    model, out = save(tmp_path / "model", tile={"size": 32, "stride": 16}), tmp_path / "out"
    command = ["predict", str(model), *flags(plain, "PD", "50"), "--out", str(out)]
    assert main([*command, "--no-quality"]) == 0
    inputs, network = np.moveaxis(scaled(images()), 2, 0), build(UNET)
    total, count = np.zeros((3, 64, 64)), np.zeros((3, 64, 64))
    for i in (0, 16, 32):
        for j in (0, 16, 32):
            part = np.s_[:, i : i + 32, j : j + 32]
            total[part] += np.asarray(network(jnp.asarray(inputs[part])))[..., 0]
            count[part] += 1
    wanted = np.clip(np.moveaxis(total / count, 0, 2), 10, 100)
    assert np.abs(wanted - slicewise(UNET, scaled(images()))).max() > 1  # edges of tiles show
    np.testing.assert_allclose(nifti.read_image(out / "T1rho.nii.gz").data, wanted, rtol=1e-4)


def test_perceptron_in_the_mask(plain, tmp_path):
    model = save(tmp_path / "mlp", architecture=MLP, model="MLP")
    mask = volume(7) > 150
    write(tmp_path, {"mask": mask})
    out = tmp_path / "out"
    command = ["predict", str(model), *flags(plain, "PD", "50"), "--out", str(out), "--no-quality",
               "--mask", str(tmp_path / "mask.nii.gz")]  # fmt: skip
    assert main(command) == 0
    found = nifti.read_image(out / "T1rho.nii.gz").data
    wanted = np.clip(np.asarray(build(MLP)(jnp.asarray(scaled(images())[mask])))[:, 0], 10, 100)
    assert np.ptp(wanted) > 5
    np.testing.assert_allclose(found[mask], wanted, rtol=1e-4)
    assert np.isnan(found[~mask]).all()
    assert not (out / "quality.html").exists()


def test_percentile_scale_is_of_the_image_at_tsl_0(plain, tmp_path):
    model = save(tmp_path / "model", scaling="percentile")
    out = tmp_path / "out"
    command = ["predict", str(model), "--no-quality", "--out", str(out)]
    assert main([*command, *flags(plain, "PD", "50", "0")]) == 0
    found = images()
    by = (percentile_scale(found["0"]), percentile_scale(found["PD"]))
    wanted = slicewise(UNET, scaled(found, by))
    np.testing.assert_allclose(nifti.read_image(out / "T1rho.nii.gz").data, wanted, rtol=1e-4)


def test_reference_tissue(plain, tmp_path):
    model = save(tmp_path / "model", scaling="reference-tissue")
    tissue = volume(9) > 150
    write(tmp_path, {"muscle": tissue})
    out = tmp_path / "out"
    command = ["predict", str(model), "--no-quality", "--out", str(out),
               "--tissue", str(tmp_path / "muscle.nii.gz")]  # fmt: skip
    assert main([*command, *flags(plain, "PD", "50", "0")]) == 0
    found = images()
    by = (np.median(found["0"][tissue]), np.median(found["PD"][tissue]))
    wanted = slicewise(UNET, scaled(found, by))
    np.testing.assert_allclose(nifti.read_image(out / "T1rho.nii.gz").data, wanted, rtol=1e-4)


def test_masked_model_sees_the_mask_alone(plain, tmp_path):
    model = save(tmp_path / "model", masked=True)
    mask = np.zeros(SHAPE, bool)
    mask[10:50, 20:45] = True
    write(tmp_path, {"mask": mask})
    out = tmp_path / "out"
    command = ["predict", str(model), *flags(plain, "PD", "50"), "--out", str(out), "--no-quality",
               "--mask", str(tmp_path / "mask.nii.gz"), "--fill", "0"]  # fmt: skip
    assert main(command) == 0
    wanted = slicewise(UNET, scaled(images()) * mask[..., None])
    found = nifti.read_image(out / "T1rho.nii.gz").data
    np.testing.assert_allclose(found, np.where(mask, wanted, 0), rtol=1e-4)


def test_a_folder_of_folds_gives_mean_and_spread_of_every_subject(study, tmp_path, capsys):
    models = tmp_path / "models"
    for seed in range(3):
        save(models / f"fold-{seed}", seed)
    assert main(["predict", str(models), str(study), "--mask", "manual"]) == 0
    inside = np.zeros(SHAPE, bool)
    inside[20:40, 20:40] = True
    each = [slicewise(UNET, scaled(images()), seed)[inside] for seed in range(3)]
    for subject in ("01", "02"):
        anat = study / "derivatives" / "jaxqmri" / f"sub-{subject}" / "anat"
        name = f"sub-{subject}_desc-UNetunmaskedPD50"
        assert {path.name for path in anat.iterdir()} == {
            f"{name}_T1rho.nii.gz",
            f"{name}_T1rho.json",
            f"{name}spread_T1rho.nii.gz",
            f"{name}spread_T1rho.json",
            f"{name}quality_T1rho.html",
        }
        mean = nifti.read_image(anat / f"{name}_T1rho.nii.gz").data
        np.testing.assert_allclose(mean[inside], np.mean(each, axis=0) / 1e3, rtol=1e-4)
        assert np.isnan(mean[~inside]).all()
        spread = bids.read_map(anat / f"{name}spread_T1rho.nii.gz")
        assert spread.unit == "ms"
        wanted = np.std(each, axis=0, ddof=1)
        np.testing.assert_allclose(spread.data[inside], wanted, rtol=1e-3, atol=2e-3)
        said = json.loads((anat / f"{name}_T1rho.json").read_text())
        assert (said["Units"], said["Folds"], len(said["ModelFolders"])) == ("s", 3, 3)
    assert (study / "derivatives" / "jaxqmri" / "dataset_description.json").exists()
    capsys.readouterr()
    assert main(["predict", str(models), str(study), "--mask", "manual"]) == 0
    assert capsys.readouterr().out.count("already done") == 2
    assert main(["predict", str(models / "fold-0"), str(study), "--mask", "manual"]) == 2
    assert "other settings" in capsys.readouterr().err


def test_registered_pd_image_is_found(study, tmp_path, unet, capsys):
    raw = study / "sub-01" / "anat" / "sub-01_PDw.nii.gz"
    shifted = AFFINE.copy()
    shifted[0, 3] += 3
    nifti.write_image(raw, volume(30), shifted)
    command = ["predict", str(unet), str(study), "--subject", "01", "--no-quality"]
    assert main(command) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "jaxqmri register" in error
    assert "sub-01_PDw.nii.gz" in error
    folder = study / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    registered = folder / "sub-01_desc-registered_PDw.nii.gz"
    nifti.write_image(registered, images()["PD"], AFFINE)
    assert main(command) == 0
    found = bids.read_map(folder / "sub-01_desc-UNetunmaskedPD50_T1rho.nii.gz").data
    np.testing.assert_allclose(found, slicewise(UNET, scaled(images())), rtol=1e-4)


def test_arrays_stored_another_way_round_are_turned_as_in_training(plain, tmp_path):
    codes = "".join(nib.aff2axcodes(AFFINE))
    size = [1.5, 1.5, 4.0]
    model = save(tmp_path / "model", orientation=codes, voxel_size=size)
    other = nib.orientations.axcodes2ornt(("R", "I", "P"))
    turn = nib.orientations.ornt_transform(nib.orientations.io_orientation(AFFINE), other)
    affine = AFFINE @ nib.orientations.inv_ornt_aff(turn, SHAPE)
    turned = {n: nib.orientations.apply_orientation(v, turn) for n, v in images().items()}
    assert turned["PD"].shape == (3, 64, 64)
    paths = write(tmp_path / "turned", turned, affine)
    for name, given in (("one", plain), ("other", paths)):
        command = ["predict", str(model), "--no-quality", "--out", str(tmp_path / name)]
        assert main([*command, *flags(given, "PD", "50")]) == 0
    one, two = (nifti.read_image(tmp_path / n / "T1rho.nii.gz").data for n in ("one", "other"))
    np.testing.assert_allclose(nib.orientations.apply_orientation(one, turn), two, rtol=1e-5)


def test_nothing_is_predicted_where_an_image_has_no_number_or_none_has_signal(tmp_path, unet):
    found = images()
    found["PD"][5, 6, 1] = np.nan
    found["PD"][7, 8, 0] = found["50"][7, 8, 0] = 0
    found["PD"][9, 9, 2] = 0
    out = tmp_path / "out"
    paths = write(tmp_path / "images", found)
    command = ["predict", str(unet), *flags(paths, "PD", "50"), "--no-quality", "--out", str(out)]
    assert main(command) == 0
    map_ = nifti.read_image(out / "T1rho.nii.gz").data
    assert sorted(map(tuple, np.argwhere(np.isnan(map_)))) == [(5, 6, 1), (7, 8, 0)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"voxel_size": [0.5, 1.5, 4.0]}, "3.0 times another size"),
        ({"voxel_size": [4.0, 1.5, 1.5], "orientation": "PSR"}, "the model was trained on coronal"),
        ({"region": "cartilage"}, "trained in cartilage alone"),
        ({}, "trained on simulated data"),
    ],
)
def test_what_differs_from_the_training_is_told(plain, tmp_path, capsys, changes, message):
    model, out = save(tmp_path / "model", **changes), tmp_path / "out"
    assert main(["predict", str(model), *flags(plain, "PD", "50"), "--out", str(out)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if message in line]) == 1
    assert message in (out / "quality.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("trained", "said", "message"),
    [
        ("deformable", {"stage": "deformable"}, None),
        ("deformable", {"stage": "rigid"}, "went through rigid registration; the model was trained "
         "on images after deformable registration"),
        ("rigid", "affine", "went through affine registration"),  # as an experiment's maps say it
        ("rigid", None, "no sidecar says how the PD-weighted image was registered"),
        ("rigid", {"stage": "by hand"}, "no sidecar says how the PD-weighted image was registered"),
        ("none", {"stage": "rigid"}, "trained on images left where the scanner put them"),
        ("none", None, None),
        ("none", {"stage": "none"}, None),
        (None, {"stage": "rigid"}, None),
        (None, None, None),
    ],
)  # fmt: skip
def test_registration_of_the_pd_image_is_held_against_the_training(
    plain, tmp_path, capsys, trained, said, message
):
    model, out = save(tmp_path / "model", registration=trained), tmp_path / "out"
    if said is not None:
        nifti.sidecar_path(plain["PD"]).write_text(json.dumps({"Registration": said}))
    assert main(["predict", str(model), *flags(plain, "PD", "50"), "--out", str(out)]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "registra" in line]
    page = (out / "quality.html").read_text("utf-8")
    assert len(lines) == (message is not None)
    assert all(message in line for line in lines)
    assert message is None or message in page
    stage = said.get("stage") if isinstance(said, dict) else said
    known = stage if stage in ("none", "rigid", "affine", "deformable") else "unknown"
    assert json.loads((out / "T1rho.json").read_text())["RegistrationOfPDw"] == {
        "Trained": trained or "unknown", "Given": known,
    }  # fmt: skip


def test_an_image_known_to_be_unregistered_is_refused(plain, tmp_path, capsys):
    model, out = save(tmp_path / "model", registration="rigid"), tmp_path / "out"
    sidecar = nifti.sidecar_path(plain["PD"])
    sidecar.write_text('{"Registration": "none"}')
    assert main(["predict", str(model), *flags(plain, "PD", "50"), "--out", str(out)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert str(sidecar) in error
    assert "trained on PD-weighted images after rigid registration" in error
    assert not out.exists()


def test_models_without_a_pd_image_do_not_ask_for_its_registration(plain, tmp_path, capsys):
    changes = {"registration": "rigid", "input": ["0", "50"]}
    model, out = save(tmp_path / "model", **changes), tmp_path / "out"
    command = ["predict", str(model), *flags(plain, "0", "50"), "--out", str(out), "--no-quality"]
    assert main(command) == 0
    assert "registra" not in capsys.readouterr().err
    assert "RegistrationOfPDw" not in json.loads((out / "T1rho.json").read_text())


def test_the_sidecar_of_a_registered_image_in_a_study_is_read(study, tmp_path, capsys):
    model = save(tmp_path / "model", registration="rigid")
    folder = study / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    command = ["predict", str(model), str(study), "--no-quality"]
    registered = folder / "sub-01_desc-registered_PDw.nii.gz"
    nifti.write_image(registered, images()["PD"], AFFINE, {"Registration": {"stage": "rigid"}})
    assert main(command) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "registered" in line]
    assert len(lines) == 1  # the second subject has its raw image alone
    assert lines[0].startswith("jaxqmri: sub-02: no sidecar says")


def test_measured_training_data_are_not_called_simulated(plain, tmp_path, capsys):
    for simulated, word in ((False, "measured"), (None, "unknown")):
        model = save(tmp_path / word, simulated=simulated)
        out = tmp_path / f"out-{word}"
        command = ["predict", str(model), *flags(plain, "PD", "50"), "--out", str(out)]
        assert main([*command, "--no-quality"]) == 0
        assert json.loads((out / "T1rho.json").read_text())["TrainedOn"] == word
    assert "simulated" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words", "message"),
    [
        ({}, ["MODEL"], "no input"),
        ({}, ["MODEL", "MODEL"], "given twice"),
        ({}, ["STUDY"], "no model"),
        ({}, ["nowhere", "STUDY"], "nowhere: no such file or folder"),
        ({}, ["MODEL", "nowhere"], "nowhere: no such file or folder"),
        ({}, ["MODEL", "PD"], "expected a BIDS folder"),
        ({}, ["MODEL", "STUDY", "--subject", "77"], "sub-77"),
        ({}, ["MODEL", "--image", "PD=PD"], "--image 50=FILE: missing"),
        ({}, ["MODEL", "--image", "50=50"], "--image PD=FILE: missing"),
        ({}, ["MODEL", "--image", "PD=PD", "49=50"], "the model takes PD=FILE and 50=FILE"),
        ({}, ["MODEL", "--image", "PD=PD", "50=50", "0=0"], "the model takes"),
        ({}, ["MODEL", "--image", "PD=PD", "50=50", "50.01=50"], "given twice"),
        ({}, ["MODEL", "--image", "PD"], "expected NAME=FILE"),
        ({}, ["MODEL", "--image", "PD=PD", "50=gone.nii.gz"], "gone.nii.gz: no such file"),
        ({}, ["MODEL", "--image", "PD=PD", "50=TIMED"], "SpinLockTime is 30 ms there"),
        ({}, ["MODEL", "--image", "PD=PD", "50=SMALL"], "jaxqmri register"),
        ({}, ["MODEL", "--image", "PD=PD", "50=MOVED"], "jaxqmri register"),
        ({}, ["MODEL", "--image", "PD=EMPTY", "50=EMPTY"], "no voxel to predict"),
        ({}, ["MODEL", "--image", "PD=PD", "50=50", "--mask", "SMALL"], "mask has shape"),
        ({}, ["MODEL", "--image", "PD=PD", "50=50", "--tissue", "PD"], "intensities by scanner"),
        ({}, ["MODEL", "--image", "PD=PD", "50=50", "--subject", "01"], "--subject"),
        ({"masked": True}, ["MODEL", "STUDY"], "give the --mask"),
        ({"scaling": "reference-tissue"}, ["MODEL", "STUDY"], "give the --tissue"),
        ({"scaling": "percentile"}, ["MODEL", "--image", "PD=PD", "50=50"], "--image 0=FILE"),
        ({"input": ["PD", "40"], "spin_lock_times": [0, 40]}, ["MODEL", "STUDY", "--subject", "1"],
         "sub-1"),
        ({"input": ["PD", "40"], "spin_lock_times": [0, 40]},
         ["MODEL", "STUDY", "--subject", "01"], "no image at a spin-lock time of 40 ms"),
        ({"input": ["PD", "50", "0"], "spin_lock_times": None}, ["MODEL", "STUDY"], "of 2 inputs"),
        ({"input": "PD+50"}, ["MODEL", "STUDY"], "its input is PD+50"),
        ({"spin_lock_times": [0, 40]}, ["MODEL", "STUDY"], "spin_lock_times"),
        ({"scaling": "other"}, ["MODEL", "STUDY"], "its scaling is other"),
        ({"scales": [1.0]}, ["MODEL", "STUDY"], "its scales is [1.0]"),
        ({"limits": [100.0, 10.0]}, ["MODEL", "STUDY"], "two rising numbers"),
        ({"orientation": "PPR"}, ["MODEL", "STUDY"], "its orientation is PPR"),
        ({"registration": "by hand"}, ["MODEL", "STUDY"], "its registration is by hand"),
        ({"tile": {"size": 63, "stride": 48}}, ["MODEL", "STUDY"], "a size that 2 divides"),
        ({"tile": {"size": 64, "stride": 65}}, ["MODEL", "STUDY"], "its tile is [64, 65]"),
        ({"tile": 64}, ["MODEL", "STUDY"], "its tile is 64"),
        ({"output": None}, ["MODEL", "STUDY"], "it has no output"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line(plain, study, unet, capsys, changes, words, message):
    model, tmp_path = unet, unet.parent
    (model / "description.json").write_text(json.dumps(description(**changes)))
    small, moved = images((4, 4, 2))["50"], AFFINE + np.eye(4, k=3)
    extra = {"SMALL": small, "TIMED": images()["30"], "EMPTY": np.zeros(SHAPE, np.float32)}
    paths = {**plain, **write(tmp_path / "extra", extra)}
    paths["MOVED"] = write(tmp_path / "extra", {"MOVED": images()["50"]}, moved)["MOVED"]
    nifti.sidecar_path(paths["TIMED"]).write_text('{"SpinLockTime": 0.03}')
    places = {"MODEL": model, "STUDY": study, **paths}

    def place(word):
        name, equals, value = word.partition("=")
        value = places.get(value, value)
        return f"{name}={value}" if equals else str(places.get(word, word))

    out = tmp_path / "out"
    assert main(["predict", *map(place, words), "--out", str(out)]) == 2
    errors = [
        line for line in capsys.readouterr().err.splitlines() if "U-Net unmasked: t" not in line
    ]
    assert len(errors) == 1
    assert message in errors[0]
    assert not out.exists()


def test_a_study_without_its_pd_image_names_it_and_the_others_are_predicted(study, unet, capsys):
    (study / "sub-01" / "anat" / "sub-01_PDw.nii.gz").unlink()
    assert main(["predict", str(unet), str(study), "--no-quality"]) == 2
    error = capsys.readouterr().err
    assert "no PDw image, expected sub-01_PDw.nii.gz" in error
    assert "1 of 2 series could not be predicted: sub-01" in error
    done = study / "derivatives" / "jaxqmri"
    assert [path.name for path in sorted(done.glob("sub-*"))] == ["sub-02"]


def test_models_that_are_no_folds_of_each_other(tmp_path, study, capsys):
    models = tmp_path / "models"
    save(models / "a")
    save(models / "b", input=["0", "50"])
    assert main(["predict", str(models), str(study)]) == 2
    assert "its channels is [0, 50], not [PD, 50]" in capsys.readouterr().err


@pytest.mark.parametrize("harm", ["none", "other", "json"])
def test_a_damaged_model_is_told_in_one_line(unet, study, tmp_path, capsys, harm):
    if harm == "none":
        shutil.rmtree(unet / "variables")
    elif harm == "other":
        said = description(architecture={**UNET, "features": [4, 6]})
        (unet / "description.json").write_text(json.dumps(said))
    else:
        (unet / "description.json").write_text("{")
    out = tmp_path / "out"
    assert main(["predict", str(unet), str(study), "--subject", "01", "--out", str(out)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert str(unet) in error
    assert {"none": "damaged", "other": "another network", "json": "not valid JSON"}[harm] in error
    assert not out.exists()
