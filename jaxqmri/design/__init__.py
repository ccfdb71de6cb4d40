"""Acquisitions designed by gradient: which times or angles measure a tissue most precisely."""

from jaxqmri.design.bounds import relative_bounds
from jaxqmri.design.optimise import Design, design_acquisition
from jaxqmri.design.trial import Trial, try_acquisition

__all__ = ["Design", "Trial", "design_acquisition", "relative_bounds", "try_acquisition"]
