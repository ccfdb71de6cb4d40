"""A dataset of many series: one table and one page of all, whichever run fitted which."""

import json
from contextlib import contextmanager

import jax
import nibabel as nib
import numpy as np
import pytest

from jaxqmri.cli.main import main
from jaxqmri.io import bids
from jaxqmri.io.files import read_table
from tests.cli.conftest import AFFINE, TE, save_series

NUMBERS = ("voxels", "estimated", "share_at_bound", "median", "p05", "p95", "sigma")
COMPILATION = "/jax/core/compile/backend_compile_duration"


def add_subject(root, subject, shape=(5, 4, 3), t2=40.0, session=None, seed=None):
    """Noisy decays of one subject, whose T2 differs from voxel to voxel."""
    rng = np.random.default_rng(int(subject) if seed is None else seed)
    decays = np.exp(-np.asarray(TE) / rng.normal(t2, 3.0, shape)[..., None])
    images = (500.0 * decays + rng.normal(0.0, 3.0, decays.shape)).astype(np.float32)
    entities = {"sub": subject} | ({} if session is None else {"ses": session})
    return bids.write_series(root, entities, "MESE", images, AFFINE, TE, {"RepetitionTime": 2e3})


@pytest.fixture
def study(tmp_path):
    root = tmp_path / "study"
    for k, t2 in enumerate((38.0, 40.0, 42.0), start=1):
        add_subject(root, f"{k:02d}", t2=t2)
    return root


def table_of(root, name="t2_cohort"):
    return read_table(root / "derivatives" / "jaxqmri" / f"{name}.tsv")


def page_of(root):
    return (root / "derivatives" / "jaxqmri" / "t2_cohort.html").read_text()


def spoil(root, subject):
    path = root / f"sub-{subject}" / "anat" / f"sub-{subject}_echo-2_MESE.nii.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path, whole


def expected(root, subject):
    """The numbers of a row, from the maps as nibabel reads them; times in s."""
    stem = root / "derivatives" / "jaxqmri" / f"sub-{subject}" / "anat" / f"sub-{subject}"
    t2 = nib.load(f"{stem}_T2map.nii.gz").get_fdata()
    status = nib.load(f"{stem}_desc-status_T2map.nii.gz").get_fdata()
    said = json.loads(stem.with_name(f"{stem.name}_T2map.json").read_text())
    at_bound, estimated = (status == 2).sum(), np.isin(status, (1, 2)).sum()
    p05, median, p95 = np.percentile(t2[status == 1], (5, 50, 95))
    return {
        "voxels": (status > 0).sum(),
        "estimated": estimated,
        "share_at_bound": at_bound / estimated,
        "median": median,
        "p05": p05,
        "p95": p95,
        "sigma": np.nan if said["Sigma"] == "unknown" else said["Sigma"],
    }


def assert_row(row, numbers):
    found = {name: np.nan if row[name] is None else row[name] for name in NUMBERS}
    assert found == pytest.approx(numbers, rel=2e-5, nan_ok=True)


def lasting(rows):
    """What the next run of the same command must not change."""
    return [{k: v for k, v in row.items() if k not in ("state", "seconds")} for row in rows]


@contextmanager
def compiled():
    """Names of the programs that are compiled inside, found in no cache of this process."""
    found = []

    def note(event, _, **said):
        if event == COMPILATION:
            found.append(said.get("fun_name", ""))

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        yield found
    finally:
        jax.monitoring.unregister_event_duration_listener(note)


def test_table_holds_the_numbers_of_the_maps(study, capfd):
    labels = np.ones((5, 4, 3), np.uint8)
    labels[0] = 0
    for subject in ("01", "02", "03"):
        anat = study / "derivatives" / "reader1" / f"sub-{subject}" / "anat"
        anat.mkdir(parents=True)
        nib.save(nib.Nifti1Image(labels, AFFINE), anat / f"sub-{subject}_dseg.nii.gz")
    words = ["--mask", "reader1", "--bounds", "t2=1,43"]
    assert main(["fit", "t2", str(study), *words]) == 0
    rows = table_of(study)
    assert [row["participant_id"] for row in rows] == ["sub-01", "sub-02", "sub-03"]
    assert [row["series"] for row in rows] == ["sub-01", "sub-02", "sub-03"]
    for subject, row in zip(("01", "02", "03"), rows, strict=True):
        assert_row(row, expected(study, subject))
        assert (row["state"], row["error"], row["session_id"]) == ("fitted", None, None)
        assert row["voxels"] == 48
        assert row["seconds"] > 0
    assert rows[2]["share_at_bound"] > 0.1
    assert rows[2]["p95"] < 0.043
    told = capfd.readouterr().out
    assert "cohort of 3 series: " in told
    assert "t2_cohort.html" in told


def test_dictionary_explains_every_column(study):
    assert main(["fit", "t2", str(study), "--no-quality", "--units", "ms"]) == 0
    out = study / "derivatives" / "jaxqmri"
    said = json.loads((out / "t2_cohort.json").read_text())
    assert list(said) == list(table_of(study)[0])
    assert all(column["Description"] for column in said.values())
    assert {said[name]["Units"] for name in ("median", "p05", "p95")} == {"ms"}
    assert set(said["state"]["Levels"]) == {"fitted", "already done", "failed"}
    assert table_of(study)[1]["median"] == pytest.approx(40.0, rel=0.05)
    assert table_of(study)[1]["sigma"] is None  # known only where errors are
    assert not (out / "t2_cohort.html").exists()


def test_a_broken_subject_has_a_row_that_says_why(study, capfd):
    path, _ = spoil(study, "02")
    assert main(["fit", "t2", str(study)]) == 2
    captured = capfd.readouterr()
    assert "1 of 3 series could not be fitted: sub-02" in captured.err
    assert "cohort of 3 series, 1 failed" in captured.out
    rows = table_of(study)
    assert [row["state"] for row in rows] == ["fitted", "failed", "fitted"]
    assert str(path) in rows[1]["error"]
    assert "damaged" in rows[1]["error"]
    assert [rows[1][name] for name in NUMBERS] == [None] * len(NUMBERS)
    assert_row(rows[2], expected(study, "03"))
    page = page_of(study)
    assert "1 series could not be fitted: sub-02." in page
    assert rows[1]["error"] in page


def test_the_same_command_again_changes_states_alone(study):
    assert main(["fit", "t2", str(study), "--no-quality"]) == 0
    first = table_of(study)
    assert main(["fit", "t2", str(study), "--no-quality"]) == 0
    again = table_of(study)
    assert lasting(again) == lasting(first)
    assert {row["state"] for row in again} == {"already done"}


def test_a_table_that_was_lost_is_made_again(study):
    words = ["fit", "t2", str(study), "--no-quality"]
    assert main(words) == 0
    first = table_of(study)
    for path in (study / "derivatives" / "jaxqmri").glob("t2_cohort.*"):
        path.unlink()
    assert main([*words, "--subject", "02"]) == 0
    assert lasting(table_of(study)) == lasting(first)


def test_a_run_of_some_subjects_keeps_the_rows_of_the_others(study):
    words = ["fit", "t2", str(study), "--no-quality"]
    assert main([*words, "--subject", "01"]) == 0
    out = study / "derivatives" / "jaxqmri"
    assert not (out / "t2_cohort.tsv").exists()  # one series is no cohort
    path, whole = spoil(study, "02")
    assert main([*words, "--subject", "02", "03"]) == 2
    rows = table_of(study)
    assert [row["state"] for row in rows] == ["already done", "failed", "fitted"]
    assert main([*words, "--subject", "03"]) == 0
    assert [row["state"] for row in table_of(study)] == ["already done", "failed", "already done"]
    assert lasting(table_of(study)) == lasting(rows)
    path.write_bytes(whole)
    assert main([*words, "--subject", "02"]) == 0
    rows = table_of(study)
    assert [row["state"] for row in rows] == ["already done", "fitted", "already done"]
    for subject, row in zip(("01", "02", "03"), rows, strict=True):
        assert row["error"] is None
        assert_row(row, expected(study, subject))


def test_maps_made_since_the_table_are_read(study):
    """As by another process at the same time, whose row this table lacks or has as it was."""
    words = ["fit", "t2", str(study), "--no-quality"]
    assert main(words) == 0
    before = (study / "derivatives" / "jaxqmri" / "t2_cohort.tsv").read_bytes()
    again = ["--bounds", "t2=1,40", "--overwrite"]
    assert main([*words, *again, "--subject", "02"]) == 0
    (study / "derivatives" / "jaxqmri" / "t2_cohort.tsv").write_bytes(before)
    record = study / "derivatives" / "jaxqmri" / ".jaxqmri" / "sub-02_t2.json"
    record.touch()
    assert main([*words, "--subject", "01"]) == 0
    assert_row(table_of(study)[1], expected(study, "02"))
    assert table_of(study)[1]["p95"] < 0.040


def test_a_subject_that_has_left_the_dataset_leaves_the_table(study):
    paths = add_subject(study, "04")
    assert main(["fit", "t2", str(study), "--no-quality"]) == 0
    for path in paths:
        path.unlink()
        path.with_name(path.name.replace(".nii.gz", ".json")).unlink()
    assert main(["fit", "t2", str(study), "--no-quality", "--subject", "01"]) == 0
    assert [row["series"] for row in table_of(study)] == ["sub-01", "sub-02", "sub-03"]


def test_a_command_that_is_refused_leaves_the_table(study):
    assert main(["fit", "t2", str(study), "--no-quality"]) == 0
    path = study / "derivatives" / "jaxqmri" / "t2_cohort.tsv"
    before = path.read_bytes()
    assert main(["fit", "t2", str(study), "--no-quality", "--units", "ms"]) == 2
    assert path.read_bytes() == before


def test_images_that_broke_after_their_fit_leave_the_numbers_of_their_maps(study):
    assert main(["fit", "t2", str(study), "--no-quality"]) == 0
    before = table_of(study)
    spoil(study, "02")
    assert main(["fit", "t2", str(study), "--no-quality"]) == 2
    row = table_of(study)[1]
    assert row["state"] == "failed"
    assert {name: row[name] for name in NUMBERS} == {name: before[1][name] for name in NUMBERS}


def test_sessions_and_models_have_their_places(tmp_path):
    root, out = tmp_path / "study", tmp_path / "maps"
    for session in ("1", "2"):
        add_subject(root, "01", session=session, seed=int(session))
    assert main(["fit", "t2", str(root), "--no-quality", "--out", str(out)]) == 0
    assert main(["fit", "t2-offset", str(root), "--no-quality", "--out", str(out)]) == 0
    for model in ("t2", "t2-offset"):
        rows = read_table(out / f"{model}_cohort.tsv")
        assert [row["participant_id"] for row in rows] == ["sub-01", "sub-01"]
        assert [row["session_id"] for row in rows] == ["ses-1", "ses-2"]
        assert [row["series"] for row in rows] == ["sub-01_ses-1", "sub-01_ses-2"]
    assert not (root / "derivatives").exists()


def test_a_plain_image_and_a_single_series_have_no_cohort(dataset, plain):
    assert main(["fit", "t2", str(dataset), "--no-quality"]) == 0
    words = [str(time) for time in TE]
    assert main(["fit", "t2", str(plain), "--te", *words, "--no-quality"]) == 0
    assert not list(plain.parent.rglob("*_cohort.*"))


def test_b1_is_a_pure_number(tmp_path):
    root, b1 = tmp_path / "study", {"01": 0.8, "02": 0.9}
    for subject, value in b1.items():
        a, (e1, e2) = np.deg2rad(value * 45.0), np.exp(-np.array([20.0, 100.0]) / 1000.0)
        pair = [1 - e2 + (1 - e1) * e2 * np.cos(a), 1 - e1 + (1 - e2) * e1 * np.cos(a)]
        signals = 5e3 * np.sin(a) * np.array(pair) / (1 - e1 * e2 * np.cos(a) ** 2)
        images = np.broadcast_to(signals, (3, 2, 2, 2)).astype(np.float32)
        said = [{"RepetitionTime": time, "FlipAngle": 45.0} for time in (0.02, 0.1)]
        save_series(root, "acq", "TB1AFI", images, said, folder="fmap", subject=subject)
    assert main(["fit", "b1-afi", str(root)]) == 0
    rows = table_of(root, "b1-afi_cohort")
    assert [row["median"] for row in rows] == pytest.approx(list(b1.values()), rel=1e-3)
    out = root / "derivatives" / "jaxqmri"
    assert json.loads((out / "b1-afi_cohort.json").read_text())["median"]["Units"] == "1"
    assert (out / "b1-afi_cohort.html").exists()


def test_page_links_quality_and_names_what_stands_out(tmp_path):
    root = tmp_path / "study"
    for k in range(1, 8):
        add_subject(root, f"{k:02d}", t2=60.0 if k == 5 else 40.0 + 0.1 * k)
    assert main(["fit", "t2", str(root)]) == 0
    page, out = page_of(root), root / "derivatives" / "jaxqmri"
    for k in range(1, 8):
        linked = f"sub-{k:02d}/anat/sub-{k:02d}_desc-quality_T2map.html"
        assert f'<a href="{linked}">sub-{k:02d}</a>' in page
        assert (out / linked).is_file()
    assert "from that of the cohort: sub-05." in page
    medians = [expected(root, f"{k:02d}")["median"] * 1e3 for k in range(1, 8)]
    for median in medians:
        assert f"<td>{median:.4g}</td>" in page
    assert f"{np.median(medians):.4g} ms" in page
    assert main(["fit", "t2", str(root), "--no-quality", "--overwrite"]) == 0
    assert not (out / "t2_cohort.html").exists()
    assert_row(table_of(root)[4], expected(root, "05"))


def test_subjects_of_other_sizes_share_one_program(tmp_path):
    root = tmp_path / "study"
    for k in range(1, 9):
        add_subject(root, f"{k:02d}", shape=(5 + k % 3, 5, 3 + k % 4))
    jax.clear_caches()
    with compiled() as programs:
        assert main(["fit", "t2", str(root), "--no-quality"]) == 0
    assert programs == ["jit(on_device)"]


def test_a_thousand_subjects(tmp_path, capfd):
    root = tmp_path / "study"
    for k in range(1, 1001):
        add_subject(root, f"{k:04d}", shape=(4 + k % 3, 4, 2), t2=39.0 + 2.0 * (k % 2))
    spoil(root, "0500")
    words = ["fit", "t2", str(root), "--no-quality"]
    jax.clear_caches()
    with compiled() as programs:
        assert main(words) == 2
    assert programs == ["jit(on_device)"]
    assert "cohort of 1,000 series, 1 failed" in capfd.readouterr().out
    rows = table_of(root)
    assert [row["participant_id"] for row in rows] == [f"sub-{k:04d}" for k in range(1, 1001)]
    assert [row["series"] for row in rows if row["state"] == "failed"] == ["sub-0500"]
    medians = np.array([row["median"] or np.nan for row in rows]) * 1e3
    assert np.nanmean(medians[1::2]) == pytest.approx(39.0, abs=0.2)
    assert np.nanmean(medians[::2]) == pytest.approx(41.0, abs=0.2)
    for k in (1, 499, 1000):
        assert_row(rows[k - 1], expected(root, f"{k:04d}"))
    assert main([*words, "--subject", "0007"]) == 0
    assert lasting(table_of(root)) == lasting(rows)
