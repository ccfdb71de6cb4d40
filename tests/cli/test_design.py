"""``jaxqmri design``: a table of bounds and fits, and what it refuses."""

import pytest

from jaxqmri.cli.main import main
from jaxqmri.io.files import read_table

PLAIN = ["design", "t1rho", "--between", "20", "80", "--snr", "30", "--most", "100"]


def test_a_design_stands_beside_another_acquisition(tmp_path, capsys):
    table = tmp_path / "design.tsv"
    more = ["--keep", "0", "--step", "1", "--compare", "0", "10", "30", "50", "--voxels", "500"]
    assert main([*PLAIN, *more, "--out", str(table)]) == 0
    printed = capsys.readouterr().out
    assert "designed: 0, " in printed
    assert "simulated: 500 voxels" in printed
    rows = read_table(table)
    worst = {
        name: max(row["bound_percent"] for row in rows if row["acquisition"] == name)
        for name in ("designed", "compared")
    }
    assert worst["designed"] < 0.85 * worst["compared"]
    assert all(row["sd_percent"] == pytest.approx(row["bound_percent"], rel=0.2) for row in rows)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["design", "t3", *PLAIN[2:]], "no such method"),
        (["design", "t1-vfa", *PLAIN[2:]], "--tr needed"),
        (["design", "t1rho", "--between", "80", "20", *PLAIN[5:]], "--between 80 20"),
        ([*PLAIN[:6], "0", *PLAIN[7:]], "--snr 0"),
        ([*PLAIN, "--step", "0"], "--step 0"),
        ([*PLAIN, "--set", "t2=3"], "--set t2"),
        ([*PLAIN, "--free", "b1"], "--free b1"),
        ([*PLAIN, "--keep", "0", "--images", "1"], "nothing is left"),
        (["design", "stretched", *PLAIN[2:]], "--set beta= needed"),
    ],
)
def test_bad_commands_are_one_line(words, told, capsys):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
