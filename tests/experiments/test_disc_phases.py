"""The disc study: folds that keep patients apart, stages by themselves, and all of it, small."""

import json
import shutil
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from pydicom import dcmread
from scipy import ndimage

from experiments import preparing
from experiments.disc_phases import experiment, paper
from experiments.disc_phases.augmentation import boxes_moved, moved
from experiments.disc_phases.classifier import predict_phases, support_vectors
from experiments.disc_phases.column import Column
from experiments.disc_phases.crops import FIELD, crop, field_about
from experiments.disc_phases.detections import best_boxes, detection_rows
from experiments.disc_phases.detector import without_doubles
from experiments.disc_phases.display import displayed
from experiments.disc_phases.evaluations import Dealt, arms_of, asked, classified
from experiments.disc_phases.folds import disc_folds, pairs_of, patient_folds, patients_of
from experiments.disc_phases.metrics import (
    ACCURACY,
    AP,
    AUC,
    FIVE_FOLDS,
    LOWEST,
    MACRO,
    NETWORK,
    PATIENTS,
    TEST,
    TEXT,
    average,
    evaluated,
)
from experiments.disc_phases.patients import Patient, Region
from experiments.disc_phases.phases import phase_of
from experiments.disc_phases.rungs import (
    LEVEL,
    LEVEL_AGE,
    MAJORITY,
    READING,
    climb,
    logistic,
    rungs,
)
from experiments.disc_phases.scores import difference_row, phase_rows
from experiments.disc_phases.second_stage import exchanged
from experiments.disc_phases.study import readings_of
from jaxqmri.analysis import Detections
from jaxqmri.io import InputError, bids, dicom
from jaxqmri.io.image import Image
from jaxqmri.simulate.cohorts import make_cohort
from tests.experiments.small_study import assert_same_results
from tests.io.synthetic_dicom import write_dicom

PEOPLE = [{"participant_id": f"sub-{k:02d}", "sex": "MF"[k % 2]} for k in range(18)]
DATA = Path("study")
OWNER = np.repeat(np.arange(18), 5)
SMALL = ("--preset", "smoke", "--fresh", "0", "--couplings")


def dealt():
    train, _ = patients_of(PEOPLE, DATA, 0)
    patients = patient_folds(PEOPLE, train, OWNER, 5, 0, DATA)
    return Dealt(patients, disc_folds(np.flatnonzero(patients >= 0), OWNER.size, 5, 0), OWNER)


def test_phases_are_cut_where_the_paper_cuts_them():
    assert phase_of(np.array([150.0, 110.1, 110.0, 80.0, 79.9])).tolist() == [0, 0, 1, 1, 2]


def test_a_column_of_parts_is_obeyed():
    rows = [{**person, "fold": "test" if k < 4 else "train"} for k, person in enumerate(PEOPLE)]
    train, test = patients_of(rows, DATA, 0)
    assert test.tolist() == [0, 1, 2, 3]
    assert train.size == 14
    with pytest.raises(InputError, match="fold other"):
        patients_of([{**PEOPLE[0], "fold": "other"}, *rows[1:]], DATA, 0)


def test_patients_apart_nobody_is_asked_who_was_learnt_from():
    deal = dealt()
    arms = {arm.label: arm for arm in arms_of(deal, 0.2, 3)}
    learnt = {
        label: set(OWNER[np.concatenate([arm.train, arm.watched])]) for label, arm in arms.items()
    }
    for how in (evaluated(PATIENTS, FIVE_FOLDS), evaluated(PATIENTS, TEST)):
        for train, (label, tested) in asked(deal, 3)[how]:
            # neither the network nor what the classifier learnt has met a tested patient,
            # and the classifier learns only from what networks say of strangers
            assert not learnt[label] & set(OWNER[tested])
            for other, discs in train:
                assert not set(OWNER[discs]) & set(OWNER[tested])
                assert not learnt[other] & set(OWNER[discs])
                if how == evaluated(PATIENTS, FIVE_FOLDS):
                    assert not learnt[other] & set(OWNER[tested])


def test_as_the_text_allows_discs_are_apart_and_patients_are_not():
    deal = dealt()
    arms = {arm.label: arm for arm in arms_of(deal, 0.2, 3)}
    shared = 0
    for train, (label, tested) in asked(deal, 3)[evaluated(TEXT, FIVE_FOLDS)]:
        ((same, discs),) = train
        assert same == label
        own = np.concatenate([arms[label].train, arms[label].watched])
        assert not set(own) & set(tested)
        assert set(own) == set(discs)
        shared += len(set(OWNER[own]) & set(OWNER[tested]))
    assert shared > 0


def test_every_disc_is_tested_once_and_watched_patients_are_not_learnt_from():
    deal = dealt()
    for how in (PATIENTS, TEXT):
        tested = [seen.test[1] for seen in asked(deal, 0)[evaluated(how, FIVE_FOLDS)]]
        assert sorted(chain(*tested)) == np.flatnonzero(deal.patients >= 0).tolist()
    for arm in arms_of(deal, 0.2, 0):
        assert arm.watched.size > 0
        if arm.label.startswith("patients"):
            assert not set(OWNER[arm.train]) & set(OWNER[arm.watched])


def test_crops_are_the_box_with_its_padding():
    rows, columns = np.indices((40, 60), dtype=float)
    image = np.stack([1 + rows, 1 + columns], axis=-1)
    found = crop(image, np.array([10.0, 5.0, 30.0, 25.0]), (20, 20), 0.0)
    expected = image[5:25, 10:30] / image.mean(axis=(0, 1))
    assert np.allclose(found, expected, rtol=1e-5)
    wide = crop(image, np.array([10.0, 5.0, 30.0, 25.0]), (24, 24), 0.1)
    assert np.allclose(wide, image[3:27, 8:32] / image.mean(axis=(0, 1)), rtol=1e-5)


def test_the_field_has_one_size_in_mm_about_the_middle_of_the_box():
    low, high = np.array([10.0, 5.0, 30.0, 25.0]), np.array([15.0, 9.0, 25.0, 21.0])
    assert np.array_equal(field_about(low, 2.0), field_about(high, 2.0))
    x1, y1, x2, y2 = field_about(low, 0.5)
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == (20.0, 15.0)
    assert ((y2 - y1) * 0.5, (x2 - x1) * 0.5) == FIELD


def test_a_slice_is_shown_head_up_from_whichever_way_round_and_in_its_window():
    pixels = np.arange(12.0).reshape(3, 4)  # rows from the head down, columns from front to back
    for codes in ("PIR", "PSR", "AIR", "ASL"):
        data = pixels.T[:: 1 if codes[0] == "P" else -1, :: 1 if codes[1] == "I" else -1, None]
        affine = np.zeros((4, 4))
        affine[1, 0] = -1.0 if codes[0] == "P" else 1.0
        affine[2, 1] = -1.0 if codes[1] == "I" else 1.0
        affine[0, 2] = affine[3, 3] = 1.0
        image = Image(data, affine, Path("t1w.nii.gz"))
        assert np.array_equal(displayed(image), pixels), codes
    assert displayed(image, (4.0, 5.0))[0].tolist() == [0, 0, 0, 0]
    assert displayed(image, (4.0, 5.0))[1].tolist() == [1, 2, 3, 4]
    assert displayed(image, (4.0, 5.0))[2].tolist() == [4, 4, 4, 4]
    axial = Image(np.zeros((4, 3, 1)), np.eye(4), Path("axial.nii.gz"))
    with pytest.raises(InputError, match=r"axial.nii.gz: columns run to R, rows to A"):
        displayed(axial)


def test_dicom_of_a_sagittal_slice_comes_in_as_it_is_displayed(tmp_path):
    truth = write_dicom(tmp_path / "dicom", images=1, slices=1)
    (path,) = (tmp_path / "dicom").iterdir()
    slice_ = dcmread(path)
    slice_.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    slice_.save_as(path)
    dicom.convert(tmp_path / "dicom", tmp_path / "study", kind="T1w")
    image = bids.read_anat(tmp_path / "study", {"sub": "01"}, "T1w")
    pixels = truth[:, ::-1, 0, 0].T  # as they stand in the file, row by row
    assert np.array_equal(displayed(image), pixels)
    assert np.array_equal(displayed(image, (2000.0, 1000.0)), np.clip(pixels, 0, 2000))


def column_of_boxes(patients=12, seed=0):
    """Drawn boxes: discs 36 wide, 40 apart, a little further to the right each."""
    rng = np.random.default_rng(seed)
    middles = np.stack([50.0 + 4 * np.arange(5), 40.0 * np.arange(1, 6)], axis=-1)
    middles = middles + rng.normal(0, 1.0, (patients, 5, 2))
    half = np.array([18.0, 6.0])
    return np.concatenate([middles - half, middles + half], axis=-1)


def test_a_neighbour_named_alike_is_not_part_of_the_column():
    drawn = column_of_boxes()
    column = Column.of(drawn[1:])
    own = drawn[0]
    above = own[:1] - np.array([4.0, 40.0, 4.0, 40.0])  # the disc above L1/2, and surer
    boxes = np.concatenate([own, above])
    found = Detections(
        boxes, np.array([0.3, 0.9, 0.8, 0.7, 0.9, 0.6]), np.array([0, 1, 2, 3, 4, 0]),
        np.full(6, 7),
    )  # fmt: skip
    chosen = column.choose(found)
    assert np.array_equal(chosen.boxes, own)
    assert chosen.scores.tolist() == [0.3, 0.9, 0.8, 0.7, 0.9]
    assert chosen.images.tolist() == [7] * 5


def test_a_level_may_stay_without_a_box_and_images_are_apart():
    drawn = column_of_boxes()
    column = Column.of(drawn)
    levels = np.array([0, 1, 3, 4])
    one = Detections(drawn[0, levels], np.full(4, 0.9), levels, np.zeros(4, int))
    far = drawn[1, 2] + 200.0  # no disc of this column
    both = Detections(
        np.concatenate([one.boxes, drawn[1], far[None]]),
        np.concatenate([one.scores, np.full(6, 0.5)]),
        np.concatenate([levels, [0, 1, 2, 3, 4, 2]]),
        np.concatenate([one.images, np.ones(6, int)]),
    )
    chosen = column.choose(both)
    assert chosen.classes.tolist() == [0, 1, 3, 4, 0, 1, 2, 3, 4]
    assert np.array_equal(chosen.boxes[4:], drawn[1])
    nothing = Detections(np.zeros((0, 4)), *(np.zeros(0, kind) for kind in (float, int, int)))
    assert column.choose(nothing).boxes.shape == (0, 4)


def test_a_pixel_too_long_to_be_measured_is_nobodys_maximum():
    times = np.array([2.0, 15.0, 30.0, 45.0])
    signals = np.exp(-times / np.array([60.0, 90.0, 2000.0])[:, None]).astype(np.float32)
    patient = Patient(
        np.zeros((4, 4, 1), np.float32), 1.0, np.zeros((5, 4)), np.zeros((2, 5), int),
        [Region(2, 0, 1, signals)], np.full((2, 5, 3), np.nan), times,
    )  # fmt: skip
    readings = readings_of([patient])
    assert readings[0, 0, 1, 2] == pytest.approx([90.0, 60.0, 75.0], rel=1e-3)
    assert np.isnan(readings[0, 1]).all()


def test_what_networks_add_is_learnt_from_strangers_alone():
    rng = np.random.default_rng(2)
    deal = dealt()
    wanted = asked(deal, 0)[evaluated(PATIENTS, FIVE_FOLDS)]
    phases = np.tile([0, 1, 2], 30)
    known = np.column_stack([phases + 0.1 * rng.standard_normal(90), rng.standard_normal(90)])
    features = {arm.label: known.copy() for arm in arms_of(deal, 0.2, 0)}
    for label, each in features.items():
        if label.startswith("discs") or label == "patients_seed-0":
            each[:] = np.nan  # networks of the other evaluations are not asked
    told = classified(wanted, features, phases, lambda seen: logistic(seen, 0))
    tested = deal.patients >= 0
    assert np.isnan(told[~tested]).all()
    assert (told[tested].argmax(axis=1) == phases[tested]).mean() > 0.9


def test_numbers_are_exchanged_within_a_fold_alone():
    fold = np.repeat([-1, 0, 1, 2], 25)[np.random.default_rng(0).permutation(100)]
    place = exchanged(fold, 0)
    assert sorted(place) == list(range(100))
    assert np.array_equal(fold[place], fold)
    assert (place != np.arange(100)).mean() > 0.8


def test_boxes_move_with_their_image():
    image = np.zeros((48, 64, 1), np.float32)
    image[10:22, 20:44] = 1.0
    box = jnp.array([[20.0, 10.0, 44.0, 22.0]])
    shift, zoom = jnp.array([4.0, -6.0]), jnp.array([1.25, 0.75])
    seen = np.asarray(moved(jnp.asarray(image), shift, zoom))[..., 0]
    ((x1, y1, x2, y2),) = np.asarray(boxes_moved(box, (48, 64), shift, zoom))
    assert seen.sum() == pytest.approx((x2 - x1) * (y2 - y1), rel=0.02)
    middle = ndimage.center_of_mass(seen)
    assert middle == pytest.approx(((y1 + y2) / 2 - 0.5, (x1 + x2) / 2 - 0.5), abs=0.1)


def test_the_classifier_tells_phases_apart_and_smote_helps_the_rare():
    rng = np.random.default_rng(0)
    phases = np.repeat([0, 1, 2], [60, 15, 25])
    mean = np.array([140.0, 95.0, 60.0])[phases] + 12 * rng.standard_normal(100)
    features = np.column_stack([mean + 30, mean - 30, mean])
    recalls = []
    for smote in (True, False):
        machine = support_vectors(phases, 0, smote=smote)
        told = predict_phases(machine, features, phases, features)
        assert told.sum(axis=1) == pytest.approx(1.0)
        assert (told.argmax(axis=1) == phases).mean() > 0.85
        recalls.append((told.argmax(axis=1) == phases)[phases == 1].mean())
    assert recalls[0] >= recalls[1]
    with pytest.raises(ValueError, match="1 disc of one phase"):
        support_vectors(np.array([0, 0, 1]), 0)


def test_rungs_know_what_they_are_told_and_no_more():
    rng = np.random.default_rng(1)
    levels = np.tile(np.arange(5), 18)
    ages = rng.uniform(20, 60, 18)[OWNER]
    mean = 120 - 8 * levels - 0.6 * (ages - 40) + 15 * rng.standard_normal(90)
    phases = phase_of(mean)
    known = SimpleNamespace(phases=phases, owner=OWNER)
    reading = np.column_stack([mean + 20, mean - 20, mean])
    ladder = rungs(levels, ages, phases + 1, rng.standard_normal((90, 3)), reading)
    told = climb(
        ladder, phases, pairs_of(patient_folds(PEOPLE, np.arange(18), OWNER, 5, 0, "s")), 0
    )
    areas = {
        name: next(r for r in phase_rows(name, "x", known, p, None, 0)
                   if r.metric == average(AUC, MACRO)).ours
        for name, p in told.items()
    }  # fmt: skip
    assert areas[READING] > 0.95
    assert areas[MAJORITY] < 0.6
    assert areas[LEVEL_AGE] > areas[LEVEL] > areas[MAJORITY]


def test_the_paper_confusion_gives_its_table_and_differences_are_paired():
    table = np.array(paper.CONFUSION)
    phases = np.repeat([0, 1, 2], table.sum(axis=1))
    called = np.concatenate([np.repeat([0, 1, 2], row) for row in table])
    told = np.eye(3)[called]
    known = SimpleNamespace(phases=phases, owner=np.arange(phases.size))
    rows = phase_rows(NETWORK, evaluated(TEXT, TEST), known, told, None, 0)
    for one in rows:
        if one.paper is not None and not one.metric.startswith(AUC):
            assert one.ours == pytest.approx(one.paper, abs=6e-4)
    assert next(r for r in rows if r.metric == ACCURACY).paper == paper.ACCURACY
    arms, part = ((NETWORK, "a"), (NETWORK, "b")), np.zeros(phases.size, int)
    (same,) = difference_row(arms, known, (told, told), (part, part), 0)
    assert (same.ours, same.low, same.high, same.input) == (0, 0, 0, "a minus b")


def test_discs_found_are_named_by_the_surest_box():
    drawn = np.array([[[10.0, 10 * k, 30, 10 * k + 8] for k in range(1, 6)]])
    boxes = np.concatenate([drawn[0], drawn[0, :1] + 40])
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.9, 0.5])
    levels = np.array([0, 1, 2, 3, 4, 0])
    found = Detections(boxes, scores, levels, np.zeros(6, int))
    best = best_boxes(found, 1)
    assert np.isnan(best[0, 3]).all()
    assert np.array_equal(best[0, [0, 1, 2, 4]], drawn[0, [0, 1, 2, 4]])
    rows = {(r.metric, r.region): r for r in detection_rows(found, drawn, TEST, beside=True)}
    assert rows[AP, "L2/3"].ours == pytest.approx(1.0)
    # a false one behind all true ones
    assert rows[AP, "L1/2"].ours == pytest.approx(1 - 0.005 * (1 - 1 / 2))
    assert rows[AP, "L1/2"].paper == paper.AVERAGE_PRECISION["L1/2"]
    assert rows[f"{AP}, {LOWEST}", None].ours <= 1.0


def test_doubles_are_merged_by_their_scores_and_a_box_without_area_is_none():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 12], [40, 5, 40, 9], [60, 0, 70, 10]], np.float32)
    scores = np.zeros((4, 5), np.float32)
    scores[:, 2] = 0.6, 0.2, 0.9, 0.5
    found, score, level, image = without_doubles(boxes, scores, 7)
    np.testing.assert_allclose(found, [[0, 0, 10, (0.6 * 10 + 0.2 * 12) / 0.8], [60, 0, 70, 10]])
    np.testing.assert_allclose(score, [0.6, 0.5])
    assert level.tolist() == [2, 2]
    assert image.tolist() == [7, 7]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_cohort("spine_t1rho", tmp_path_factory.mktemp("s") / "study", subjects=12,
                       preset="smoke")  # fmt: skip


@pytest.fixture(autouse=True)
def one_process(monkeypatch, tmp_path):
    monkeypatch.setattr(preparing, "available_cores", lambda: 1)
    monkeypatch.setenv("JAXQMRI_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "available_cores", lambda: 1)
        assert experiment.main([*SMALL, "--data", str(study), "--out", str(out)]) == 0
    return out


def rows_of(out):
    return json.loads((out / "metrics.json").read_text())["results"]


@pytest.mark.exhaustive
def test_files(finished):
    for name in ("config.json", "metrics.json", "tables.md", "report.html"):
        assert (finished / name).stat().st_size > 0
    names = [(r["model"], r["input"], r["region"], r["metric"]) for r in rows_of(finished)]
    assert len(set(names)) == len(names)
    assert "claims nothing" in (finished / "tables.md").read_text("utf-8")
    told = {(r["model"], r["input"]) for r in rows_of(finished)}
    for how in (PATIENTS, TEXT):
        assert (NETWORK, evaluated(how, FIVE_FOLDS)) in told


@pytest.mark.exhaustive
def test_goes_on_where_it_stopped(finished, study, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    for name in ("metrics.json", "report.html", "tables.md"):
        (out / name).unlink()
    kept = sorted((out / "checkpoints" / "networks").glob("patients_seed*"))
    for path in kept:
        path.unlink()
    assert kept
    assert experiment.main([*SMALL, "--data", str(study), "--out", str(out)]) == 0
    assert_same_results(rows_of(out), rows_of(finished))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--folds", "2"), "--folds 2"),
        (("--aside", "1"), "--aside"),
        (("--seeds", "2"), "--seeds 2"),
        (("--size", "100"), "multiple of 32"),
        (("--null-cohorts", "1"), "--null-cohorts 1"),
        (("--window", "2000"), "--window"),
        (("--ablation", "no-coupling"), "no-coupling"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(study, tmp_path, capsys, arguments, told):
    command = [*SMALL, "--data", str(study), "--out", str(tmp_path / "run"), *arguments]
    assert experiment.main(command) == 2
    assert told in capsys.readouterr().err


def changed(table, *cells):
    """The table with other numbers in some columns of one disc."""
    lines = [line.split("\t") for line in table.splitlines()]
    (line,) = [line for line in lines if line[:2] == ["sub-03", "L2/3"]]
    for column, value in zip(cells[::2], cells[1::2], strict=True):
        line[column] = str(value)
    return "\n".join("\t".join(line) for line in lines) + "\n"


def test_what_is_missing_is_named(study, tmp_path, capsys):
    root = tmp_path / "data"
    shutil.copytree(study, root)
    table = root / "derivatives" / "reader1" / "discs.tsv"
    whole = table.read_text()
    for text, told in (
        (whole.replace("sub-03\tL2/3", "sub-03\tL2/4"), "sub-03 has levels"),
        (whole.replace("x2", "right"), "expected x1, y1, x2, y2"),
        (changed(whole, 2, 900, 4, 950), "outside the image"),
        (changed(whole, 6, 7), "pfirrmann 7"),
    ):
        table.write_text(text)
        out = tmp_path / f"run-{len(told)}"
        assert experiment.main([*SMALL, "--data", str(root), "--out", str(out)]) == 2
        assert told in capsys.readouterr().err
