"""Maps to numbers: errors, agreement, uncertainty, and what subjects say of each.

Nothing here knows how a map was made.
"""

from jaxqmri.analysis.agreement import BlandAltman, Regression, bland_altman, regression
from jaxqmri.analysis.calibration import (
    CalibrationError,
    ReliabilityDiagram,
    calibration_error,
    constant_calibration_error,
    held_out_constant,
    reliability_diagram,
)
from jaxqmri.analysis.classification import (
    ClassificationScores,
    ClassScores,
    classification_scores,
    confusion_matrix,
)
from jaxqmri.analysis.conformal import conformal_factor, conformal_interval, cross_conformal
from jaxqmri.analysis.correlation import (
    Correlation,
    CorrelationDifference,
    clustered_correlation,
    correlation_difference,
    correlation_of,
    correlation_sums,
)
from jaxqmri.analysis.crossed import CrossedMean, crossed_change, crossed_mean
from jaxqmri.analysis.detection import (
    AveragePrecision,
    Detections,
    Objects,
    average_precision,
    iou,
    non_maximum_suppression,
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
from jaxqmri.analysis.laws import (
    Coverage,
    Law,
    Likelihood,
    coverage,
    half_width,
    interval_coverage,
    likelihood,
)
from jaxqmri.analysis.paired import PairedDifference, holm, paired_difference
from jaxqmri.analysis.pixels import Pixels, SliceMeans, slice_means
from jaxqmri.analysis.refinement import Refinement, refine, refinement_threshold
from jaxqmri.analysis.regions import RegionStatistics, region_statistics
from jaxqmri.analysis.reliability import (
    Reliability,
    agreement_interval,
    cohen_kappa,
    intraclass_correlation,
)
from jaxqmri.analysis.repeatability import (
    PairRepeatability,
    Repeatability,
    pair_repeatability,
    repeatability,
)
from jaxqmri.analysis.resampling import Estimate, Interval
from jaxqmri.analysis.roc import (
    AreaUnderCurve,
    RocCurve,
    area_difference,
    area_under_curve,
    roc_curve,
)
from jaxqmri.analysis.roi_error import RelativeError, relative_error
from jaxqmri.analysis.segmentation import Overlap, OverlapSummary, overlap, summarise_overlaps
from jaxqmri.analysis.similarity import similarity_in_mask, structural_similarity
from jaxqmri.analysis.slice_errors import OverSlices, SliceErrors, over_slices, slice_errors
from jaxqmri.analysis.sparsification import (
    RankCorrelation,
    Sparsification,
    rank_correlation,
    sparsification,
)

__all__ = [
    "AreaUnderCurve",
    "AveragePrecision",
    "BlandAltman",
    "CalibrationError",
    "ClassScores",
    "ClassificationScores",
    "Correlation",
    "CorrelationDifference",
    "Coverage",
    "CrossedMean",
    "Detections",
    "Estimate",
    "GroupDifference",
    "Interval",
    "Law",
    "Likelihood",
    "Objects",
    "OverSlices",
    "Overlap",
    "OverlapSummary",
    "PairRepeatability",
    "PairedDifference",
    "Pixels",
    "RankCorrelation",
    "Refinement",
    "RegionStatistics",
    "Regression",
    "RelativeError",
    "Reliability",
    "ReliabilityDiagram",
    "Repeatability",
    "RetainedDifference",
    "RocCurve",
    "SliceErrors",
    "SliceMeans",
    "Sparsification",
    "SubjectErrors",
    "Summary",
    "agreement_interval",
    "area_difference",
    "area_under_curve",
    "average_precision",
    "bias",
    "bland_altman",
    "calibration_error",
    "classification_scores",
    "clustered_correlation",
    "cohen_kappa",
    "conformal_factor",
    "conformal_interval",
    "confusion_matrix",
    "constant_calibration_error",
    "correlation_difference",
    "correlation_of",
    "correlation_sums",
    "coverage",
    "cross_conformal",
    "crossed_change",
    "crossed_mean",
    "group_difference",
    "half_width",
    "held_out_constant",
    "holm",
    "interval_coverage",
    "intraclass_correlation",
    "iou",
    "likelihood",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "non_maximum_suppression",
    "over_slices",
    "overlap",
    "pair_repeatability",
    "paired_difference",
    "rank_correlation",
    "refine",
    "refinement_threshold",
    "region_statistics",
    "regional_error",
    "regional_percentage_error",
    "regression",
    "relative_error",
    "reliability_diagram",
    "repeatability",
    "retained_difference",
    "roc_curve",
    "similarity_in_mask",
    "slice_errors",
    "slice_means",
    "sparsification",
    "structural_similarity",
    "subject_errors",
    "summarise",
    "summarise_overlaps",
]
