"""The benchmark runs from start to end, and says what failed and what was not met."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import environments, fit, report
from benchmarks.cases import CASES
from benchmarks.plain import PLAIN
from benchmarks.reference import Reference, differences


def test_small_run_from_command_to_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    fit.main(["--voxels", "20000", "--repeats", "1", "--cases", "mono", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    (path,) = tmp_path.glob("fit-*.json")
    found = json.loads(path.read_text("utf-8"))
    rows = {row["method"]: row for row in found["rows"]}
    ours, minpack = rows[report.OURS], rows[report.MINPACK]
    assert ours["voxels"] == 20_000
    assert ours["voxels_per_s"] == pytest.approx(20_000 / ours["steady_s"])
    assert ours["ratio"] == pytest.approx(ours["voxels_per_s"] / minpack["voxels_per_s"])
    assert minpack["ratio"] == 1
    assert ours["compared"] == 50
    assert 0 < ours["difference_999"] < 1e-2
    assert ours["float64_difference_999"] < 1e-6
    assert ours["memory_peak_mib"] > ours["memory_before_mib"] > 0
    assert ours["limit"]["taken_ns"] == pytest.approx(1e9 / ours["best_voxels_per_s"])
    assert "limit" not in minpack
    assert min(found["limits"].values()) > 0
    assert found["data"] == "simulated"
    assert "mono" in printed
    assert "Simulated" in printed
    assert str(tmp_path) not in path.read_text("utf-8")
    assert str(fit.ROOT) not in path.read_text("utf-8")


@pytest.mark.parametrize("name", PLAIN)
def test_hand_written_equations_are_the_models(name: str):
    case, plain = CASES[name], PLAIN[name]
    middle = [np.float64(np.mean(limits)) for limits in case.tissue.values()]
    by_hand = np.asarray(plain.signal(np, case.times, *middle))
    np.testing.assert_allclose(by_hand, case.model(case.params(middle)), rtol=2e-5)
    start = [float(value) for value in plain.start(np, case.times, by_hand)]
    lower, upper = case.model.bounds()
    for parameter, value in zip(case.tissue, start, strict=True):
        assert getattr(lower, parameter) < value < getattr(upper, parameter)


def test_a_missing_estimate_differs_infinitely():
    reference = Reference(np.ones((3, 2)), np.full((3, 2), 0.5), np.array([True, True, False]))
    estimates = np.array([[1.0, 1.25], [np.nan, 1.0], [9.0, 9.0]])
    assert differences(estimates, reference).tolist() == [0.5, np.inf]


def test_a_method_that_fails_is_listed_with_its_last_line(tmp_path: Path):
    np.save(tmp_path / "images.npy", np.ones((4, 4), np.float32))
    method = fit.Method("absent", "benchmarks.methods.absent", 4)
    row = fit.measured(method, {}, tmp_path)
    assert "absent" in row["error"]
    assert row["error"] in report.table([{"case": "mono", "method": "absent", **row}])


def test_a_peer_that_does_not_install_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(name: str, patience: float) -> Path:
        raise environments.NotInstalled(f"no {name} after {patience:g} s")

    monkeypatch.setattr(environments, "interpreter", refuse)
    row = fit.measured(fit.Method("qmrpy", "benchmarks.peers.qmrpy", 4, "qmrpy"), {}, tmp_path)
    assert row == {"error": "does not install: no qmrpy after 600 s"}


def test_targets_tell_met_from_not_met_and_not_measured():
    row = {
        "case": "mono", "method": report.OURS, "voxels_per_s": 2e7, "ratio": 999.0,
        "difference_999": None, "float64_difference_999": 1e-9,
    }  # fmt: skip
    found = {each["what"]: each["met"] for each in report.targets([row])}
    assert found["mono: voxels/s"] is True
    assert found["mono: times curve_fit"] is False
    assert found["offset: voxels/s"] is None
    assert found["mono: float32 difference / std, 99.9 %"] is False
    assert found["mono: float64 difference / std, 99.9 %"] is True


def test_peers_are_named_for_what_they_are_and_ours_comes_last():
    *_, batched, ours = (method.name for method in fit.methods("mono", peers=True))
    assert batched == "torchimize (batched PyTorch LM)"
    assert ours == report.OURS
    assert len(fit.methods("offset", peers=True)) == len(fit.methods("offset", peers=False))
