"""Maps to numbers: errors against a reference, and their spread over subjects.

Nothing here knows how a map was made.
"""

from jaxqmri.analysis.errors import (
    SubjectErrors,
    Summary,
    bias,
    mean_absolute_error,
    mean_absolute_percentage_error,
    regional_error,
    regional_percentage_error,
    subject_errors,
    summarise,
)
from jaxqmri.analysis.regions import RegionStatistics, region_statistics
from jaxqmri.analysis.repeatability import Repeatability, repeatability
from jaxqmri.analysis.similarity import similarity_in_mask, structural_similarity

__all__ = [
    "RegionStatistics",
    "Repeatability",
    "SubjectErrors",
    "Summary",
    "bias",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "region_statistics",
    "regional_error",
    "regional_percentage_error",
    "repeatability",
    "similarity_in_mask",
    "structural_similarity",
    "subject_errors",
    "summarise",
]
