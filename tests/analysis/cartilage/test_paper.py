"""The paper's rule against loops over voxels."""

import numpy as np
import pytest

from jaxqmri.analysis.cartilage import (
    PAPER,
    REGIONS,
    SUBREGIONS,
    divide,
    subregion_statistics,
    usable,
)
from tests.analysis.cartilage.knees import Arcs, affine_of
from tests.reference import cartilage as reference

KNEE = Arcs(spacing=(3.0, 1.0, 1.0), shape=(14, 72, 70), inner=22.4, outer=27.1, edges=(2, 12))


@pytest.fixture(scope="module")
def t2():
    rng = np.random.default_rng(1)
    values = rng.normal(55.0, 20.0, KNEE.shape)  # some are above 100 ms
    return np.where(KNEE.mask(), np.abs(values), 0.0)


@pytest.fixture(scope="module")
def expected(t2):
    return reference.subregions(t2)


@pytest.fixture(scope="module")
def divided(t2):
    return divide(usable(t2, PAPER.upper), affine_of(KNEE.spacing), "right", PAPER)


def test_circle(t2, divided):
    assert divided.circle == pytest.approx(reference.circle(t2), abs=1e-4)


def test_means_over_voxels(t2, divided, expected):
    assert (t2 > 100).sum() > 20
    rows = {row.region: row for row in subregion_statistics(t2, divided, PAPER.upper)}
    assert list(rows) == list(REGIONS)
    assert len(rows) == 27
    for region, members in REGIONS.items():
        values = np.concatenate([expected[0][name] for name in members])
        assert rows[region].valid == len(values)
        assert rows[region].mean == pytest.approx(values.mean(), rel=1e-12)
        assert rows[region].sd == pytest.approx(values.std(ddof=1), rel=1e-9)


def test_projection_and_thickness(t2, divided, expected):
    np.testing.assert_allclose(divided.project(t2), expected[1], rtol=1e-12)
    np.testing.assert_allclose(divided.thickness, expected[2], atol=1e-6)


def test_thickness_of_a_region_is_the_mean_of_its_bins(divided, t2):
    rows = {row.region: row.thickness for row in subregion_statistics(t2, divided)}
    anterior = divided.thickness[:30]  # up to -30 degrees
    lateral = np.arange(KNEE.shape[0]) <= divided.borders.lateral[0]
    assert rows["LA"] == pytest.approx(np.nanmean(anterior[:, lateral]))
    assert rows["all"] == pytest.approx(np.nanmean(divided.thickness))
    assert np.isnan([rows["D"], rows["SLA"], rows["DM"]]).all()


def test_the_trochlea_it_divides_by_must_be_there():
    behind = KNEE._replace(ends=(0.0, 100.0)).mask()
    with pytest.raises(ValueError, match="no cartilage between -35 and -30 degrees"):
        divide(behind, affine_of(KNEE.spacing), "right", PAPER)


def test_regions_are_made_of_subregions():
    assert REGIONS["all"] == SUBREGIONS
    assert REGIONS["SL"] == ("SLA", "SLC", "SLP")
    assert REGIONS["MC"] == ("SMC", "DMC")
    assert REGIONS["DMP"] == ("DMP",)
