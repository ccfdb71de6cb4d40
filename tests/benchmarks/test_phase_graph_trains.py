"""Echo trains are the reference's, and a peer that does not install is listed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import environments, phase_graph
from benchmarks.methods import jaxqmri_phase_graph
from tests.reference.phase_graph import multi_echo


def test_small_run_from_command_to_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refuse(name: str, patience: float) -> Path:
        raise environments.NotInstalled(f"no {name} after {patience:g} s")

    monkeypatch.setattr(environments, "interpreter", refuse)
    out = tmp_path / "trains.json"
    phase_graph.main(["--trains", "50", "--echoes", "4", "--repeats", "1", "--out", str(out)])
    ours, peer = json.loads(out.read_text("utf-8"))["rows"]
    assert ours["trains"] == 50
    assert ours["trains_per_s"] == pytest.approx(50 / ours["steady_s"])
    assert ours["difference"] == 0
    assert peer["error"] == "does not install: no epyg after 600 s"
    assert "failed" in capsys.readouterr().out


def test_trains_are_the_references():
    problem = {"echoes": 8, "spacing": 10.0, "t1": 1000.0, "devices": None}
    signals, columns = jaxqmri_phase_graph.prepare(problem)
    tissue = np.array([[40.0, 0.7], [100.0, 0.95], [60.0, 1.0]], np.float32)
    found = columns(signals(tissue))
    times = 10.0 * np.arange(1, 9)
    wanted = [multi_echo(times, 180.0, 1.0, t2, b1, 1000.0) for t2, b1 in tissue]
    np.testing.assert_allclose(found, wanted, atol=2e-6)
