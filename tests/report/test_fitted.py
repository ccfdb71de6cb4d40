"""Which voxels of a fit count as well known."""

import numpy as np

from jaxqmri.report.fitted import well_known
from tests.report.small_fit import fitted


def test_well_known_voxels_have_small_relative_errors():
    series = fitted()
    error = np.asarray(series.result.std.t2)
    error[0], error[1] = 20.0, np.nan
    known = well_known(series)
    assert not known[:2].any()
    assert known[2:].all()
