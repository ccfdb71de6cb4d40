"""What a fit needs of an equation, and that of a signal model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxqmri.physics import SignalModel
from jaxqmri.physics.amplitude import amplitude_basis, least_misfit_away_from
from jaxqmri.physics.base import Scalar, Signals

ONE_NONLINEAR_STEPS = 4  # from a grid start: enough for nearly every voxel above SNR 15
REFINED_STEPS = {"gaussian": 0, "rician": 2}  # the same from a refined start, by likelihood
SEVERAL_NONLINEAR_STEPS = 7


class Equation(eqx.Module):
    """A signal equation of named scalars."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""

    @abstractmethod
    def signal(self, values: Mapping[str, Scalar]) -> Signals:
        """Signals of one voxel for every parameter by name."""

    @abstractmethod
    def starts(
        self,
        signals: Signals,
        count: int,
        held: Mapping[str, Scalar],
        away_from: Mapping[str, Scalar],
        weights: Signals | None,
    ) -> list[dict]:
        """Start values by name, ``count`` of them, away from a minimum that is known."""

    @abstractmethod
    def limits(self) -> dict[str, tuple[Any, Any]]:
        """Lower and upper bound of each parameter."""

    @abstractmethod
    def build(self, values: Mapping[str, Any]) -> Any:
        """Put values by name back into the structure the model speaks."""

    @abstractmethod
    def parts(self, structure: Any, what: str) -> dict[str, Any]:
        """Take the values that are given out of such a structure, by name."""

    @property
    def defaults(self) -> Mapping[str, float]:
        """Parameters held unless they are given or freed."""
        return {}

    def possible(self, name: str) -> tuple[float, float]:
        """Lowest and highest value of a parameter that is given: any, unless a model knows."""
        del name
        return -np.inf, np.inf

    @property
    def leading_amplitude(self) -> str | None:
        """The one parameter whose zero means that there is no signal."""
        return None

    @property
    def signed(self) -> bool:
        """Whether a signal may be negative."""
        return True

    @property
    def chained(self) -> bool:
        """Whether all samples are to be computed before any is used."""
        return False

    @property
    def warped(self) -> tuple[str, ...]:
        """Parameters that are moved in another coordinate."""
        return ()

    def warp(self, name: str, value: Scalar) -> Scalar:
        """Coordinate in which a parameter is moved: here the parameter itself."""
        return value

    def unwarp(self, name: str, coordinate: Scalar) -> Scalar:
        """Parameter at a coordinate."""
        return coordinate

    def several_starts(self, free: tuple[str, ...]) -> int:
        """How many starts a fit tries unless told."""
        del free
        return 1

    def several_minima(self, free: tuple[str, ...]) -> tuple[str, ...]:
        """Free parameters along which one voxel's cost may have several minima."""
        return ()

    def least_misfit_away_from(
        self,
        signals: Signals,
        held: Mapping[str, Scalar],
        away_from: Mapping[str, Scalar],
        weights: Signals | None,
    ) -> Scalar:
        """Squared residuals that the best start away from a minimum leaves; infinite if none."""
        return jnp.asarray(jnp.inf)

    def curved(self, free: tuple[str, ...]) -> bool:
        """Whether several parameters enter nonlinearly, so that Gauss-Newton may not settle."""
        return len(free) > 1

    def refined_along(self, free: tuple[str, ...]) -> str | None:
        """The one free parameter beside amplitudes, where a start can be refined along it."""
        del free
        return None

    def basis(
        self, values: Mapping[str, Scalar], amplitudes: tuple[str, ...]
    ) -> tuple[Sequence[Signals], Signals]:
        """Unit signals of some amplitudes, and the signal of those that are held.

        Asked for only where :meth:`refined_along` names a parameter.
        """
        raise NotImplementedError(f"{type(self).__name__} knows of no amplitudes")

    def steps(self, free: tuple[str, ...]) -> int:
        """Steps that nearly every voxel needs from the start values."""
        return 4 * SEVERAL_NONLINEAR_STEPS


class ModelEquation(Equation):
    """A :class:`jaxqmri.physics.SignalModel`."""

    model: SignalModel

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of the model's ``Params``."""
        return self.model.Params._fields

    @property
    def defaults(self) -> Mapping[str, float]:
        """The model's defaults."""
        return self.model.defaults

    def possible(self, name: str) -> tuple[float, float]:
        """The model's limits: a fit may be bounded more closely."""
        return self.model.limits[name]

    @property
    def leading_amplitude(self) -> str | None:
        """The model's amplitude, where it has just one."""
        return self.model.amplitudes[0] if len(self.model.amplitudes) == 1 else None

    @property
    def signed(self) -> bool:
        """Whether the model's signal may be negative."""
        return self.model.signed

    @property
    def chained(self) -> bool:
        """What the model says of itself."""
        return self.model.chained

    @property
    def warped(self) -> tuple[str, ...]:
        """The model's choice."""
        return self.model.warped

    def warp(self, name: str, value: Scalar) -> Scalar:
        """The model's coordinate, where it has one."""
        return self.model.warp(name, value) if name in self.warped else value

    def unwarp(self, name: str, coordinate: Scalar) -> Scalar:
        """The model's parameter at a coordinate, where it has one."""
        return self.model.unwarp(name, coordinate) if name in self.warped else coordinate

    def several_starts(self, free: tuple[str, ...]) -> int:
        """The model's own number of starts."""
        return self.model.several_starts(free)

    def curved(self, free: tuple[str, ...]) -> bool:
        """Whether more than one parameter is no amplitude."""
        return sum(name not in self.model.amplitudes for name in free) > 1

    def refined_along(self, free: tuple[str, ...]) -> str | None:
        """The one that is left when the model's amplitudes are taken out."""
        others = [name for name in free if name not in self.model.amplitudes]
        return others[0] if len(others) == 1 < len(free) else None

    def basis(
        self, values: Mapping[str, Scalar], amplitudes: tuple[str, ...]
    ) -> tuple[Sequence[Signals], Signals]:
        """Unit signals of the model's amplitudes."""
        basis, held = amplitude_basis(self.model, values, amplitudes)
        return list(basis), held

    def steps(self, free: tuple[str, ...]) -> int:
        """Few steps: the grid start is close."""
        return SEVERAL_NONLINEAR_STEPS if self.curved(free) else ONE_NONLINEAR_STEPS

    def signal(self, values: Mapping[str, Scalar]) -> Signals:
        """Call the model."""
        return self.model(self.model.Params(**values))

    def starts(
        self,
        signals: Signals,
        count: int,
        held: Mapping[str, Scalar],
        away_from: Mapping[str, Scalar],
        weights: Signals | None,
    ) -> list[dict]:
        """The best candidates of the model's grid."""
        # a model with starts of its own need not know of what is not asked of it
        asked: dict[str, Any] = {"away_from": away_from} if away_from else {}
        if weights is not None:
            asked["weights"] = weights
        return [start._asdict() for start in self.model.starts(signals, count, held, **asked)]

    def several_minima(self, free: tuple[str, ...]) -> tuple[str, ...]:
        """Free parameters along which the model says that minima lie apart."""
        return tuple(name for name in self.model.minima_apart if name in free)

    def least_misfit_away_from(
        self,
        signals: Signals,
        held: Mapping[str, Scalar],
        away_from: Mapping[str, Scalar],
        weights: Signals | None,
    ) -> Scalar:
        """What the best candidate of the model's grid leaves."""
        return least_misfit_away_from(self.model, signals, held, away_from, weights)

    def limits(self) -> dict[str, tuple[Any, Any]]:
        """The model's bounds."""
        lower, upper = self.model.bounds()
        return {name: (getattr(lower, name), getattr(upper, name)) for name in self.names}

    def build(self, values: Mapping[str, Any]) -> Any:
        """The model's ``Params``."""
        return self.model.Params(**values)

    def parts(self, structure: Any, what: str) -> dict[str, Any]:
        """A dictionary by name, or ``Params`` with None where a parameter is not meant."""
        given = structure if isinstance(structure, Mapping) else structure._asdict()
        unknown = sorted(set(given) - set(self.names))
        if unknown:
            raise ValueError(
                f"{what} names {', '.join(unknown)}; {type(self.model).__name__} has "
                f"{', '.join(self.names)}"
            )
        return {name: value for name, value in given.items() if value is not None}
