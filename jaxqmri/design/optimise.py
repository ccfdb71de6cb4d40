"""Find the acquisition whose bound is smallest, by gradient, then on the scanner's steps."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import optimize

from jaxqmri.design.bounds import Build, relative_bounds

Goal = Literal["worst", "mean"]
STARTS = 8  # the bound has several minima: which samples share a value
WORST = 1e6  # relative bound of an acquisition that does not determine the tissue
ITERATIONS = 200


class Design(NamedTuple):
    """An acquisition and how precise it is.

    Attributes
    ----------
    values
        Times or angles, rising.
    bounds
        Relative bound of every tissue.
    goal
        The number that was made small: their largest, or their mean.
    """

    values: Float[np.ndarray, " n"]
    bounds: Float[np.ndarray, " k"]
    goal: float


def design_acquisition(
    build: Build,
    count: int,
    tissue: Any,
    sigma: float,
    target: str,
    *,
    limits: tuple[float, float],
    goal: Goal = "worst",
    held: Sequence[float] = (),
    budget: float | None = None,
    step: float | None = None,
    likelihood: str = "gaussian",
    free: Sequence[str] | None = None,
    seed: int = 0,
) -> Design:
    r"""Times or angles that make the Cramér–Rao bound of a parameter small.

    Minimises :math:`\max_k \sigma_T^{(k)} / T^{(k)}` over the tissues ``k``, or the mean, with
    exact gradients through the signal equation: sequential quadratic programming from several
    starts, the largest written as the least number that no bound exceeds. With a ``step`` the best
    is then moved, one value or two at a time, on the scanner's grid until no such move helps.

    Parameters
    ----------
    build
        From ``count`` times (ms) or angles (degrees) to the signal model; traced.
    count
        Samples, those held among them.
    tissue, sigma, target, likelihood, free
        As for :func:`relative_bounds`.
    limits
        Lowest and highest value.
    goal
        ``"worst"`` or ``"mean"`` over the tissues.
    held
        Values that the acquisition has in any case, such as 0.
    budget
        Most that all values may add up to: of spin-lock times what the deposited power is
        proportional to, of delays a scan time. None for any.
    step
        Of the scanner; values are whole multiples of it. None for any.
    seed
        Of the starts.

    Raises
    ------
    ValueError
        If nothing is left to design, limits do not rise, the budget cannot be kept, or no start
        leads to an acquisition that determines the tissue.

    References
    ----------
    Cercignani and Alexander, Magnetic Resonance in Medicine 2006, doi:10.1002/mrm.20933. Kraft, A
    software package for sequential quadratic programming, DFVLR-FB 88-28, 1988.
    """
    low, high = limits
    free_count = count - len(held)
    if free_count < 1:
        raise ValueError(f"{len(held)} of {count} values are held: nothing is left to design")
    if not low < high:
        raise ValueError(f"limits must rise, got {low:g} to {high:g}")
    if goal not in ("worst", "mean"):
        raise ValueError(f"goal must be 'worst' or 'mean', got {goal!r}")
    first = low if step is None else step * np.ceil(low / step - 1e-9)
    rest = np.inf if budget is None else budget - float(np.sum(held))
    if rest < free_count * first:
        raise ValueError(
            f"a budget of {budget:g} cannot be kept: the values held and {free_count} of "
            f"{first:g} add up to more"
        )
    with jax.enable_x64(True):
        fixed, wide = jnp.asarray(held, jnp.float64), jnp.float64(sigma)
        cast = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), tissue)

        @jax.jit
        def bounds(x: Any) -> Any:
            values = jnp.sort(jnp.concatenate([fixed, x]))
            found = relative_bounds(
                build, values, cast, wide, target, likelihood=likelihood, free=free
            )
            return jnp.where(jnp.isfinite(found), jnp.minimum(found, WORST), WORST)

        slopes = jax.jit(jax.jacrev(lambda x: jnp.log(bounds(x))))

        def reached(x: np.ndarray) -> float:
            found = np.asarray(bounds(x))
            return float(found.max() if goal == "worst" else found.mean())

        rng, best, least = np.random.default_rng(seed), None, np.inf
        for _ in range(STARTS):
            start = _within(rng.uniform(low, high, free_count), low, rest)
            x = _descend(start, bounds, slopes, goal, limits, rest)
            if reached(x) < least:
                best, least = x, reached(x)
        if best is None or least >= WORST:
            raise ValueError(
                f"{count} samples from {low:g} to {high:g} do not determine {target} in all tissues"
            )
        if step is not None:
            best = _on_steps(best, reached, first, step, limits, rest)
        return Design(
            np.sort(np.concatenate([np.asarray(held, float), best])),
            np.asarray(bounds(best)),
            reached(best),
        )


def _within(x: np.ndarray, low: float, rest: float) -> np.ndarray:
    """Values moved towards the lowest until they keep the budget."""
    spare, wanted = rest - x.size * low, float(np.sum(x - low))
    return low + (x - low) * min(1.0, spare / wanted) if wanted > 0 else x


def _descend(
    start: np.ndarray,
    bounds: Any,
    slopes: Any,
    goal: Goal,
    limits: tuple[float, float],
    rest: float,
) -> np.ndarray:
    """A minimum near a start; logarithms of the bounds, in values of order one."""
    scale, size = limits[1], start.size

    def logarithms(z: np.ndarray) -> np.ndarray:
        return np.log(np.asarray(bounds(z[:size] * scale)))

    def turned(z: np.ndarray) -> np.ndarray:
        return np.nan_to_num(np.asarray(slopes(z[:size] * scale))) * scale

    constraints: list[dict[str, Any]] = []
    if np.isfinite(rest):
        row = np.append(np.ones(size), 0.0)
        constraints.append(
            {"type": "ineq", "fun": lambda z: rest / scale - z[:size].sum(), "jac": lambda _: -row}
        )
    if goal == "worst":  # the last variable is what no bound exceeds
        begin = np.append(start / scale, logarithms(start / scale).max())
        constraints.append(
            {
                "type": "ineq",
                "fun": lambda z: z[-1] - logarithms(z),
                "jac": lambda z: np.column_stack([-turned(z), np.ones(len(turned(z)))]),
            }
        )

        def objective(z: np.ndarray) -> tuple[float, np.ndarray]:
            return z[-1], np.append(np.zeros(size), 1.0)
    else:
        begin = np.append(start / scale, 0.0)

        def objective(z: np.ndarray) -> tuple[float, np.ndarray]:
            found = np.exp(logarithms(z))
            slope = (found[:, None] * turned(z)).sum(axis=0) / found.sum()
            return float(np.log(found.mean())), np.append(slope, 0.0)

    limited = [(limits[0] / scale, 1.0)] * size
    with warnings.catch_warnings():  # a step that leaves the limits is taken back, and told of
        warnings.simplefilter("ignore", RuntimeWarning)
        done = optimize.minimize(
            objective,
            begin,
            jac=True,
            method="SLSQP",
            bounds=[*limited, (None, None)],
            constraints=constraints,
            options={"maxiter": ITERATIONS, "ftol": 1e-10},
        )
    found = np.clip(done.x[:size] * scale, *limits)
    return _within(found, limits[0], rest) if np.isfinite(found).all() else start


def _on_steps(
    x: np.ndarray,
    reached: Any,
    first: float,
    step: float,
    limits: tuple[float, float],
    rest: float,
) -> np.ndarray:
    """The best whole multiples of a step that moves of one value or two lead to."""

    def allowed(x: np.ndarray) -> bool:
        sound = (x >= limits[0] - 1e-9).all() and (x <= limits[1] + 1e-9).all()
        return bool(sound and x.sum() <= rest + 1e-9)

    here = np.clip(step * np.round(x / step), first, step * np.floor(limits[1] / step + 1e-9))
    while not allowed(here):  # rounding up may break the budget
        here[np.argmax(here)] -= step
    least = reached(here)
    moves = [step * np.eye(x.size)[i] * sign for i in range(x.size) for sign in (1, -1)]
    moves += [one + other for k, one in enumerate(moves) for other in moves[:k]]
    improved = True
    while improved:
        improved = False
        for move in moves:
            there = here + move
            if allowed(there) and reached(there) < least * (1 - 1e-9):
                here, least, improved = there, reached(there), True
    return here
