"""The benchmark of the chain runs from start to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import adiabatic_chain


def test_small_run_from_command_to_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "chain.json"
    small = ["--shape", "16", "16", "4", "--noisy", "16", "16", "4", "--repeats", "1"]
    adiabatic_chain.main([*small, "--out", str(out)])
    printed = capsys.readouterr().out
    found = json.loads(out.read_text("utf-8"))
    for row in found["without_noise"]:
        assert max(abs(row["b1"]), abs(row["t1"])) < 0.5
        assert abs(row["t1rho"]) < 1.0
        assert 0.05 < -row["t1rho_published"] < 1.0
    assert found["without_noise"][0]["t1_usual"] == pytest.approx(1.6, abs=0.05)
    for row in found["with_noise"]:
        assert 0.8 < row["t1"]["z_sd"] < 1.2
    assert [row["voxels"] for row in found["timed"][2:]] == [1024] * 2
    assert 300 < found["timed"][0]["voxels"] < 500
    assert "Seconds of the whole chain" in printed
