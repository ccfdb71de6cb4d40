"""Slices of a volume: the right way up, and where something is."""

import numpy as np

from jaxqmri.report.maps import Panel, choose_slices, draw_maps


def test_slices_are_held_as_a_radiologist_holds_them():
    volume = np.zeros((4, 5, 6), np.float32)
    volume[3, 0, 5] = 1.0  # right, posterior, superior in a RAS volume
    inside = np.ones(volume.shape, bool)
    axial = choose_slices(np.diag([1.0, 1.0, 3.0, 1.0]), inside, 6)
    assert axial.plane == "axial"
    assert axial.edges == ("R", "L", "A", "P")
    picture = axial.picture(volume, 5)
    assert picture.shape == (5, 4)
    assert picture[-1, 0] == 1.0  # bottom left: posterior, and the patient's right

    sagittal = choose_slices(np.diag([3.0, 1.0, 1.0, 1.0]), inside, 6)
    assert sagittal.plane == "sagittal"
    assert sagittal.picture(volume, 3)[0, -1] == 1.0  # top right: superior, posterior

    left_first = np.diag([-1.0, 1.0, 3.0, 1.0])
    volume = np.zeros((4, 5, 6), np.float32)
    volume[0, 4, 0] = 1.0  # right, anterior
    assert choose_slices(left_first, inside, 6).picture(volume, 0)[0, 0] == 1.0


def test_slices_follow_what_is_inside():
    inside = np.zeros((20, 20, 30), bool)
    inside[5:9, 6:12, 10:16] = True
    slices = choose_slices(np.diag([1.0, 1.0, 3.0, 1.0]), inside, 4)
    assert all(10 <= index < 16 for index in slices.indices)
    first, last = slices.crop[0].start, slices.crop[0].stop
    assert 0 < first <= 5
    assert 9 <= last < 15


def test_mosaic_holds_every_slice_once():
    volume = np.arange(2 * 2 * 5, dtype=np.float32).reshape(2, 2, 5)
    slices = choose_slices(np.diag([1.0, 1.0, 3.0, 1.0]), np.ones((2, 2, 5), bool), 5)
    mosaic = slices.mosaic(volume, np.nan, lines=2)
    values = mosaic[np.isfinite(mosaic)]
    np.testing.assert_array_equal(np.sort(values), np.arange(20))


def test_units_stand_on_the_map():
    slices = choose_slices(np.eye(4), np.ones((4, 4, 4), bool), 2)
    figure = draw_maps([Panel(np.ones((4, 4, 4)), "T2", "ms", (0.0, 2.0))], slices)
    assert figure.axes[0].get_title(loc="left") == "T2 (ms)"
