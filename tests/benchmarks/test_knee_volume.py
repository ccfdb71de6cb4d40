"""The benchmark of one volume runs from start to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import knee_volume


def test_small_run_from_command_to_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "volume.json"
    small = ["--preset", "smoke", "--features", "4", "8", "--repeats", "1", "--sampled", "5"]
    knee_volume.main([*small, "--out", str(out)])
    found = json.loads(out.read_text("utf-8"))
    assert found["shape"] == [64, 64, 21, 7]
    assert 0 < found["voxels_of_cartilage"] < found["voxels_fitted"]
    assert found["total_s"] == pytest.approx(sum(found["seconds"].values()))
    assert min(found["scipy_s"], *found["seconds"].values()) > 0
    assert "One volume of 64 x 64 x 21 x 7, simulated" in capsys.readouterr().out
