from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless

from jaxqmri.io import InputError, bids
from jaxqmri.io.dicom import convert
from tests.io.synthetic_dicom import GE, PHILIPS, write_dicom, write_multiframe

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"

SCALINGS = {
    "none": (GE, lambda image, place: (None, 0.0, None)),
    "per image": (GE, lambda image, place: (1.0 + image, 10.0 * image, None)),
    "per slice": (GE, lambda image, place: (1.0 + 0.5 * place, 10.0 * place, None)),
    "in some slices": (GE, lambda image, place: (None if place == 2 else 2.0, 0.0, None)),
    "Siemens per slice": ("SIEMENS", lambda image, place: (1.0 + 0.5 * place, -3.0, None)),
    "Philips": (PHILIPS, lambda image, place: (1.5, 5.0, 0.02)),
    "Philips per image": (
        PHILIPS,
        lambda image, place: (1.0 + 0.3 * image, 5.0 * image, 0.02 * (image + 1)),
    ),
    "Philips per slice": (
        PHILIPS,
        lambda image, place: (1.0 + 0.3 * place, 2.0, 0.02 * (place + 1)),
    ),
    "Philips scale slope per slice": (
        PHILIPS,
        lambda image, place: (1.5, 0.0, 0.02 * (place + 1)),
    ),
}


@pytest.mark.parametrize("name", SCALINGS)
@pytest.mark.parametrize("write", [write_dicom, write_multiframe], ids=["single", "multiframe"])
@pytest.mark.parametrize("stacked", [False, True], ids=["echoes", "spin locks"])
def test_intensities_are_the_true_ones_however_they_were_scaled(name, stacked, write, tmp_path):
    vendor, scale = SCALINGS[name]
    times = [0.0, 10.0, 40.0]
    if stacked:  # one series that DICOM calls a repetition of the same image
        truth = write(tmp_path / "in", scale, vendor, echo_times=lambda image: 5.0)
        convert(tmp_path / "in", tmp_path / "out", spin_lock_times=times)
        series = bids.read_series(tmp_path / "out", "T1rhow", {"sub": "01"})
        assert series.times.tolist() == times
    else:
        truth = write(tmp_path / "in", scale, vendor)
        convert(tmp_path / "in", tmp_path / "out")
        series = bids.read_series(tmp_path / "out", "MESE", {"sub": "01"})
        assert series.times.tolist() == [10.0, 20.0, 30.0]
    np.testing.assert_allclose(series.images, truth, rtol=2e-6, atol=1e-6 * np.abs(truth).max())


def test_compressed_frames(tmp_path):
    truth = write_multiframe(tmp_path / "in", *reversed(SCALINGS["Philips per slice"]))
    data = dcmread(tmp_path / "in" / "enhanced.dcm")
    data.compress(RLELossless)
    data.save_as(tmp_path / "in" / "enhanced.dcm")
    convert(tmp_path / "in", tmp_path / "out")
    series = bids.read_series(tmp_path / "out", "MESE", {"sub": "01"})
    np.testing.assert_allclose(series.images, truth, rtol=2e-6, atol=1e-6 * np.abs(truth).max())


def test_a_multiframe_file_that_lost_frames_is_named(tmp_path):
    write_multiframe(tmp_path / "in", lambda image, place: (1.0, 0.0, None), GE)
    data = dcmread(tmp_path / "in" / "enhanced.dcm")
    data.PixelData = data.PixelData[:-200]
    data.save_as(tmp_path / "in" / "enhanced.dcm")
    with pytest.raises(InputError, match=r"enhanced\.dcm: describes 12 frames, but holds 9"):
        convert(tmp_path / "in", tmp_path / "out")


def test_one_series_for_each_spin_lock_time_in_the_order_asked_for(tmp_path):
    truth = write_dicom(
        tmp_path / "in",
        lambda image, place: (1.0 + image, 0.0, None),
        series=lambda k: 7 - k,
        echo_times=lambda image: 5.0,
    )
    convert(tmp_path / "in", tmp_path / "out", spin_lock_times=[0, 10, 40], series=[7, 6, 5])
    series = bids.read_series(tmp_path / "out", "T1rhow", {"sub": "01"})
    np.testing.assert_allclose(series.images, truth, rtol=1e-6)
    with pytest.raises(InputError, match="other settings"):
        convert(tmp_path / "in", tmp_path / "out", spin_lock_times=[0, 10, 40])


def test_flip_angles_are_recognised(tmp_path):
    write_dicom(
        tmp_path / "in", echo_times=lambda image: 2.0, flip_angle=lambda image: 3.0 + 6 * image
    )
    convert(tmp_path / "in", tmp_path / "out", "07", "2")
    series = bids.read_series(tmp_path / "out", "VFA", {"sub": "07", "ses": "2"})
    assert series.times.tolist() == [3.0, 9.0, 15.0]
    assert series.repetition_time == 2000.0


@pytest.mark.parametrize(
    ("scale", "found"),
    [
        (lambda image, place: (1.3, 0.0, None if image == 1 else 0.02), "other images"),
        (lambda image, place: (1.0 + image, 0.0, None), "rescale slopes 1, 2, 3"),
        (lambda image, place: (1.3, 0.0, 0.0), "scale slope"),
    ],
    ids=["missing in one image", "missing", "zero"],
)
def test_philips_intensities_that_cannot_be_compared_are_refused(scale, found, tmp_path):
    write_dicom(tmp_path / "in", scale, PHILIPS)
    with pytest.raises(InputError, match=found):
        convert(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "files", "found"),
    [
        ({"spin_lock_times": [0, 10]}, {"echo_times": lambda k: 5.0}, "3 volumes, but 2"),
        ({}, {"echo_times": lambda k: 5.0}, "--kind"),
        ({"kind": "T1rhow"}, {"echo_times": lambda k: 5.0}, "--tsl"),
        ({"kind": "MESE"}, {"echo_times": lambda k: 5.0}, "appears twice"),
        ({"kind": "PDw"}, {}, "one PDw volume"),
        ({"series": [4]}, {}, "no series 4, there is 5"),
        ({}, {"leave_out": (1, 2)}, "series 5 is incomplete, .* 4 slices, another 3"),
        ({"subject": "a_b"}, {}, "sub-a_b: expected letters and digits"),
        ({"kind": "TB1AFI", "acquisition": "x"}, {}, "acq- tells apart"),
        ({}, {"image_type": ("ORIGINAL", "PRIMARY", "P", "SE")}, "no DICOM images"),
    ],
    ids=[
        "count",
        "kind",
        "no tsl",
        "same echo",
        "single",
        "series",
        "missing slice",
        "subject",
        "acquisition",
        "phase",
    ],
)
def test_what_cannot_be_converted_is_refused_and_leaves_nothing(options, files, found, tmp_path):
    write_dicom(tmp_path / "in", **files)
    with pytest.raises(InputError, match=found):
        convert(tmp_path / "in", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_dicom_is_refused(tmp_path):
    (tmp_path / "note.txt").write_text("not DICOM")
    with pytest.raises(InputError, match="no DICOM images"):
        convert(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="no such folder"):
        convert(tmp_path / "nowhere", tmp_path / "out")


def test_other_spin_lock_times_for_the_same_images_need_overwrite(tmp_path):
    write_dicom(tmp_path / "in", echo_times=lambda image: 5.0)
    source, out = tmp_path / "in", tmp_path / "out"
    first = convert(source, out, spin_lock_times=[0, 10, 40])
    before = first[0].stat().st_mtime_ns
    assert convert(source, out, spin_lock_times=[0, 10, 40]) == first
    assert first[0].stat().st_mtime_ns == before
    with pytest.raises(InputError, match="other settings"):
        convert(source, out, spin_lock_times=[0, 10, 30])
    convert(source, out, spin_lock_times=[0, 10, 30], overwrite=True)
    series = bids.read_series(out, "T1rhow", {"sub": "01"})
    assert series.times.tolist() == [0.0, 10.0, 30.0]


def test_subjects_join_one_dataset(tmp_path):
    write_dicom(tmp_path / "in")
    for subject in ("01", "02"):
        convert(tmp_path / "in", tmp_path / "out", subject)
    rows = bids.read_participants(tmp_path / "out")
    assert [row["participant_id"] for row in rows] == ["sub-01", "sub-02"]
    assert bids.find_series(tmp_path / "out", "MESE") == [{"sub": "01"}, {"sub": "02"}]


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data are not beside the checkout")
def test_a_scanners_own_files_agree_with_the_volumes_made_from_them_elsewhere(tmp_path):
    convert(DATA / "knee_mese_dicom", tmp_path / "out")
    ours = bids.read_series(tmp_path / "out", "MESE", {"sub": "01"})
    theirs = bids.read_series(DATA / "knee_mese", "MESE", {"sub": "01"})
    np.testing.assert_allclose(ours.times, theirs.times)
    assert ours.repetition_time == theirs.repetition_time
    # where the whole knee's voxels lie in the three slices, by the two affines
    to_ours = np.linalg.inv(ours.affine) @ theirs.affine
    x, y, z = np.meshgrid(*map(np.arange, theirs.images.shape[:3]), indexing="ij")
    where = np.rint(to_ours[:3, :3] @ [x.ravel(), y.ravel(), z.ravel()] + to_ours[:3, 3:])
    where = where.astype(int).T
    inside = ((where >= 0) & (where < ours.images.shape[:3])).all(axis=1)
    assert inside.sum() == 185 * 170 * 3
    found = ours.images[tuple(where[inside].T)]
    np.testing.assert_array_equal(found, theirs.images.reshape(-1, 8)[inside])
