"""Where the parts of femoral cartilage meet, and how a place is shared between them."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from jaxqmri.analysis.cartilage.anatomical import notch
from jaxqmri.analysis.cartilage.rules import Rule
from jaxqmri.analysis.cartilage.unrolling import BIN, LOWER_EDGES, Unrolled

PLATES = tuple(half + part for half, part in product("LM", "ACP"))


class Borders(NamedTuple):
    """Borders between anterior, central and posterior, lateral and medial.

    Attributes
    ----------
    central
        Half of the central part, degrees.
    lateral
        Last lateral slice in the anterior, central and posterior part; where voxels are shared,
        the border itself, in slices.
    shared
        Whether a voxel on a border belongs to both sides in shares.
    """

    central: float
    lateral: tuple[float, float, float]
    shared: bool

    def plates(
        self,
        slices: Num[np.ndarray, " n"],
        angles: Float[np.ndarray, " n"],
        width: Float[np.ndarray, " n"] | float = 0.0,
    ) -> Float[np.ndarray, "n 6"]:
        """Share of each of the :data:`PLATES` in places on the cartilage.

        Parameters
        ----------
        slices, angles
            The places, angles in degrees.
        width
            What each place spans, degrees; counts where borders are shared.
        """
        anterior = self._before(angles, -self.central, width)
        posterior = 1.0 - self._before(angles, self.central, width)
        parts = np.stack([anterior, 1.0 - anterior - posterior, posterior])
        lateral = np.stack([self._before(slices, last, 1.0) for last in self.lateral])
        return np.concatenate([lateral * parts, (1.0 - lateral) * parts]).T

    def _before(
        self, place: Num[np.ndarray, " n"], border: float, width: Float[np.ndarray, " n"] | float
    ) -> Float[np.ndarray, " n"]:
        """Share of each place that is not beyond a border."""
        if not self.shared:
            return (place <= border).astype(np.float64)
        return np.clip(0.5 + (border - place) / width, 0.0, 1.0)


def find_borders(unrolled: Unrolled, rule: Rule) -> Borders:
    """The borders that a rule draws on a plate.

    Raises
    ------
    ValueError
        If the plate lacks what the rule divides it by.
    """
    if rule.halves == "stack":
        others = float(unrolled.stack // 2)
        anterior = _middle_of_trochlea(unrolled, rule)
    else:
        others = notch(unrolled) if rule.halves == "notch" else float(unrolled.slices.mean())
        anterior = others
    return Borders(rule.central, (anterior, others, others), rule.shared)


def _middle_of_trochlea(unrolled: Unrolled, rule: Rule) -> float:
    """Median slice of those with cartilage in the bin before the central part."""
    edge = LOWER_EDGES[rule.central + LOWER_EDGES < 0][-1]
    there = np.unique(unrolled.slices[unrolled.bins == round((edge + 180.0) / BIN)])
    if not there.size:
        raise ValueError(
            f"no cartilage between {edge:g} and {edge + BIN:g} degrees, where the rule "
            f"{rule.name!r} divides the anterior part"
        )
    return float(np.median(there))
