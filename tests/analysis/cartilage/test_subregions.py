"""Subregions of cartilage whose measures are known."""

from dataclasses import replace

import numpy as np
import pytest

from jaxqmri.analysis.cartilage import (
    ANATOMICAL,
    DOSMA,
    PAPER,
    RULES,
    SUBREGIONS,
    Rule,
    divide,
    in_words,
    subregion_statistics,
    usable,
)
from tests.analysis.cartilage.knees import Arcs, affine_of

KNEE = Arcs()
AFFINE = affine_of(KNEE.spacing)


def thickness_of(divided):
    return subregion_statistics(None, divided)[0].thickness


def test_landmarks_of_the_cartilage():
    found = divide(KNEE.mask(), AFFINE, "right")
    assert found.circle[:2] == pytest.approx(KNEE.centre, abs=0.05)
    assert found.circle.radius == pytest.approx(0.5 * (KNEE.inner + KNEE.outer), abs=0.1)
    assert found.turn == pytest.approx(0.0, abs=0.5)
    # cartilage behind the arc's middle is gone from slices 7 to 9: half is reached half-way
    assert found.borders.lateral == pytest.approx((8.0, 8.0, 8.0))


def test_zero_degrees_goes_with_the_arc():
    found = divide(KNEE._replace(ends=(-85.0, 115.0)).mask(), AFFINE, "right")
    assert found.turn == pytest.approx(15.0, abs=0.5)
    assert divide(KNEE.mask(), AFFINE, "right", DOSMA).turn == 0.0


def test_the_notch_goes_with_the_condyles():
    moved = KNEE._replace(notch=(4.5, 7.5), edges=(0, 11)).mask()
    assert divide(moved, AFFINE, "right").borders.lateral == pytest.approx((6.0, 6.0, 6.0))


def test_a_single_condyle_has_no_notch():
    with pytest.raises(ValueError, match="no notch between two condyles"):
        divide(KNEE._replace(notch=(0.0, 0.0), edges=(2, 6)).mask(), AFFINE, "right")
    with pytest.raises(ValueError, match="no notch"):
        divide(KNEE._replace(notch=(-1.0, 20.0)).mask(), AFFINE, "right")


@pytest.mark.parametrize("inner", [24.0, 24.2, 24.4, 24.6])
def test_thickness(inner):
    knee = KNEE._replace(inner=inner, spacing=(3.5, 0.3125, 0.3125), shape=(16, 230, 230))
    mask, affine = knee.mask(), affine_of(knee.spacing)
    assert thickness_of(divide(mask, affine, "right")) == pytest.approx(27.0 - inner, rel=0.02)
    # between the outermost centres it is short
    assert thickness_of(divide(mask, affine, "right", DOSMA)) < 27.0 - inner


def test_deep_is_the_half_towards_the_bone():
    found = divide(KNEE.mask(), AFFINE, "right")
    _, radii = KNEE.polar()
    names = np.array(["", *SUBREGIONS])[found.layout.to_knee(found.labels())]
    middle = 0.5 * (KNEE.inner + KNEE.outer)
    for name in np.unique(names[names != ""]):
        apart = np.broadcast_to(radii, names.shape)[names == name] - middle
        assert (apart.max() < 0.4) if name[0] == "D" else (apart.min() > -0.4)
    assert found.layers.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.05)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_shares_are_whole_and_labels_cover_the_mask(rule):
    mask = KNEE.mask()
    found = divide(mask, AFFINE, "right", rule)
    np.testing.assert_allclose(found.shares.sum(axis=1), 1.0)
    np.testing.assert_array_equal(found.labels() > 0, mask)
    assert set(np.unique(found.labels())) == set(range(13))
    if not rule.shared:
        assert set(np.unique(found.shares)) == {0.0, 1.0}
    whole, *_ = rows = subregion_statistics(None, found)
    assert whole.voxels == pytest.approx(mask.sum())
    assert sum(row.voxels for row in rows if len(row.region) == 3 and row.region != "all") == (
        pytest.approx(mask.sum())
    )


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_any_orientation_gives_the_same_numbers(rule):
    rng = np.random.default_rng(0)
    mask = KNEE.mask()
    values = rng.uniform(30.0, 70.0, mask.shape)
    expected = subregion_statistics(values, divide(mask, AFFINE, "right", rule))
    # (column, turned slice, row) of the new volume; the affine takes these back to the old
    volumes = [np.transpose(volume, (2, 0, 1))[:, ::-1] for volume in (mask, values)]
    back = np.array([[0, -1, 0, KNEE.shape[0] - 1], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    found = subregion_statistics(volumes[1], divide(volumes[0], AFFINE @ back, "right", rule))
    np.testing.assert_allclose(
        np.array([row[1:] for row in found]), np.array([row[1:] for row in expected]), rtol=1e-9
    )


def test_a_left_knee_is_the_mirror_image():
    mask = KNEE.mask()
    values = np.broadcast_to(np.arange(16.0)[:, None, None] + 30.0, mask.shape)
    right = subregion_statistics(values, divide(mask, AFFINE, "right"))
    left = subregion_statistics(values, divide(mask, affine_of(KNEE.spacing, "left"), "left"))
    assert left[1].mean < left[2].mean
    for one, other in zip(left, right, strict=True):
        assert one.mean == pytest.approx(other.mean)
    swapped = subregion_statistics(values, divide(mask, AFFINE, "left"))
    assert swapped[1].mean > swapped[2].mean


def test_values_that_do_not_count():
    mask = KNEE.mask()
    values = np.where(np.arange(140) % 2, 50.0, np.nan) + np.zeros(mask.shape)
    values[:, 60:80] = 120.0
    values[:, :20] = -3.0
    divided = divide(mask, AFFINE, "right")
    whole = subregion_statistics(values, divided, 100.0)[0]
    assert whole.voxels == pytest.approx(mask.sum())
    assert whole.valid == pytest.approx((mask & (values == 50.0)).sum())
    assert (whole.mean, whole.sd) == pytest.approx((50.0, 0.0))
    nothing = subregion_statistics(np.full(mask.shape, np.nan), divided)[0]
    assert nothing.valid == 0
    assert np.isnan([nothing.mean, nothing.sd]).all()
    np.testing.assert_array_equal(
        usable(np.array([[[0.0, 1.0, 100.0, 100.1, np.nan, np.inf, -1.0]]]), 100.0),
        [[[False, True, True, False, False, False, False]]],
    )


def test_dosma_keeps_the_largest_part_and_divides_at_the_centre_of_mass():
    mask = KNEE.mask()
    stray = mask.copy()
    stray[2, 130:134, 130:134] = True
    found = divide(stray, AFFINE, "right", DOSMA)
    assert len(found.voxels) == mask.sum()
    assert found.borders.lateral[0] == pytest.approx(np.argwhere(mask)[:, 0].mean())
    angles = found.unrolled.angles
    np.testing.assert_array_equal(found.plates[:, [1, 4]].sum(axis=1) == 1.0, np.abs(angles) <= 15)


def test_a_wider_central_part():
    found = divide(KNEE.mask(), AFFINE, "right", replace(PAPER, central=45.0))
    central = found.plates[:, [1, 4]].sum(axis=1) == 1.0
    assert np.abs(found.unrolled.angles[central]).max() == pytest.approx(45.0, abs=1.0)


def test_rules_that_cannot_be():
    with pytest.raises(ValueError, match="own axes"):
        Rule("odd", 30.0, "image", "notch")
    with pytest.raises(ValueError, match="between 0 and 180"):
        replace(ANATOMICAL, central=-1.0)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_no_cartilage(rule):
    with pytest.raises(ValueError, match="empty"):
        divide(np.zeros(KNEE.shape, bool), AFFINE, "right", rule)
    one = np.zeros(KNEE.shape, bool)
    one[3, 4, 5] = True
    with pytest.raises(ValueError, match="no circle"):
        divide(one, AFFINE, "right", rule)


def test_names():
    assert in_words("DLA") == "deep lateral anterior"
    assert in_words("all") == "all"
    assert len(set(SUBREGIONS)) == 12
