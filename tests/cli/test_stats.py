import numpy as np
import pytest

from jaxqmri import Status
from jaxqmri.cli.stats import Stats
from jaxqmri.io import InputError, bids, files, nifti

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])
LABELS = np.array([[[1, 1, 2, 0], [1, 2, 2, 0]]], np.uint8)


def write_region(folder, name="roi.nii.gz", labels=LABELS):
    nifti.write_image(folder / name, labels, AFFINE)
    return str(folder / name)


def write_t2(folder, name="t2.nii.gz", offset=0.0, units="ms"):
    data = np.array([[[10, 20, 30, 0], [np.nan, 50, 60, 0]]], np.float32) + np.float32(offset)
    bids.write_map_file(folder / name, data, AFFINE, {"Units": "ms"}, units)
    return str(folder / name)


def test_one_map(tmp_path, capsys):
    out = tmp_path / "table.tsv"
    files.write_text(tmp_path / "roi.tsv", "index\tname\n1\tfemoral\n2\ttibial\n3\tpatellar\n")
    Stats(maps=(write_t2(tmp_path),), labels=(write_region(tmp_path),), out=out).run()
    first, second, third = files.read_table(out)
    assert first == {
        "subject": None,
        "visit": None,
        "map": "t2",
        "unit": "ms",
        "label": 1,
        "region": "femoral",
        "voxels": 3,
        "valid_voxels": 2,
        "at_bound": None,
        "mean": 15,
        "sd": 7.07107,
        "median": 15,
    }
    assert (second["region"], second["mean"], second["voxels"]) == ("tibial", 46.6667, 3)
    assert (third["region"], third["voxels"], third["mean"]) == ("patellar", 0, None)
    assert "femoral" in capsys.readouterr().out
    assert not (tmp_path / "table_repeatability.tsv").exists()


def test_voxels_at_a_bound_are_counted_and_left_out(tmp_path):
    data = np.array([[[10, 20, 30, 0], [1000, 50, 1000, 0]]], np.float32)
    status = np.full(data.shape, Status.CONVERGED, np.uint8)
    status[data == 1000] = Status.AT_BOUND
    said = {"Units": "ms", "StatusMap": "desc-status_T2map.nii.gz"}
    bids.write_map_file(tmp_path / "T2map.nii.gz", data, AFFINE, said)
    nifti.write_image(tmp_path / "desc-status_T2map.nii.gz", status, AFFINE)
    out = tmp_path / "table.tsv"
    maps, labels = (str(tmp_path / "T2map.nii.gz"),), (write_region(tmp_path),)
    Stats(maps=maps, labels=labels, out=out).run()
    first, second = files.read_table(out)
    assert (first["voxels"], first["valid_voxels"], first["at_bound"]) == (3, 2, 1)
    assert (first["mean"], second["mean"], second["at_bound"]) == (15, 40, 1)


def test_seconds_on_disk_are_milliseconds_in_the_table(tmp_path):
    out = tmp_path / "table.tsv"
    seconds = write_t2(tmp_path, units="s")
    Stats(maps=(seconds,), labels=(write_region(tmp_path),), out=out).run()
    row = files.read_table(out)[0]
    assert (row["unit"], row["mean"]) == ("ms", 15)


def test_repeated_files_of_one_subject(tmp_path, capsys):
    paths = tuple(write_t2(tmp_path, f"{k}.nii.gz", 2.0 * k) for k in range(3))
    out = tmp_path / "table.tsv"
    Stats(maps=paths, labels=(write_region(tmp_path),), subjects=("A", "A", "B"), out=out).run()
    row = files.read_table(tmp_path / "table_repeatability.tsv")[0]
    assert (row["subjects"], row["measurements"], row["mean"]) == (1, 2, 16)
    assert row["within_subject_sd"] == pytest.approx(np.sqrt(2.0), rel=1e-5)
    assert row["rms_cv_percent"] == pytest.approx(100 * np.sqrt(2.0) / 16, rel=1e-5)
    assert row["repeatability_coefficient"] == pytest.approx(1.96 * 2.0, rel=1e-5)
    assert "repeatability_coefficient" in capsys.readouterr().out


def test_a_study_of_two_visits(tmp_path):
    for visit in ("1", "2"):
        who = {"sub": "01", "ses": visit}
        data = np.full(LABELS.shape, 30.0 + 2 * float(visit), np.float32)
        bids.write_map(tmp_path, "jaxqmri", who, "T2map", data, AFFINE, {"Units": "ms"})
        bids.write_map(tmp_path, "jaxqmri", who, "T2map", data, AFFINE, {"Units": "ms"}, "std")
        bids.write_map(tmp_path, "manual", who, "dseg", LABELS, AFFINE, {"Units": ""})
    out = tmp_path / "table.tsv"
    Stats(tmp_path, maps=("T2map",), labels=("manual",), out=out).run()
    rows = files.read_table(out)
    assert [(row["subject"], row["visit"], row["label"]) for row in rows] == [
        ("sub-01", "ses-1", 1),
        ("sub-01", "ses-1", 2),
        ("sub-01", "ses-2", 1),
        ("sub-01", "ses-2", 2),
    ]
    repeated = files.read_table(tmp_path / "table_repeatability.tsv")
    assert [row["mean"] for row in repeated] == [33, 33]
    Stats(tmp_path, maps=("desc-std_T2map",), labels=("manual",), out=out, overwrite=True).run()
    assert {row["map"] for row in files.read_table(out)} == {"desc-std_T2map"}
    with pytest.raises(InputError, match="run-1_T2map: expected a map's name"):
        Stats(tmp_path, maps=("run-1_T2map",), labels=("manual",)).run()
    with pytest.raises(InputError, match="no map called T1map"):
        Stats(tmp_path, maps=("T1map",), labels=("manual",)).run()
    with pytest.raises(InputError, match="no dseg image"):
        Stats(tmp_path, maps=("T2map",), labels=("reader1",)).run()


def test_an_existing_table_is_kept_unless_told(tmp_path):
    out = tmp_path / "table.tsv"
    out.write_text("theirs")
    arguments = {"maps": (write_t2(tmp_path),), "labels": (write_region(tmp_path),), "out": out}
    with pytest.raises(InputError, match=r"table\.tsv: exists"):
        Stats(**arguments).run()
    assert out.read_text() == "theirs"
    Stats(**arguments, overwrite=True).run()
    before = out.stat().st_mtime_ns
    assert before
    Stats(**arguments).run()  # the same contents are no conflict


def test_what_cannot_be_measured_is_named(tmp_path):
    t2, roi = write_t2(tmp_path), write_region(tmp_path)
    nifti.write_image(tmp_path / "wide.nii", np.ones((2, 2, 4), np.uint8), AFFINE)
    nifti.write_image(tmp_path / "moved.nii", LABELS, AFFINE + 0.5 * np.eye(4))
    empty = write_region(tmp_path, "empty.nii.gz", 0 * LABELS)
    for arguments, found in [
        ({"maps": (t2,)}, "both needed"),
        ({"maps": (t2,), "labels": (str(tmp_path / "wide.nii"),)}, "map has shape"),
        ({"maps": (t2,), "labels": (str(tmp_path / "moved.nii"),)}, "another affine"),
        ({"maps": (t2,), "labels": (empty,)}, "no region"),
        ({"maps": (t2, t2, t2), "labels": (roi, roi)}, "2 files for 3 maps"),
        ({"maps": (t2, t2), "labels": (roi,), "subjects": ("A",)}, "1 given for 2"),
        ({"maps": ("none.nii",), "labels": (roi,)}, "no such file"),
        ({"maps": ("none.mat",), "labels": (roi,)}, "ends in"),
    ]:
        with pytest.raises(InputError, match=found):
            Stats(**arguments).run()
