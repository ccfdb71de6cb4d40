"""Masks, statuses, structures and arguments: what surrounds the solver."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import optimize

import jaxqmri
from jaxqmri import Status, fitting, physics

MODEL = physics.T1rhoDecay([0, 10, 30, 50])
CLEAN = np.asarray(MODEL(MODEL.Params(100.0, 40.0)))


def test_maps_have_the_images_shape_and_the_masks_voxels():
    images = np.broadcast_to(CLEAN, (3, 4, 2, 4)).copy()
    mask = np.zeros((3, 4, 2), np.uint8)
    mask[1, 2] = 1
    result = jaxqmri.fit(MODEL, images, mask=mask)
    assert result.params.t1rho.shape == result.r_squared.shape == (3, 4, 2)
    assert result.covariance.shape == (3, 4, 2, 2, 2)
    assert np.array_equal(result.status == Status.CONVERGED, mask == 1)
    assert np.array_equal(np.isnan(result.params.t1rho), mask == 0)
    assert np.allclose(result.params.t1rho[mask == 1], 40.0, rtol=1e-4)
    assert result.status_counts()["outside_mask"] == 22


BAD = {
    "nan": (np.nan, Status.NOT_FINITE),
    "infinite": (np.inf, Status.NOT_FINITE),
    "zero": (0.0, Status.NO_SIGNAL),
    "negative": (-3.0, Status.NO_SIGNAL),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_voxel_gets_its_status_and_spoils_no_neighbour(kind):
    value, status = BAD[kind]
    images = np.broadcast_to(CLEAN, (64, 4)).copy()
    images[17] = value
    result = jaxqmri.fit(MODEL, images)
    alone = jaxqmri.fit(MODEL, np.delete(images, 17, axis=0))
    assert result.status[17] == status
    assert np.isnan(result.params.t1rho[17])
    assert np.isnan(result.std.t1rho[17])
    assert np.array_equal(np.delete(result.params.t1rho, 17), alone.params.t1rho)
    assert np.array_equal(np.delete(result.std.t1rho, 17), alone.std.t1rho)


@settings(max_examples=25, deadline=None)
@given(
    npst.arrays(
        st.sampled_from([np.int16, np.uint16, np.float32, np.float64, np.dtype(">f4")]),
        npst.array_shapes(min_dims=0, max_dims=3, max_side=3).map(lambda shape: (*shape, 4)),
        elements={"allow_nan": False, "allow_infinity": False, "min_value": 0, "max_value": 1000},
    )
)
def test_every_shape_and_type_gives_numbers_or_a_status(images):
    result = jaxqmri.fit(MODEL, images)
    assert result.status.shape == images.shape[:-1]
    estimated = np.isin(result.status, (Status.CONVERGED, Status.AT_BOUND))
    for values in result.params:
        assert np.array_equal(np.isfinite(values), estimated)
    assert np.all(result.params.t1rho[estimated] >= 0.1 - 1e-6)


def test_chunks_and_tiles_do_not_show():
    count = 3 * 2**18 + 12_345
    images = np.resize(CLEAN * np.array([[1.0], [2.0], [3.0]], np.float32), (count, 4))
    done = []
    result = jaxqmri.fit(MODEL, images, progress=lambda n, total: done.append((n, total)))
    assert np.allclose(result.params.t1rho, 40.0, rtol=1e-4)
    assert done[-1] == (count, count)
    assert len(done) == 4


def test_held_numbers_and_maps():
    images = np.broadcast_to(CLEAN, (5, 4)).copy()
    result = jaxqmri.fit(MODEL, images, fixed={"s0": 100.0})
    assert result.free == ("t1rho",)
    assert np.all(result.params.s0 == 100.0)
    assert np.allclose(result.params.t1rho, 40.0, rtol=1e-4)
    s0 = np.linspace(90, 110, 5)
    result = jaxqmri.fit(MODEL, images, fixed={"s0": s0})
    assert np.allclose(result.params.s0, s0)
    assert np.all(np.diff(result.params.t1rho) < 0)


def test_a_held_map_beyond_the_models_limits_gives_no_estimate():
    model = physics.SpoiledGradientEcho([5, 10, 20, 30], 20)
    clean = np.asarray(model(model.Params(1.0, 1000.0, 1.0)), np.float32)
    b1 = np.array([1.0, 0.0, -1.0, 5.0, np.nan])
    result = jaxqmri.fit(model, np.tile(clean, (5, 1)), fixed={"b1": b1})
    assert result.status.tolist() == [Status.CONVERGED, *[Status.NOT_FINITE] * 4]
    assert np.isnan(result.params.t1).tolist() == [False, True, True, True, True]


def test_bounds_hold_and_are_told():
    images = np.broadcast_to(CLEAN, (5, 4)).copy()
    result = jaxqmri.fit(MODEL, images, bounds={"t1rho": (1.0, 30.0)})
    assert np.all(result.status == Status.AT_BOUND)
    assert np.all(result.params.t1rho == 30.0)
    assert np.all(np.isnan(result.std.t1rho))


def test_weights_ignore_a_spoiled_sample():
    images = np.broadcast_to(CLEAN, (5, 4)).copy()
    images[:, 2] *= 3
    for weights in ([1, 1, 0, 1], np.broadcast_to([1.0, 1, 0, 1], (5, 4))):
        result = jaxqmri.fit(MODEL, images, weights=np.asarray(weights, np.float32))
        assert np.allclose(result.params.t1rho, 40.0, rtol=1e-4)


def decay(params, times):
    return params["a"] * jnp.exp(-times / params["shape"][0]) + params["shape"][1]


def test_a_plain_function_of_a_pytree():
    times = np.arange(0.0, 80.0, 10.0)
    truth = {"a": 2.0, "shape": (30.0, 0.5)}
    images = np.broadcast_to(np.asarray(decay(truth, times)), (6, 8))
    result = jaxqmri.fit(
        decay,
        images,
        args=(times,),
        start={"a": 1.0, "shape": (20.0, 0.0)},
        bounds=({"a": 0.0, "shape": (1.0, -1.0)}, {"a": 10.0, "shape": (500.0, 1.0)}),
        sigma=0.01,
    )
    assert np.all(result.status == Status.CONVERGED)
    assert np.allclose(result.params["shape"][0], 30.0, rtol=1e-3)
    assert result.free == ("a", "shape.0", "shape.1")
    held = jaxqmri.fit(
        decay,
        images,
        args=(times,),
        start={"a": 1.0, "shape": (20.0, 0.0)},
        fixed={"a": None, "shape": (None, 0.5)},
    )
    assert held.free == ("a", "shape.0")
    assert np.allclose(held.params["a"], 2.0, rtol=1e-4)
    assert np.all(held.params["shape"][1] == 0.5)


def test_new_times_do_not_recompile():
    images = np.broadcast_to(CLEAN, (5, 4)).copy()
    jaxqmri.fit(MODEL, images)
    before = fitting.chunks._program.cache_info().misses
    with jax.log_compiles(False):
        result = jaxqmri.fit(physics.T1rhoDecay([0, 12, 34, 56]), images)
    assert fitting.chunks._program.cache_info().misses == before
    assert np.all(result.params.t1rho > 40)


def test_traced_images_give_the_same_maps():
    rng = np.random.default_rng(0)
    images = (CLEAN + rng.normal(0, 2, (7, 3, 4))).astype(np.float32)
    mask = rng.random((7, 3)) > 0.3
    host = jaxqmri.fit(MODEL, images, mask=mask, sigma=2.0)

    @jax.jit
    def traced(images):
        result = jaxqmri.fit(MODEL, images, mask=mask, sigma=2.0)
        return result.params.t1rho, result.std.t1rho, result.status

    t1rho, std, status = traced(images)
    assert np.array_equal(status, host.status)
    assert np.allclose(t1rho, host.params.t1rho, rtol=1e-4, equal_nan=True)
    assert np.allclose(std, host.std.t1rho, rtol=1e-3, equal_nan=True)


def test_samples_without_weight_do_not_count_as_residuals():
    rng = np.random.default_rng(5)
    model = physics.T2Decay([10, 20, 30, 40, 50, 60])
    images = np.asarray(model(model.Params(100.0, 40.0))) + rng.normal(0, 2.0, (4000, 6))
    images = images.astype(np.float32)
    three = jaxqmri.fit(physics.T2Decay([10, 20, 30]), images[:, :3])
    for weights in ([1, 1, 1, 0, 0, 0], np.broadcast_to([1, 1, 1, 0, 0, 0], (4000, 6))):
        result = jaxqmri.fit(model, images, weights=np.asarray(weights, np.float32))
        assert result.sigma == pytest.approx(three.sigma, rel=1e-3)
        assert np.nanmedian(result.std.t2) == pytest.approx(np.nanmedian(three.std.t2), rel=1e-2)
        assert result.std.t2.dtype == np.float32


def test_too_few_samples_with_weight_and_impossible_noise_have_no_estimate():
    images = np.broadcast_to(CLEAN, (4, 4)).copy()
    weights = np.ones((4, 4))
    weights[1, 1:] = 0
    weights[2, 0] = -1
    sigma = np.array([1.0, 1.0, 1.0, 0.0])
    result = jaxqmri.fit(MODEL, images, weights=weights, sigma=sigma)
    wanted = [Status.CONVERGED, Status.NO_SIGNAL, Status.NOT_FINITE, Status.NOT_FINITE]
    assert result.status.tolist() == wanted
    assert np.isnan(result.params.t1rho[1:]).all()


def test_vanishing_images_are_not_called_converged():
    images = np.stack([CLEAN, CLEAN * 1e-14, CLEAN * 1e-25]).astype(np.float32)
    result = jaxqmri.fit(MODEL, images)
    assert np.allclose(result.params.t1rho[:2], 40.0, rtol=1e-3)
    assert result.status[2] == Status.NOT_CONVERGED


class OwnStart(physics.T1rhoDecay):
    """A decay that starts a fit in its own way, and knows nothing of other searches."""

    def starts(self, signals, count, held=None):  # pyright: ignore[reportIncompatibleMethodOverride]
        return [self.Params(s0=signals[0], t1rho=jnp.float32(30.0))] * count


def test_a_model_may_have_starts_of_its_own():
    result = jaxqmri.fit(OwnStart([0, 10, 30, 50]), np.broadcast_to(CLEAN, (3, 4)).copy())
    assert np.allclose(result.params.t1rho, 40.0, rtol=1e-4)


def test_a_model_may_have_a_grid_without_the_parameter_that_it_has_minima_along():
    class Coarse(physics.MultiEchoSpinEcho):
        def grid(self):
            return {"t2": jnp.array([20.0, 50.0])}

    model = Coarse(10.0 * np.arange(1, 9))
    clean = np.asarray(model(model.Params(1.0, 40.0, 0.9, 1000.0)))
    noisy = clean + np.random.default_rng(0).normal(0, 0.03, (50, 8)).astype(np.float32)
    result = jaxqmri.fit(model, noisy, free=("b1",))
    assert np.median(result.params.t2) == pytest.approx(40.0, abs=4.0)


def test_nan_in_a_mask_is_outside():
    images = np.broadcast_to(CLEAN, (3, 4)).copy()
    result = jaxqmri.fit(MODEL, images, mask=np.array([1.0, np.nan, 0.0]))
    assert result.status.tolist() == [Status.CONVERGED, Status.OUTSIDE_MASK, Status.OUTSIDE_MASK]


def test_traced_fit_pools_noise_inside_the_mask_and_leaves_jit_whole():
    rng = np.random.default_rng(6)
    images = CLEAN + rng.normal(0, 1, (600, 4)) * np.where(np.arange(600) < 200, 1, 30)[:, None]
    mask = np.arange(600) < 200
    host = jaxqmri.fit(MODEL, images, mask=mask)
    traced = jax.jit(lambda x: fitting.fit_voxels(MODEL, x, mask=mask))(images)
    assert traced.free == host.free
    assert float(traced.sigma) == pytest.approx(float(host.sigma), rel=1e-3)
    whole = jax.jit(lambda x: fitting.fit_voxels(MODEL, x))(images.astype(np.int16))
    assert whole.params.t1rho.dtype == np.float32


def test_traced_times_are_handed_over():
    images = np.broadcast_to(CLEAN, (3, 4)).copy()
    t1rho = jax.jit(lambda t: jaxqmri.fit(physics.T1rhoDecay(t), images).params.t1rho)
    assert np.allclose(t1rho(jnp.array([0.0, 10.0, 30.0, 50.0])), 40.0, rtol=1e-4)


def test_a_function_of_another_length_is_named():
    with pytest.raises(ValueError, match="the function makes 5 signals"):
        jaxqmri.fit(
            decay, np.ones((3, 4)), args=(np.arange(5.0),), start={"a": 1.0, "shape": (2.0, 0.0)}
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": np.ones((3, 5))}, "makes 4 signals a voxel"),
        ({"mask": np.ones(4)}, "mask has shape"),
        ({"mask": np.zeros(3)}, "mask is empty"),
        ({"fixed": {"t2": 1.0}}, "T1rhoDecay has s0, t1rho"),
        ({"fixed": {"s0": np.ones(4)}}, r"fixed s0 has shape \(4,\)"),
        ({"fixed": {"s0": 1.0, "t1rho": 2.0}}, "nothing to fit"),
        ({"fixed_std": {"s0": 1.0}}, "not among fixed"),
        ({"bounds": {"t1rho": (5.0, 1.0)}}, "bounds of t1rho must rise"),
        ({"likelihood": "poisson"}, "likelihood must be one of"),
        ({"likelihood": "rician"}, "needs sigma"),
        ({"sigma": -1.0}, "sigma must be above zero"),
        ({"sigma": np.ones(2)}, "sigma has shape"),
        ({"weights": np.ones(3)}, "weights must have shape"),
        ({"weights": np.array([1.0, 0, 0, 0])}, "at least 2 of them above"),
        ({"weights": np.array([1.0, -1, 1, 1])}, "weights must be zero or above"),
        ({"bounds": {"t1rho": (1.0,)}}, r"must be \(lower, upper\)"),
        ({"images": np.ones((0, 4))}, "hold no voxel"),
        ({"fixed": {"t1rho": -1.0}}, "fixed t1rho must lie in"),
        ({"free": ("b1",)}, "free names 'b1'"),
        ({"start": {"s0": 1.0}}, "start lacks t1rho"),
        ({"steps": 0}, "at least 1"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(change, words):
    arguments = {"images": np.ones((3, 4)), **change}
    with pytest.raises(ValueError, match=words):
        jaxqmri.fit(MODEL, **arguments)


@pytest.mark.parametrize(
    ("covariances", "words"),
    [
        ({("t1", "m0"): 1.0}, "fixed_cov names 'm0', which is not among fixed_std"),
        ({("t1", "t1"): 1.0}, "takes pairs of names"),
        ({"t1": 1.0}, "takes pairs of names, got 't1'"),
        ({("t1", "b1"): 1.0, ("b1", "t1"): 1.0}, "the pair b1 and t1 twice"),
        ({("t1", "b1"): np.ones(2)}, r"fixed_cov t1 and b1 has shape \(2,\)"),
    ],
)
def test_covariances_that_make_no_sense_are_named(covariances, words):
    held = {"t1": 900.0, "b1": 1.0}
    with pytest.raises(ValueError, match=words):
        jaxqmri.fit(
            physics.AdiabaticT1rho([0, 10, 30, 50], 500, 10, 25, 5),
            np.ones((3, 4)),
            fixed=held,
            fixed_std={"t1": 20.0, "b1": 0.02},
            fixed_cov=covariances,
        )


def test_fewer_samples_than_parameters():
    with pytest.raises(ValueError, match="2 samples cannot determine 3 parameters"):
        jaxqmri.fit(physics.T2DecayOffset([10, 20]), np.ones((3, 2)))


def test_a_plain_function_needs_a_start():
    with pytest.raises(TypeError, match="needs start="):
        jaxqmri.fit(decay, np.ones((3, 4)), args=(np.arange(4.0),))


def test_a_positive_amplitude_is_found_where_a_step_along_t2_leads_to_a_negative_one():
    model = physics.T2Decay(echo_times=np.array([10.0, 20.0, 30.0, 40.0, 50.0]))
    signal = np.array([0.177, 0.002, 0.033, 0.021, -0.038], np.float32)
    result = jaxqmri.fit(model, signal)
    reference = optimize.least_squares(
        lambda p: p[0] * np.exp(-np.array(model.echo_times) / p[1]) - signal,
        (0.3, 10.0),
        bounds=([0.0, 0.1], [np.inf, 1e4]),
    )
    fitted = float(result.params.s0) * np.exp(-np.array(model.echo_times) / result.params.t2)
    assert result.status == Status.CONVERGED
    assert result.params.s0 > 0
    assert np.sum((fitted - signal) ** 2) <= 2.0 * reference.cost * (1.0 + 1e-4)
