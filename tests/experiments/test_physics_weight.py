"""The weight of physics: arms, images, scores and conclusion by themselves, and all, small."""

import dataclasses
import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.kept_networks import End
from experiments.physics_weight import experiment
from experiments.physics_weight.arms import (
    EQUATION,
    EXACT,
    LABEL_NOISE,
    OFFSET,
    PD_FIRST,
    SCANNED,
    SUBJECTS,
    UNLABELLED,
    WRONG_B1,
    Condition,
    Point,
    arm_of,
    arms_of,
    columns_of,
    points_of,
)
from experiments.physics_weight.conclusions import paragraph
from experiments.physics_weight.images import (
    NOISIER,
    ON_NOISY_PAIR,
    ON_OTHER_PAIR,
    ON_PAIR,
    images_of,
    inputs_of,
    simple_lock,
)
from experiments.physics_weight.networks import VALIDATION
from experiments.physics_weight.results import (
    CHANGE,
    CHOSEN,
    LABELS_ALONE,
    P,
    corrected,
    weight_rows,
)
from experiments.physics_weight.scores import MAE, METRICS, RESIDUAL, RPE, score, unseen_residuals
from experiments.physics_weight.settings import PRESETS, Settings
from experiments.physics_weight.split import drawn, split, with_errors
from experiments.physics_weight.steps import Batch, loss, make_trainer, terms_of
from experiments.physics_weight.study import Study
from experiments.run import Result
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri.io import InputError
from tests.experiments.small_study import assert_same_results, write_study

SETTINGS = Settings(
    subjects=(1, 2, 3), base_subjects=2, validation_subjects=1, test_subjects=2, seeds=2, b1_sd=0.0
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
        (0.6 * signals[:, 0]).astype(np.float32), np.full(6, 2.0), np.full(owner.size, 100.0),
        t1rho, t1rho, t1rho, 300.0, True,
    )  # fmt: skip


def test_what_does_not_reach_a_training_does_not_make_it_another():
    columns = columns_of(SETTINGS, has_pd=True)
    assert [column.name for column in columns] == [SUBJECTS, UNLABELLED, LABEL_NOISE, EQUATION]
    arms = arms_of(columns, (0.0, 1.0, math.inf), (0, 1))
    assert len(arms) == len(set(arms)) == len({arm.label for arm in arms})
    few_of_all, noisy = Condition(1, 3), Condition(2, 2, 0.4)
    assert arm_of(few_of_all, 0.0, 1) == arm_of(Condition(1, 1), 0.0, 1)
    assert arm_of(few_of_all, math.inf, 1) == arm_of(Condition(3, 3), math.inf, 1)
    assert arm_of(noisy, math.inf, 1) == arm_of(Condition(2, 2), math.inf, 1)
    assert arm_of(few_of_all, 1.0, 1).condition == few_of_all
    for point in points_of(columns):
        assert {arm_of(point.condition, w, 1) for w in (0.0, 1.0, math.inf)} <= set(arms)


def test_without_a_pd_image_nobody_takes_it_for_anything():
    names = [name for name, _ in columns_of(SETTINGS, has_pd=False)[-1].points]
    assert names == [EXACT, SCANNED, OFFSET, WRONG_B1]


def test_images_that_do_not_obey_the_equation(study):
    scanned = images_of(study, SCANNED, SETTINGS, 0)
    np.testing.assert_array_equal(scanned.signals, study.spin_lock)
    np.testing.assert_array_equal(scanned.standard, study.standard)
    added = images_of(study, OFFSET, SETTINGS, 0).signals - scanned.signals
    np.testing.assert_allclose(added, 10.0, rtol=1e-4)  # a tenth of 100
    first = images_of(study, PD_FIRST, SETTINGS, 0).signals[:, 0]
    assert study.pd is not None
    np.testing.assert_array_equal(first, study.pd)


def test_a_wrong_field_leaves_what_the_formula_says_and_as_much_noise(study):
    sine, cosine = np.sin(0.85 * np.pi / 2) ** 2, np.cos(0.85 * np.pi / 2) ** 2
    turns = np.cos(2e-3 * np.pi * 300.0 * 0.85 * np.array(SPIN_LOCK_TIMES))
    left = simple_lock(SPIN_LOCK_TIMES, 300.0, 0.85)
    np.testing.assert_allclose(left, np.abs(sine + cosine * turns), rtol=1e-5)
    np.testing.assert_allclose(simple_lock(SPIN_LOCK_TIMES, 300.0, 1.0), 1.0, rtol=1e-5)
    found = images_of(study, WRONG_B1, SETTINGS, 0)
    apart = found.signals - study.spin_lock * left
    np.testing.assert_allclose(apart.std(axis=0)[1:], 2.0 * np.sqrt(1 - left[1:] ** 2), rtol=0.1)


def test_exact_images_are_judged_by_the_maps_that_they_were_made_of(study):
    found = images_of(study, EXACT, SETTINGS, 0)
    np.testing.assert_array_equal(found.standard, study.reference)
    assert np.std(found.signals[:, 0] - study.spin_lock[:, 0]) == pytest.approx(2.0, rel=0.1)
    assert 0.5 < np.abs(found.label - found.standard).mean() < 4.0


def test_a_voxel_without_a_pd_signal_is_not_used(study):
    assert study.pd is not None
    pd = study.pd.copy()
    pd[7] = np.nan
    found = images_of(dataclasses.replace(study, pd=pd), PD_FIRST, SETTINGS, 0)
    assert np.flatnonzero(~found.usable).tolist() == [7]


def test_noisier_images_have_the_noise_that_they_should():
    signals, noise = np.full((50_000, 4), 100.0), np.full(50_000, 2.0)
    once = signals + 2.0 * np.random.default_rng(0).standard_normal(signals.shape)
    found = inputs_of(once.astype(np.float32), noise, 1)
    assert [times for _, times in found.values()] == [(0.0, 50.0), (0.0, 50.0), (0.0, 30.0)]
    assert np.std(found[ON_NOISY_PAIR][0]) == pytest.approx(2.0 * NOISIER, rel=0.01)
    assert np.std(found[ON_PAIR][0]) == pytest.approx(2.0, rel=0.01)


def test_subjects_have_one_part_each_and_fewer_are_among_more(study):
    parts = split(study, SETTINGS, 3)
    assert sorted(np.concatenate(parts)) == list(range(6))
    assert set(drawn(parts, 1, 0)) < set(drawn(parts, 2, 0)) < set(parts.train)
    standard = np.asarray(np.where(study.owner < 2, study.standard, np.nan))
    first = split(dataclasses.replace(study, standard=standard), SETTINGS, 3)
    assert first.test.tolist() == [0, 1]
    with pytest.raises(InputError, match="6 subjects, expected 52"):
        split(study, Settings(test_subjects=16), 0)


def test_errors_of_labels_are_half_of_voxels_and_half_of_subjects(study):
    exact = with_errors(study.reference, study.owner, 0.0, 0)
    np.testing.assert_array_equal(exact, study.reference.astype(np.float32))
    found = with_errors(study.reference, study.owner, 0.2, 0)
    apart = np.log(found / study.reference).reshape(6, 200)
    assert apart.std(axis=1).mean() == pytest.approx(0.2 / np.sqrt(2), rel=0.05)
    z = np.random.default_rng([0, 2]).standard_normal(6)
    np.testing.assert_allclose(apart.mean(axis=1), 0.2 / np.sqrt(2) * z, atol=0.04)


def test_perfect_maps_have_no_error_and_no_residual(study):
    given = {name: study.truth for name in (ON_PAIR, ON_NOISY_PAIR, ON_OTHER_PAIR)}
    noise = study.noise[study.owner]
    found = score(given, study.standard, study.truth, study.spin_lock, noise, study.owner)
    for values in found.values():
        assert values.shape == (6,)
        np.testing.assert_allclose(values, 0.0, atol=1e-4)


def test_scores_are_those_of_each_subject(study):
    wrong = study.truth + 3.0 * (study.owner == 2)
    given = {ON_PAIR: wrong, ON_NOISY_PAIR: study.truth, ON_OTHER_PAIR: study.truth}
    noise = study.noise[study.owner]
    found = score(given, study.standard, study.truth, study.spin_lock, noise, study.owner)
    np.testing.assert_allclose(found[MAE], [0, 0, 3, 0, 0, 0], atol=1e-9)
    own = study.owner == 2
    assert found[RPE][2] == pytest.approx(300.0 / study.truth[own].mean())
    signals, times = study.spin_lock[own], np.array(SPIN_LOCK_TIMES)
    decay = np.exp(-times / wrong[own, None])
    level = [
        np.linalg.lstsq(e[:, None], s, rcond=None)[0][0]
        for e, s in zip(decay[:, [0, 3]], signals[:, [0, 3]], strict=True)
    ]
    apart = (signals - np.array(level)[:, None] * decay)[:, [1, 2]] / 2.0
    assert found[RESIDUAL][2] == pytest.approx(np.sqrt(np.mean(apart**2)), rel=1e-5)
    np.testing.assert_allclose(
        unseen_residuals(wrong[own], signals, noise[own]), apart, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(("weight", "share"), [(0.0, 0.0), (1.0, 0.5), (9.0, 0.9), (math.inf, 1.0)])
def test_weights_from_labels_alone_to_physics_alone(weight, share):
    assert terms_of(weight).physics == pytest.approx(share)
    assert terms_of(weight).supervised == pytest.approx(1.0 - share)


def test_each_loss_counts_its_own_voxels():
    t1rho = np.array([30.0, 50.0], np.float32)
    signals = np.exp(-np.array(SPIN_LOCK_TIMES) / t1rho[:, None]).astype(np.float32)
    first = jnp.array([True, False])
    batch = Batch(
        jnp.zeros((2, 4)), jnp.asarray(signals), jnp.full(2, 0.01), jnp.array([34.0, 0.0]),
        first, ~first, terms_of(1.0),
    )  # fmt: skip
    total, terms = loss(jnp.asarray(t1rho)[:, None], batch)
    assert float(terms["supervised"]) == pytest.approx(4.0)
    assert float(terms["physics"]) == pytest.approx(0.0, abs=1e-6)
    assert float(total) == pytest.approx(2.0)


def test_networks_hold_no_statistics_of_images():
    for apart in (False, True):
        state = make_trainer(Settings().learning, apart=apart).init(jax.random.key(0))
        assert not jax.tree.leaves(state.variables.stats)


def ends_of(point, validation, errors):
    """Trainings of two seeds with one test subject; errors by weight and seed."""
    return {
        arm_of(point.condition, weight, seed): End(
            {
                **{metric: np.array([error]) for metric in METRICS},
                VALIDATION: np.array([validation[weight][seed]]),
            },
            (),
            True,
        )
        for weight, both in errors.items()
        for seed, error in enumerate(both)
    }


def test_every_seed_chooses_its_own_weight_on_validation():
    point = Point(SUBJECTS, "4", Condition(4, 4))
    ends = ends_of(point, {0.0: (5.0, 4.0), 1.0: (4.5, 4.5)}, {0.0: (10.0, 8.0), 1.0: (9.0, 12.0)})
    rows = {(r.model, r.metric): r for r in weight_rows(point, ends, (0.0, 1.0), (0, 1))}
    assert rows[CHOSEN, MAE].ours == pytest.approx((9.0 + 8.0) / 2)
    assert rows["w = 1 minus w = 0", f"{CHANGE}{MAE}"].ours == pytest.approx(100 * 1.5 / 9)
    assert rows[f"{CHOSEN} minus w = 0", f"{CHANGE}{MAE}"].ours == pytest.approx(-100 * 0.5 / 9)


def rows_of(effects):
    """Rows of one condition: change of the MAE with its interval and p."""
    point = Point(SUBJECTS, "4", Condition(4, 4))
    rows = []
    for name, (change, low, high, p) in effects.items():
        versus = f"{name} minus {LABELS_ALONE}"
        metric = f"{CHANGE}{MAE}"
        rows += [
            Result(versus, metric, "%", point.input, ours=change, low=low, high=high),
            Result(versus, f"{metric}{P}", "", point.input, ours=p),
        ]
    return point, rows


def test_p_values_are_corrected_over_a_column():
    point, rows = rows_of({"w = 1": (-3, -5, -1, 0.02), "w = 10": (-6, -8, -4, 0.03)})
    found = {one.model: one.ours for one in corrected(rows, [point], (0.0, 1.0, 10.0))}
    assert found == pytest.approx({"w = 1 minus w = 0": 0.04, "w = 10 minus w = 0": 0.04})


def test_the_paragraph_says_what_the_rows_say():
    point, rows = rows_of(
        {
            "w = 1": (-3.0, -5.0, -1.0, 1e-3), "w = 10": (-6.0, -8.0, -4.0, 1e-4),
            "physics alone": (9.0, 7.0, 11.0, 1e-4), CHOSEN: (-2.0, -4.0, 0.0, 0.06),
        }
    )  # fmt: skip
    told = paragraph(rows, [point], [0.0, 1.0, 10.0, math.inf])
    assert "a weight chosen on validation subjects changes the MAE by −2.0 % (−4.0 to 0.0)" in told
    assert "the most that a weight helps is −6.0 % (−8.0 to −4.0) at 4 by w = 10" in told
    assert "that it costs 9.0 % (7.0 to 11.0) at 4 by physics alone" in told


def test_without_a_difference_the_paragraph_says_so():
    point, rows = rows_of({"w = 1": (-3.0, -5.0, 1.0, 0.2), CHOSEN: (-2.0, -4.0, 0.0, 0.06)})
    told = paragraph(rows, [point], [0.0, 1.0])
    assert "of no weight can a difference be told" in told


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--weights", "1", "2"), "--weights: expected 0"),
        (("--subjects", "2", "1"), "--subjects: expected"),
        (("--base-subjects", "9"), "--base-subjects 9: expected 1 to 2"),
        (("--seeds", "0"), "--seeds: expected 1 or more"),
        (("--label-noise", "0"), "--label-noise: expected"),
        (("--b1", "0"), "--offset, --b1: expected"),
        (("--b1-sd", "-1"), "--b1-sd: 0 or above"),
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


@pytest.mark.exhaustive
def test_a_stopped_run_goes_on_to_the_same_numbers(tmp_path):
    data, out = write_study(tmp_path / "study", 4), tmp_path / "run"
    command = [*SMALL, "--data", str(data), "--out", str(out)]
    assert experiment.main(command) == 0
    first = json.loads((out / "metrics.json").read_text("utf-8"))["results"]
    assert {row["model"] for row in first} >= {LABELS_ALONE, "physics alone"}
    page = (out / "report.html").read_text("utf-8")
    assert "a weight chosen on validation subjects changes the MAE by" in page
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
