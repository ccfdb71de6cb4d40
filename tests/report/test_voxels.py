"""Which voxels are shown up close."""

import numpy as np

from jaxqmri.report.fitted import well_known
from jaxqmri.report.voxels import choose_voxels
from tests.report.small_fit import fitted


def test_voxels_up_close_lie_along_the_distribution():
    t2 = np.linspace(30, 60, 720, dtype=np.float32).reshape(12, 10, 6)
    series = fitted(t2=t2)
    rmse = np.asarray(series.result.rmse)
    rmse[...] = 0.1
    rmse[5, 5, 5] = 9.0
    chosen = choose_voxels(series, well_known(series))
    assert chosen[-1] == (5, 5, 5)
    found = [t2[place] for place in chosen[:5]]
    np.testing.assert_allclose(found, [31.5, 37.5, 45, 52.5, 58.5], atol=0.1)
