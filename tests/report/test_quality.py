"""The quality page: what it shows is what the maps hold, in the right place."""

import numpy as np
import pytest

from jaxqmri.report.quality import quality_page
from tests.report.small_fit import fitted
from tests.report.test_page import assert_well_formed


def test_page_counts_every_status():
    status = np.ones((12, 10, 6), np.uint8)
    status[0] = 0
    status[1, :3], status[1, 3:5], status[1, 5:], status[2] = 2, 3, 4, 5
    page = quality_page(fitted(status=status))
    assert_well_formed(page)
    for count, share in ((540, "81.8 %"), (18, "2.7 %"), (12, "1.8 %"), (30, "4.5 %"), (60, "9.1")):
        assert f"<td>{count}</td>" in page
        assert share in page
    assert "60 voxels hold samples that are not numbers" in page


def test_many_voxels_that_did_not_converge_are_told():
    status = np.ones((12, 10, 6), np.uint8)
    status[:4] = 3
    assert "33.3 % of the voxels with signal did not converge" in quality_page(
        fitted(status=status)
    )
    assert "did not converge: look" not in quality_page(fitted())


def test_page_without_errors_and_page_without_estimates():
    assert_well_formed(quality_page(fitted(std=False)))
    page = quality_page(fitted(status=np.full((12, 10, 6), 4, np.uint8)))
    assert_well_formed(page)
    assert "Voxels up close" not in page


@pytest.mark.parametrize("shape", [(1, 1, 1), (20, 1, 1), (9, 8, 1)])
def test_small_volumes(shape):
    assert_well_formed(quality_page(fitted(shape)))
