"""One fit, checked and put into the form that the solver takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from jaxqmri.fitting.equation import REFINED_STEPS, Equation, ModelEquation
from jaxqmri.fitting.plain_function import FunctionEquation
from jaxqmri.fitting.problem import Plan, Voxel
from jaxqmri.physics import SignalModel

LIKELIHOODS = ("gaussian", "rician")


@dataclass(frozen=True)
class Task:
    """What to fit and how; everything but the images.

    ``known``, ``known_std``, ``known_cov``, ``start`` and ``away_from`` hold numbers or maps of
    the images' leading shape.
    """

    equation: Equation
    plan: Plan
    bounds: Mapping[str, tuple[Any, Any]]
    known: Mapping[str, Any]
    known_std: Mapping[str, Any]
    known_cov: Mapping[tuple[str, str], Any]
    start: Mapping[str, Any]
    away_from: Mapping[str, Any]
    weights: Any
    sigma: Any
    shape: tuple[int, ...]
    steps: int

    def parts(self) -> tuple[Voxel, Voxel]:
        """What all voxels share, and what each has of its own (signals still to come)."""
        groups = (self.known, self.known_std, self.known_cov, self.start, self.away_from)
        shared: list[Any] = [
            {n: v for n, v in group.items() if np.ndim(v) == 0} for group in groups
        ]
        own: list[Any] = [{n: v for n, v in group.items() if np.ndim(v) > 0} for group in groups]
        per_voxel_weights = self.weights is not None and np.ndim(self.weights) > 1
        per_voxel_sigma = self.sigma is not None and np.ndim(self.sigma) > 0
        signals: Any = None

        def voxel(group: list[Any], weights: bool, sigma: bool, steps: Any) -> Voxel:
            return Voxel(
                signals,
                *group,
                weights=self.weights if weights else None,
                sigma=self.sigma if sigma else None,
                steps=steps,
            )

        return (
            voxel(shared, not per_voxel_weights, not per_voxel_sigma, self.steps),
            voxel(own, per_voxel_weights, per_voxel_sigma, None),
        )


def prepare(
    model: SignalModel | Callable,
    shape: tuple[int, ...],
    *,
    fixed: Any,
    fixed_std: Any,
    fixed_cov: Any,
    start: Any,
    bounds: Any,
    likelihood: str,
    sigma: Any,
    weights: Any,
    free: tuple[str, ...],
    starts: int | None,
    steps: int | None,
    quality: bool,
    args: tuple,
) -> Task:
    """Check the arguments of a fit of images of ``shape``; see :func:`jaxqmri.fit`."""
    if len(shape) == 0:
        raise ValueError("images must have shape (..., n), contrast last; got a single number")
    if 0 in shape:
        raise ValueError(f"images of shape {tuple(shape)} hold no voxel to fit")
    leading, samples = tuple(shape[:-1]), shape[-1]
    equation = _equation(model, start, args)
    if isinstance(equation, FunctionEquation) and equation.samples() != samples:
        raise ValueError(
            f"the function makes {equation.samples()} signals a voxel, "
            f"images hold {samples} along their last axis (shape {tuple(shape)})"
        )
    if isinstance(model, SignalModel) and model.samples != samples:
        raise ValueError(
            f"{type(model).__name__} makes {model.samples} signals a voxel, "
            f"images hold {samples} along their last axis (shape {tuple(shape)})"
        )
    if likelihood not in LIKELIHOODS:
        raise ValueError(f"likelihood must be one of {LIKELIHOODS}, got {likelihood!r}")
    if likelihood == "rician" and sigma is None:
        raise ValueError(
            "a Rician fit needs sigma, the noise of each channel: give it, or estimate it from "
            "the background with jaxqmri.physics.noise"
        )
    known = {} if fixed is None else equation.parts(fixed, "fixed")
    known_std = {} if fixed_std is None else equation.parts(fixed_std, "fixed_std")
    for name in free:
        if name not in equation.names:
            raise ValueError(f"free names {name!r}; the model has {', '.join(equation.names)}")
        if name in known:
            raise ValueError(f"{name!r} cannot be both free and fixed")
    for name in known_std:
        if name not in known:
            raise ValueError(f"fixed_std names {name!r}, which is not among fixed")
    for name, value in equation.defaults.items():
        if name not in free:
            known.setdefault(name, value)
    fitted = tuple(name for name in equation.names if name not in known)
    if not fitted:
        raise ValueError("every parameter is fixed: there is nothing to fit")
    if samples < len(fitted):
        raise ValueError(
            f"{samples} samples cannot determine {len(fitted)} parameters ({', '.join(fitted)})"
        )
    for name, value in known.items():
        low, high = equation.possible(name)
        if np.ndim(value) == 0 and not isinstance(value, Tracer) and not low <= value <= high:
            raise ValueError(f"fixed {name} must lie in {low:g} to {high:g}, got {value!r}")
    started = {} if start is None else equation.parts(start, "start")
    started = {name: value for name, value in started.items() if name in fitted}
    if started and len(started) < len(fitted):
        missing = [name for name in fitted if name not in started]
        raise ValueError(f"start lacks {', '.join(missing)}")
    known_cov = _covariances(fixed_cov, known_std)
    for what, group in (
        ("fixed", known),
        ("fixed_std", known_std),
        ("fixed_cov", known_cov),
        ("start", started),
    ):
        for name, value in group.items():
            said = name if isinstance(name, str) else " and ".join(name)
            _check_map(value, leading, f"{what} {said}")
    if sigma is not None:
        _check_map(sigma, leading, "sigma")
        if not isinstance(sigma, Tracer) and np.ndim(sigma) == 0 and not sigma > 0:
            raise ValueError(f"sigma must be above zero, got {sigma!r}")
    if weights is not None and np.shape(weights) not in ((samples,), tuple(shape)):
        raise ValueError(
            f"weights must have shape ({samples},) or {tuple(shape)}, got {np.shape(weights)}"
        )
    if weights is not None and np.ndim(weights) == 1 and not isinstance(weights, Tracer):
        positive = int(np.count_nonzero(np.asarray(weights) > 0))
        if np.any(np.asarray(weights) < 0) or positive < len(fitted):
            raise ValueError(
                f"weights must be zero or above, at least {len(fitted)} of them above, "
                f"got {np.asarray(weights).tolist()}"
            )
    starts = equation.several_starts(fitted) if starts is None else starts
    several_minima = () if started else equation.several_minima(fitted)
    given = started or several_minima or starts > 1
    plan = Plan(
        free=fitted,
        likelihood=likelihood,
        starts=starts,
        quality=quality,
        curved=equation.curved(fitted),
        refined_along=None if given else equation.refined_along(fitted),
        several_minima=several_minima,
        carried=tuple(name for name in equation.names if name in known_std),
    )
    if plan.starts < 1 or (steps is not None and steps < 1):
        raise ValueError(f"starts and steps must be at least 1, got {plan.starts} and {steps}")
    if steps is None:
        steps = REFINED_STEPS[likelihood] if plan.refined_along else equation.steps(fitted)
    return Task(
        equation,
        plan,
        _bounds(equation, bounds, fitted),
        known,
        known_std,
        known_cov,
        started,
        {},
        weights,
        sigma,
        leading,
        steps,
    )


def _equation(model: SignalModel | Callable, start: Any, args: tuple) -> Equation:
    if isinstance(model, SignalModel):
        if args:
            raise TypeError("args are for plain functions; a signal model holds its acquisition")
        return ModelEquation(model)
    if not callable(model):
        raise TypeError(f"model must be a SignalModel or a function, got {type(model).__name__}")
    if start is None:
        raise TypeError("a fit of a plain function needs start=, a pytree of numbers or maps")
    return FunctionEquation(model, start, args)


def _bounds(equation: Equation, bounds: Any, fitted: tuple[str, ...]) -> dict[str, tuple[Any, Any]]:
    limits = equation.limits()
    if isinstance(bounds, Mapping):
        unknown = sorted(set(bounds) - set(equation.names))
        if unknown:
            names = ", ".join(equation.names)
            raise ValueError(f"bounds names {', '.join(unknown)}; the model has {names}")
        for name, pair in bounds.items():
            if not _two_numbers(pair):
                raise ValueError(f"bounds of {name} must be (lower, upper), got {pair!r}")
        limits |= {name: tuple(pair) for name, pair in bounds.items()}
    elif bounds is not None:
        lower, upper = (equation.parts(side, "bounds") for side in bounds)
        limits = {n: (lower.get(n, lo), upper.get(n, hi)) for n, (lo, hi) in limits.items()}
    for name in fitted:
        lower, upper = limits[name]
        traced = any(isinstance(end, Tracer | jax.Array) for end in (lower, upper))
        if not traced and not lower < upper:
            raise ValueError(f"bounds of {name} must rise, got {lower} to {upper}")
    return {name: limits[name] for name in fitted}


def _two_numbers(given: Any) -> bool:
    """Whether these are two numbers, any of which may be traced."""
    if isinstance(given, list | tuple):
        return [np.ndim(each) for each in given] == [0, 0]
    return np.shape(given) == (2,)


def _covariances(given: Any, known_std: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Covariances of held parameters, each pair once."""
    found: dict[tuple[str, str], Any] = {}
    for pair, value in (given or {}).items():
        names = tuple(pair) if isinstance(pair, tuple | list) else (pair,)
        if len(names) != 2 or names[0] == names[1]:
            raise ValueError(f"fixed_cov takes pairs of names, got {pair!r}")
        lacking = [name for name in names if name not in known_std]
        if lacking:
            raise ValueError(f"fixed_cov names {lacking[0]!r}, which is not among fixed_std")
        if names in found or names[::-1] in found:
            raise ValueError(f"fixed_cov names the pair {' and '.join(names)} twice")
        found[names] = value
    return found


def _check_map(value: Any, leading: tuple[int, ...], what: str) -> None:
    if np.ndim(value) and np.shape(value) != leading:
        raise ValueError(f"{what} has shape {np.shape(value)}, the images are {leading}")
