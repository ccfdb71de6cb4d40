import os
import signal
import subprocess
import sys
import textwrap

import pytest

from jaxqmri.io import InputError
from jaxqmri.io.files import read_bytes
from jaxqmri.io.staging import staged


def files(folder):
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if not str(path).startswith(".jaxqmri"))


def make(out, settings, content=None, **options):
    with staged(out, settings=settings, **options) as stage:
        for name, text in (content or {"map.txt": "1"}).items():
            path = stage / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return stage.already_done


@pytest.mark.parametrize("exists", [False, True])
def test_files_appear_together(tmp_path, exists):
    out = tmp_path / "new" / "out"
    if exists:
        out.mkdir(parents=True)
        (out / "other.txt").write_text("theirs")
    with staged(out, settings={"model": "t2"}) as stage:
        (stage / "a.txt").write_text("1")
        (stage.folder / "sub").mkdir()
        (stage / "sub/b.txt").write_text("2")
        assert files(out) == [] if not exists else "a.txt" not in files(out)
    expected = ["a.txt", "sub/b.txt"]
    assert files(out) == (sorted([*expected, "other.txt"]) if exists else expected)
    assert [entry.name for entry in out.parent.iterdir()] == ["out"]


def fail_halfway(out):
    with staged(out, settings={"a": 1}, overwrite=True) as stage:
        (stage / "map.txt").write_text("half")
        read_bytes(out / "nowhere")


@pytest.mark.parametrize("exists", [False, True])
def test_an_error_leaves_nothing(tmp_path, exists):
    out = tmp_path / "new" / "out"
    if exists:
        make(out, {"a": 1})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="no such file"):
        fail_halfway(out)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_same_settings_are_done_and_others_are_refused(tmp_path):
    out = tmp_path / "out"
    assert not make(out, {"te": [1, 2], "model": "t2"})
    assert make(out, {"model": "t2", "te": (1, 2)}, {"map.txt": "again"})
    assert (out / "map.txt").read_text() == "1"
    with pytest.raises(InputError, match=r"out: .* \(model: \"t2\" there, \"t2-epg\" now\)"):
        make(out, {"model": "t2-epg", "te": [1, 2]})
    assert not make(out, {"model": "t2-epg"}, {"other.txt": "2"}, overwrite=True)
    assert files(out) == ["other.txt"]
    assert make(out, {"model": "t2-epg"})


def test_a_lost_or_cut_file_is_made_again(tmp_path):
    out = tmp_path / "out"
    make(out, {"a": 1})
    (out / "map.txt").unlink()
    assert not make(out, {"a": 1})
    (out / "map.txt").write_text("")
    assert not make(out, {"a": 1})
    assert (out / "map.txt").read_text() == "1"


def test_names_share_a_folder(tmp_path):
    out = tmp_path / "out"
    make(out, {"a": 1}, {"1.txt": ""}, name="sub-01")
    make(out, {"a": 2}, {"2.txt": ""}, name="sub-02")
    assert files(out) == ["1.txt", "2.txt"]
    assert make(out, {"a": 1}, name="sub-01")
    with pytest.raises(InputError, match=r"1\.txt: belongs to the results of sub-01"):
        make(out, {"a": 3}, {"1.txt": "theirs"}, name="sub-03", overwrite=True)
    assert make(out, {"a": 1}, name="sub-01")


def test_files_that_are_not_ours_are_kept(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "map.txt").write_text("theirs")
    with pytest.raises(InputError, match=r"map\.txt: exists"):
        make(out, {"a": 1})
    assert (out / "map.txt").read_text() == "theirs"
    assert files(out) == ["map.txt"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match="file: a file"):
        make(file, {})
    with pytest.raises(InputError, match="cannot be written"):
        make(file / "out", {})


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_folder_is_named(tmp_path):
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    with pytest.raises(InputError, match="out: cannot be written"):
        make(out, {})


def test_two_runs_at_once_are_told_apart(tmp_path):
    with (
        staged(tmp_path / "out", settings={}),
        pytest.raises(InputError, match="another run"),
        staged(tmp_path / "out", settings={}),
    ):
        pass


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from jaxqmri.io import staging

    out, moment = Path(sys.argv[1]), sys.argv[2]
    moves, replace = [], os.replace

    def counted(source, target):
        if Path(source).suffix == ".txt":
            moves.append(target)
            if moment == "moving" and len(moves) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)

    os.replace = counted
    with staging.staged(out, settings={"a": 1}) as stage:
        for name in ("1.txt", "2.txt", "3.txt"):
            (stage / name).write_text("new")
            if moment == "writing" and name == "2.txt":
                os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("moment", ["writing", "moving"])
def test_a_killed_run_is_cleared_or_completed_by_the_next(tmp_path, moment, exists):
    out = tmp_path / "out"
    if exists:
        make(out, {"b": 0}, {"other.txt": ""}, name="other")
    before = files(out) if exists else []
    script = textwrap.dedent(KILLED)
    killed = subprocess.run([sys.executable, "-c", script, str(out), moment], check=False)
    if moment == "moving" and not exists:  # a new folder appears in one step: no second move
        assert killed.returncode == 0
    else:
        assert killed.returncode == -signal.SIGKILL
        visible = [name for name in files(out) if ".partial" not in name] if out.exists() else []
        assert visible == (before if moment == "writing" else sorted(["1.txt", *before]))
    done = make(out, {"a": 1}, {f"{k}.txt": "new" for k in (1, 2, 3)})
    assert done == (moment == "moving")
    assert files(out) == sorted(["1.txt", "2.txt", "3.txt", *before])
    assert all((out / f"{k}.txt").read_text() == "new" for k in (1, 2, 3))
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_input_is_never_replaced_or_removed(tmp_path, overwrite):
    out = tmp_path / "out"
    make(out, {"a": 1}, {"b1.txt": "1", "t2.txt": "2"})
    for content in ({"t2.txt": "3"}, {"b1.txt": "3"}):
        with pytest.raises(InputError, match=r"b1\.txt: an input"):
            make(out, {"a": 2}, content, overwrite=overwrite, inputs=[out / "b1.txt"])
    assert files(out) == ["b1.txt", "t2.txt"]
    assert (out / "b1.txt").read_text() == "1"


def test_an_input_that_no_run_made_is_not_replaced_either(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b1.txt").write_text("mine")
    with pytest.raises(InputError, match=r"b1\.txt: an input"):
        make(out, {"a": 1}, {"b1.txt": "3"}, overwrite=True, inputs=[out / "b1.txt"])
    assert (out / "b1.txt").read_text() == "mine"
