"""The knee UTE experiment on a few small subjects: its numbers, its files, its refusals."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from flax import nnx

from experiments import preparing
from experiments.knee_rmq import estimates, experiment, paper
from experiments.knee_rmq.estimates import NETWORK, PRIOR_FIT, REFERENCE, Estimates
from experiments.knee_rmq.inputs import given_of, whitening
from experiments.knee_rmq.metrics import DICE, L1, LONG_BIAS, MEAN, SHORT_BIAS, VOXEL_R, of
from experiments.knee_rmq.networks import dilate
from experiments.knee_rmq.regression import regress
from experiments.knee_rmq.results import PRINTED, compression_rows
from jaxqmri import networks, training
from jaxqmri.io import bids
from jaxqmri.io.nifti import read_image
from tests.experiments.small_study import assert_same_results
from tests.experiments.small_ute_study import write_study

SMALL = (
    "--preset", "smoke", "--registration", "none", "--parts", "3", "--validation", "2",
    "--size", "16", "--smoothing", "0",
)  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(autouse=True)
def one_process(monkeypatch, tmp_path):
    monkeypatch.setattr(preparing, "available_cores", lambda: 1)
    monkeypatch.setenv("JAXQMRI_CACHE", str(tmp_path / "cache"))


def run(study, out, *more):
    return experiment.main([*SMALL, "--data", str(study), "--out", str(out), *more])


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "available_cores", lambda: 1)
        assert run(study, out) == 0
    return out


def rows(out):
    return json.loads((Path(out) / "metrics.json").read_text())["results"]


def value(out, model, name, metric):
    (found,) = [
        r
        for r in rows(out)
        if (r["model"], r["input"], r["metric"], r["region"]) == (model, name, metric, "cartilage")
    ]
    return found


@pytest.mark.exhaustive
def test_files(finished):
    for name in ("config.json", "metrics.json", "tables.md", "report.html"):
        assert (finished / name).stat().st_size > 0
    drawn = {path.stem for path in (finished / "figures").glob("*.png")}
    assert {"images", "maps", "cartilage", "slices_T1", "voxels_T1rho", "learning"} <= drawn
    names = [(r["model"], r["input"], r["region"], r["metric"]) for r in rows(finished)]
    assert len(set(names)) == len(names)
    assert "claims nothing" in (finished / "tables.md").read_text("utf-8")


@pytest.mark.exhaustive
def test_numbers_the_paper_prints_have_rows(finished):
    for metric, (_, table) in PRINTED.items():
        for (name, quantity), printed in table.items():
            found = value(finished, NETWORK, name, of(metric, quantity))
            assert (found["paper"], found["paper_sd"]) == printed


@pytest.mark.exhaustive
def test_the_reference_is_what_the_images_were_made_with(finished):
    t1, t1rho = (
        value(finished, REFERENCE, paper.WHOLE, of(MEAN, name))["ours"] for name in paper.QUANTITIES
    )
    assert t1 == pytest.approx(1000, rel=0.01)
    assert t1rho == pytest.approx(39, rel=0.02)


@pytest.mark.exhaustive
def test_a_fit_with_priors_is_near_where_nothing_hides_the_gain(finished):
    errors = {name: value(finished, PRIOR_FIT, name, of(L1, paper.T1)) for name in
              (paper.WHOLE, "1FA+1TSL")}  # fmt: skip
    assert errors[paper.WHOLE]["ours"] < 40
    assert errors[paper.WHOLE]["ours"] < errors["1FA+1TSL"]["ours"]


@pytest.mark.exhaustive
def test_errors_are_those_of_the_maps_on_disk(finished, study):
    folder, errors = finished / "maps", []
    for who in (path.name for path in folder.glob("sub-*")):
        maps = [
            1e3 * read_image(folder / who / "anat" / f"{who}_desc-{words}_T1map.nii.gz").data
            for words in ("FittedToAllImages", "RmqNet1Fa1Tsl")
        ]
        drawn = bids.read_labels(study, "manual", {"sub": who.removeprefix("sub-")}).data == 1
        known = drawn & np.isfinite(maps[0])
        for z in range(known.shape[2]):
            errors.append(np.abs(maps[1] - maps[0])[..., z][known[..., z]].mean())
    found = value(finished, NETWORK, "1FA+1TSL", of(L1, paper.T1))
    assert found["n"] == len(errors)
    assert found["ours"] == pytest.approx(np.mean(errors), rel=1e-3)


@pytest.mark.exhaustive
def test_a_kept_network_takes_the_images_it_was_given_alone(finished, study):
    (folder,) = (finished / "models").glob("1FA+1TSL*")
    network, about = training.load_model(folder, networks.build)
    assert (about["flip_angles"], about["spin_lock_times"]) == ([20.0], [48.0])
    who = about["test_subjects"][0]
    images = [
        read_image(study / who / "anat" / f"{who}_{name}.nii.gz").data
        for name in ("flip-3_VFA", "acq-adiab_tsl-5_T1rhow")
    ]
    signals = np.moveaxis(np.stack(images, axis=-1), 2, 0) / about["signal_unit"]
    told = about["input"]
    logs = np.log(np.maximum(signals, told["logarithm_of_at_least"])) - np.array(told["minus"])
    given = np.clip(logs @ np.array(told["times"]), -told["clipped_at"], told["clipped_at"])
    found = nnx.jit(lambda network, images: network(images).maps)(
        network, jax.numpy.array(given, "float32")
    )
    folder = finished / "maps" / who / "anat"
    kept = 1e3 * read_image(folder / f"{who}_desc-RmqNet1Fa1Tsl_T1map.nii.gz").data
    t1 = np.asarray(found)[..., 1] * about["output_units"][1]
    np.testing.assert_allclose(t1, np.moveaxis(kept, 2, 0), rtol=1e-3)


def test_whitened_images_are_unrelated_and_the_others_zero():
    rng = np.random.default_rng(0)
    amplitude = np.exp(0.3 * rng.normal(size=(20_000, 1)))
    decays = np.exp(-np.arange(1.0, 5.0) * (0.3 + 0.05 * rng.normal(size=(20_000, 1))))
    signals = amplitude * decays
    chosen = np.array([0, 2])
    by = whitening(signals, chosen)
    given = np.asarray(given_of(jax.numpy.asarray(signals, "float32"), by))
    np.testing.assert_array_equal(given[:, [1, 3]], 0.0)
    covariance = np.cov(given[:, chosen], rowvar=False)
    np.testing.assert_allclose(covariance, np.eye(2), atol=0.03)
    np.testing.assert_allclose(given.mean(axis=0), 0.0, atol=0.02)
    # twice the signal moves every logarithm alike: what tells of decay stays
    louder = np.asarray(given_of(jax.numpy.asarray(2 * signals, "float32"), by)) - given
    np.testing.assert_allclose(louder, np.broadcast_to(louder[0], louder.shape), atol=1e-3)
    air = given_of(jax.numpy.zeros((1, 4)), by)
    assert np.isfinite(air).all()


def test_maps_count_a_margin_beyond_what_was_drawn_in_its_slice_alone():
    drawn = np.zeros((3, 9, 9), bool)
    drawn[1, 4, 4] = True
    assert dilate(drawn, 0) is drawn
    near = dilate(drawn, 2)
    away = np.hypot(*(np.indices((9, 9)) - 4))
    np.testing.assert_array_equal(near[1], away <= 2)
    assert not near[[0, 2]].any()


def test_what_predicts_near_the_mean_is_long_where_maps_are_short():
    rng = np.random.default_rng(4)
    maps = 40 + 8 * rng.standard_normal((6, 5, 5, 4))
    inside = np.ones((6, 5, 5), bool)
    regions, owner = np.stack([inside, inside], axis=-1), np.repeat([0, 1, 2], 2)
    test = estimates.Test(maps, maps, inside, inside, regions, owner, np.arange(3))
    shrunk = 40 + 0.5 * (maps - 40)
    found = {
        (one.metric, one.model): one.ours
        for one in compression_rows(
            test, {("half", "x"): Estimates(shrunk[None]), ("whole", "x"): Estimates(maps[None])}, 0
        )
    }
    values = maps[..., 3]
    low, high = np.percentile(values, [100 / 3, 200 / 3])
    for metric, ends in ((SHORT_BIAS, values <= low), (LONG_BIAS, values >= high)):
        expected = np.mean(-0.5 * (values[ends] - 40))
        assert found[of(metric, "T1rho"), "half"] == pytest.approx(expected)
        assert found[of(metric, "T1rho"), "whole"] == pytest.approx(0.0, abs=1e-9)


def test_a_regression_finds_what_is_a_quadratic_of_the_logarithms():
    """Signals whose logarithms hold T1 and T1rho exactly, whatever the amplitude."""
    rng = np.random.default_rng(1)
    shape = (6, 8, 8)
    t1, t1rho = rng.uniform(0.8, 1.2, shape), rng.uniform(0.8, 1.2, shape)
    m0 = rng.uniform(0.9, 1.1, shape)
    logs = np.zeros((*shape, 11))
    logs[..., 0], logs[..., 2], logs[..., 8] = np.log(m0), t1, t1rho
    maps = np.stack([m0, 1000 * t1, t1, 40 * t1rho * t1], axis=-1)
    everywhere = np.ones(shape, bool)
    study = SimpleNamespace(
        images=np.exp(logs), cartilage=everywhere, slices_of=lambda subjects: subjects
    )
    reference = SimpleNamespace(maps=maps, known=everywhere)
    split = training.Split(np.arange(4), np.array([4]), np.array([5]))
    found = regress(study, reference, split, "1FA+1TSL")[0]
    np.testing.assert_allclose(found[..., 1:], maps[5][..., 1:], rtol=2e-3)
    assert np.corrcoef(found[..., 0].ravel(), m0[5].ravel())[0, 1] < 0.5  # no image holds it


@pytest.mark.exhaustive
def test_goes_on_where_it_stopped(finished, study, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    for name in ("metrics.json", "report.html", "tables.md"):
        (out / name).unlink()
    kept = sorted((out / "checkpoints" / "networks").glob("1FA*"))
    for path in kept:
        path.unlink()
    assert kept
    assert run(study, out) == 0
    assert_same_results(rows(out), rows(finished))


@pytest.mark.exhaustive
def test_a_second_run_says_that_it_is_complete(finished, study, capsys):
    assert run(study, finished) == 0
    assert "complete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--physics", "-1"), "--physics"),
        (("--smoothing", "-2"), "--smoothing"),
        (("--inputs", "1FA+1TSL", "1FA+1TSL"), "named twice"),
        (("--size", "64"), "patches of 64"),
        (("--test-parts", "3"), "--test-parts 3"),
        (("--parts", "1"), "--parts 1"),
        (("--physics-inputs", "2FA+3TSL"), "--physics-inputs"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(study, tmp_path, capsys, arguments, told):
    assert run(study, tmp_path / "run", *arguments) == 2
    assert told in capsys.readouterr().err


def without(study, root, pattern):
    shutil.copytree(study, root)
    (path,) = root.glob(pattern)
    path.unlink()
    return path


def changed(root, pattern, field, number):
    for path in root.glob(pattern):
        sidecar = json.loads(path.read_text())
        sidecar[field] = number
        path.write_text(json.dumps(sidecar))


def test_incomplete_subjects_are_named_or_left_out(study, tmp_path, capsys):
    root = tmp_path / "data"
    without(study, root, "sub-03/anat/*flip-2_VFA.nii.gz")
    (root / "sub-03/anat/sub-03_flip-2_VFA.json").unlink()
    assert run(root, tmp_path / "run") == 2
    assert "flip angle of 10 degrees" in capsys.readouterr().err
    shutil.rmtree(root)
    without(study, root, "derivatives/manual/sub-04/anat/*dseg.nii.gz")
    assert run(root, tmp_path / "run2") == 2
    assert "sub-04" in capsys.readouterr().err


def test_another_protocol_is_refused_by_name(study, tmp_path, capsys):
    root = tmp_path / "data"
    shutil.copytree(study, root)
    changed(root, "sub-05/anat/*T1rhow.json", "NumberShots", 10)
    assert run(root, tmp_path / "run") == 2
    assert "sub-05 was measured otherwise" in capsys.readouterr().err
    changed(root, "sub-05/anat/*T1rhow.json", "NumberShots", None)
    assert run(root, tmp_path / "run2") == 2
    assert "NumberShots" in capsys.readouterr().err


def test_scan_times_follow_those_of_the_images():
    for name, minutes in (("2FA+3TSL", 14.03), ("1FA+2TSL", 8.3), ("1FA+1TSL", 5.73)):
        assert paper.INPUTS[name].recomputed_minutes == pytest.approx(minutes, abs=0.01)
    assert paper.INPUTS[paper.WHOLE].recomputed_minutes == pytest.approx(30.63, abs=0.01)
    accelerations = [paper.recomputed_acceleration(name) for name in paper.INPUTS]
    np.testing.assert_allclose(accelerations, [1.0, 2.183, 3.691, 5.343], atol=5e-4)


@pytest.mark.exhaustive
def test_dice_and_correlation_are_told(finished):
    assert 0 <= value(finished, NETWORK, paper.WHOLE, DICE)["ours"] <= 1
    assert -1 <= value(finished, NETWORK, paper.WHOLE, of(VOXEL_R, paper.T1))["ours"] <= 1
