"""The run folder, without an experiment."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.run import Command, Result, Run
from jaxqmri.io import InputError


@dataclass(frozen=True)
class Settings:
    """Settings of a made-up experiment.

    Attributes
    ----------
    size
        How large.
    rate
        How fast.
    """

    size: int = 1
    rate: float = 0.5


def start(folder, **changed):
    return Run("example", Command(Settings(), "smoke", out=folder, **changed), Path("data"))


def test_a_result_has_the_whole_schema_and_no_nan():
    entry = Result("m", "MAE", "ms", "a", n=1, ours=1.5, ours_sd=float("nan")).entry()
    assert list(entry) == [
        "model", "input", "region", "visit", "metric", "unit",
        "n", "ours", "ours_sd", "low", "high", "paper", "paper_sd",
    ]  # fmt: skip
    assert (entry["ours"], entry["ours_sd"], entry["paper"]) == (1.5, None, None)


def test_seconds_add_up_over_sessions(tmp_path):
    first = start(tmp_path / "run")
    first._before = 100.0
    assert first.tick() > 100.0
    assert start(tmp_path / "run").tick() > 100.0


def test_metrics_are_written_last(tmp_path):
    run = start(tmp_path / "run")
    run.results = [Result("m", "MAE", "ms")]

    def broken(seconds):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run.write("tables", broken)
    assert not run.complete
    run.write("tables", lambda seconds: None)
    assert run.complete
    content = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert content["results"] == [run.results[0].entry()]


def test_overwrite_removes_what_a_run_made_and_nothing_else(tmp_path):
    folder = tmp_path / "run"
    run = start(folder)
    run.write("tables", lambda seconds: None)
    (folder / "maps" / "old.nii.gz").write_bytes(b"")
    (folder / "models" / "old").mkdir(parents=True)
    (folder / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="seed: 0 there, 1 now"):
        start(folder, seed=1)
    again = start(folder, seed=1, overwrite=True)
    assert not again.complete
    assert not (folder / "maps" / "old.nii.gz").exists()
    assert not (folder / "models").exists()
    assert (folder / "mine.txt").read_text() == "keep"


def test_a_folder_of_something_else_is_never_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="not empty, and not a run folder"):
            start(tmp_path, overwrite=overwrite)
    with pytest.raises(InputError, match="a file, expected a run folder"):
        start(tmp_path / "thesis.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
