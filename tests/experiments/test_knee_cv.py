"""The knee T1rho experiment on a small study: its numbers, its files, and going on after a stop."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments import preparing
from experiments.knee_cv import cohort, subjects
from experiments.knee_cv import experiment as knee_cv
from experiments.knee_cv.paper import INPUTS, PARTICIPANTS, TABLE_4
from experiments.knee_cv.subjects import Subject, Task
from jaxqmri.io import bids
from jaxqmri.io.nifti import read_image, write_image
from tests.experiments.small_study import (
    AFFINE,
    CONTRAST,
    PD_GAIN,
    SHAPE,
    assert_same_results,
    write_study,
)
from tests.preprocessing.knee_like import sample

pytest.importorskip("ants")

KEYS = {
    "model", "input", "region", "visit", "metric", "unit",
    "n", "ours", "ours_sd", "low", "high", "paper", "paper_sd",
}  # fmt: skip


EMPTY = Subject(*(np.zeros(0) for _ in Subject._fields))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def one_process(monkeypatch, tmp_path):
    monkeypatch.setattr(preparing, "available_cores", lambda: 1)
    monkeypatch.setenv("JAXQMRI_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    """One uninterrupted run."""
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "available_cores", lambda: 1)
        patch.setenv("JAXQMRI_CACHE", str(out.parent / "cache"))
        assert run(study, out) == 0
    return out


@pytest.fixture(scope="module")
def untrained(study, tmp_path_factory):
    """One uninterrupted run of all that needs no training."""
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "available_cores", lambda: 1)
        patch.setenv("JAXQMRI_CACHE", str(out.parent / "cache"))
        assert run(study, out, *UNTRAINED) == 0
    return out


PATIENCE = 600  # seconds after which a process that others keep from working counts as hung
FOLDS = ("--folds", "3")  # two would leave one of three subjects to train and to watch
UNTRAINED = ("--networks",)  # none of them


def run(study, out, *more):
    return knee_cv.main(
        ["--preset", "smoke", "--data", str(study), "--out", str(out), *FOLDS, *more]
    )


def metrics(out):
    return json.loads((Path(out) / "metrics.json").read_text())


def row(out, **wanted):
    found = [
        r for r in metrics(out)["results"] if all(r[key] == value for key, value in wanted.items())
    ]
    assert len(found) == 1, f"{len(found)} rows for {wanted}"
    return found[0]


def test_files_and_schema(finished):
    for name in ("config.json", "metrics.json", "tables.md", "report.html"):
        assert (finished / name).stat().st_size > 0
    for name in ("figures", "maps", "checkpoints"):
        assert (finished / name).is_dir()
    content = metrics(finished)
    assert set(content) == {"experiment", "preset", "seconds", "results"}
    assert (content["experiment"], content["preset"]) == ("knee_cv", "smoke")
    assert content["seconds"] > 0
    assert all(set(entry) == KEYS for entry in content["results"])
    names = [tuple(r[k] for k in ("model", "input", "region", "metric", "unit"))
             for r in content["results"]]  # fmt: skip
    assert len(set(names)) == len(names)
    config = json.loads((finished / "config.json").read_text())
    assert {"settings", "seed", "versions", "device", "host"} <= set(config)


def test_every_number_the_paper_prints_has_a_row(finished):
    for model, table in TABLE_4.items():
        for metric, entries in table.items():
            for name in INPUTS:
                found = row(finished, model=model, input=name, region="cartilage", metric=metric)
                assert (found["paper"], found["paper_sd"]) == entries[name]
                assert (found["ours"] is None) == (model != "NLLS" and name != "PD+50")
    for (group, metric, unit), paper in PARTICIPANTS.items():
        found = row(finished, model="participants", input=group, metric=metric, unit=unit)
        assert found["paper"] == paper.mean
    assert row(finished, metric="mean T1rho", region="cartilage")["paper"] == 45.36
    assert row(finished, metric="SSIM")["paper"] == 0.97


def test_numbers_are_those_of_the_maps_on_disk(finished, study):
    """Every measure again, from the files alone, in plain NumPy."""
    for region, chosen in (("cartilage", (1, 2, 3, 4)), ("femoral", (1,)), ("patellar", (4,))):
        references, found = [], []
        for who in ("01", "02", "03"):
            labels = bids.read_labels(study, "manual", {"sub": who}).data
            folder = finished / "maps" / f"sub-{who}" / "anat"
            inside = np.isin(labels, chosen)
            reference = 1e3 * read_image(folder / f"sub-{who}_T1rho.nii.gz").data
            two_point = 1e3 * read_image(folder / f"sub-{who}_desc-PD+30_T1rho.nii.gz").data
            assert np.isnan(reference[labels == 0]).all()
            references.append(reference[inside].astype(float))
            found.append(two_point[inside].astype(float))
        pairs = list(zip(references, found, strict=True))
        expected = {
            "Bias": [p.mean() - y.mean() for y, p in pairs],
            "MAE": [np.abs(y - p).mean() for y, p in pairs],
            "MAPE": [100 * np.mean(np.abs(y - p) / y) for y, p in pairs],
            "MAPE of prediction": [100 * np.mean(np.abs(y - p) / p) for y, p in pairs],
            "RE": [abs(p.mean() - y.mean()) for y, p in pairs],
            "RPE": [100 * abs(p.mean() - y.mean()) / y.mean() for y, p in pairs],
            "RPE of prediction": [100 * abs(p.mean() - y.mean()) / p.mean() for y, p in pairs],
        }
        for metric, values in expected.items():
            ours = row(finished, model="NLLS", input="PD+30", region=region, metric=metric)
            assert ours["n"] == 3
            np.testing.assert_allclose(ours["ours"], np.mean(values), rtol=1e-4)
            np.testing.assert_allclose(ours["ours_sd"], np.std(values, ddof=1), rtol=1e-3)
            assert ours["low"] <= ours["ours"] <= ours["high"]
        percent = row(finished, model="NLLS", input="PD+30", region=region, metric="% Bias")
        pooled = np.mean([y.mean() for y in references])
        np.testing.assert_allclose(
            percent["ours"], 100 * np.mean(expected["Bias"]) / pooled, rtol=1e-4
        )


def test_two_points_have_a_closed_form(finished):
    """Where it lies inside the bounds, the fit to two samples is the ratio's logarithm."""
    kept = np.load(finished / "checkpoints" / "subjects" / "sub-02.npz")
    with np.errstate(all="ignore"):
        exact = 50.0 / np.log(kept["spin_lock"][:, 0] / kept["spin_lock"][:, 3])
    folder = finished / "maps" / "sub-02" / "anat"
    fitted = 1e3 * read_image(folder / "sub-02_desc-0+50_T1rho.nii.gz").data.flat[kept["position"]]
    inside = (exact > 1) & (exact < 100)
    assert inside.mean() > 0.9
    np.testing.assert_allclose(fitted[inside], exact[inside], rtol=2e-3)
    np.testing.assert_allclose(fitted[(exact > 100.01) | (exact < 0)], 100.0, rtol=1e-5)


def test_what_a_darker_pd_image_does_to_the_fit(finished):
    """ln(gain) is missing from the decay: far too long, and less so for longer spin locks."""
    bias = [
        row(finished, model="NLLS", input=name, region="cartilage", metric="Bias")["ours"]
        for name in INPUTS
    ]
    assert bias[0] > bias[1] > bias[2] > 5
    assert abs(bias[5]) < 1


def test_pd_is_in_scanner_units_on_the_other_grid(finished):
    muscle = np.abs(sample(SHAPE, AFFINE, CONTRAST).data - CONTRAST[3]) < 1  # away from edges
    for who in ("01", "02", "03"):
        name = f"sub-{who}_desc-registered_PDw.nii.gz"
        pd = read_image(finished / "maps" / f"sub-{who}" / "anat" / name).data[muscle]
        assert np.median(pd) == pytest.approx(PD_GAIN * CONTRAST[3], rel=0.03)


def test_registration_is_recorded_and_helps(finished):
    before = row(finished, metric="SSIM before registration")["ours"]
    assert row(finished, metric="SSIM")["ours"] > before + 0.02
    assert row(finished, metric="shift found")["ours"] == pytest.approx(1.87, abs=0.4)
    registered = finished / "maps" / "sub-01" / "anat" / "sub-01_desc-registered_PDw.nii.gz"
    assert read_image(registered).data.shape == (14, 40, 40)


def test_the_page_and_tables_say_that_the_data_are_simulated(finished):
    for name in ("tables.md", "report.html"):
        text = (finished / name).read_text("utf-8")
        assert "Simulated data: 3 digital knees" in text
        assert "claim nothing" in text
        assert "not run" in text


def test_a_run_that_was_stopped_goes_on_to_the_same_numbers(
    study, untrained, tmp_path, monkeypatch, one_process
):
    real, prepared = cohort.prepare, []

    def stopped_at_the_third(task):
        if len(prepared) == 2:
            raise KeyboardInterrupt
        prepared.append(task.entities["sub"])
        return real(task)

    out = tmp_path / "run"
    monkeypatch.setattr(cohort, "prepare", stopped_at_the_third)
    assert run(study, out, *UNTRAINED) == 130
    assert not (out / "metrics.json").exists()
    kept = (out / "checkpoints" / "subjects" / "sub-01.npz").stat().st_mtime_ns
    monkeypatch.setattr(cohort, "prepare", real)
    assert run(study, out, *UNTRAINED) == 0
    assert (out / "checkpoints" / "subjects" / "sub-01.npz").stat().st_mtime_ns == kept
    assert metrics(out)["results"] == metrics(untrained)["results"]


def test_a_killed_process_leaves_what_the_same_command_completes(study, untrained, tmp_path):
    out = tmp_path / "run"
    command = [
        sys.executable, "-m", "experiments.knee_cv",
        "--preset", "smoke", "--data", str(study), "--out", str(out), *FOLDS, *UNTRAINED,
    ]  # fmt: skip
    environment = {**os.environ, "JAXQMRI_CACHE": str(tmp_path / "cache")}
    root = Path(__file__).parents[2]
    first = subprocess.Popen(
        command, cwd=root, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + PATIENCE
    while not list(out.glob("checkpoints/subjects/*.npz")) and first.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert not (out / "metrics.json").exists()
    done = subprocess.run(
        command, check=False, cwd=root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert_same_results(metrics(out)["results"], metrics(untrained)["results"])


def test_a_complete_run_is_not_repeated(finished, study, capsys, one_process):
    before = (finished / "metrics.json").stat().st_mtime_ns
    assert run(study, finished) == 0
    assert (finished / "metrics.json").stat().st_mtime_ns == before
    assert "complete" in capsys.readouterr().out


def test_changed_regions_are_no_complete_run(untrained, study, tmp_path, capsys, one_process):
    root, out = tmp_path / "study", tmp_path / "run"
    shutil.copytree(study, root)
    shutil.copytree(untrained, out)
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps({**config, "data": str(root)}))
    assert run(root, out, *UNTRAINED) == 0
    capsys.readouterr()
    labels = bids.read_labels(root, "manual", {"sub": "02"})
    labels.data[labels.data == 4] = 0
    write_image(labels.path, labels.data, labels.affine)
    assert run(root, out, *UNTRAINED) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"{out}: made before the files of sub-02 in {root} changed" in message
    (out / "metrics.json").unlink()  # as if it had been stopped before the end
    assert run(root, out, *UNTRAINED) == 0
    assert metrics(out)["results"] != metrics(untrained)["results"]


@pytest.mark.parametrize(
    "name",
    [
        "sub-01/anat/sub-01_tsl-2_T1rhow.nii.gz",
        "sub-01/anat/sub-01_PDw.nii.gz",
        "T1rhow.json",
        "derivatives/manual/sub-01/anat/sub-01_dseg.nii.gz",
        "derivatives/truth/sub-01/anat/sub-01_T1rho.nii.gz",
    ],
)
def test_a_subject_is_made_again_when_a_file_has_changed(study, tmp_path, name):
    root = tmp_path / "study"
    shutil.copytree(study, root)
    task = Task(root, {"sub": "01"}, tmp_path / "kept.npz", tmp_path / "pd.nii.gz", tmp_path, True)
    path = root / name
    if not path.exists():
        path.write_text("{}")
    subjects.write(task.kept, EMPTY, subjects._sources(task))
    shutil.copytree(root, tmp_path / "copy")  # the same files elsewhere, at another time
    assert not subjects.has_changed(task)
    assert not subjects.has_changed(replace(task, data=tmp_path / "copy"))
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert subjects.has_changed(task)


def test_every_stage_of_registration_is_another_subject(study, tmp_path):
    stages = ("none", "rigid", "affine", "deformable")
    tasks = [
        Task(study, {"sub": "01"}, tmp_path / "kept.npz", tmp_path / "pd.nii.gz", tmp_path, True, s)
        for s in stages
    ]
    assert len({subjects._sources(task) for task in tasks}) == len(stages)
    left = subjects.read(subjects.prepare(tasks[0]))
    assert left is not None
    assert left.similarity[0] == left.similarity[1]
    np.testing.assert_array_equal(left.motion, [0, 0])
    found = subjects.read(subjects.prepare(tasks[3]))
    assert found is not None
    assert found.similarity[0] == left.similarity[0]
    assert found.similarity[1] > found.similarity[0] + 0.02


def test_a_prepared_subject_keeps_what_muscle_shows_of_the_gain(study, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(study, root)
    muscle = np.abs(sample(SHAPE, AFFINE, CONTRAST).data - CONTRAST[3]) < 1  # away from edges
    bids.write_map(
        root, "manual", {"sub": "01"}, "mask", muscle.astype(np.uint8), AFFINE, {"Units": ""},
        desc="muscle",
    )  # fmt: skip
    shown = []
    for who in ("01", "02"):
        task = Task(
            root, {"sub": who}, tmp_path / f"{who}.npz", tmp_path / f"{who}.nii.gz", tmp_path,
            True, "none",
        )  # fmt: skip
        shown.append(subjects.read(subjects.prepare(task)).muscle)
    # a decay of about 45 ms is simulated in all tissues
    np.testing.assert_allclose(shown[0], np.log(PD_GAIN) + np.array([10, 30, 50]) / 45, atol=0.05)
    assert np.isnan(shown[1]).all()


def test_other_settings_are_refused_the_folder(finished, study, capsys, one_process):
    assert run(study, finished, "--seed", "3") == 2
    message = capsys.readouterr().err
    assert "other settings (seed: 0 there, 3 now)" in message
    assert message.count("\n") == 1
    assert run(study, finished, "--t1rho-bounds", "1", "90") == 2
    assert "t1rho_bounds" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (shutil.rmtree, "no such folder"),
        (lambda root: shutil.rmtree(root / "derivatives" / "manual"), "no dseg image"),
        (lambda root: [p.unlink() for p in root.glob("sub-01/anat/*_tsl-4_*")], "spin-lock time"),
        (lambda root: [p.unlink() for p in root.glob("sub-01/anat/*_PDw.nii.gz")], "no PDw image"),
    ],
)
def test_bad_data_is_one_line_and_no_results(study, tmp_path, capsys, one_process, spoil, message):
    root, out = tmp_path / "study", tmp_path / "run"
    shutil.copytree(study, root)
    spoil(root)
    assert run(root, out) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in error
    assert not (out / "metrics.json").exists()


def test_a_subject_twice_is_refused(study, tmp_path, capsys, one_process):
    root = tmp_path / "study"
    shutil.copytree(study, root)
    series = bids.read_series(root, "T1rhow", {"sub": "01"})
    bids.write_series(
        root, {"sub": "01", "ses": "2"}, "T1rhow", series.images, series.affine, series.times, {}
    )
    assert run(root, tmp_path / "run") == 2
    assert "sub-01 has more than one T1rhow series" in capsys.readouterr().err


def test_real_data_have_no_truth_and_are_not_called_simulated(study, tmp_path, one_process):
    root, out = tmp_path / "study", tmp_path / "run"
    shutil.copytree(study, root)
    shutil.rmtree(root / "derivatives" / "truth")
    (root / "participants.tsv").unlink()
    assert run(root, out, *UNTRAINED) == 0
    assert not any("truth" in r["metric"] for r in metrics(out)["results"])
    assert "imulated" not in (out / "tables.md").read_text("utf-8")
    assert row(out, model="participants", input="OA", metric="age")["ours"] is None
