"""The liver experiment on a few small patients: its numbers, its files, going on after a stop."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from experiments.liver_uncertainty import experiment, paper
from experiments.liver_uncertainty.doubt import NLL_GAIN
from experiments.liver_uncertainty.methods import CALIBRATED, LEARNED
from jaxqmri.io import bids
from jaxqmri.io.nifti import read_image
from tests.experiments.small_study import assert_same_results

TIMES = (0.0, 10.0, 30.0, 50.0)
SHAPE = (32, 32, 2)
AFFINE = np.diag([4.0, 4.0, 10.0, 1.0])
LIVER = (slice(6, 26), slice(6, 26), slice(None))
ROI = (slice(8, 24), slice(8, 24), slice(None))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Nine patients whose decay has a short component, so that two and four points differ."""
    root = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    bids.write_dataset_description(root, "Small synthetic study")
    for k in range(9):
        entities = {"sub": f"{k + 1:02d}"}
        t1rho = np.full(SHAPE, 30.0)
        t1rho[LIVER] = 40 + k % 3 + 2 * rng.standard_normal((20, 20, 2))
        decay = 0.85 * np.exp(-np.array(TIMES) / t1rho[..., None]) + 0.15 * np.exp(
            -np.array(TIMES) / 10
        )
        images = 500 * decay + 8 * rng.standard_normal((*SHAPE, 4))
        labels = np.zeros(SHAPE, np.uint8)
        labels[LIVER], labels[ROI] = 2, 1
        bids.write_series(
            root, entities, "T1rhow", np.abs(images), AFFINE, TIMES, {"SpinLockFrequency": 400.0}
        )
        bids.write_map(root, "manual", entities, "dseg", labels, AFFINE, {"Units": ""})
    people = [
        {"participant_id": f"sub-{k + 1:02d}", "sex": "MF"[k % 2], "stage": f"F{k % 3}"}
        for k in range(9)
    ]
    bids.write_participants(root, people, {})
    return root


def run(study, out, *more):
    return experiment.main(["--preset", "smoke", "--data", str(study), "--out", str(out), *more])


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    assert run(study, out, "--trained-folds", "3") == 0
    return out


def rows(out):
    return json.loads((Path(out) / "metrics.json").read_text())["results"]


def value(out, model, metric):
    (found,) = [r for r in rows(out) if (r["model"], r["metric"]) == (model, metric)]
    return found


@pytest.mark.exhaustive
def test_files(finished):
    for name in ("config.json", "metrics.json", "tables.md", "report.html"):
        assert (finished / name).stat().st_size > 0
    drawn = {path.stem for path in (finished / "figures").glob("*.png")}
    assert {"maps", "reliability", "sparsification", "coverage", "refinement", "learning"} <= drawn
    names = [(r["model"], r["input"], r["metric"]) for r in rows(finished)]
    assert len(set(names)) == len(names)


@pytest.mark.exhaustive
def test_numbers_the_paper_prints_have_rows(finished):
    for name, printed in paper.RMRE.items():
        found = value(finished, name, "RMRE")
        assert (found["paper"], found["paper_sd"]) == printed
        assert (found["ours"] is None) == (name == paper.BM3D)  # the preset does not denoise


@pytest.mark.exhaustive
def test_errors_are_those_of_the_maps_on_disk(finished, study):
    for name in (paper.COARSE, CALIBRATED, paper.LBRU):
        words = name.title().replace(" ", "")
        errors = []
        for who in (f"{k + 1:02d}" for k in range(9)):
            drawn = bids.read_labels(study, "manual", {"sub": who}).data == 1
            folder = finished / "maps" / f"sub-{who}" / "anat"
            target, found = (
                1e3 * read_image(folder / f"sub-{who}{desc}_T1rho.nii.gz").data
                for desc in ("", f"_desc-{words}")
            )
            for z in range(SHAPE[2]):
                y, p = (v[..., z][drawn[..., z]].astype(float) for v in (target, found))
                errors.append(np.mean(np.abs(p - y) / y))
        assert value(finished, name, "RMRE")["ours"] == pytest.approx(100 * np.mean(errors), 1e-4)


@pytest.mark.exhaustive
def test_three_numbers_take_the_systematic_difference_away(finished):
    coarse, parabola = (value(finished, name, "pixel bias") for name in (paper.COARSE, CALIBRATED))
    assert coarse["ours"] > 0.5
    assert abs(parabola["ours"]) < 0.3
    assert (
        value(finished, CALIBRATED, "RMRE")["ours"] < value(finished, paper.COARSE, "RMRE")["ours"]
    )


@pytest.mark.exhaustive
def test_every_network_is_there_and_says_that_it_is_short(finished):
    for name in LEARNED:
        assert np.isfinite(value(finished, name, "RMRE")["ours"])
    assert value(finished, paper.LBRU, NLL_GAIN)["ours"] is not None
    text = (finished / "tables.md").read_text("utf-8")
    assert "short of its plateau" in text
    assert "claims nothing" in text


@pytest.mark.exhaustive
def test_a_run_that_lost_its_end_goes_on_to_the_same_numbers(finished, study, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    (out / "metrics.json").unlink()
    for name in ("LBMC", "LBUDR"):
        for path in (out / "checkpoints" / "networks").glob(f"{name}_fold-1*"):
            path.unlink()
    assert run(study, out, "--trained-folds", "3") == 0
    assert_same_results(rows(out), rows(finished))


def test_a_complete_run_is_not_passed_off_as_one_of_changed_data(study, tmp_path, capsys):
    copy, out = tmp_path / "study", tmp_path / "run"
    shutil.copytree(study, copy)
    assert run(copy, out, "--methods") == 0
    assert run(copy, out, "--methods") == 0
    people = copy / "participants.tsv"
    people.write_text(people.read_text("utf-8").replace("F2", "F1"), "utf-8")
    capsys.readouterr()
    assert run(copy, out, "--methods") == 2
    assert "changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--trained-folds", "4"), "expected 1 to 3"),
        (("--seeds", "0"), "--seeds 0"),
        (("--methods", "LBUDR"), "without LBRU"),
        (("--ablation", "no-short-component"), "not simulated by this run"),
        (("--folds", "10"), "--folds 10"),
        (("--validation", "0"), "--validation 0"),
        (("--size", "20", "--features", "4", "8", "16", "32"), "multiples of 8"),
        (("--size", "64"), "patches that fit"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(study, tmp_path, capsys, more, words):
    assert run(study, tmp_path / "out", *more) == 2
    told = capsys.readouterr().err.strip()
    assert words in told
    assert "\n" not in told


def test_a_patient_without_a_region_is_named(study, tmp_path, capsys):
    copy = tmp_path / "study"
    shutil.copytree(study, copy)
    next((copy / "derivatives" / "manual" / "sub-04").rglob("*dseg.nii.gz")).unlink()
    assert run(copy, tmp_path / "out", "--methods") == 2
    assert "sub-04" in capsys.readouterr().err
    assert run(copy, tmp_path / "out2", "--methods", "--skip-incomplete") == 0
    assert value(tmp_path / "out2", paper.COARSE, "RMRE")["n"] == 8


@pytest.mark.parametrize(
    ("old", "new", "words"), [("F2", "mild", "mild"), ("sub-09", "sub-99", "sub-99")]
)
def test_a_table_that_cannot_be_read_is_named(study, tmp_path, capsys, old, new, words):
    copy = tmp_path / "study"
    shutil.copytree(study, copy)
    people = copy / "participants.tsv"
    people.write_text(people.read_text("utf-8").replace(old, new), "utf-8")
    assert run(copy, tmp_path / "out", "--methods") == 2
    told = capsys.readouterr().err.strip()
    assert words in told
    assert "\n" not in told
