"""Echo trains that rise are averaged, those that fall are not."""

import numpy as np
import pytest

from jaxqmri.preprocessing import smooth_where_rising

FALLING = [9.0, 7.0, 5.0, 4.0, 2.0, 1.0]
RISING = [9.0, 7.0, 8.0, 4.0, 2.0, 1.0]
LEVEL = [9.0, 7.0, 7.0, 4.0, 2.0, 1.0]


def test_only_trains_that_do_not_fall_strictly_change():
    trains = np.array([[FALLING, RISING], [LEVEL, FALLING]])
    smooth = smooth_where_rising(trains)
    np.testing.assert_array_equal(smooth[0, 0], FALLING)
    np.testing.assert_array_equal(smooth[1, 1], FALLING)
    np.testing.assert_allclose(smooth[0, 1], [8.0, 8.0, 19 / 3, 14 / 3, 7 / 3, 1.5])
    np.testing.assert_allclose(smooth[1, 0], [8.0, 23 / 3, 6.0, 13 / 3, 7 / 3, 1.5])


def test_two_echoes_have_no_average_of_three():
    with pytest.raises(ValueError, match="3 echoes or more, got 2"):
        smooth_where_rising(np.ones((4, 2)))
