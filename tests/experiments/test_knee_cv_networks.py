"""Networks of the knee experiment: folds, going on after a kill, settings, what is refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments import preparing
from experiments.knee_cv import experiment as knee_cv
from experiments.knee_cv.arms import splits_of
from experiments.knee_cv.results import Study
from experiments.knee_cv.settings import PRESETS
from jaxqmri.io import InputError, bids
from jaxqmri.io.nifti import read_image
from tests.experiments.small_study import TIMES, assert_same_results, write_study

pytest.importorskip("ants")

SMALL = ("--preset", "smoke", "--registration", "none", "--folds", "3", "--side-by-side", "2")
BOTH = ("--networks", "U-Net unmasked", "MLP")
UNTRAINED = ("--networks",)  # none of them
KILLED = """
import os, signal, sys
from jaxtyping import install_import_hook

install_import_hook("jaxqmri", "beartype.beartype")  # as the tests do: the same programs
from experiments import run
from experiments.knee_cv import experiment, networks
from jaxqmri import training

run.available_cores = lambda: int(os.environ["DEVICES"])
networks.SAVED_EVERY = 0.0
save, saved = training.Checkpoints.save, []

def save_and_die(self, step, state, record):
    save(self, step, state, record)
    saved.append(step)
    if len(saved) == 5:  # two checks a fold, two folds at a time: in the middle of the third
        os.kill(os.getpid(), signal.SIGKILL)

if os.environ["KILL"] == "yes":
    training.Checkpoints.save = save_and_die
sys.exit(experiment.main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(preparing, "available_cores", lambda: 1)
    monkeypatch.setenv("JAXQMRI_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    """One uninterrupted run."""
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "available_cores", lambda: 1)
        assert run(study, out, *BOTH) == 0
    return out


def run(study, out, *more):
    return knee_cv.main([*SMALL, "--data", str(study), "--out", str(out), *more])


def results(out):
    return json.loads((out / "metrics.json").read_text())["results"]


def row(out, model, metric, name="PD+50"):
    wanted = {"model": model, "metric": metric, "input": name, "region": "cartilage"}
    (found,) = [r for r in results(out) if all(r[k] == v for k, v in wanted.items())]
    return found["ours"]


def predicted(out, sub, model="MLP"):
    folder = out / "maps" / f"sub-{sub}" / "anat"
    return read_image(folder / f"sub-{sub}_desc-{model}PD+50_T1rho.nii.gz").data


def descriptions(out):
    """What every saved model says of itself, by its folder's name."""
    found = (out / "models").glob("*/description.json")
    return {path.parent.name: json.loads(path.read_text()) for path in found}


# going on after a kill


def test_killed_in_the_middle_of_a_training_and_started_again(study, finished, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-c", KILLED, *SMALL, *BOTH, "--data", str(study), "--out", str(out)]
    environment = {
        **os.environ,
        # as many as the uninterrupted run had: another number of devices is another program
        "DEVICES": str(jax.local_device_count()),
    }

    def session(kill):
        return subprocess.run(
            command, check=False, capture_output=True, text=True,
            cwd=Path(__file__).parents[2], env={**environment, "KILL": kill},
        )  # fmt: skip

    first = session("yes")
    assert first.returncode == -signal.SIGKILL, first.stderr
    names = [f"U-Net-unmasked_PD-50_fold-{fold}.json" for fold in (0, 1)]
    kept = out / "checkpoints" / "networks" / names[0]
    assert sorted(path.name for path in kept.parent.glob("*.json")) == names
    (halfway,) = (out / "checkpoints" / "trainings").glob("U-Net-unmasked_PD-50_fold-2/*/[0-9]*")
    assert halfway.name == "2"
    assert not (out / "metrics.json").exists()
    before = kept.stat().st_mtime_ns
    second = session("no")
    assert second.returncode == 0, second.stderr
    assert kept.stat().st_mtime_ns == before
    assert_same_results(results(out), results(finished))


# folds


def test_every_network_has_the_same_folds_and_each_subject_is_tested_once(finished):
    tested = {name: told["test_subjects"] for name, told in descriptions(finished).items()}
    assert len(tested) == 6
    for fold in range(3):
        own = {tuple(who) for name, who in tested.items() if name.endswith(f"fold-{fold}")}
        assert len(own) == 1
    for model in ("U-Net-unmasked", "MLP"):
        everyone = [sub for name, who in tested.items() if name.startswith(model) for sub in who]
        assert sorted(everyone) == ["01", "02", "03"]


def test_nothing_is_learnt_from_the_subject_that_is_tested(study, finished, tmp_path):
    """Another image at TSL 10 is another reference, and the same input at PD + 50."""
    people = Study.of(study, [{"sub": f"{k:02d}"} for k in (1, 2, 3)], [])
    splits = splits_of(people, replace(PRESETS["smoke"], folds=3), 0)
    sub = f"{splits[0].train[0] + 1:02d}"  # one that at least one fold is trained on
    root, out = tmp_path / "study", tmp_path / "run"
    shutil.copytree(study, root)
    series = bids.read_series(root, "T1rhow", {"sub": sub})
    series.images[..., 1] *= 0.8
    bids.write_series(
        root, {"sub": sub}, "T1rhow", series.images, series.affine, TIMES,
        {"SpinLockFrequency": 300.0},
    )  # fmt: skip
    assert run(root, out, *BOTH) == 0
    reference = [
        read_image(folder / "maps" / f"sub-{sub}" / "anat" / f"sub-{sub}_T1rho.nii.gz").data
        for folder in (finished, out)
    ]
    assert np.nanmean(np.abs(reference[1] - reference[0])) > 1e-3  # s
    for model in ("UNetunmasked", "MLP"):
        changed = [
            who
            for who in ("01", "02", "03")
            if not np.array_equal(
                predicted(out, who, model), predicted(finished, who, model), equal_nan=True
            )
        ]
        assert changed
        assert sub not in changed
    # what was learnt before the image changed is not passed off as learnt from it
    before = tmp_path / "before"
    shutil.copytree(finished, before)
    config = json.loads((before / "config.json").read_text())
    (before / "config.json").write_text(json.dumps({**config, "data": str(root)}))
    (before / "metrics.json").unlink()  # as if it had been stopped before the end
    assert run(root, before, *BOTH) == 0
    assert results(before) == results(out)


def people_of(count, **columns):
    entities = [{"sub": f"{k:02d}"} for k in range(count)]
    rows = [{key: values[k] for key, values in columns.items()} for k in range(count)]
    return Study(entities, [], rows, simulated=False)


def test_no_subject_is_in_two_parts_of_a_fold_and_folds_are_balanced():
    study = people_of(20, sex=["F", "M"] * 10, kl_grade=[0] * 10 + [2] * 10)
    splits = splits_of(study, replace(PRESETS["smoke"], folds=5), 0)
    np.testing.assert_array_equal(
        np.sort(np.concatenate([split.test for split in splits])), np.arange(20)
    )
    for split in splits:
        parts = [set(part.tolist()) for part in split]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 20
        assert parts[1]
        assert sum(study.participants[k]["sex"] == "F" for k in split.test) == 2
        assert sum(study.participants[k]["kl_grade"] == 2 for k in split.test) == 2


def test_a_fold_column_is_obeyed():
    given = [3, 1, 2, 3, 1, 2, 2]
    splits = splits_of(people_of(7, fold=given), replace(PRESETS["smoke"], folds=5), 0)
    assert [split.test.tolist() for split in splits] == [[1, 4], [2, 5, 6], [0, 3]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, 1, 1, 1], "leave none for training"),
        ([1, 2, None, 2], "participant_id sub-02 has no fold while others have one"),
    ],
)
def test_folds_that_make_no_sense_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        splits_of(people_of(4, fold=given), PRESETS["smoke"], 0)


@pytest.mark.parametrize(
    ("folds", "message"),
    [("5", "3 subjects cannot make 5 folds"), ("2", "leave none for training")],
)
def test_too_few_subjects_are_told_in_one_line(study, tmp_path, capsys, folds, message):
    assert run(study, tmp_path / "run", "--folds", folds) == 2
    assert f"--folds {folds}, --validation " in capsys.readouterr().err.splitlines()[-1]
    assert run(study, tmp_path / "run", "--folds", folds) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "run" / "metrics.json").exists()


# settings


def test_the_weight_of_the_physics(study, finished, tmp_path, capsys):
    """Zero leaves it out; a weight changes what is learnt, and nothing else."""
    assert run(study, finished, *BOTH, "--physics-weight", "0") == 0
    assert "complete" in capsys.readouterr().out
    out = tmp_path / "run"
    assert run(study, out, "--networks", "MLP", "--physics-weight", "10") == 0
    changed = [predicted(out, sub) - predicted(finished, sub) for sub in ("01", "02", "03")]
    assert np.nanmax(np.abs(changed)) > 1e-5  # s: the same weight changes nothing at all
    for model in ("NLLS", "constant", "median look-up"):
        assert row(out, model, "MAE") == row(finished, model, "MAE")


def test_a_simulated_ablation_is_refused_where_data_are_given(study, tmp_path, capsys):
    assert run(study, tmp_path / "run", "--ablation", "pd-gain-0.3") == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"--ablation pd-gain-0.3 changes the simulated study, and --data {study}" in message
    assert not (tmp_path / "run").exists()


def test_an_ablation_is_run_beside_the_experiment_and_joined(study, tmp_path, capsys):
    out = tmp_path / "runs" / "mine"
    assert run(study, out, *UNTRAINED, "--ablation", "scale-percentile") == 0
    scaled, joined = (out.with_name(f"mine-{end}") for end in ("scale-percentile", "ablations"))
    for folder, scaling in ((out, "scanner"), (scaled, "percentile")):
        settings = json.loads((folder / "config.json").read_text())["settings"]
        assert (settings["scaling"], settings["seeds"]) == (scaling, 1)
    assert results(scaled) == results(out)  # no network, nothing that is scaled
    assert "Ablation scale-percentile: scaling percentile" in (scaled / "tables.md").read_text()
    text = (joined / "tables.md").read_text("utf-8")
    assert "scale-muscle (not run)" in text
    assert "pd-gain" not in text.split("## Every claim")[0].split("## Runs")[1]  # data are given
    told = {(r["model"], r["input"], r["metric"]): r["ours"] for r in results(joined)}
    for metric in ("RPE", "RPE, scale-percentile"):
        assert told["NLLS", "PD+50", metric] == row(out, "NLLS", "RPE")
    before = (scaled / "metrics.json").stat().st_mtime_ns
    capsys.readouterr()
    assert run(study, out, *UNTRAINED, "--ablation", "scale-percentile") == 0
    assert capsys.readouterr().out.count("complete; --overwrite") == 2
    assert (scaled / "metrics.json").stat().st_mtime_ns == before


def test_scaling_by_muscle_that_nobody_drew_is_one_line(study, tmp_path, capsys):
    assert run(study, tmp_path / "run", "--scaling", "reference-tissue") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "sub-01" in message
    assert "muscle" in message


def test_incomplete_subjects_are_named_and_left_out_if_told_to(tmp_path, capsys):
    root = write_study(tmp_path / "study", 5)
    (pd,) = (root / "sub-02").glob("anat/*_PDw.nii.gz")
    pd.unlink()
    shutil.rmtree(root / "derivatives" / "manual" / "sub-04")
    assert run(root, tmp_path / "refused", *UNTRAINED) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "sub-02: " in message
    assert "no PDw image" in message
    assert "--skip-incomplete" in message
    assert not (tmp_path / "refused" / "metrics.json").exists()
    out = tmp_path / "run"
    assert run(root, out, *UNTRAINED, "--skip-incomplete") == 0
    told = capsys.readouterr().out
    assert "left out: sub-02: " in told
    assert "left out: sub-04: " in told
    assert sorted(path.name for path in (out / "maps").glob("sub-*")) == [
        "sub-01", "sub-03", "sub-05",
    ]  # fmt: skip
    counts = {
        r["n"]
        for r in results(out)
        if (r["model"], r["metric"], r["region"]) == ("NLLS", "MAE", "cartilage")
    }
    assert counts == {3}
