"""Images and an equation in, maps with their errors out."""

from jaxqmri.fitting.result import FitResult, Status
from jaxqmri.fitting.volume import fit, fit_voxels

__all__ = ["FitResult", "Status", "fit", "fit_voxels"]
