"""Change between two visits: shifts that are known, clusters that were put there."""

import numpy as np
import pytest

from jaxqmri.analysis.cartilage import CENTRES, change, divide
from tests.analysis.cartilage.knees import Arcs, affine_of

KNEE = Arcs()


def plate(knee=KNEE):
    return divide(knee.mask(), affine_of(knee.spacing), "right")


@pytest.fixture(scope="module")
def baseline():
    return plate()


@pytest.fixture(scope="module")
def before(baseline):
    """A projection without structure: 50 ms wherever there is cartilage."""
    return np.where(np.isfinite(baseline.thickness), 50.0, np.nan)


def with_lesion(projection, height):
    """A rise in the lateral condyle: slices 2 to 5, 20 to 60 degrees."""
    found = projection.copy()
    found[(CENTRES > 20.0) & (CENTRES < 60.0), 2:6] += height
    return found


def test_a_cluster_is_found_where_it_is(baseline, before):
    found = change(baseline, before, baseline, with_lesion(before, 9.0))
    arc, across = found.difference.shape
    assert arc == round(2 * np.pi * baseline.circle.radius)
    assert across == round(16 * 3.5)
    assert (found.shift, found.dice) == ((0, 0), 1.0)
    # 40 degrees by 3 slices and a half, less 4 mm of edge on the outer side
    inches = np.radians(40.0) * baseline.circle.radius * (4 * 3.5 - 4.0)
    assert len(found.areas) == 1
    assert found.areas[0] == pytest.approx(inches, rel=0.15)
    assert found.share == pytest.approx(found.areas[0] / found.inside.sum())
    rows, columns = np.nonzero(found.clusters)
    degrees = (rows + 0.5) / arc * 360.0 - 180.0
    assert 18.0 < degrees.min() < degrees.max() < 62.0
    assert columns.max() < 6.5 * 3.5
    values = found.difference[found.inside]
    assert found.mean == pytest.approx(values.mean())
    assert found.sd == pytest.approx(values.std())
    assert np.nanmax(found.difference) == pytest.approx(9.0)
    assert np.nanmin(found.difference) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("bins", [-2, -1, 0, 2])
@pytest.mark.parametrize("slices", [-2, 0, 1])
def test_the_follow_up_is_moved_back(baseline, before, bins, slices):
    after = np.full(before.shape, np.nan)
    moved = np.roll(with_lesion(before, 9.0), (bins, slices), axis=(0, 1))
    after[:] = moved  # the cartilage ends two slices from either end
    found = change(baseline, before, baseline, after)
    assert found.shift == (-bins, -slices)
    assert found.dice == 1.0
    assert found.at_limit == (2 in (abs(bins), abs(slices)))
    assert found.areas == change(baseline, before, baseline, with_lesion(before, 9.0)).areas


def test_two_visits_with_other_slices_and_pose(baseline):
    later = KNEE._replace(
        shape=(18, 140, 140), ends=(-92.0, 108.0), notch=(7.5, 10.5), edges=(3, 14)
    )
    follow_up = plate(later)
    first, second = (
        np.where(np.isfinite(p.thickness), 50.0, np.nan) for p in (baseline, follow_up)
    )
    found = change(baseline, first, follow_up, second + 1.0)
    assert found.shift == (0, -1)
    assert found.dice > 0.97
    assert np.nanmax(np.abs(found.difference - 1.0)) < 1e-9
    assert (found.areas, found.share) == ((), 0.0)


def test_the_sign_of_the_published_software(baseline, before):
    fallen = with_lesion(before, -9.0)
    usual = change(baseline, before, baseline, fallen)
    theirs = change(baseline, before, baseline, fallen, kathoma_sign=True)
    np.testing.assert_array_equal(theirs.difference, -usual.difference)
    assert theirs.share > 0.02
    assert theirs.mean == -usual.mean
    # usual: all the rest of the plate is above mean + SD only if the fall is wide; here it is not
    assert usual.share == 0.0
    # a decrease that stands out of a larger one is no decrease for them
    drift = change(baseline, before, baseline, with_lesion(before, -9.0) + 20.0, kathoma_sign=True)
    assert drift.share == 0.0


def test_small_clusters_and_the_edge_do_not_count(baseline, before):
    fine = plate(
        KNEE._replace(spacing=(1.75, 0.5, 0.5), shape=(32, 140, 140), notch=(13, 19), edges=(4, 27))
    )
    flat = np.where(np.isfinite(fine.thickness), 50.0, np.nan)
    speck = flat.copy()
    speck[CENTRES == 42.5, 8] += 40.0
    assert change(fine, flat, fine, speck).share == 0.0
    rim = flat.copy()
    rim[:, 4] += 40.0  # the outermost 1.75 mm
    assert change(fine, flat, fine, rim).share == 0.0


def test_missing_values_stay_missing(baseline, before):
    hole = before.copy()
    hole[(CENTRES > 20.0) & (CENTRES < 60.0), 11:14] = np.nan
    found = change(baseline, before, baseline, hole)
    assert (
        np.isnan(found.difference).sum()
        > np.isnan(change(baseline, before, baseline, before).difference).sum()
    )
    assert not np.isnan(found.difference[found.inside]).any()


def test_noise_alone_gives_clusters(baseline, before):
    noise = np.random.default_rng(0).normal(0.0, 3.0, (2, *before.shape))
    found = change(baseline, before + noise[0], baseline, before + noise[1])
    assert 0.0 < found.share < 0.1


def test_visits_that_cannot_be_compared(baseline, before):
    other = plate(KNEE._replace(spacing=(3.0, 0.5, 0.5)))
    with pytest.raises(ValueError, match=r"3\.5 mm apart at baseline, 3 mm at follow-up"):
        change(baseline, before, other, before)
    with pytest.raises(ValueError, match="share no cartilage further than 4 mm"):
        change(baseline, before, baseline, np.where(np.arange(72)[:, None] == 36, before, np.nan))
