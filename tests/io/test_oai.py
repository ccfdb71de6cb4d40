"""A download of the Osteoarthritis Initiative's form, as the dataset of one study."""

import re
from collections import Counter
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

from jaxqmri.io import InputError, bids
from jaxqmri.io.image import Image
from jaxqmri.io.oai import (
    SliceGrid,
    check_series,
    find_masks,
    find_scans,
    read_mask,
    read_subjects,
    study,
)
from jaxqmri.io.oai.study import convert_study
from tests.io.oai_download import (
    ALONG_COLUMN,
    ALONG_ROW,
    SPACING,
    marked,
    position,
    series_folder,
    write_series,
    write_visits,
)

SHARED = Path(__file__).parents[2] / ".." / "shared"
TRAIN, TEST = "9626869", "9435250"  # Reader 2 drew the second at baseline


def among(monkeypatch, *participants):
    """The study has these subjects alone."""
    known = {who: one for who, one in read_subjects().items() if who in participants}
    monkeypatch.setattr(study, "read_subjects", lambda: known)


@pytest.fixture
def two_subjects(monkeypatch):
    among(monkeypatch, TRAIN, TEST)


@pytest.fixture
def one_subject(monkeypatch):
    among(monkeypatch, TEST)


def write_masks(root, names=("00m", "48m"), participants=(TRAIN, TEST)):
    for reader in ("reader1", "reader2"):
        (root / reader).mkdir(parents=True, exist_ok=True)
    for who in participants:
        for name, visit in zip(names, ("00m", "48m"), strict=True):
            np.save(root / "reader1" / f"{who}_{name}.npy", marked(who, visit).astype(float))
    np.savez(root / "reader2" / f"{TEST}_{names[0]}.npz", mask=marked(TEST, "00m"))
    return root


def labels(out, reader, who, session):
    return bids.read_labels(out, reader, {"sub": who, "ses": session})


def series(out, who, session):
    return bids.read_series(out, "MESE", {"sub": who, "ses": session})


def test_the_published_split():
    subjects = read_subjects()
    assert Counter(one.fold for one in subjects.values()) == {
        "train": 115,
        "validation": 14,
        "test": 14,
    }
    assert len(subjects) == 143
    assert all(re.fullmatch(r"9\d{6}", who) for who in subjects)
    assert sum(map(int, subjects)) == 1_354_739_277  # of the numbers as printed
    second = {who: one.reader2 for who, one in subjects.items() if one.reader2}
    assert set(second) == {who for who, one in subjects.items() if one.fold == "test"}
    assert {who for who, visit in second.items() if visit == "00m"} == {
        "9435250",
        "9279874",
        "9543086",
        "9245760",
    }
    assert subjects["9617005"].fold == "validation"


def test_a_download_becomes_the_study(two_subjects, tmp_path):
    write_visits(tmp_path / "in", TRAIN, PatientSex="F", PatientAge="056Y")
    write_visits(
        tmp_path / "in", TEST, description="SAG_T2_MAP_LEFT", PatientWeight=90.0, PatientSize=1.8
    )
    write_series(tmp_path / "in", TRAIN, "24m")
    write_series(tmp_path / "in", "9000296", "00m")
    write_series(tmp_path / "in", TRAIN, "00m", "SAG_3D_DESS_RIGHT", "10002")
    (tmp_path / "in" / "contents.csv").write_text("ParticipantID\n")
    out = tmp_path / "out"
    done: list[tuple[int, int]] = []
    summary = convert_study(
        tmp_path / "in",
        out,
        write_masks(tmp_path / "masks"),
        progress=lambda *count: done.append(count),
    )
    assert summary == ([TRAIN, TEST], {})
    assert done == [(1, 2), (2, 2)]
    assert (out / f"sub-{TRAIN}/ses-02/anat/sub-{TRAIN}_ses-02_echo-7_MESE.json").exists()
    assert not list(out.glob("sub-9000296*"))
    for who in (TRAIN, TEST):
        for session, visit in (("01", "00m"), ("02", "48m")):
            found = series(out, who, session)
            np.testing.assert_allclose(found.times, np.arange(10.0, 71.0, 10.0))
            assert found.repetition_time == 2700.0
            bright = found.images[..., 0] >= 2000
            np.testing.assert_array_equal(labels(out, "reader1", who, session).data, bright)
            # where the first voxel that is bright lies, by the headers' own arithmetic
            k, row, column = np.argwhere(marked(who, visit))[0]
            place = position(k) + row * SPACING[0] * ALONG_COLUMN + column * SPACING[1] * ALONG_ROW
            index = np.linalg.inv(found.affine) @ [*(place * [-1, -1, 1]), 1.0]
            np.testing.assert_allclose(index, np.rint(index), atol=1e-3)
            value = found.images[(*np.rint(index[:3]).astype(int), 0)]
            assert value == 2000 + 8 * row + column
    second = labels(out, "reader2", TEST, "01")
    np.testing.assert_array_equal(second.data, labels(out, "reader1", TEST, "01").data)
    assert len(list((out / "derivatives/reader2").rglob("*_dseg.nii.gz"))) == 1
    regions = out / "derivatives" / "reader1" / "dseg.tsv"
    assert bids.read_label_names(regions) == {1: "femoral cartilage"}
    first, other = bids.read_participants(out)
    assert first == {
        "participant_id": f"sub-{TRAIN}",
        "side": "R",
        "fold": "train",
        "sex": "F",
        "age": 56,
        "bmi": None,
    }
    assert (other["side"], other["fold"], other["bmi"]) == ("L", "test", 27.8)
    assert (other["sex"], other["age"]) == (None, None)


def test_once_more_does_nothing_and_keeps_what_the_table_was_told(one_subject, tmp_path):
    masks = write_masks(tmp_path / "masks", ("4", "8"), (TEST,))
    write_visits(tmp_path / "in", TEST)
    out = tmp_path / "out"
    convert_study(tmp_path / "in", out, masks)
    rows = bids.read_participants(out)
    told = [{**row, "age": 61, "kl_grade": 0} for row in rows]
    bids.write_participants(out, told, {"kl_grade": {"Description": "grade"}})
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.nii.gz")}
    convert_study(tmp_path / "in", out, masks)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.nii.gz")} == before
    assert bids.read_participants(out) == told
    assert '"grade"' in (out / "participants.json").read_text()
    np.save(masks / "reader1" / f"{TEST}_4.npy", marked(TEST, "48m"))
    with pytest.raises(InputError, match="other settings"):
        convert_study(tmp_path / "in", out, masks)


@pytest.mark.parametrize("leftwards", [True, False])
def test_a_mask_as_nifti_may_have_its_axes_in_any_order(one_subject, leftwards, tmp_path):
    write_visits(tmp_path / "in", TEST, leftwards=leftwards)
    convert_study(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out" / "derivatives").exists()
    masks = write_masks(tmp_path / "masks", participants=(TEST,))
    found = series(tmp_path / "out", TEST, "01")
    bright = nib.Nifti1Image((found.images[..., 0] >= 2000).astype(np.uint8), found.affine)
    turned = bright.as_reoriented([[2, -1], [0, 1], [1, -1]])
    (masks / "reader1" / f"{TEST}_00m.npy").unlink()
    nib.save(turned, masks / "reader1" / f"{TEST}_00m.nii.gz")
    convert_study(tmp_path / "in", tmp_path / "out", masks)
    for session in ("01", "02"):  # the first as NIfTI, the second as an array
        images = series(tmp_path / "out", TEST, session).images
        drawn = labels(tmp_path / "out", "reader1", TEST, session)
        np.testing.assert_array_equal(drawn.data, images[..., 0] >= 2000)


BROKEN = {
    "missing echo": ({"echoes": 6}, "echo times 10, 20, 30, 40, 50, 60 ms, expected 10, 20"),
    "missing slice of one echo": ({"leave_out": (2, 1)}, "incomplete"),
    "missing slice": ({"leave_out": (None, 1)}, "not evenly spaced"),
    "echo without time": ({"EchoTime": None}, "echo times none, none"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_series_is_named(name, tmp_path):
    how, found = BROKEN[name]
    folder = write_series(tmp_path, TRAIN, "48m", **how)
    (scan,) = find_scans(tmp_path, read_subjects())
    with pytest.raises(InputError, match=found) as error:
        check_series(scan)
    assert str(folder) in str(error.value)


def test_a_subject_with_a_broken_series_is_left_out_whole(two_subjects, tmp_path):
    write_visits(tmp_path / "in", TEST)
    write_series(tmp_path / "in", TRAIN, "00m")
    write_series(tmp_path / "in", TRAIN, "48m", echoes=6)
    with pytest.raises(InputError, match=f"echo times.*--skip-incomplete goes on without {TRAIN}"):
        convert_study(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    summary = convert_study(tmp_path / "in", tmp_path / "out", skip_incomplete=True)
    assert summary.converted == [TEST]
    assert "48m" in summary.left_out[TRAIN]
    assert not (tmp_path / "out" / f"sub-{TRAIN}").exists()
    rows = bids.read_participants(tmp_path / "out")
    assert [row["participant_id"] for row in rows] == [f"sub-{TEST}"]


def test_what_is_missing_is_told_before_anything_is_written(two_subjects, tmp_path):
    write_visits(tmp_path / "in", TEST)
    write_series(tmp_path / "in", TRAIN, "00m")
    with pytest.raises(InputError, match=f"no T2 series at 48m: {TRAIN} .--skip-incomplete"):
        convert_study(tmp_path / "in", tmp_path / "out")
    write_series(tmp_path / "in", TRAIN, "48m")
    masks = write_masks(tmp_path / "masks")
    (masks / "reader1" / f"{TRAIN}_48m.npy").unlink()
    (masks / "reader2" / f"{TEST}_00m.npz").rename(masks / "reader2" / f"{TEST}_48m.npz")
    with pytest.raises(InputError) as error:
        convert_study(tmp_path / "in", tmp_path / "out", masks)
    assert f"no mask of reader1 at 48m: {TRAIN}; no mask of reader2 at 00m: {TEST}" in str(
        error.value
    )
    with pytest.raises(InputError, match="no subject is complete"):
        convert_study(tmp_path / "in", tmp_path / "out", masks, skip_incomplete=True)
    assert not (tmp_path / "out").exists()


def test_the_other_knee_at_year_4_is_no_pair(two_subjects, tmp_path):
    write_series(tmp_path / "in", TRAIN, "00m")
    write_series(tmp_path / "in", TRAIN, "48m", "SAG_T2_MAP_LEFT")
    write_visits(tmp_path / "in", TEST)
    with pytest.raises(InputError, match=f"another knee at each visit, R and L: {TRAIN}"):
        convert_study(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"description": "SAG_T2_MAP"}, "does not say which knee"),
        ({"PatientID": "9000296"}, f"in the folder of {TRAIN}, but its headers say 9000296"),
    ],
)
def test_headers_that_contradict_are_refused(options, found, tmp_path):
    write_series(tmp_path, TRAIN, "00m", **options)
    with pytest.raises(InputError, match=found):
        find_scans(tmp_path, read_subjects())


def test_two_series_of_a_visit_and_a_download_without_any_are_refused(tmp_path):
    write_series(tmp_path / "two", TRAIN, "00m")
    write_series(tmp_path / "two", TRAIN, "00m", series="10005")
    with pytest.raises(InputError, match=r"10005: a second T2 series of 9626869 at 00m.*10001"):
        find_scans(tmp_path / "two", read_subjects())
    write_series(tmp_path / "others", "9000296", "00m")
    write_series(tmp_path / "others", TRAIN, "24m")
    (tmp_path / "empty").mkdir()
    for name in ("others", "empty"):
        with pytest.raises(InputError, match=f"{name}: no SAG_T2_MAP series"):
            find_scans(tmp_path / name, read_subjects())
    with pytest.raises(InputError, match="no such folder"):
        find_scans(tmp_path / "nowhere", read_subjects())


def test_a_release_tells_the_visit_where_no_folder_does(tmp_path):
    write_series(tmp_path, TRAIN, "48m")
    (scan,) = find_scans(tmp_path / "48m", read_subjects())
    assert scan.visit == "48m"
    (tmp_path / "48m").rename(tmp_path / "images")
    (scan,) = find_scans(tmp_path / "images", read_subjects())
    assert (scan.participant, scan.visit, scan.side) == (TRAIN, "48m", "R")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (f"{TRAIN}.npy", "expected <participant>_<visit>.npy"),
        (f"{TRAIN}_24m.nii.gz", "24m.nii.gz: expected .*such as 9626869_00m.nii.gz"),
        ("9000296_00m.npy", "9000296 is not in the study"),
        (f"{TRAIN}_4.npy", "_4.npy: the same mask as 9626869_00m.npy"),
    ],
)
def test_a_mask_that_is_nobodys_is_named(name, found, tmp_path):
    masks = write_masks(tmp_path)
    (masks / "reader1" / "notes.txt").write_text("")
    assert len(find_masks(masks, read_subjects())) == 5
    (masks / "reader1" / name).write_bytes(b"")
    with pytest.raises(InputError, match=found):
        find_masks(masks, read_subjects())


def test_masks_without_a_first_reader_are_refused(tmp_path):
    with pytest.raises(InputError, match="reader1: no such folder"):
        find_masks(tmp_path, read_subjects())


GRID = SliceGrid((4, 6, 8), np.diag([3.5, 0.5, 0.3, 1.0]))
MASKS = {
    "shape": (lambda mask: mask[:3], r"shape \(3, 6, 8\), but its images have \(4, 6, 8\)"),
    "axes": (lambda mask: mask.transpose(2, 1, 0), r"shape \(8, 6, 4\)"),
    "probabilities": (lambda mask: mask * np.linspace(0.1, 1, 8), "0 and one other number"),
    "empty": (lambda mask: 0 * mask, "0 and one other number in cartilage, found 0"),
    "not a number": (lambda mask: np.where(mask > 0, np.nan, 0.0), "one other number"),
    "text": (lambda mask: mask.astype(str), "expected numbers"),
}


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_that_does_not_fit_is_named(name, tmp_path):
    change, found = MASKS[name]
    path = tmp_path / f"{TRAIN}_00m.npy"
    np.save(path, change(marked(TRAIN, "00m").astype(float)))
    reference = Image(np.zeros(GRID.shape), GRID.affine, tmp_path / "image.nii.gz")
    with pytest.raises(InputError, match=found) as error:
        read_mask(path, GRID, reference)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no array"])
@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_a_damaged_mask_is_named(content, ending, tmp_path):
    path = tmp_path / f"{TRAIN}_00m{ending}"
    path.write_bytes(content)
    reference = Image(np.zeros(GRID.shape), GRID.affine, tmp_path / "image.nii.gz")
    with pytest.raises(InputError, match="not one array of numbers"):
        read_mask(path, GRID, reference)


def test_a_mask_of_another_place_is_refused_and_leaves_no_regions(one_subject, tmp_path):
    write_visits(tmp_path / "in", TEST)
    masks = write_masks(tmp_path / "masks", participants=(TEST,))
    (masks / "reader1" / f"{TEST}_00m.npy").unlink()
    drawn = marked(TEST, "00m").astype(np.uint8)
    nib.save(nib.Nifti1Image(drawn, np.eye(4)), masks / "reader1" / f"{TEST}_00m.nii")
    with pytest.raises(InputError, match=r"00m\.nii: mask has"):
        convert_study(tmp_path / "in", tmp_path / "out", masks, skip_incomplete=True)
    assert not list((tmp_path / "out").rglob("*_dseg*"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not beside the checkout")
def test_the_split_is_the_papers():
    text = (SHARED / "papers" / "003_knee_t2_segmentation_subregions.txt").read_text("utf-8")
    _, text = text.split("SM.1 Osteoarthritis Initiative patient", 1)
    lists = [re.findall(r"\b9\d{6}\b", part) for part in text.split("set was composed of")[1:4]]
    second = re.findall(r"\((9\d{6}), (baseline|Year 4)\)", text)
    subjects = read_subjects()
    for name, ids in zip(("train", "validation"), lists[:2], strict=True):
        assert ids == [who for who, one in subjects.items() if one.fold == name]
    assert lists[2][:14] == [who for who, one in subjects.items() if one.fold == "test"]
    visits = {"baseline": "00m", "Year 4": "48m"}
    assert {who: visits[year] for who, year in second} == {
        who: one.reader2 for who, one in subjects.items() if one.reader2
    }


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not beside the checkout")
def test_a_scanners_own_oblique_slices(one_subject, tmp_path):
    masks = write_masks(tmp_path / "masks", participants=(TEST,))
    for visit in ("00m", "48m"):
        folder = series_folder(tmp_path / "in", TEST, visit)
        folder.mkdir(parents=True)
        slices = {}
        for path in (SHARED / "data" / "knee_mese_dicom").iterdir():
            data = dcmread(path)
            if data.EchoNumbers == 8:
                continue
            if data.EchoNumbers == 1:
                slices[int(data.InstanceNumber)] = data.pixel_array > 1000
            data.EchoTime = 10.0 * data.EchoNumbers
            data.PatientID, data.SeriesDescription = TEST, "SAG_T2_MAP_LEFT"
            data.save_as(folder / f"{data.InstanceNumber:03d}")
        mask = np.stack([slices[number] for number in sorted(slices)])
        np.save(masks / "reader1" / f"{TEST}_{visit}.npy", mask)
    (masks / "reader2" / f"{TEST}_00m.npz").unlink()
    convert_study(tmp_path / "in", tmp_path / "out", masks)
    images = series(tmp_path / "out", TEST, "02").images
    drawn = labels(tmp_path / "out", "reader1", TEST, "02").data
    assert 0.05 < drawn.mean() < 0.95
    np.testing.assert_array_equal(drawn, images[..., 0] > 1000)
