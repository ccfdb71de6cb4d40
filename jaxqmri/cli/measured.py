"""One series with its acquisition, and what the command line says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped

from jaxqmri.cli.models import Axis
from jaxqmri.cli.protocol import Protocol
from jaxqmri.io import nifti

SIGNED_SHARE = 1e-3  # of samples below zero: interpolated magnitudes have fewer, real parts more


@dataclass(frozen=True)
class Flags:
    """Acquisition numbers given on the command line.

    Attributes
    ----------
    values
        Numbers by option name (``te``, ``tsl``, ``tr``, ...), ms or degrees; empty if not given.
    refocusing_angle
        Degrees.
    signed
        Whether images keep their sign; None to see it from the images.
    chain
        Whether B1 and T1 are to be mapped first.
    smooth
        Width in mm of the Gaussian that B1 is smoothed by.
    series
        The BIDS series to take where there are several kinds.
    """

    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    refocusing_angle: float | None = None
    signed: bool | None = None
    chain: bool = False
    smooth: float | None = None
    series: str | None = None

    def choices(self) -> list[str]:
        """Options that were given and that only some methods have."""
        found = [] if self.signed is None else ["signed" if self.signed else "magnitude"]
        found += [] if self.refocusing_angle is None else ["refocusing-angle"]
        found += ["chain"] if self.chain else []
        return found if self.smooth is None or self.chain else [*found, "smooth"]

    def given(self, flag: str) -> tuple[float, ...]:
        """Numbers of one option."""
        return self.values.get(flag, ())


class Measured(NamedTuple):
    """One series, ready for a fit.

    ``images`` is 4-D and carries the affine and the path of the first source. Of a series that
    stays on disk it is a stand-in of the same shape that holds not-a-number.
    """

    images: nifti.Image
    protocol: Protocol
    axis: Axis
    sources: list[Path]


def with_sign(
    images: nifti.Image, protocol: Protocol, flags: Flags
) -> tuple[nifti.Image, Protocol]:
    """Note whether the images keep their sign; magnitudes that are asked for are taken."""
    if flags.signed is None:
        return images, replace(protocol, signed=is_signed(images.data))
    if not flags.signed:
        images = images._replace(data=np.abs(images.data))
    return images, replace(protocol, signed=flags.signed)


def is_signed(images: Shaped[np.ndarray, ...]) -> bool:
    """Whether images keep their sign, by how many of their samples are below zero."""
    return bool(np.count_nonzero(images < 0) / images.size > SIGNED_SHARE)
