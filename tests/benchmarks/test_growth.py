"""The benchmark of growth runs from start to end, each axis in a few small points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.growth import __main__ as growth
from benchmarks.growth import axes


def test_small_run_from_command_to_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    small = [
        "--voxels", "100", "200", "--scipy-most", "100", "--images", "4", "8", "--parameters", "2",
        "3", "4", "--devices", "1", "--trainings", "1", "2", "--count", "600", "--repeats", "2",
        "--subjects", "1", "2",
    ]  # fmt: skip
    growth.main([*small, "--out", str(tmp_path)])
    (path,) = tmp_path.glob("growth-*.json")
    found = json.loads(path.read_text("utf-8"))
    sizes: dict[tuple[str, str], list[int]] = {}
    for each in found["points"]:
        sizes.setdefault((each["axis"], each["method"]), []).append(each["size"])
        assert len(each["seconds"]) == 2
        assert 0 < min(each["seconds"]) <= each["median_s"] <= max(each["seconds"])
    assert sizes == {
        ("voxels", "jaxqmri"): [100, 200], ("voxels", "scipy curve_fit"): [100],
        ("images", "jaxqmri"): [4, 8], ("parameters", "jaxqmri"): [2, 3, 4],
        ("devices", "jaxqmri"): [1], ("trainings", "jaxqmri"): [1, 2],
        ("subjects", "jaxqmri fit"): [1, 2],
    }  # fmt: skip
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert found["machine"]["cores"] >= 1
    printed = capsys.readouterr().out
    assert "Simulated" in printed
    assert "trainings" in printed


def test_growth_is_the_power_between_two_points_of_a_line():
    line = [axes.point("images", "ours", n, [s]) for n, s in ((4, 1.0), (8, 4.0), (16, 4.0))]
    powers = [row.split()[-1] for row in growth.table(line).splitlines()[2:]]
    assert powers == ["2.00", "0.00"]


def test_a_program_that_fails_is_not_taken_for_fast():
    with pytest.raises(RuntimeError, match="absent"):
        axes.seconds_alone("benchmarks.methods.absent", 4, None, 1, 0)
