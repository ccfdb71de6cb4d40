"""The fit command from files to files: values, names, units, sidecars, resuming."""

import json
import re
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from jaxqmri.cli.fit_options import MethodName
from jaxqmri.cli.inputs import BidsSource
from jaxqmri.cli.main import COMMANDS, main
from jaxqmri.cli.models import ECHO, METHODS
from jaxqmri.cli.outputs import Output
from tests.cli.conftest import AFFINE, TE, decay, save, save_series

WORDS = [str(time) for time in TE]


def voxels(path):
    return np.asarray(nib.load(path).dataobj)


def sidecar(path):
    return json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())


def test_plain_image_gives_plain_maps_in_milliseconds(plain, tmp_path, capfd):
    assert main(["fit", "t2", str(plain), "--te", *WORDS]) == 0
    out = tmp_path / "knee_t2"
    np.testing.assert_allclose(voxels(out / "T2map.nii.gz"), 40.0, rtol=1e-4)
    expected = 100.0 + np.arange(24).reshape(4, 3, 2)
    np.testing.assert_allclose(voxels(out / "S0map.nii.gz"), expected, rtol=1e-4)
    assert (voxels(out / "desc-status_T2map.nii.gz") == 1).all()
    np.testing.assert_array_equal(nib.load(out / "T2map.nii.gz").affine, AFFINE)
    said = sidecar(out / "T2map.nii.gz")
    assert said["Units"] == "ms"
    assert said["Model"] == "T2Decay"
    assert said["EchoTime"] == [time / 1e3 for time in TE]
    assert said["Sources"] == ["../knee.nii.gz"]
    assert said["VoxelsByStatus"]["converged"] == 24
    assert said["Bounds"]["s0"]["Upper"] == "inf"
    names = {path.name.removesuffix(".nii.gz") for path in out.glob("*.nii.gz")}
    assert names == {
        "T2map", "S0map", "desc-std_T2map", "desc-std_S0map",
        "desc-rmse_T2map", "desc-rsquared_T2map", "desc-status_T2map",
    }  # fmt: skip
    told = capfd.readouterr().out
    assert "24 of 24 voxels estimated, median T2 40 ms" in told
    assert str(out / "quality.html") in told


def test_folder_gives_derivatives_in_seconds(dataset):
    assert main(["fit", "t2", str(dataset)]) == 0
    out = dataset / "derivatives" / "jaxqmri"
    anat = out / "sub-01" / "anat"
    np.testing.assert_allclose(voxels(anat / "sub-01_T2map.nii.gz"), 0.040, rtol=1e-4)
    assert sidecar(anat / "sub-01_T2map.nii.gz")["Units"] == "s"
    assert (anat / "sub-01_desc-t2_S0map.nii.gz").exists()
    assert (anat / "sub-01_desc-std_T2map.nii.gz").exists()
    assert (anat / "sub-01_desc-quality_T2map.html").exists()
    description = json.loads((out / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"


def test_two_methods_share_a_folder(dataset):
    times = (0.0, 10.0, 30.0, 50.0)
    images = decay(times=times, t2=45.0)
    save_series(dataset, "tsl", "T1rhow", images, [{"SpinLockTime": time / 1e3} for time in times])
    assert main(["fit", "t2", str(dataset), "--no-quality"]) == 0
    assert main(["fit", "t1rho", str(dataset), "--units", "ms", "--no-quality"]) == 0
    anat = dataset / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    np.testing.assert_allclose(voxels(anat / "sub-01_T1rho.nii.gz"), 45.0, rtol=1e-4)
    np.testing.assert_allclose(voxels(anat / "sub-01_T2map.nii.gz"), 0.040, rtol=1e-4)
    assert main(["fit", "stretched", str(dataset)]) == 2  # which of the two series?
    assert main(["fit", "t2", str(dataset), "--series", "MESE", "--no-quality"]) == 0


def test_same_command_again_is_already_done(plain, tmp_path, capfd):
    words = ["fit", "t2", str(plain), "--te", *WORDS]
    assert main(words) == 0
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "knee_t2").rglob("*")}
    capfd.readouterr()
    assert main(words) == 0
    assert "already done" in capfd.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_several_files_in_the_order_of_their_times(tmp_path):
    images = decay()
    paths = [str(save(tmp_path / f"echo{k}.nii", images[..., k])) for k in (2, 0, 1, 3)]
    times = [WORDS[k] for k in (2, 0, 1, 3)]
    out = tmp_path / "maps"
    assert main(["fit", "t2", *paths, "--te", *times, "--no-quality", "--out", str(out)]) == 0
    np.testing.assert_allclose(voxels(out / "T2map.nii.gz"), 40.0, rtol=1e-4)


def test_times_from_sidecars(tmp_path):
    images = decay()
    paths = [save(tmp_path / f"echo{k}.nii", images[..., k]) for k in range(4)]
    for path, time in zip(paths, TE, strict=True):
        path.with_suffix(".json").write_text(json.dumps({"EchoTime": time / 1e3}))
    out = tmp_path / "maps"
    assert main(["fit", "t2", *map(str, paths), "--no-quality", "--out", str(out)]) == 0
    np.testing.assert_allclose(voxels(out / "T2map.nii.gz"), 40.0, rtol=1e-4)


def test_mask_fill_and_no_quality(plain, tmp_path):
    inside = np.zeros((4, 3, 2), np.uint8)
    inside[1:3, 1, :] = 1
    mask = save(tmp_path / "mask.nii.gz", inside)
    out = tmp_path / "maps"
    words = ["--mask", str(mask), "--fill", "0", "--no-quality", "--out", str(out)]
    assert main(["fit", "t2", str(plain), "--te", *WORDS, *words]) == 0
    t2 = voxels(out / "T2map.nii.gz")
    np.testing.assert_allclose(t2[inside == 1], 40.0, rtol=1e-4)
    assert (t2[inside == 0] == 0.0).all()
    np.testing.assert_array_equal(voxels(out / "desc-status_T2map.nii.gz") > 0, inside == 1)
    assert not (out / "quality.html").exists()
    assert not list(out.glob("*std*"))


def test_mask_by_those_who_drew_it(dataset):
    labels = np.zeros((4, 3, 2), np.uint8)
    labels[0] = 3
    save(dataset / "derivatives" / "reader1" / "sub-01" / "anat" / "sub-01_dseg.nii.gz", labels)
    assert main(["fit", "t2", str(dataset), "--mask", "reader1", "--no-quality"]) == 0
    anat = dataset / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    status = voxels(anat / "sub-01_desc-status_T2map.nii.gz")
    np.testing.assert_array_equal(status > 0, labels == 3)


def test_intervals_hold_the_estimate(tmp_path):
    noisy = decay() + np.random.default_rng(0).normal(0, 2.0, (4, 3, 2, 4)).astype(np.float32)
    path, out = save(tmp_path / "knee.nii.gz", noisy), tmp_path / "maps"
    words = ["--sigma", "2", "--intervals", "--no-quality", "--out", str(out)]
    assert main(["fit", "t2", str(path), "--te", *WORDS, *words]) == 0
    low, t2, high = (
        voxels(out / f"{name}T2map.nii.gz") for name in ("desc-lower_", "", "desc-upper_")
    )
    assert (low < t2).all()
    assert (t2 < high).all()


TISSUE = {"m0": 900.0, "t1": 800.0, "efficiency": 0.95}


def recovery(times, repetition_time):
    e = np.exp(-np.asarray(times) / TISSUE["t1"])
    full = 1 - (1 + TISSUE["efficiency"]) * e
    full += TISSUE["efficiency"] * np.exp(-repetition_time / TISSUE["t1"])
    return np.broadcast_to(TISSUE["m0"] * full, (3, 2, 2, len(times))).astype(np.float32)


@pytest.mark.parametrize("magnitude", [False, True])
def test_inversion_recovery_sees_the_sign_of_its_images(tmp_path, magnitude):
    times, tr = (50.0, 300.0, 700.0, 1300.0, 2500.0), 4000.0
    images = recovery(times, tr)
    images = np.abs(images) if magnitude else images
    sidecars = [{"InversionTime": t / 1e3, "RepetitionTime": tr / 1e3} for t in times]
    root = save_series(tmp_path / "study", "inv", "IRT1", images, sidecars)
    assert main(["fit", "t1-ir", str(root)]) == 0
    anat = root / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    np.testing.assert_allclose(voxels(anat / "sub-01_T1map.nii.gz"), 0.8, rtol=1e-3)
    page = (anat / "sub-01_desc-quality_T1map.html").read_text()
    assert ("<dd>magnitudes</dd>" in page) == magnitude
    assert ("<dd>signed</dd>" in page) == (not magnitude)


def test_magnitudes_of_signed_images(tmp_path):
    times, tr = (50.0, 300.0, 700.0, 1300.0, 2500.0), 4000.0
    sidecars = [{"InversionTime": t / 1e3, "RepetitionTime": tr / 1e3} for t in times]
    root = save_series(tmp_path / "study", "inv", "IRT1", recovery(times, tr), sidecars)
    assert main(["fit", "t1-ir", str(root), "--magnitude"]) == 0
    anat = root / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    np.testing.assert_allclose(voxels(anat / "sub-01_T1map.nii.gz"), 0.8, rtol=1e-3)


def test_flip_angle_series_with_the_b1_map_of_an_earlier_fit(tmp_path):
    b1, t1, m0, tr = 0.85, 1100.0, 5000.0, 15.0
    root = tmp_path / "study"

    def spoiled(angle, e):
        return m0 * np.sin(angle) * (1 - e) / (1 - e * np.cos(angle))

    angles = np.array([3.0, 8.0, 15.0, 25.0])
    signals = spoiled(np.deg2rad(b1 * angles), np.exp(-tr / t1))
    images = np.broadcast_to(signals, (3, 2, 2, 4)).astype(np.float32)
    vfa = [{"FlipAngle": angle, "RepetitionTimeExcitation": tr / 1e3} for angle in angles]
    save_series(root, "flip", "VFA", images, vfa)

    a, (e1, e2) = np.deg2rad(b1 * 45.0), np.exp(-np.array([20.0, 100.0]) / 1000.0)
    below = 1 - e1 * e2 * np.cos(a) ** 2
    pair = m0 * np.sin(a) * np.array(
        [1 - e2 + (1 - e1) * e2 * np.cos(a), 1 - e1 + (1 - e2) * e1 * np.cos(a)]
    ) / below  # fmt: skip
    images = np.broadcast_to(pair, (3, 2, 2, 2)).astype(np.float32)
    afi = [{"RepetitionTime": time, "FlipAngle": 45.0} for time in (0.02, 0.1)]
    save_series(root, "acq", "TB1AFI", images, afi, folder="fmap")

    assert main(["fit", "b1-afi", str(root), "--no-quality"]) == 0
    assert main(["fit", "t1-vfa", str(root), "--fixed", "b1=TB1map", "--no-quality"]) == 0
    anat = root / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    np.testing.assert_allclose(voxels(anat / "sub-01_TB1map.nii.gz"), b1, rtol=1e-3)
    np.testing.assert_allclose(voxels(anat / "sub-01_desc-t1vfa_T1map.nii.gz"), t1 / 1e3, rtol=2e-3)
    held = sidecar(anat / "sub-01_desc-t1vfa_T1map.nii.gz")["Held"]
    assert held == {"b1": "sub-01/anat/sub-01_TB1map.nii.gz"}


def test_fixed_maps_beyond_the_bounds_are_counted(tmp_path, capfd):
    times = ["10", "20", "30", "40"]
    path = save(tmp_path / "knee.nii.gz", decay(times=[float(time) for time in times]))
    b1 = np.ones((4, 3, 2), np.float32)
    b1[0, :, 0], b1[1, 0, 0], b1[1, 1, 0], b1[3] = 0.0, -1.0, np.nan, 9.0
    inside = np.ones((4, 3, 2), np.uint8)
    inside[3] = 0
    known, mask = save(tmp_path / "b1.nii.gz", b1), save(tmp_path / "mask.nii.gz", inside)
    words = ["fit", "t2-epg", str(path), "--te", *times, "--mask", str(mask)]
    assert main([*words, "--fixed", f"b1={known}"]) == 0
    told = f"{known}: of 18 voxels to fit, b1 lies outside 0.3 to 1.7 in 4 and is no number in 1"
    assert capfd.readouterr().err == f"jaxqmri: knee: {told}\n"
    assert told in (tmp_path / "knee_t2-epg" / "quality.html").read_text()

    save(known, np.full((4, 3, 2), 1.1, np.float32))  # more than a fitted b1, which folds at 1
    assert main([*words, "--fixed", f"b1={known}", "--no-quality", "--overwrite"]) == 0
    assert main([*words, "--fixed", "b1=1.1", "--no-quality", "--overwrite"]) == 0
    assert capfd.readouterr().err == ""


def test_methods_of_one_quantity_keep_their_maps_apart(dataset):
    for model in ("t2", "t2-offset"):
        assert main(["fit", model, str(dataset), "--no-quality"]) == 0
    anat = dataset / "derivatives" / "jaxqmri" / "sub-01" / "anat"
    assert sidecar(anat / "sub-01_T2map.nii.gz")["Model"] == "T2Decay"
    assert sidecar(anat / "sub-01_desc-t2offset_T2map.nii.gz")["Model"] == "T2DecayOffset"
    offset = sidecar(anat / "sub-01_desc-t2offset_S0map.nii.gz")
    assert offset["StatusMap"] == "sub-01_desc-t2offsetstatus_T2map.nii.gz"
    assert (anat / offset["StatusMap"]).exists()


def test_no_two_maps_of_a_dataset_have_one_name(dataset):
    source = BidsSource(dataset, "MESE", {"sub": "01"}, ECHO)
    paths = [
        Output(source, name, method, "s", None).place(called, desc)
        for name, method in METHODS.items()
        for called in method.maps.values()
        for desc in (None, "std", "lower", "upper", "rmse", "rsquared", "status", "quality")
    ]
    assert len(paths) == len(set(paths))


def test_saturation_recovery(tmp_path):
    delays = [100.0, 300.0, 700.0, 1500.0, 3000.0]
    images = np.broadcast_to(100 * (1 - np.exp(-np.array(delays) / 900.0)), (2, 2, 1, 5))
    save(tmp_path / "phantom.nii.gz", images.astype(np.float32))
    words = [str(delay) for delay in delays]
    assert main(["fit", "t1-sr", str(tmp_path / "phantom.nii.gz"), "--td", *words]) == 0
    out = tmp_path / "phantom_t1-sr"
    np.testing.assert_allclose(voxels(out / "T1map.nii.gz"), 900.0, rtol=1e-3)
    assert sidecar(out / "T1map.nii.gz")["SaturationDelay"] == [0.1, 0.3, 0.7, 1.5, 3.0]


def test_noise_from_the_air(tmp_path):
    rng, sigma = np.random.default_rng(1), 5.0
    images = np.zeros((32, 32, 4, 4), np.float32)
    images[8:24, 8:24] = decay((16, 16, 4))
    noise = rng.normal(0, sigma, (2, *images.shape))
    magnitudes = np.hypot(images + noise[0], noise[1]).astype(np.float32)
    path, out = save(tmp_path / "knee.nii.gz", magnitudes), tmp_path / "maps"
    words = ["--likelihood", "rician", "--sigma", "background", "--out", str(out)]
    assert main(["fit", "t2", str(path), "--te", *WORDS, *words]) == 0
    said = sidecar(out / "T2map.nii.gz")
    assert said["Sigma"] == pytest.approx(sigma, rel=0.02)
    assert said["SigmaSource"] == "air around the body"
    assert said["Likelihood"] == "rician"


@pytest.mark.parametrize("kind", ["<i2", ">i2", "<f4", ">f4", "<f8", ">f8"])
def test_voxel_types_and_byte_orders(tmp_path, kind):
    stored = decay().astype(kind)
    image = nib.Nifti1Image(stored, AFFINE, nib.Nifti1Header(endianness=kind[0]))
    image.header.set_data_dtype(kind)
    if kind.endswith("i2"):
        image.header.set_slope_inter(0.5, 0.0)
    path, out = tmp_path / "knee.nii.gz", tmp_path / "maps"
    nib.save(image, path)
    assert main(["fit", "t2", str(path), "--te", *WORDS, "--no-quality", "--out", str(out)]) == 0
    loose = 0.03 if kind.endswith("i2") else 1e-4  # rounded to whole numbers or not
    np.testing.assert_allclose(voxels(out / "T2map.nii.gz"), 40.0, rtol=loose)


BAD = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -50.0])


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shape=arrays.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=4),
    data=st.data(),
    wide=st.booleans(),
)
def test_bad_voxels_get_a_status_and_spoil_no_neighbour(tmp_path_factory, shape, data, wide):
    clean = decay(shape)
    places = data.draw(st.lists(st.tuples(*(st.integers(0, n - 1) for n in shape)), max_size=4))
    spoiled = clean.astype(np.float64 if wide else np.float32)
    for place in places:
        spoiled[place] = data.draw(arrays.arrays(np.float64, 4, elements=BAD))
    folder = tmp_path_factory.mktemp("bad")
    path, out = save(folder / "knee.nii", spoiled), folder / "maps"
    assert main(["fit", "t2", str(path), "--te", *WORDS, "--no-quality", "--out", str(out)]) == 0
    bad = np.zeros(shape, bool)
    for place in places:
        bad[place] = True
    t2, status = voxels(out / "T2map.nii.gz"), voxels(out / "desc-status_T2map.nii.gz")
    np.testing.assert_allclose(t2[~bad], 40.0, rtol=1e-4)
    assert (status[~bad] == 1).all()
    assert (status[bad] != 1).all()
    finite = np.isfinite(spoiled).all(axis=-1)
    assert (status[~finite] == 5).all()
    assert (status[finite & bad] == 4).all()  # not one positive sample
    assert np.isnan(t2[bad]).all()


def test_every_method_is_offered_and_knows_its_maps():
    assert set(MethodName.__args__) == set(METHODS)
    for method in METHODS.values():
        assert method.main in method.maps


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_does_not_import_jax(words):
    code = (
        "import sys\nfrom jaxqmri.cli.main import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        "print([n for n in ('jax', 'matplotlib', 'ants') if n in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stderr.strip() == "[]"
    assert "jaxqmri" in done.stdout


def test_version(capfd):
    assert main(["--version"]) == 0
    assert re.fullmatch(r"jaxqmri \d+\.\d+\.\d+\n", capfd.readouterr().out)
