"""Region statistics by hand, and against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxqmri.analysis.regions import region_statistics
from jaxqmri.analysis.repeatability import repeatability

SHAPE = (3, 4, 2)


def test_by_hand():
    labels = np.array([[[1, 1, 1, 1], [2, 2, 0, 7]]])
    values = np.array([[[1.0, 2.0, 6.0, np.nan], [np.nan, np.inf, 9.0, 5.0]]], np.float32)
    first, second, third, seventh = region_statistics(values, labels, [1, 2, 3, 7])
    assert first[:4] == (1, 4, 3, 3.0)
    assert first.sd == pytest.approx(np.sqrt(7.0))
    assert first.median == 2.0
    assert second[:3] == (2, 2, 0)
    assert third[:3] == (3, 0, 0)
    assert np.isnan([*second[3:], *third[3:], seventh.sd]).all()
    assert (seventh.mean, seventh.median, seventh.valid) == (5.0, 5.0, 1)
    assert [row.label for row in region_statistics(values, labels)] == [1, 2, 7]


def test_no_region():
    values, labels = np.ones(SHAPE, np.float32), np.zeros(SHAPE, np.int32)
    assert region_statistics(values, labels) == []
    assert region_statistics(values, labels, [4])[0].voxels == 0


@given(
    hnp.arrays(np.float32, SHAPE, elements=st.floats(-1e3, 1e3, width=32) | st.just(np.nan)),
    hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 4)),
)
def test_equals_a_loop_over_labels(values, labels):
    for row in region_statistics(values, labels, range(1, 5)):
        chosen = values[labels == row.label].astype(np.float64)
        finite = chosen[~np.isnan(chosen)]
        assert (row.voxels, row.valid) == (chosen.size, finite.size)
        if finite.size:
            assert row.mean == pytest.approx(sum(finite) / finite.size, rel=1e-9, abs=1e-9)
            assert row.median == pytest.approx(np.median(finite))
        if finite.size > 1:
            assert row.sd == pytest.approx(np.std(finite, ddof=1), rel=1e-9, abs=1e-9)


def test_repeatability_by_hand():
    # differences 2 and 4: variances 2 and 8, their mean 5
    result = repeatability([[10.0, 12.0], [20.0, 24.0], [99.0], [50.0, np.nan]])
    assert result[:2] == (2, 4)
    assert result.mean == pytest.approx((11 + 22) / 2)
    assert result.within_sd == pytest.approx(np.sqrt(5.0))
    assert result.cv == pytest.approx(100 * np.sqrt((2 / 121 + 8 / 484) / 2))
    assert result.coefficient == pytest.approx(1.96 * np.sqrt(2) * np.sqrt(5.0))


def test_subjects_with_more_visits_weigh_more():
    result = repeatability([[1.0, 3.0], [5.0, 5.0, 5.0, 5.0]])
    assert result.within_sd == pytest.approx(np.sqrt(2.0 * 1 / 4))


def test_repeatability_needs_a_second_visit():
    result = repeatability([[1.0], [], [np.nan, 2.0]])
    assert result[:2] == (0, 0)
    assert np.isnan(result[2:]).all()


def test_repeatability_recovers_the_noise_of_a_simulated_study():
    rng = np.random.default_rng(0)
    truth = rng.normal(40.0, 5.0, 4000)
    visits = truth[:, None] + rng.normal(0.0, 1.5, (4000, 2))
    result = repeatability(visits.tolist())
    assert result.within_sd == pytest.approx(1.5, rel=0.04)  # its standard error is 1.1 %
    inside = np.abs(visits[:, 0] - visits[:, 1]) < result.coefficient
    assert inside.mean() == pytest.approx(0.95, abs=0.014)  # four standard errors
