"""Several runs joined: ablations, calibrations and training seeds beside the experiment itself.

Nothing is computed from images here: every number is read from the ``metrics.json`` of a run.
"""

from experiments.knee_cv.summary.page import claim_folder, write

__all__ = ["claim_folder", "write"]
