"""The contract every signal model keeps: acquisition in the constructor, tissue in the call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

Scalar = Float[Array, ""] | float
Signals = Float[Array, " n"]
Times = Float[Array, " n"] | Float[np.ndarray, " n"]


class Bounds(NamedTuple):
    """Lower and upper bound of one parameter."""

    lower: float
    upper: float


AMPLITUDE = Bounds(0.0, np.inf)
RELAXATION_TIME = Bounds(0.1, 10_000.0)  # ms: from cortical bone's T2 to beyond free water's T1


class SignalModel(eqx.Module):
    """One voxel's signal equation, with the bounds and the start that belong to it.

    A concrete model holds its acquisition (times in ms, angles in degrees) as array leaves, so
    that new times never recompile, and maps one voxel's tissue parameters to the ``n`` signals
    that the acquisition would record. Everything is scalar: vectorising is the caller's, with
    ``jax.vmap``.

    Attributes
    ----------
    Params
        A ``NamedTuple`` of scalars named after their maps.
    units
        Unit of each parameter, ``"arbitrary"`` for signal amplitudes, ``""`` for pure numbers.
    amplitudes
        Parameters that scale the signal linearly. Given the others they have a closed form
        (:func:`jaxqmri.physics.profile_amplitudes`), used by the start of a fit and by losses.
    limits
        Bounds of each parameter.
    defaults
        Parameters held at a known value unless they are given or freed.
    signed
        Whether the signal can be negative. A model of magnitudes finds no signal in a voxel
        without a single positive sample.
    """

    Params: ClassVar[type]
    units: ClassVar[Mapping[str, str]]
    limits: ClassVar[Mapping[str, Bounds]]
    amplitudes: ClassVar[tuple[str, ...]] = ("s0",)
    defaults: ClassVar[Mapping[str, float]] = {}

    def several_starts(self, free: tuple[str, ...]) -> int:
        """How many starts a fit of some parameters tries unless told; 1 unless a model says more.

        More than one helps where the cost has several minima, each within reach of candidates of
        one of the :meth:`groups`.
        """
        del free
        return 1

    @property
    def minima_apart(self) -> Mapping[str, Any]:
        """Parameters along which one voxel's cost may have several minima, and how far apart.

        A fit that leaves much of a voxel's signal unexplained then searches at least that far
        from the minimum it has found. None unless a model says otherwise.
        """
        return {}

    @property
    def signed(self) -> bool:
        """Whether the signal can be negative; False unless a model says otherwise."""
        return False

    @property
    def chained(self) -> bool:
        """Whether each sample follows from the one before by many operations, as in echo trains.

        A fit then has all samples computed before it uses any of them. False unless a model says
        otherwise.
        """
        return False

    @abstractmethod
    def __call__(self, params: Any) -> Signals:
        """Signals of one voxel, shape ``(n,)``, for scalar ``params``."""

    def bounds(self) -> tuple[Any, Any]:
        """Lower and upper bound of every parameter, two ``Params``."""
        pairs = [self.limits[name] for name in self.Params._fields]
        return (
            self.Params(*(pair.lower for pair in pairs)),
            self.Params(*(pair.upper for pair in pairs)),
        )

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Candidate starts for the parameters that are not amplitudes.

        Every entry has the same length ``g``: candidate ``k`` takes element ``k`` of each. This
        default crosses five values of each parameter, spread within its bounds; a model that
        knows its acquisition does better.
        """
        names = [n for n in self.Params._fields if n not in self.amplitudes]
        return product_grid(**{name: spread(self.limits[name]) for name in names})

    def groups(
        self, grid: Mapping[str, Float[Array, " g"]], held: Mapping[str, Scalar]
    ) -> Int[Array, " g"]:
        """Number the candidates so that those of one number lead to the same minimum.

        Several starts are taken from different groups. Here each candidate is its own.
        """
        del held
        return jnp.arange(next(iter(grid.values())).shape[0])

    @property
    def warped(self) -> tuple[str, ...]:
        """Parameters that a fit moves in another coordinate, where the signal is closer to linear.

        They need :meth:`warp`, which rises with the parameter, and its inverse :meth:`unwarp`.
        """
        return ()

    def warp(self, name: str, value: Scalar) -> Scalar:
        """Coordinate in which a fit moves a parameter."""
        raise KeyError(name)

    def unwarp(self, name: str, coordinate: Scalar) -> Scalar:
        """Parameter at a coordinate."""
        raise KeyError(name)

    @property
    def samples(self) -> int:
        """Number ``n`` of signals that one call returns."""
        number = jax.ShapeDtypeStruct((), jnp.result_type(float))
        return jax.eval_shape(
            _signals, self, self.Params(*[number] * len(self.Params._fields))
        ).shape[0]

    def start(self, signals: Signals, held: Mapping[str, Scalar] | None = None) -> Any:
        """Best of the :meth:`grid` for one voxel, amplitudes by linear least squares.

        Parameters
        ----------
        signals
            The voxel's samples, shape ``(n,)``.
        held
            Parameters with known values, by name; they are returned as given.

        Returns
        -------
        Params
            Start values inside the bounds.
        """
        return self.starts(signals, 1, held)[0]

    def starts(
        self,
        signals: Signals,
        count: int,
        held: Mapping[str, Scalar] | None = None,
        away_from: Mapping[str, Scalar] | None = None,
        weights: Signals | None = None,
    ) -> list[Any]:
        """The ``count`` best candidates of the :meth:`grid`, best first; see :meth:`start`.

        With ``away_from`` only those as far from these values as :attr:`minima_apart` tells, with
        ``weights``, shape ``(n,)``, by the relative precision of the samples.
        """
        from jaxqmri.physics.amplitude import best_candidates

        return best_candidates(self, signals, held or {}, count, away_from or {}, weights)


def acquisition_array(values: Any, name: str, unit: str = "ms", minimum: float = 0.0) -> Times:
    """Check one acquisition list and keep it in float64 on the host.

    Traced values and JAX arrays pass through unchecked, so that a model can be built inside
    ``jit`` and acquisitions can be optimised by gradient.

    Raises
    ------
    ValueError
        If the list is empty, not one-dimensional, not finite, or below ``minimum``.
    """
    if isinstance(values, jax.Array):
        return values
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name} must be a non-empty list of numbers in {unit}, got shape {array.shape}"
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite, got {array.tolist()}")
    if np.any(array < minimum):
        raise ValueError(f"{name} must be at least {minimum:g} {unit}, got {array.min():g}")
    return array


def acquisition_scalar(
    value: Any,
    name: str,
    unit: str = "ms",
    minimum: float = 0.0,
    maximum: float = np.inf,
    exclusive: bool = True,
) -> Any:
    """Check one acquisition number and keep it in float64 on the host.

    Raises
    ------
    ValueError
        If the number is not finite or outside ``minimum`` to ``maximum`` (``exclusive`` of the
        minimum where told so).
    """
    if isinstance(value, jax.Array):
        return value
    number = np.asarray(value, dtype=np.float64)
    too_small = number <= minimum if exclusive else number < minimum
    if number.ndim != 0 or not np.isfinite(number) or too_small or number > maximum:
        limit = "above" if exclusive else "at least"
        top = "" if maximum == np.inf else f" and at most {maximum:g}"
        raise ValueError(f"{name} must be {limit} {minimum:g}{top} {unit}, got {value!r}")
    return number


def as_type_of(reference: Any, *values: Any) -> Any:
    """Cast acquisition ``values`` to the floating type of a tissue parameter."""
    dtype = jnp.result_type(reference, jnp.float32)
    cast = tuple(jnp.asarray(value, dtype=dtype) for value in values)
    return cast[0] if len(cast) == 1 else cast


def log_grid(lowest: Any, highest: Any, count: int = 8) -> Float[Array, " g"]:
    """``count`` candidates from ``lowest`` to ``highest`` with a constant ratio between them."""
    low, high = as_type_of(jnp.float32(0.0), lowest, highest)
    return low * (high / low) ** jnp.linspace(0.0, 1.0, count)


def product_grid(**axes: Float[Array, " _"]) -> dict[str, Float[Array, " g"]]:
    """Every combination of the candidates of several parameters."""
    mesh = jnp.meshgrid(*axes.values(), indexing="ij")
    return {name: values.ravel() for name, values in zip(axes, mesh, strict=True)}


def spread(limits: Bounds, count: int = 5) -> Float[Array, " g"]:
    """``count`` values inside the bounds: evenly by ratio where both bounds are positive."""
    low, high = limits
    inside = (jnp.arange(count) + 0.5) / count
    if low > 0 and np.isfinite(high):
        return low * (high / low) ** inside
    if not np.isfinite(low):
        low = high - 1.0 if np.isfinite(high) else -1.0
    if not np.isfinite(high):
        high = low + 2.0
    return low + (high - low) * inside


def times_field(name: str, unit: str = "ms") -> Any:
    """Declare an acquisition list as a module field that is checked when it is set."""
    return eqx.field(converter=lambda values: acquisition_array(values, name, unit))


def number_field(name: str, unit: str = "ms", maximum: float = np.inf, **options: Any) -> Any:
    """Declare an acquisition number above zero as a module field, checked when it is set."""
    return eqx.field(
        converter=lambda value: acquisition_scalar(value, name, unit, maximum=maximum), **options
    )


@jax.jit
def _signals(model: SignalModel, params: Any) -> Signals:
    """One call, traced once for all models of one kind and size."""
    return model(params)
