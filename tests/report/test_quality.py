"""The quality page: what it shows is what the maps hold, in the right place."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from jaxqmri.fitting.result import FitResult
from jaxqmri.report.maps import Panel, choose_slices, draw_maps
from jaxqmri.report.quality import FittedSeries, choose_voxels, quality_page, well_known
from tests.report.test_page import assert_well_formed

TE = np.array([10.0, 20.0, 40.0, 60.0])


class Params(NamedTuple):
    s0: Any
    t2: Any


def signals(parameters, positions):
    at = TE if positions is None else positions
    return parameters["s0"][:, None] * np.exp(-at / parameters["t2"][:, None])


def fitted(shape=(12, 10, 6), std=True, t2=None, status=None):
    rng = np.random.default_rng(0)
    t2 = rng.uniform(30, 60, shape).astype(np.float32) if t2 is None else t2
    s0 = np.full(shape, 100.0, np.float32)
    status = np.ones(shape, np.uint8) if status is None else status
    gone = ~np.isin(status, (1, 2))
    s0[gone], t2[gone] = np.nan, np.nan
    images = signals({"s0": s0.ravel(), "t2": t2.ravel()}, None).reshape(*shape, 4)
    noise = rng.normal(0, 1, images.shape)
    result = FitResult(
        Params(s0, t2),
        status,
        ("s0", "t2"),
        sigma=1.0,
        std=Params(0 * s0 + 1, 0.02 * t2) if std else None,
        rmse=np.sqrt((noise**2).mean(-1)).astype(np.float32),
        r_squared=np.full(shape, 0.99, np.float32),
    )
    return FittedSeries(
        result,
        np.nan_to_num(images + noise),
        np.diag([1.0, 1.0, 3.0, 1.0]),
        "t2",
        {"s0": "S0", "t2": "T2"},
        {"s0": "arbitrary", "t2": "ms"},
        TE,
        "echo time (ms)",
        signals,
        title="T2, sub-01",
        settings={"Model": "T2Decay"},
    )


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


def test_well_known_voxels_have_small_relative_errors():
    series = fitted()
    error = np.asarray(series.result.std.t2)
    error[0], error[1] = 20.0, np.nan
    known = well_known(series)
    assert not known[:2].any()
    assert known[2:].all()


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
