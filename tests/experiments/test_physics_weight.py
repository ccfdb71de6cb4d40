"""The weight of physics: arms, images, scores and conclusion by themselves, and all, small."""

import json
import math

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.physics_weight import experiment
from experiments.physics_weight.arms import (
    EQUATION,
    LABEL_NOISE,
    SUBJECTS,
    UNLABELLED,
    Condition,
    arm_of,
    arms_of,
    columns_of,
    weight_name,
)
from experiments.physics_weight.conclusions import chosen, paragraph
from experiments.physics_weight.images import (
    GIVEN,
    GIVEN_TIMES,
    NOISIER,
    UNSEEN_TIME,
    images_of,
    simple_lock,
    with_more_noise,
)
from experiments.physics_weight.networks import VALIDATION
from experiments.physics_weight.results import CHANGE, LABELS_ALONE, Point, points_of
from experiments.physics_weight.scores import (
    MAE,
    NOISY,
    OTHER_TIMES,
    PAIR,
    RESIDUAL,
    RPE,
    score,
    unseen_residual,
)
from experiments.physics_weight.settings import PRESETS, Settings
from experiments.physics_weight.split import drawn, labels, split
from experiments.physics_weight.steps import PAIRS, Batch, loss, terms_of
from experiments.physics_weight.study import Study
from experiments.run import Result
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri.io import InputError
from tests.experiments.small_study import assert_same_results, write_study

SETTINGS = Settings(
    subjects=(1, 2, 3), base_subjects=2, validation_subjects=1, test_subjects=2, seeds=2
)
SMALL = (
    "--preset", "smoke", "--weights", "0", "inf", "--subjects", "1", "2", "--base-subjects", "1",
    "--validation-subjects", "1", "--test-subjects", "1", "--registration", "none",
)  # fmt: skip


@pytest.fixture
def study():
    generator = np.random.default_rng(0)
    owner = np.repeat(np.arange(6), 200)
    t1rho = generator.uniform(20, 70, owner.size)
    signals = 100 * np.exp(-np.array(SPIN_LOCK_TIMES) / t1rho[:, None])
    return Study(
        [f"{k:02d}" for k in range(6)], owner, signals.astype(np.float32),
        (0.6 * signals[:, 0]).astype(np.float32), np.full(6, 2.0), t1rho, t1rho, 300.0, True,
    )  # fmt: skip


def test_labels_alone_are_trained_once_however_many_images_there_are():
    columns = columns_of(SETTINGS, has_pd=True)
    assert [column.name for column in columns] == [SUBJECTS, UNLABELLED, LABEL_NOISE, EQUATION]
    arms = arms_of(columns, (0.0, math.inf), (0, 1))
    assert len(arms) == len(set(arms)) == len({arm.label for arm in arms})
    assert not [arm for arm in arms if arm.weight == 0 and arm.condition.unlabelled]
    for point in points_of(columns):
        assert arm_of(point.condition, 0.0, 1) in arms
        assert arm_of(point.condition, math.inf, 0) in arms


def test_without_a_pd_image_nobody_takes_it_for_anything():
    names = [name for name, _ in columns_of(SETTINGS, has_pd=False)[-1].points]
    assert names == ["obeyed", "offset ignored", "wrong B1"]


def test_images_that_do_not_obey_the_equation(study):
    scanned = images_of(study, "obeyed", SETTINGS)
    np.testing.assert_array_equal(scanned, study.spin_lock)
    added = images_of(study, "offset ignored", SETTINGS) - scanned
    np.testing.assert_allclose(added, 10.0, rtol=1e-4)  # a tenth of 100
    np.testing.assert_array_equal(images_of(study, "PD as TSL 0", SETTINGS)[:, 0], study.pd)
    ratio = images_of(study, "wrong B1", SETTINGS) / scanned
    sine, cosine = np.sin(0.85 * np.pi / 2) ** 2, np.cos(0.85 * np.pi / 2) ** 2
    turns = np.cos(2e-3 * np.pi * 300.0 * 0.85 * np.array(SPIN_LOCK_TIMES))
    np.testing.assert_allclose(ratio, np.tile(sine + cosine * turns, (1200, 1)), rtol=1e-4)
    np.testing.assert_allclose(simple_lock(SPIN_LOCK_TIMES, 300.0, 1.0), 1.0, rtol=1e-5)


def test_noisier_images_have_the_noise_that_they_should():
    signals, noise = np.full((50_000, 4), 100.0), np.full(50_000, 2.0)
    once = signals + 2.0 * np.random.default_rng(0).standard_normal(signals.shape)
    assert np.std(with_more_noise(once, noise, 1)) == pytest.approx(2.0 * NOISIER, rel=0.01)


def test_subjects_have_one_part_each_and_fewer_are_among_more(study):
    parts = split(study, SETTINGS, 3)
    assert sorted(np.concatenate(parts)) == list(range(6))
    assert set(drawn(parts, 1, 0)) < set(drawn(parts, 2, 0)) < set(parts.train)
    with pytest.raises(InputError, match="6 subjects, expected 52"):
        split(study, Settings(test_subjects=16), 0)


def test_errors_of_labels_are_half_of_voxels_and_half_of_subjects(study):
    np.testing.assert_array_equal(labels(study, 0.0, 0), study.reference.astype(np.float32))
    apart = np.log(labels(study, 0.2, 0) / study.reference).reshape(6, 200)
    assert apart.std(axis=1).mean() == pytest.approx(0.2 / np.sqrt(2), rel=0.05)
    z = np.random.default_rng([0, 2]).standard_normal(6)
    np.testing.assert_allclose(apart.mean(axis=1), 0.2 / np.sqrt(2) * z, atol=0.04)


def test_perfect_maps_have_no_error_and_no_residual(study):
    given = dict.fromkeys((PAIR, NOISY, OTHER_TIMES), study.truth)
    noise = study.noise[study.owner]
    found = score(given, study.reference, study.truth, study.spin_lock, noise, study.owner)
    for values in found.values():
        assert values.shape == (6,)
        np.testing.assert_allclose(values, 0.0, atol=1e-4)


def test_scores_are_those_of_each_subject(study):
    wrong = study.truth + 3.0 * (study.owner == 2)
    given = {PAIR: wrong, NOISY: study.truth, OTHER_TIMES: study.truth}
    noise = study.noise[study.owner]
    found = score(given, study.reference, study.truth, study.spin_lock, noise, study.owner)
    np.testing.assert_allclose(found[MAE], [0, 0, 3, 0, 0, 0], atol=1e-9)
    own = study.owner == 2
    assert found[RPE][2] == pytest.approx(300.0 / study.truth[own].mean())
    decay = np.exp(-np.array(GIVEN_TIMES) / wrong[own, None])
    level = [
        np.linalg.lstsq(e[:, None], s[list(GIVEN)], rcond=None)[0][0]
        for e, s in zip(decay, study.spin_lock[own], strict=True)
    ]
    apart = (study.spin_lock[own, 2] - level * np.exp(-UNSEEN_TIME / wrong[own])) / 2.0
    assert found[RESIDUAL][2] == pytest.approx(np.sqrt(np.mean(apart**2)), rel=1e-5)
    np.testing.assert_allclose(
        unseen_residual(wrong[own], study.spin_lock[own], noise[own]), apart, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("weight", "share"), [(0.0, 0.0), (1.0, 0.5), (9.0, 0.9), (math.inf, 1.0)])
def test_weights_from_labels_alone_to_physics_alone(weight, share):
    assert terms_of(weight).physics == pytest.approx(share)
    assert terms_of(weight).supervised == pytest.approx(1.0 - share)


def test_each_loss_counts_its_own_voxels():
    t1rho = np.array([30.0, 50.0], np.float32)
    signals = np.exp(-np.array(GIVEN_TIMES) / t1rho[:, None]).astype(np.float32)
    first = jnp.array([True, False])
    batch = Batch(
        jnp.zeros((2, 4)), jnp.asarray(signals), jnp.full(2, 0.01), jnp.array([34.0, 0.0]),
        first, ~first, terms_of(1.0),
    )  # fmt: skip
    total, terms = loss(jnp.asarray(t1rho)[:, None], batch)
    assert float(terms["supervised"]) == pytest.approx(4.0)
    assert float(terms["physics"]) == pytest.approx(0.0, abs=1e-6)
    assert float(total) == pytest.approx(2.0)
    assert len(PAIRS) == 3


def rows_of(effects):
    """Rows of one condition: change of the MAE with its interval, and validation error."""
    point = Point(SUBJECTS, "4", Condition(4))
    rows = []
    for weight, (validation, change, low, high) in effects.items():
        name = weight_name(weight)
        rows.append(Result(name, VALIDATION, "ms", point.input, ours=validation))
        if weight:
            rows.append(
                Result(
                    f"{name} minus {LABELS_ALONE}", f"{CHANGE}{MAE}", "%", point.input,
                    ours=change, low=low, high=high,
                )
            )  # fmt: skip
    return point, rows


def test_the_paragraph_says_what_the_rows_say():
    effects = {
        0.0: (5.0, 0, 0, 0), 1.0: (4.8, -3.0, -5.0, -1.0), 10.0: (4.9, -6.0, -8.0, -4.0),
        math.inf: (5.5, 9.0, 7.0, 11.0),
    }  # fmt: skip
    point, rows = rows_of(effects)
    told = paragraph(rows, [point], list(effects))
    assert "−6.0 to 9.0 % over numbers of training subjects" in told
    assert "helps at 4, −6.0 % (−8.0 to −4.0) with w = 10, where validation subjects choose" in told
    assert "choose w = 1, −3.0 %" in told
    assert "costs most at 4, 9.0 % (7.0 to 11.0) by physics alone" in told


def test_without_a_difference_no_weight_helps_or_costs():
    point, rows = rows_of({0.0: (5.0, 0, 0, 0), 1.0: (4.8, -3.0, -5.0, 1.0)})
    told = paragraph(rows, [point], [0.0, 1.0])
    assert "no weight helps at 4; none costs anything that can be told" in told
    assert chosen({(r.model, r.input, r.metric): r for r in rows}, point, [0.0, 1.0]) == 1.0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--weights", "1", "2"), "--weights: expected 0"),
        (("--subjects", "2", "1"), "--subjects: expected"),
        (("--base-subjects", "9"), "--base-subjects 9: expected 1 to 2"),
        (("--seeds", "0"), "--seeds: expected 1 or more"),
        (("--label-noise", "0"), "--label-noise: expected"),
        (("--b1", "0"), "--offset, --b1: expected"),
        (("--data", "nowhere"), "nowhere"),
    ],
)
def test_nonsense_is_one_line(flags, message, tmp_path, capsys):
    code = experiment.main(["--preset", "smoke", "--out", str(tmp_path / "run"), *flags])
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_stopped_run_goes_on_to_the_same_numbers(tmp_path):
    data, out = write_study(tmp_path / "study", 4), tmp_path / "run"
    command = [*SMALL, "--data", str(data), "--out", str(out)]
    assert experiment.main(command) == 0
    first = json.loads((out / "metrics.json").read_text("utf-8"))["results"]
    assert {row["model"] for row in first} >= {LABELS_ALONE, "physics alone"}
    page = (out / "report.html").read_text("utf-8")
    assert "Against labels alone the MAE changes by" in page
    (out / "metrics.json").unlink()
    for path in sorted((out / "checkpoints" / "networks").glob("*.json"))[::2]:
        path.unlink()
    assert experiment.main(command) == 0
    again = json.loads((out / "metrics.json").read_text("utf-8"))["results"]
    assert_same_results(again, first)
    assert all(row["paper"] is None for row in first)


def test_presets_ask_for_what_can_be_done():
    for settings in PRESETS.values():
        experiment.refuse_nonsense(settings)
