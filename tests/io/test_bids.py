import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxqmri.io import InputError, bids, files, nifti

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real data are not beside the checkout"
)
AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
IMAGES = np.random.default_rng(0).uniform(0, 500, (3, 4, 2, 4)).astype(np.float32)
WHO = {"sub": "01"}

# suffix, times in memory, further fields in ms, what the first sidecar then holds
SERIES = [
    ("T1rhow", [0.0, 10.0, 30.0, 50.0], {"SpinLockFrequency": 500.0}, {"SpinLockTime": 0.0}),
    ("MESE", [6.312, 12.624, 18.936, 25.248], {"RepetitionTime": 2450.0}, {"EchoTime": 0.006312}),
    ("MEGRE", [2.1, 4.2, 6.3, 8.4], {}, {"EchoTime": 0.0021}),
    ("IRT1", [50.0, 400.0, 1100.0, 2500.0], {"RepetitionTime": 3000.0}, {"RepetitionTime": 3.0}),
    (
        "VFA",
        [3.0, 8.0, 15.0, 25.0],
        {"RepetitionTimeExcitation": 15.0},
        {"RepetitionTimeExcitation": 0.015, "FlipAngle": 3.0},
    ),
    ("TB1AFI", [20.0, 100.0], {"FlipAngle": 60.0}, {"RepetitionTimeExcitation": 0.02}),
]


def write(root, suffix="MESE", times=(10.0, 20.0, 30.0, 40.0), metadata=None, who=None):
    return bids.write_series(
        root, who or WHO, suffix, IMAGES[..., : len(times)], AFFINE, times, metadata
    )


def edit(path, **fields):
    """Change sidecar fields, as they are on disk; None removes one."""
    sidecar = nifti.sidecar_path(path)
    content = files.read_json(sidecar) | fields
    files.write_json(sidecar, {key: value for key, value in content.items() if value is not None})


@pytest.mark.parametrize(("suffix", "times", "metadata", "on_disk"), SERIES)
def test_a_series_is_kept_in_seconds_and_read_in_milliseconds(
    tmp_path, suffix, times, metadata, on_disk
):
    paths = write(tmp_path, suffix, times, metadata)
    sidecar = json.loads(nifti.sidecar_path(paths[0]).read_text())
    assert {key: sidecar[key] for key in on_disk} == on_disk
    assert paths[0].parent.name == ("fmap" if suffix == "TB1AFI" else "anat")
    assert bids.find_series(tmp_path, suffix) == [WHO]
    series = bids.read_series(tmp_path, suffix, WHO)
    assert series.times.tolist() == times
    assert series.sources == paths
    assert series.images.dtype == np.float32
    assert series.images[..., 1].flags.c_contiguous
    np.testing.assert_allclose(series.images, IMAGES[..., : len(times)], atol=500 / 65_000)
    np.testing.assert_allclose(series.affine, AFFINE)
    if suffix == "VFA":
        assert (series.repetition_time, series.flip_angle) == (15.0, None)
    if suffix == "TB1AFI":
        assert np.asarray(series.repetition_time).tolist() == times
        assert series.flip_angle == 60.0
        assert paths[1].name == "sub-01_acq-tr2_TB1AFI.nii.gz"


def test_series_are_found_in_natural_order(tmp_path):
    for who in (
        {"sub": "10"},
        {"sub": "2", "ses": "10"},
        {"sub": "2", "ses": "9", "acq": "fast", "run": "2"},
        {"sub": "2", "ses": "9", "part": "phase"},
    ):
        write(tmp_path, who=who)
    write(tmp_path / "derivatives" / "x")
    found = bids.find_series(tmp_path, "MESE")
    assert found == [
        {"sub": "2", "ses": "9", "acq": "fast", "run": "2"},
        {"sub": "2", "ses": "10"},
        {"sub": "10"},
    ]
    assert bids.read_series(tmp_path, "MESE", found[0]).entities == found[0]


def test_ten_images_stay_in_order(tmp_path):
    times = [10.0 * k for k in range(1, 12)]
    images = np.arange(11, dtype=np.float32) * np.ones((2, 2, 2, 11), np.float32)
    bids.write_series(tmp_path, WHO, "MESE", images, AFFINE, times, integer_scaling=False)
    series = bids.read_series(tmp_path, "MESE", WHO)
    assert series.times.tolist() == times
    assert series.images[0, 0, 0].tolist() == list(range(11))


def test_sidecars_are_inherited_and_overridden(tmp_path):
    paths = write(tmp_path, metadata={"RepetitionTime": 9000.0})
    for k, path in enumerate(paths):
        nifti.sidecar_path(path).unlink()
        files.write_json(tmp_path / f"echo-{k + 1}_MESE.json", {"EchoTime": 0.008 * (k + 1)})
    files.write_json(tmp_path / "MESE.json", {"RepetitionTime": 1.5, "FlipAngle": 80})
    files.write_json(tmp_path / "VFA.json", {"RepetitionTime": 7})
    files.write_json(tmp_path / "sub-02_MESE.json", {"RepetitionTime": 8})
    files.write_json(tmp_path / "sub-01" / "sub-01_MESE.json", {"FlipAngle": 90})
    series = bids.read_series(tmp_path, "MESE", WHO)
    assert series.times.tolist() == [8.0, 16.0, 24.0, 32.0]
    assert (series.repetition_time, series.flip_angle) == (1500.0, 90.0)


def lose_sidecar(paths):
    nifti.sidecar_path(paths[1]).unlink()


def lose_image(paths):
    paths[1].unlink()


def break_sidecar(paths):
    nifti.sidecar_path(paths[1]).write_text('{"EchoTime": ')


def list_sidecar(paths):
    nifti.sidecar_path(paths[1]).write_text("[1]")


def move(paths):
    image = nifti.read_image(paths[1])
    nifti.write_image(paths[1], image.data, image.affine + 0.5 * np.eye(4))


def crop(paths):
    nifti.write_image(paths[1], IMAGES[:2, ..., 1], AFFINE)


def cut(paths):
    paths[1].write_bytes(paths[1].read_bytes()[:-20])


def stack(paths):
    nifti.write_image(paths[1], IMAGES, AFFINE)


def twice(paths):
    shutil.copy(paths[1], paths[1].with_suffix(""))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lose_sidecar, r"echo-2_MESE\.nii\.gz: no sidecar"),
        (lose_image, r"echo-2_MESE\.json: a sidecar without its image"),
        (break_sidecar, r"echo-2_MESE\.json: not valid JSON"),
        (list_sidecar, r"echo-2_MESE\.json: expected a JSON object"),
        (lambda paths: edit(paths[1], EchoTime=None), r"echo-2_MESE\.nii\.gz: .* no EchoTime"),
        (lambda paths: edit(paths[1], EchoTime="20"), r"EchoTime is '20', expected a number"),
        (lambda paths: edit(paths[1], EchoTime=[0.02]), r"EchoTime is \[20\.0\]"),
        (lambda paths: edit(paths[1], EchoTime=-0.02), r"EchoTime is -0\.02 s"),
        (lambda paths: edit(paths[1], EchoTime=0.03), r"EchoTime 0\.03 s appears twice, as .*"),
        (
            lambda paths: [edit(path, EchoTime=10.0 * k) for k, path in enumerate(paths)],
            r"echo-4_MESE\.json: EchoTime 30 s looks like milliseconds, expected seconds",
        ),
        (
            lambda paths: [edit(path, EchoTime=1e-5 * k) for k, path in enumerate(paths)],
            r"EchoTime 3e-05 s looks like another unit",
        ),
        (
            lambda paths: edit(paths[1], RepetitionTime=3.0),
            r"echo-2_MESE\.json: RepetitionTime is 3 s, but 2 s for sub-01_echo-1_MESE\.nii\.gz",
        ),
        (
            lambda paths: edit(paths[2], FlipAngle=70),
            r"echo-3_MESE\.json: FlipAngle is 70 degrees, but 90",
        ),
        (
            lambda paths: [edit(path, RepetitionTime=0) for path in paths],
            r"echo-1_MESE\.json: RepetitionTime is 0 s, expected a number above zero",
        ),
        (move, r"echo-2_MESE\.nii\.gz: .* another affine"),
        (crop, r"echo-2_MESE\.nii\.gz: .* has shape \(2, 4, 2\)"),
        (cut, r"echo-2_MESE\.nii\.gz: truncated"),
        (stack, r"echo-2_MESE\.nii\.gz: expected one volume"),
        (twice, r"keep one"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_is_wrong_with_a_series_is_named_in_one_line(tmp_path, spoil, found):
    paths = write(tmp_path, metadata={"RepetitionTime": 2000.0, "FlipAngle": 90.0})
    spoil(paths)
    with pytest.raises(InputError, match=found) as caught:
        bids.read_series(tmp_path, "MESE", WHO)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "times", "metadata", "found"),
    [
        ("VFA", [3.0, 8.0, 15.0], {}, "no RepetitionTimeExcitation"),
        ("VFA", [0.05, 0.14, 0.26], {"RepetitionTime": 15.0}, "0.26 degrees looks like radians"),
        ("VFA", [3.0, 8.0], {"RepetitionTime": 15e3}, "15 s looks like milliseconds"),
        ("TB1AFI", [20e3, 40e3], {"FlipAngle": 60.0}, "40 s looks like milliseconds"),
        ("IRT1", [50.0, 400.0, 1100.0], {}, "no RepetitionTimePreparation"),
        ("IRT1", [5e4, 4e5, 1.1e6], {"RepetitionTime": 3e3}, "1100 s looks like milliseconds"),
        ("IRT1", [50.0, 400.0], {"RepetitionTime": 3e6}, "3000 s looks like milliseconds"),
        ("TB1AFI", [20.0, 100.0], {}, "no FlipAngle"),
        ("TB1AFI", [20.0, 20.0], {"FlipAngle": 60.0}, "appears twice"),
        ("T1rhow", [0.0, 1e4, 3e4], {}, "30 s looks like milliseconds"),
    ],
)
def test_each_kind_asks_for_its_own_fields(tmp_path, suffix, times, metadata, found):
    write(tmp_path, suffix, times, metadata)
    with pytest.raises(InputError, match=found):
        bids.read_series(tmp_path, suffix, WHO)


def test_absent_series_are_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        bids.find_series(tmp_path / "none", "MESE")
    with pytest.raises(InputError, match=r"sub-01/anat/sub-01_echo-1_MESE\.nii\.gz"):
        bids.find_series(tmp_path, "MESE")
    with pytest.raises(InputError, match="no MESE images"):
        bids.read_series(tmp_path, "MESE", WHO)
    with pytest.raises(ValueError, match="known are"):
        bids.find_series(tmp_path, "bold")


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=4),
        # a thousandth of what is kept in seconds must still have all of its digits
        elements=st.floats(2.0**-100, 4096, width=32) | st.sampled_from([0.0, np.nan]),
    ),
    desc=st.sampled_from([None, "std"]),
    units=st.sampled_from(["s", "ms"]),
)
def test_a_map_comes_back_in_milliseconds_whatever_it_is_kept_in(tmp_path, data, desc, units):
    who = {"sub": "01", "ses": "2", "run": "1"}
    sidecar = {"Units": "ms", "Sources": ["bids::sub-01"]}
    path = bids.write_map(tmp_path, "jaxqmri", who, "T2map", data, AFFINE, sidecar, desc, units)
    name = "sub-01_ses-2_run-1_T2map" if desc is None else "sub-01_ses-2_run-1_desc-std_T2map"
    folder = tmp_path / "derivatives" / "jaxqmri" / "sub-01" / "ses-2" / "anat"
    assert path == folder / f"{name}.nii.gz"
    assert files.read_json(folder / f"{name}.json") == {**sidecar, "Units": units}
    found = bids.read_map(path)
    assert found.unit == "ms"
    np.testing.assert_allclose(found.data, data, rtol=3e-7)


def test_other_units_are_left_alone(tmp_path):
    data = np.full((2, 2, 2), 0.9, np.float32)
    path = bids.write_map(tmp_path, "x", WHO, "TB1map", data, AFFINE, {"Units": "arbitrary"})
    found = bids.read_map(path)
    assert found.unit == "arbitrary"
    np.testing.assert_array_equal(found.data, data)
    status = np.ones((2, 2, 2), np.uint8)
    path = bids.write_map(tmp_path, "x", WHO, "TB1map", status, AFFINE, {"Units": ""}, "status")
    assert bids.read_map(path).unit == ""
    nifti.write_image(tmp_path / "plain.nii", data, AFFINE)
    assert bids.read_map(tmp_path / "plain.nii").unit == "unknown"
    with pytest.raises(ValueError, match="Units"):
        bids.write_map(tmp_path, "x", WHO, "T2map", data, AFFINE, {})


def test_single_images_and_regions(tmp_path):
    labels = np.array([[[0, 1], [2, 4]]], np.uint8)
    bids.write_map(tmp_path, "manual", WHO, "dseg", labels, AFFINE, {"Units": ""})
    found = bids.read_labels(tmp_path, "manual", WHO)
    np.testing.assert_array_equal(found.data, labels)
    bids.write_raw(tmp_path, WHO, "PDw", IMAGES[..., 0], AFFINE, {"EchoTime": 27.0})
    np.testing.assert_allclose(
        bids.read_anat(tmp_path, WHO, "PDw").data, IMAGES[..., 0], atol=500 / 65_000
    )
    with pytest.raises(InputError, match=r"no T1w image, expected sub-01_T1w\.nii\.gz"):
        bids.read_anat(tmp_path, WHO, "T1w")
    for run in "12":
        bids.write_raw(tmp_path, {**WHO, "run": run}, "T2w", IMAGES[..., 0], AFFINE, {})
    with pytest.raises(InputError, match="one T2w image expected"):
        bids.read_anat(tmp_path, WHO, "T2w")
    bids.read_anat(tmp_path, {**WHO, "run": "2"}, "T2w")


def test_participants_and_description(tmp_path):
    rows = [
        {"participant_id": "sub-01", "age": 61.5, "sex": "F", "code": "007", "kl_grade": None},
        {"participant_id": "sub-02", "age": 58, "sex": "M", "code": "012", "kl_grade": 2},
    ]
    bids.write_participants(tmp_path, rows, {"age": {"Description": "Age", "Units": "year"}})
    assert bids.read_participants(tmp_path) == rows
    assert files.read_json(tmp_path / "participants.json")["age"]["Units"] == "year"
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\n")
    with pytest.raises(InputError, match=r"participants\.tsv: line 2 has 1 cells"):
        bids.read_participants(tmp_path)
    (tmp_path / "participants.tsv").write_text("participant_id\nsub-01\nsub-01\n")
    with pytest.raises(InputError, match="sub-01 appears twice"):
        bids.read_participants(tmp_path)
    bids.write_dataset_description(tmp_path, "A study", License="CC0")
    description = files.read_json(tmp_path / "dataset_description.json")
    assert description["DatasetType"] == "raw"
    assert description["GeneratedBy"][0]["Name"] == "jaxqmri"
    assert "*_T1rhow.nii.gz" in (tmp_path / ".bidsignore").read_text()
    bids.write_dataset_description(tmp_path / "d", "Maps", "derivative", ["../.."])
    description = files.read_json(tmp_path / "d" / "dataset_description.json")
    assert (description["DatasetType"], description["SourceDatasets"]) == (
        "derivative",
        [{"URL": "../.."}],
    )
    assert not (tmp_path / "d" / ".bidsignore").exists()


@given(
    st.fixed_dictionaries(
        {"sub": st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True)},
        optional={
            "ses": st.from_regex(r"[A-Za-z0-9]{1,4}", fullmatch=True),
            "run": st.integers(1, 99).map(str),
            "tsl": st.integers(1, 9).map(str),
            "desc": st.just("std"),
        },
    )
)
def test_names_come_apart_as_they_were_built(entities):
    name = bids.parse_name(f"{bids.build_name(entities, 'T1rhow')}.nii.gz")
    assert name == (entities, "T1rhow")


@pytest.mark.parametrize("odd", ["readme.txt", "sub-01.nii.gz", "sub_T2map.nii.gz", "a-b-c_x.json"])
def test_other_names_are_no_bids_names(odd):
    assert bids.parse_name(odd) is None


def test_names_that_bids_cannot_hold_are_refused():
    for entities in ({"sub": "0_1"}, {"sub": "01", "who": "x"}):
        with pytest.raises(ValueError, match="BIDS"):
            bids.build_name(entities, "T2map")


@needs_data
@pytest.mark.parametrize(
    ("name", "suffix", "shape", "times"),
    [
        ("knee_mese", "MESE", (185, 170, 24, 8), [6.312 * k for k in range(1, 9)]),
        ("brain_t2", "MESE", (256, 192, 1, 6), [10, 25, 50, 90, 150, 250]),
        ("brain_ir_t1", "IRT1", (256, 192, 1, 6), [50, 100, 200, 500, 2000, 4000]),
    ],
)
def test_real_series(name, suffix, shape, times):
    (who,) = bids.find_series(DATA / name, suffix)
    series = bids.read_series(DATA / name, suffix, who)
    assert series.images.shape == shape
    np.testing.assert_allclose(series.times, times)
    assert np.isfinite(series.images).all()
    assert (series.images.min() < 0) == (suffix == "IRT1")
