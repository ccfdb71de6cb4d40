"""The knee T2 experiment on a few small knees: its numbers, its files, its refusals."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from experiments import preparing
from experiments.knee_t2 import experiment, paper
from experiments.knee_t2.agreement import agreement
from experiments.knee_t2.masks import Predicted, Thresholds, cartilage_of, dice, find_thresholds
from experiments.knee_t2.metrics import (
    BIAS,
    CHANGE,
    DICE,
    JACCARD,
    MEAN,
    NETWORK,
    PEARSON,
    READER_1,
    READER_2,
    RMS_CV,
    SUBSET,
    VALUE,
    against,
    of,
)
from experiments.knee_t2.settings import Choice
from experiments.knee_t2.t2_fits import (
    FITS,
    OFFSET,
    RICIAN_MEAN,
    TWO_PARAMETERS,
    Echoes,
    fit_t2,
)
from experiments.knee_t2.trained import SEARCH, VALIDATION
from jaxqmri.io import bids
from jaxqmri.io.nifti import read_image
from tests.experiments import small_mese_study
from tests.experiments.small_mese_study import TIMES, write_study
from tests.experiments.small_study import assert_same_results

SMALL = (
    "--preset", "smoke", "--atlases", "2", "--search", "batch-16", "--search-checks", "1"
)  # fmt: skip
CHOICES = (Choice(), Choice(batch=16))


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


def value(out, model, name, metric, region=None):
    (found,) = [
        r
        for r in rows(out)
        if (r["model"], r["input"], r["metric"], r["region"]) == (model, name, metric, region)
    ]
    return found


@pytest.mark.exhaustive
def test_files(finished):
    for name in ("config.json", "metrics.json", "tables.md", "report.html"):
        assert (finished / name).stat().st_size > 0
    drawn = {path.stem for path in (finished / "figures").glob("*.png")}
    assert {"segmentation", "deep_superficial", "readers", "value_error", "learning"} <= drawn
    names = [(r["model"], r["input"], r["region"], r["metric"]) for r in rows(finished)]
    assert len(set(names)) == len(names)
    assert "claims nothing" in (finished / "tables.md").read_text("utf-8")


@pytest.mark.exhaustive
def test_numbers_the_paper_prints_have_rows(finished):
    for name, printed in paper.REGIONS.items():
        for quantity, metric, number in (
            (VALUE, PEARSON, printed.pearson),
            (VALUE, RMS_CV, printed.rms_cv),
            (VALUE, BIAS, printed.bias),
            (CHANGE, BIAS, printed.change_bias),
        ):
            found = value(finished, NETWORK, against(READER_1), of(quantity, metric), name)
            assert found["paper"] == number
    for (model, reader, which), printed in paper.OVERLAP.items():
        name = against(reader, SUBSET if which == "subset" else "all test visits")
        found = value(finished, {"model": NETWORK}.get(model, model), name, JACCARD)
        assert (found["paper"], found["paper_sd"]) == (printed.jaccard, printed.jaccard_sd)


@pytest.mark.exhaustive
def test_readers_overlap_as_their_masks_on_disk_do(finished, study):
    found = value(finished, READER_2, against(READER_1, SUBSET), DICE)
    overlaps = []
    for number, session in ((7, "01"), (8, "02"), (9, "02")):
        who = {"sub": f"{number:02d}", "ses": session}
        one, other = (bids.read_labels(study, r, who).data > 0 for r in ("reader1", "reader2"))
        overlaps.append(2 * (one & other).sum() / (one.sum() + other.sum()))
    # voxels whose T2 is no cartilage's leave both
    assert found["n"] == 3
    assert found["ours"] == pytest.approx(np.mean(overlaps), abs=0.03)


@pytest.mark.exhaustive
def test_layers_and_change_are_those_that_were_put_in(finished):
    deep, superficial, change = (
        value(finished, READER_1, READER_1, of(quantity, MEAN), region)["ours"]
        for quantity, region in ((VALUE, "D"), (VALUE, "S"), (CHANGE, "all"))
    )
    assert superficial - deep == pytest.approx(small_mese_study.RISE / 2, abs=1.0)
    assert change == pytest.approx(small_mese_study.CHANGE, abs=1.0)


@pytest.mark.exhaustive
def test_files_of_a_reading_hold_its_numbers(finished):
    values = []
    for path in sorted((finished / "maps").glob("sub-*/ses-*/anat/*_desc-Reader1_T2map.nii.gz")):
        labels = read_image(path.with_name(path.name.replace("_T2map", "_dseg"))).data
        values.append(1e3 * np.nanmean(read_image(path).data[(labels > 0) & (labels < 7)]))
    assert len(values) == 6
    pairs = np.reshape(values, (3, 2)).mean(axis=1)
    found = value(finished, READER_1, READER_1, of(VALUE, MEAN), "S")
    assert found["ours"] == pytest.approx(np.mean(pairs), rel=1e-3)


@pytest.mark.exhaustive
def test_the_choice_that_overlaps_best_learns_to_the_end(finished):
    metric = f"{DICE}, {VALIDATION}"
    tried = {r["input"]: r["ours"] for r in rows(finished) if r["metric"] == metric
             and r["model"] == f"{NETWORK}, {SEARCH}"}  # fmt: skip
    assert set(tried) == {choice.label for choice in CHOICES}
    taken = [r["input"] for r in rows(finished) if (r["model"], r["metric"]) == (NETWORK, metric)]
    assert taken == [max(tried, key=tried.__getitem__)]
    short, whole = (
        value(finished, model, taken[0], "steps") for model in (f"{NETWORK}, {SEARCH}", NETWORK)
    )
    assert (short["n"], whole["n"]) == (2, 1)
    assert 2 * short["ours"] == whole["ours"]


@pytest.mark.exhaustive
def test_goes_on_where_it_stopped(finished, study, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    for name in ("metrics.json", "report.html", "tables.md"):
        (out / name).unlink()
    kept = sorted((out / "checkpoints" / "networks").glob("reader2*"))
    for path in kept:
        path.unlink()
    assert kept
    assert run(study, out) == 0
    assert_same_results(rows(out), rows(finished))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--atlases", "-1"), "--atlases"),
        (("--size", "64"), "patches of 64"),
        (("--batch", "16"), "--search"),
        (("--steps", "0"), "--steps"),
        (("--ablation", "no-drift"), "no-drift"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(study, tmp_path, capsys, arguments, told):
    assert run(study, tmp_path / "run", *arguments) == 2
    assert told in capsys.readouterr().err


def test_what_is_missing_is_named(study, tmp_path, capsys):
    root = tmp_path / "data"
    shutil.copytree(study, root)
    table = root / "participants.tsv"
    kept = table.read_text()
    table.write_text(kept.replace("\tR\t", "\tn/a\t"))
    assert run(root, tmp_path / "run") == 2
    assert "no side (L or R) of sub-01" in capsys.readouterr().err
    table.write_text(kept.replace("validation", "tuning"))
    assert run(root, tmp_path / "run2") == 2
    assert "fold tuning, expected train, validation, test" in capsys.readouterr().err
    table.write_text(kept)
    (path,) = root.glob("derivatives/reader1/sub-03/ses-02/anat/*dseg.nii.gz")
    path.unlink()
    assert run(root, tmp_path / "run3") == 2
    assert "sub-03" in capsys.readouterr().err


def test_agreement_is_that_of_plain_formulas():
    rng = np.random.default_rng(0)
    y = 50 + 3 * rng.standard_normal((14, 2))
    p = y + 0.5 + rng.standard_normal((14, 2))
    p[3, 1] = np.nan
    both = np.isfinite(p)
    a, b = y[both], p[both]
    found = agreement(y, p)
    assert found.n == 27
    assert found.spearman.value == pytest.approx(stats.spearmanr(a, b)[0])
    assert found.pearson.value == pytest.approx(stats.pearsonr(a, b)[0])
    assert found.error.value == pytest.approx(np.mean(np.abs(b - a)))
    assert found.error_sd == pytest.approx(np.std(np.abs(b - a)))
    assert found.bias.value == pytest.approx(np.mean(b - a))
    assert found.p == pytest.approx(stats.ttest_1samp(b - a, 0).pvalue)
    assert found.lower.value == pytest.approx(np.mean(b - a) - 1.96 * np.std(b - a))
    assert found.rms_cv.value == pytest.approx(100 * np.sqrt(np.mean((b - a) ** 2)) / a.mean())
    middle = (a + b) / 2
    assert found.cv.value == pytest.approx(100 * np.sqrt(np.mean(((b - a) / middle) ** 2 / 2)))
    assert found.bias.low < found.bias.value < found.bias.high


def test_rms_cv_of_the_printed_limits():
    """The figure's bias and limits imply the printed coefficient, however errors are spread."""
    printed = paper.REGIONS["all"]
    low, high = printed.limits
    sd, bias = (high - low) / (2 * 1.96), printed.bias
    errors = bias + sd * np.array([[-1.0], [1.0]])
    found = agreement(np.full((2, 1), printed.mean) - errors * 0, printed.mean + errors)
    assert found.rms_cv.value == pytest.approx(printed.rms_cv, abs=0.01)


def test_thresholds_are_those_that_overlap_most():
    rng = np.random.default_rng(2)
    drawn = np.zeros((3, 20, 20), bool)
    drawn[1, 5:12, 5:12] = True
    probability = np.where(drawn, 0.45, 0.1) + 0.02 * rng.standard_normal(drawn.shape)
    probability[2, 3, 3:5] = 0.9  # a speck in a slice without cartilage
    t2 = np.full(drawn.shape, 50.0)
    one = Predicted(probability, t2, 1.0)
    best, overlap = find_thresholds([one], [drawn])
    assert overlap == pytest.approx(1.0)
    assert 0.2 <= best.probability <= 0.4
    assert best.area > 2
    t2[1, 5] = np.nan
    found = cartilage_of(one, Thresholds(0.3, 10.0))
    assert dice(found, drawn) == pytest.approx(2 * 42 / (42 + 49))
    assert not found[2].any()


@pytest.mark.parametrize("how", FITS)
def test_every_fit_finds_t2_where_there_is_little_noise(how):
    rng = np.random.default_rng(1)
    t2 = np.linspace(30, 70, 400)
    clean = 300 * np.exp(-TIMES / t2[:, None])
    noisy = clean + 0.3 * rng.standard_normal(clean.shape)
    found = fit_t2(Echoes(noisy.astype(np.float32), TIMES, 0.3), how)
    assert np.isfinite(found).mean() > 0.99
    error = found / t2 - 1
    assert np.nanmedian(np.abs(error)) < 0.02
    # no bias beyond four standard errors of the median
    assert abs(np.nanmedian(error)) < 4 * 1.25 * np.nanstd(error) / np.sqrt(t2.size)


def test_noisy_magnitudes_read_long_unless_their_mean_is_fitted():
    rng = np.random.default_rng(3)
    sigma, t2 = 15.0, 25.0
    clean = np.broadcast_to(300 * np.exp(-TIMES / t2), (4000, TIMES.size))
    noise = sigma * rng.standard_normal((2, *clean.shape))
    echoes = Echoes(np.hypot(clean + noise[0], noise[1]).astype(np.float32), TIMES, sigma)
    plain, corrected = (np.nanmedian(fit_t2(echoes, how)) for how in (TWO_PARAMETERS, RICIAN_MEAN))
    assert plain > 1.08 * t2
    assert corrected == pytest.approx(t2, rel=0.03)


def test_what_is_beyond_cartilage_has_no_t2():
    clean = 300 * np.exp(-TIMES / np.array([50.0, 400.0])[:, None])
    found = fit_t2(Echoes(clean.astype(np.float32), TIMES, 1.0), OFFSET)
    assert np.isfinite(found).tolist() == [True, False]
