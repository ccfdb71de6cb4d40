"""The same knee in other poses, rendered anew, at the OAI's resolution."""

import numpy as np
import pytest

from jaxqmri.analysis.cartilage import ANATOMICAL, PAPER, divide, subregion_statistics
from tests.analysis.cartilage.knees import rendered

POSES = {
    "flexed by 10 degrees": {"angles": (10.0, 0.0, 0.0)},
    "extended by 10 degrees": {"angles": (-10.0, 0.0, 0.0)},
    "left, two slices aside": {"left": True, "shift": (7.0, 0.0, 0.0)},
}


def means(rule, image, side="right"):
    divided = divide(image.mask, image.affine, side, rule)
    return np.array([row.mean for row in subregion_statistics(image.t2, divided)])


@pytest.fixture(scope="module")
def straight():
    return rendered()


@pytest.mark.parametrize("pose", POSES)
def test_regional_means_do_not_move_with_the_knee(pose, straight):
    image = rendered(**POSES[pose])
    side = "left" if "left" in pose else "right"
    before = means(ANATOMICAL, straight)
    assert np.ptp(before) > 10.0  # layers and places differ by far more than what is asked
    change = means(ANATOMICAL, image, side) / before - 1.0
    assert np.abs(change).max() < 0.005
    if "degrees" in pose:
        theirs = means(PAPER, image, side) / means(PAPER, straight) - 1.0
        assert np.abs(theirs).max() > 0.01
