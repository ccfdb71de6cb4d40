"""The command line, without an experiment."""

import importlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments import command as shared
from experiments import (
    disc_phases,
    knee_cv,
    knee_rmq,
    knee_t2,
    liver_uncertainty,
    physics_weight,
)
from experiments.command import Command
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


PRESETS = {"smoke": Settings(1), "quick": Settings(2), "full": Settings(3), "paper": Settings(4)}


def parse(*arguments):
    return shared.parse("example", "An example.", PRESETS, list(arguments))


def test_the_preset_gives_the_defaults_and_flags_change_them():
    assert parse() == Command(Settings(2), "quick")
    assert parse("--preset", "full").settings == Settings(3)
    assert parse("--preset=paper", "--rate", "2").settings == Settings(4, 2.0)
    command = parse("--size", "7", "--seed", "5", "--data", "here", "--out", "there")
    assert command == Command(Settings(7), "quick", Path("here"), Path("there"), 5)


@pytest.mark.parametrize("preset", ["smoke", "quick", "full", "paper"])
@pytest.mark.parametrize(
    "experiment", [disc_phases, knee_cv, knee_rmq, knee_t2, liver_uncertainty, physics_weight]
)
def test_every_preset_of_every_experiment_is_its_command_line(experiment, preset):
    presets = importlib.import_module(f"{experiment.__name__}.settings").PRESETS
    command = shared.parse("it", experiment.__doc__, presets, ["--preset", preset])
    assert command == Command(presets[preset], preset)


@pytest.mark.parametrize("arguments", [("--preset", "huge"), ("--nonsense", "1"), ("--size", "a")])
def test_a_wrong_flag_ends_with_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(*arguments)
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert arguments[0] in message
    assert message.count("\n") == 1


def test_heads_of_the_description_start_on_their_own_lines(capsys):
    described = "An example.\n\nPaper\n    By A, and\n    B.\nQuestion\n    Does it?\n"
    with pytest.raises(SystemExit):
        shared.parse("example", described, PRESETS, ["--help"])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert "Paper" in lines
    assert "Question" in lines
    assert lines.index("Question") > lines.index("Paper") + 1


def test_errors_become_exit_codes(capsys):
    def bad():
        raise InputError("a.nii: broken")

    def stopped():
        raise KeyboardInterrupt

    assert shared.execute(lambda: None) == 0
    assert shared.execute(bad) == 2
    assert capsys.readouterr().err == "a.nii: broken\n"
    assert shared.execute(stopped) == 130
