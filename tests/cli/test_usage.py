"""Words that a command cannot use: one line that names them, and help that a pipe may cut short."""

import subprocess
import sys

import pytest

from jaxqmri.cli.main import COMMANDS, main

FIT = ["fit", "t2", "knee.nii"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*FIT, "--bogus", "1"], "--bogus: no such option"),
        ([*FIT, "--fixed-sdt", "b1=1"], "--fixed-sdt: no such option, did you mean --fixed-std?"),
        ([*FIT, "--over"], "--over: no such option, did you mean --overwrite?"),
        (["fit", "t3", "knee.nii"], "MODEL t3: expected t1rho, t1rho-adiabatic"),
        ([*FIT, "--te", "10", "b"], "--te b: expected a number"),
        ([*FIT, "--te"], "--te: found nothing, expected a number"),
        ([*FIT, "--te", "10", "--te", "20"], "--te: given twice"),
        ([*FIT, "--starts", "1.5"], "--starts 1.5: expected a whole number"),
        ([*FIT, "--starts=many"], "--starts many: expected a whole number"),
        ([*FIT, "--starts", "--overwrite"], "--starts: found nothing, expected a whole number"),
        ([*FIT, "--likelihood", "cauchy"], "--likelihood cauchy: expected gaussian or rician"),
        ([*FIT, "--sigma", "air"], "--sigma air: expected a number or background"),
        ([*FIT, "--free"], "--free: found nothing, expected NAME ..."),
        ([*FIT, "--overwrite=yes"], "--overwrite yes: expected no value"),
        (["fit"], "MODEL: found nothing, expected t1rho"),
        (["fit", "t2"], "INPUT ...: found nothing, expected a path"),
        (["convert", "dicom"], "--out: missing, expected a path"),
        (["convert", "dicom", "--out", "study", "--run", "x"], "--run x: expected a whole number"),
        (["stats", "study", "more"], "more: one word too many, expected [STUDY]"),
        (
            ["simulate", "hip", "--out", "hips"],
            "STUDY hip: expected knee_t1rho, liver_t1rho, knee_ute, knee_mese or spine_t1rho",
        ),
    ],
)
def test_a_wrong_word_is_told_in_one_line(words, told, capfd):
    assert main(words) == 2
    out, message = capfd.readouterr()
    assert out == ""
    assert message.startswith(f"jaxqmri: {told}")
    assert message.count("\n") == 1


def test_what_only_the_parser_refuses_is_one_line_too(monkeypatch, capfd):
    monkeypatch.setattr("jaxqmri.cli.usage._check", lambda *_: None)
    assert main([*FIT, "--starts", "1.5"]) == 2
    message = capfd.readouterr().err
    assert "--starts" in message
    assert "1.5" in message
    assert message.count("\n") == 1
    assert not set("│╭╰─") & set(message)
    assert "help" not in message


def test_negative_numbers_are_values(tmp_path, capfd):
    assert main(["fit", "t2", str(tmp_path / "absent.nii"), "--te", "-10", "-.5", "-inf"]) == 2
    assert "no such file" in capfd.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_the_same_parts(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert not stop.value.code
    text = capsys.readouterr().out
    assert text.startswith(f"usage: jaxqmri {command} ")
    assert f"\nExamples:\n  jaxqmri {command} " in text
    assert "(default" not in text


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["fit", "--help"]])
def test_a_reader_that_leaves_is_no_error(words):
    code = f"import sys\nfrom jaxqmri.cli.main import main\nsys.exit(main({words!r}))"
    program = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert program.stdout is not None
    program.stdout.close()
    assert program.stderr is not None
    told = program.stderr.read()
    assert program.wait(timeout=120) == 141
    assert told == b""
