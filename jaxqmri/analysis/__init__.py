"""Maps to numbers: errors against a reference, agreement, and what subjects say of both.

Nothing here knows how a map was made.
"""

from jaxqmri.analysis.agreement import (
    BlandAltman,
    Regression,
    Reliability,
    bland_altman,
    intraclass_correlation,
    regression,
)
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
from jaxqmri.analysis.groups import (
    GroupDifference,
    RetainedDifference,
    group_difference,
    retained_difference,
)
from jaxqmri.analysis.paired import PairedDifference, holm, paired_difference
from jaxqmri.analysis.regions import RegionStatistics, region_statistics
from jaxqmri.analysis.repeatability import (
    PairRepeatability,
    Repeatability,
    pair_repeatability,
    repeatability,
)
from jaxqmri.analysis.resampling import Interval
from jaxqmri.analysis.similarity import similarity_in_mask, structural_similarity

__all__ = [
    "BlandAltman",
    "GroupDifference",
    "Interval",
    "PairRepeatability",
    "PairedDifference",
    "RegionStatistics",
    "Regression",
    "Reliability",
    "Repeatability",
    "RetainedDifference",
    "SubjectErrors",
    "Summary",
    "bias",
    "bland_altman",
    "group_difference",
    "holm",
    "intraclass_correlation",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "pair_repeatability",
    "paired_difference",
    "region_statistics",
    "regional_error",
    "regional_percentage_error",
    "regression",
    "repeatability",
    "retained_difference",
    "similarity_in_mask",
    "structural_similarity",
    "subject_errors",
    "summarise",
]
