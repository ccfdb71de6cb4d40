"""Images to images: bring one image onto the grid of another, and intensities to one scale.

Registration needs antspyx (the extra ``jaxqmri[experiments]``), which loads when it is first used.
"""

from jaxqmri.preprocessing.echoes import smooth_where_rising
from jaxqmri.preprocessing.registration import (
    STAGES,
    Registered,
    Registration,
    Stage,
    find_transform,
    register,
    transform_between,
)
from jaxqmri.preprocessing.resampling import coarsened, resample
from jaxqmri.preprocessing.scaling import (
    Scales,
    Scaling,
    between_quartiles,
    cohort_scales,
    percentile_scale,
    reference_tissue_scale,
    scales,
)
from jaxqmri.preprocessing.transforms import Transform, write_itk

__all__ = [
    "STAGES",
    "Registered",
    "Registration",
    "Scales",
    "Scaling",
    "Stage",
    "Transform",
    "between_quartiles",
    "coarsened",
    "cohort_scales",
    "find_transform",
    "percentile_scale",
    "reference_tissue_scale",
    "register",
    "resample",
    "scales",
    "smooth_where_rising",
    "transform_between",
    "write_itk",
]
