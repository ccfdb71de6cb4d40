"""One series of images with what is known of its making."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jaxqmri.physics import SignalModel
from jaxqmri.preprocessing.transforms import Affine


class Series(NamedTuple):
    """Images of one sequence, its acquisition, and where they lie.

    Attributes
    ----------
    model
        The signal model: it holds the acquisition.
    images
        Shape ``(x, y, z, n)``, contrast last.
    affine
        From voxels to scanner coordinates in mm, shape ``(4, 4)``.
    sigma
        Standard deviation of the noise; from the images when None.
    """

    model: SignalModel
    images: Any
    affine: Affine
    sigma: float | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each axis."""
        x, y, z = np.shape(self.images)[:3]
        return x, y, z

    def check(self, name: str, kinds: tuple[type[SignalModel], ...]) -> None:
        """Refuse images or a model that cannot be what ``name`` says.

        Raises
        ------
        ValueError
            If the images are not a volume of as many contrasts as the model makes, or the affine
            is not 4 by 4.
        TypeError
            If the model is of another kind.
        """
        if not isinstance(self.model, kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise TypeError(f"{name}.model must be {wanted}, got {type(self.model).__name__}")
        shape = np.shape(self.images)
        if len(shape) != 4 or shape[-1] != self.model.samples:
            raise ValueError(
                f"{name}.images must have shape (x, y, z, {self.model.samples}), got {shape}"
            )
        if np.shape(self.affine) != (4, 4):
            raise ValueError(f"{name}.affine must be 4 by 4, got {np.shape(self.affine)}")
