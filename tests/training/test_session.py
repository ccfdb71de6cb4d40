"""Training learns, compiles once, and resumed equals uninterrupted."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxqmri.networks import SkipMLP, UNet, build
from jaxqmri.training import (
    Augmentation,
    Checkpoints,
    Course,
    PlateauRule,
    Slices,
    Trained,
    Trainer,
    Training,
    Variables,
    Voxels,
    centres_in,
    l1,
    load_model,
    make_optimiser,
    sample_patches,
    sample_voxels,
    save_model,
    supervised_and_physics,
    train,
)


def slices(seed: int, allowed=(0, 1, 2)) -> Slices:
    rng = np.random.default_rng(seed)
    images = rng.uniform(0.2, 1.0, (4, 16, 16, 2)).astype(np.float32)
    mask = rng.uniform(size=(4, 16, 16)) < 0.4
    targets = 40 + 20 * images[..., :1]
    centres, count = centres_in(mask, np.array(allowed), length=1024)
    return Slices(*map(jnp.asarray, (images, targets, mask, centres, count)))


def unet_trainer(steps: int = 3, traces: list | None = None, dropout: float = 0.0) -> Trainer:
    supervised = supervised_and_physics(lambda p, b: l1(p, b.targets, mask=b.mask))

    def loss(predicted, batch):
        if traces is not None:
            traces.append(predicted.shape)
        return supervised(predicted, batch)

    return Trainer(
        lambda rngs: UNet(
            2, 1, (2, 4), dropout=dropout, limits=(10.0, 100.0), start=45.0, rngs=rngs
        ),
        make_optimiser("adam", 1e-2, weight_decay=1e-4),
        lambda key, data: sample_patches(
            key, data, Augmentation(0.5, 10.0, 2.0, 0.01), batch=4, size=8
        ),
        loss,
        steps=steps,
    )


@pytest.fixture(scope="module")
def shared() -> Trainer:
    """A trainer whose programs several tests use."""
    return unet_trainer()


def voxels(seed: int = 0) -> Voxels:
    rng = np.random.default_rng(seed)
    t1rho = rng.uniform(30, 60, (2000, 1))
    signals = np.exp(-np.array([0.0, 50.0]) / t1rho)
    rows = jnp.arange(2000)
    return Voxels(jnp.float32(signals), jnp.float32(t1rho), rows, jnp.array(2000))


def mlp_trainer(steps: int = 40) -> Trainer:
    return Trainer(
        lambda rngs: SkipMLP(2, 1, width=1 / 8, start=45.0, rngs=rngs),
        make_optimiser("rmsprop", 2e-3, decay_rate=0.9, decay_steps=40),
        lambda key, data: sample_voxels(key, data, batch=128),
        supervised_and_physics(lambda p, b: l1(p, b.targets)),
        steps=steps,
    )


def same(one, other, **tolerance):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        if not jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), **tolerance)


def test_one_program_for_all_folds_inputs_and_seeds():
    traces: list = []
    trainer = unet_trainer(traces=traces)
    for seed, allowed in ((0, (0, 1, 2)), (1, (1, 2)), (2, (3,))):
        state, terms = trainer.run(trainer.init(jax.random.key(seed)), slices(seed, allowed))
        state, terms = trainer.run(state, slices(seed, allowed))
        assert int(state.step) == 6
        assert np.isfinite(terms["loss"])
    assert len(traces) == 1


def test_one_program_of_all_steps_is_step_after_step(shared: Trainer):
    key, data = jax.random.key(4), slices(0)
    loop, terms = shared.run(shared.init(key), data)
    scanned, in_scan = jax.jit(shared.advance)(shared.init(key), data)
    same(loop.variables, scanned.variables, rtol=2e-3, atol=2e-3)
    assert float(terms["loss"]) == pytest.approx(float(in_scan["loss"]), rel=1e-3)


@pytest.mark.parametrize("several", [2, 3])
def test_networks_side_by_side_are_networks_one_by_one(shared: Trainer, several: int):
    stacks = [slices(seed) for seed in range(several)]
    keys = jax.random.split(jax.random.key(0), several)
    begun = [shared.init(key) for key in keys]
    layout = shared.layout(several, stacks[0])
    states, data = layout.stacked(begun[0]), layout.stacked(stacks[0])
    for place in range(several):
        states = layout.placed(states, place, begun[place])
        data = layout.placed(data, place, stacks[place])
    states, terms = shared.run_several(states, data)
    for place in range(several):
        alone, own = shared.run(shared.init(keys[place]), stacks[place])
        mine = layout.taken(states, place)
        same(alone.variables, mine.variables, rtol=2e-3, atol=2e-3)
        assert int(mine.step) == int(alone.step)
        assert float(terms["loss"][place]) == pytest.approx(float(own["loss"]), rel=1e-3)


def one(trainer: Trainer, data, validate, checks: int, rule: PlateauRule, **more) -> Trained:
    """A single training."""
    ((number, trained),) = train(trainer, [Training(data, validate, **more)], Course(checks, rule))
    assert number == 0
    return trained


def test_a_training_takes_the_place_of_one_that_has_ended(shared: Trainer):
    rule, seeds = PlateauRule(0.5, 2), (3, 4, 5, 6, 7)
    late = iter((1.0, 0.1, 0.01, 1.0, 1.0, 1.0))

    def validate(variables: Variables) -> float:
        return validate_by_weight(variables)

    def later(variables: Variables) -> float:
        return next(late)

    def trainings():
        for seed in seeds:
            yield Training(slices(seed), later if seed == 4 else validate, seed)

    found = dict(train(shared, trainings(), Course(9, rule), side_by_side=2))
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert [len(found[k].curve) for k in range(5)] == [3, 5, 3, 3, 3]
    assert all(trained.plateau.reached for trained in found.values())
    for k in (0, 2, 4):
        alone = one(shared, slices(seeds[k]), validate, 9, rule, seed=seeds[k])
        same(alone.variables, found[k].variables, rtol=2e-3, atol=2e-3)


def test_no_training_and_fewer_than_one_at_a_time(shared: Trainer):
    assert list(train(shared, [], side_by_side=2)) == []
    with pytest.raises(ValueError, match="side_by_side must be at least 1, got 0"):
        list(train(shared, [], side_by_side=0))


def test_a_perceptron_learns_and_its_running_statistics_follow():
    trainer, data = mlp_trainer(), voxels()
    held_out = voxels(seed=9)

    def validate(variables: Variables) -> float:
        return float(l1(trainer.predict(variables, held_out.signals), held_out.targets))

    trained = one(trainer, data, validate, 8, PlateauRule(0.001, 50))
    constant = float(jnp.mean(jnp.abs(held_out.targets - jnp.median(data.targets))))
    assert trained.plateau.best < 0.4 * constant
    assert validate(trained.variables) == pytest.approx(trained.plateau.best, rel=1e-6)
    assert len(trained.curve) == 8
    assert trained.curve[-1].loss < trained.curve[0].loss


def validate_by_weight(variables: Variables) -> float:
    return 1.0 + float(jnp.abs(jax.tree.leaves(variables.params)[0]).sum())


def test_killed_and_restarted_equals_uninterrupted(tmp_path: Path, shared: Trainer):
    data, rule = slices(0), PlateauRule(0.0, 100)
    whole = one(shared, data, validate_by_weight, 6, rule)
    folder = tmp_path / "fold-0"
    one(shared, data, validate_by_weight, 3, rule, checkpoints=Checkpoints(folder))
    second = Checkpoints(folder)
    trainer = unet_trainer()
    state, _ = second.latest(
        (trainer.init(jax.random.key(5)), trainer.init(jax.random.key(5)).variables)
    )[0]
    assert int(state.step) == 9
    resumed = one(trainer, data, validate_by_weight, 6, rule, checkpoints=second)
    assert [point.step for point in resumed.curve] == [3, 6, 9, 12, 15, 18]
    same(whole.variables, resumed.variables, rtol=1e-6, atol=1e-7)
    assert whole.plateau == resumed.plateau
    assert whole.curve == resumed.curve
    third = Checkpoints(folder)
    done = one(trainer, data, validate_by_weight, 6, rule, checkpoints=third)
    assert done.curve == resumed.curve


def test_what_dropout_leaves_out_goes_on_from_a_checkpoint(tmp_path: Path):
    trainer, data, rule = unet_trainer(dropout=0.2), slices(0), PlateauRule(0.0, 100)
    whole = one(trainer, data, validate_by_weight, 4, rule)
    one(trainer, data, validate_by_weight, 2, rule, checkpoints=Checkpoints(tmp_path / "run"))
    resumed = one(
        trainer, data, validate_by_weight, 4, rule, checkpoints=Checkpoints(tmp_path / "run")
    )
    assert whole.curve == resumed.curve
    same(whole.variables.params, resumed.variables.params, rtol=1e-6, atol=1e-7)
    plain = one(unet_trainer(), data, validate_by_weight, 4, rule)
    assert plain.curve != whole.curve


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path, shared: Trainer):
    trainer = shared
    checkpoints = Checkpoints(tmp_path / "run")
    state = trainer.init(jax.random.key(0))
    assert checkpoints.latest(state) is None
    checkpoints.save(1, state, {"a": 1})
    other = mlp_trainer().init(jax.random.key(0))
    with pytest.raises(ValueError, match="saved by another network or optimiser"):
        checkpoints.latest(other)


def test_a_half_written_checkpoint_is_not_taken_for_one(tmp_path: Path, shared: Trainer):
    trainer = shared
    checkpoints = Checkpoints(tmp_path / "run")
    state = trainer.init(jax.random.key(0))
    checkpoints.save(3, state, {"at": 3})
    checkpoints.close()
    partial = tmp_path / "run" / "6.orbax-checkpoint-tmp"
    partial.mkdir()
    (partial / "state").write_bytes(b"cut short")
    again = Checkpoints(tmp_path / "run")
    found = again.latest(state)
    assert found is not None
    assert found[1] == {"at": 3}
    same(found[0].variables, state.variables, rtol=0)


def test_a_model_comes_back_from_its_folder(tmp_path: Path):
    architecture = {"network": "UNet", "in_channels": 2, "features": [2, 4], "limits": [10, 100],
                    "dropout": 0.5}  # fmt: skip
    network = build(architecture, nnx.Rngs(3))
    _, params, stats = nnx.split(network, nnx.Param, ...)
    description = {"architecture": architecture, "inputs": ["PDw", "T1rhow 50 ms"], "scale": 3.5}
    for _ in range(2):  # a second time replaces the first
        save_model(tmp_path / "model", Variables(params, stats), description)
    loaded, found = load_model(tmp_path / "model", build)
    assert found == description
    x = jax.random.normal(jax.random.key(0), (1, 8, 8, 2))
    np.testing.assert_array_equal(loaded(x), network(x))
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    with pytest.raises(FileNotFoundError, match="no model here"):
        load_model(tmp_path / "nothing", build)
    with pytest.raises(ValueError, match="needs its architecture"):
        save_model(tmp_path / "other", Variables(params, stats), {})
    with pytest.raises(ValueError, match="saved by another network"):
        load_model(tmp_path / "model", lambda _: build({**architecture, "features": [3, 4]}))


def test_first_states_can_be_made_inside_a_compiled_function():
    trainer = Trainer(
        lambda rngs: build({"network": "SkipMLP", "in_features": 2, "width": 0.05}, rngs),
        make_optimiser("adam", 1e-3),
        lambda _, data: data,
        lambda predicted, _: (jnp.mean(predicted), {}),
    )
    keys = jax.random.split(jax.random.key(0), 2)
    several = jax.jit(jax.vmap(trainer.init))(keys)
    for k in range(2):
        alone = trainer.init(keys[k]).variables.params
        one = jax.tree.map(lambda leaf, k=k: leaf[k], several.variables.params)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), one, alone)
