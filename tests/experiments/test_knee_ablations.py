"""Several runs: which a command asks for, and what is made of their numbers when joined."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from experiments.knee_cv import experiment
from experiments.knee_cv.comparisons import CALIBRATED, CONSTANT, LOOKUP
from experiments.knee_cv.paper import MASKED, MLP, NLLS, UNMASKED
from experiments.knee_cv.plan import JOINING, NAME
from experiments.knee_cv.predictions import PREDICTIONS
from experiments.knee_cv.results import CARTILAGE
from experiments.knee_cv.settings import (
    ABLATIONS,
    CALIBRATIONS,
    GAINS,
    GROUPS,
    PRESETS,
    SCALINGS,
    Ablation,
    Group,
)
from experiments.run import Command, Result, Run, identity, write_metrics
from experiments.several import Planned, page
from experiments.several.collect import collect
from experiments.several.figures import figures_of
from experiments.several.predictions import Came, Fate, came
from experiments.trainings import SETTLED
from jaxqmri.io import InputError
from jaxqmri.io.files import write_json
from jaxqmri.report import Criterion, Finding

asked, joined = JOINING.plan.asked, JOINING.plan.joined
summary_folder = JOINING.plan.summary_folder

RPE = {
    UNMASKED: 4.0,
    MASKED: 6.0,
    MLP: 7.0,
    NLLS: 60.0,
    CONSTANT: 9.0,
    LOOKUP: 7.0,
    CALIBRATED: 5.0,
}
LEAD = f"{UNMASKED} minus {MLP}"
LEADS = {  # mean and ends of the interval, by run
    "headline": (-3.0, -4.0, -2.0),
    "pd-gain-0": (0.25, -0.5, 1.0),
    "pd-gain-0.1": (-1.5, -3.5, 0.5),
    "pd-gain-0.2": (-4.0, -5.0, -3.0),
    "pd-gain-0.3": (-6.0, -7.0, -5.0),
    "known-gain": (-0.5, -0.75, -0.25),
    "cartilage-alone": (-2.5, -5.0, 0.5),
    "calibrated-0.65-0.20-4": (-3.5, -4.5, -2.5),
    "calibrated-0.65-0.15-9": (-2.0, -3.0, -1.0),
    "seed-8": (-2.5, -3.5, -1.5),
    "seed-9": (-3.5, -4.5, -2.5),
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXQMRI_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def command(tmp_path):
    return Command(PRESETS["quick"], "quick", None, tmp_path / "runs" / "mine", 7)


def asking(command, *ablations, seeds=1):
    return replace(command, settings=replace(command.settings, ablation=ablations, seeds=seeds))


def row(model, ours, metric="RPE", unit="%", **more):
    return Result(model, metric, unit, "PD+50", CARTILAGE, n=40, ours=ours, **more)


def rows_of(name, shift=0.0, short=()):
    value, low, high = LEADS[name]
    return [
        *(row(model, rpe + shift, paper=3.81) for model, rpe in RPE.items()),
        row(LEAD, value, low=low, high=high),
        row(f"{LEAD} (of no model)", 99.0),
        row(UNMASKED, 0.9 + shift, "slope of subject means", "", low=0.8, high=1.1),
        *(Result(m, SETTLED, "%", "PD+50", ours=80.0 if m in short else 100.0) for m in (MLP,)),
        Result(UNMASKED, "RPE", "%", "PD+50", "femoral", ours=77.0),
        Result(UNMASKED, "RPE", "%", "PD+10", CARTILAGE, paper=4.09),
    ]


def keep(planned: Planned, rows, complete=True):
    """The run folder as an experiment would have left it."""
    kept = identity(NAME, planned.command, planned.data)
    write_json(planned.folder / "config.json", kept)
    if complete:
        write_metrics(planned.folder, NAME, "quick", 60.0, rows)


@pytest.fixture
def kept(command):
    """All runs but those with other scalings, which are in three ways not there."""
    command = asking(command, "all", seeds=3)
    for planned in asked(command):
        shift = {"calibrated-0.65-0.20-4": 0.5, "seed-8": 1.0, "seed-9": 2.0}.get(planned.name, 0.0)
        if planned.name == "scale-percentile":
            keep(planned, [], complete=False)
        elif planned.name != "scale-muscle":
            keep(planned, rows_of(planned.name, shift))
    return command


def told(command):
    return (summary_folder(command) / "tables.md").read_text("utf-8")


def lines(text, *words):
    return [line for line in text.splitlines() if all(word in line for word in words)]


# which runs


def test_names_on_the_command_line_are_those_that_there_are():
    assert set(get_args(Ablation)) == set(ABLATIONS)
    assert set(get_args(Group)) == set(GROUPS)
    assert GROUPS["all"] == tuple(ABLATIONS)
    assert {*GAINS, *SCALINGS, *CALIBRATIONS, "known-gain", "cartilage-alone"} == set(ABLATIONS)


@pytest.mark.parametrize(
    ("name", "calibrated"),
    [("scale-muscle", True), ("known-gain", False), (next(iter(CALIBRATIONS)), True)],
)
def test_nlls_is_tested_where_the_data_were_not_made_to_match_it(command, name, calibrated):
    rows = [row(NLLS, 58.0, "% Bias", low=56.0, high=60.0)]
    judged = JOINING.judge(rows, asking(command, name), True).judged
    (claim,) = [one for one in judged if one.claim.name == "no NLLS from PD"]
    assert claim.text.startswith("calibrated") == calibrated
    assert claim.text.startswith("held") == (not calibrated)


def test_a_plain_command_is_one_run(command):
    (one,) = asked(command)
    assert one.command == command
    assert one.cohort.seed == 7


def test_groups_and_names_are_runs_beside_the_experiment(command):
    first, *others = asked(asking(command, "cartilage-alone", "calibrated", "scale-muscle"))
    assert first.folder == command.out
    assert [one.name for one in others] == ["cartilage-alone", "scale-muscle", *CALIBRATIONS]
    for one in others:
        assert one.folder == Path(f"{command.out}-{one.name}")
        assert one.command.settings.ablation == (one.name,)
        assert one.command.seed == 7
        assert (one.data == first.data) == (one.name == "scale-muscle")
        assert one.cohort.settings == ABLATIONS[one.name].study
    assert others[1].command.settings.scaling == "reference-tissue"
    without = replace(asking(command, "gain"), out=None)
    assert asked(without)[1].folder == Path("runs/knee_cv-quick-pd-gain-0")
    assert summary_folder(without) == Path("runs/knee_cv-quick-ablations")


def test_other_seeds_are_trained_on_the_same_subjects(command):
    first, *others = asked(asking(command, seeds=3))
    assert [(one.name, one.command.seed) for one in others] == [("seed-8", 8), ("seed-9", 9)]
    for one in others:
        assert one.data == first.data
        assert one.command.settings == first.command.settings


@pytest.mark.parametrize(
    ("ablations", "seeds", "message"),
    [(("pd-gain-0.3",), 1, "take scale-percentile or scale-muscle"), ((), 0, "--seeds 0")],
)
def test_what_cannot_be_had_is_refused_before_anything_is_run(command, ablations, seeds, message):
    given = replace(asking(command, *ablations, seeds=seeds), data=Path("study"))
    with pytest.raises(InputError, match=message):
        asked(given)


# joined


def test_runs_that_are_not_there_are_named(kept):
    other = next(one for one in joined(kept) if one.name == "pd-gain-0")
    keep(other._replace(command=replace(other.command, preset="full")), [])
    collected = collect(JOINING, kept)
    assert list(collected.missing.items()) == [
        ("pd-gain-0", "run with other settings (preset: full there, quick now)"),
        ("scale-percentile", "not complete"),
        ("scale-muscle", "not run"),
    ]
    page.write(JOINING, kept)
    for name, why in collected.missing.items():
        assert lines(told(kept), "Missing:", f"{name} ({why})")
        assert lines(told(kept), f"| {name} ", f"missing: {why}")
    document = (summary_folder(kept) / "report.html").read_text("utf-8")
    assert "scale-muscle (not run)" in document


def test_without_the_experiment_itself_there_is_no_summary(command):
    with pytest.raises(InputError, match="mine: not run"):
        collect(JOINING, command)


def test_seeds_that_were_trained_before_are_found(kept):
    assert list(collect(JOINING, asking(kept)).seeds) == ["headline", "seed-8", "seed-9"]


def test_every_number_is_that_of_a_run(kept):
    page.write(JOINING, kept)
    content = json.loads((summary_folder(kept) / "metrics.json").read_text())
    assert (content["experiment"], content["preset"]) == (NAME, "quick")
    assert content["seconds"] == 60.0 * 11
    rows = {(r["model"], r["input"], r["metric"]): r for r in content["results"]}
    assert len(rows) == len(content["results"])
    assert {len(r) for r in content["results"]} == {13}
    for name, (value, low, high) in LEADS.items():
        found = rows[LEAD, "PD+50", "RPE" if name == "headline" else f"RPE, {name}"]
        assert (found["ours"], found["low"], found["high"]) == (value, low, high)
    ends = [
        rows[LEAD, "PD+50", f"RPE, {end} of the calibrations"]["ours"]
        for end in ("lowest", "highest")
    ]
    assert ends == [-3.5, -2.0]
    seeds = rows[UNMASKED, "PD+50", "RPE, mean over training seeds"]
    assert (seeds["n"], seeds["ours"]) == (3, 5.0)
    assert seeds["ours_sd"] == pytest.approx(np.std([4.0, 5.0, 6.0], ddof=1))
    assert not any(r["ours"] in (77.0, 99.0, None) for r in content["results"])


def test_learned_rows_have_their_range_over_the_calibrations(kept):
    page.write(JOINING, kept)
    text = told(kept).split("## Every row")[1].split("## ")[0]
    assert lines(text, f"| {UNMASKED} | RPE (%)", "4.00 (4.00 to 4.50) [3.81]")
    assert lines(text, f"| {UNMASKED} | slope of subject means", "0.90 (0.90 to 1.40)")
    for model in (MASKED, MLP, NLLS, LOOKUP, CALIBRATED):
        assert lines(text, f"| {model} ", "RPE (%)", f"{RPE[model]:.2f} ("), model
    seeds = told(kept).split("## Training seeds")[1].split("## ")[0]
    assert lines(seeds, f"| {UNMASKED} | RPE (%)", "5.00 ± 1.00 [3.81]")
    assert lines(seeds, f"| {LEAD} | RPE (%)", "3.00 ± 0.50")
    assert lines(text, f"| {LEAD} | RPE (%)", "−3.00 (−3.50 to −2.00)")


def test_every_table_says_that_the_data_are_simulated(kept):
    page.write(JOINING, kept)
    sections = told(kept).split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections] == [
        "Runs",
        "What should break, and whether it did",
        "Every row with its range over the calibrations",
        "Training seeds",
        "Every claim in every run",
    ]
    for section in sections:
        tables = [p for p in section.split("\n\n") if p.lstrip().startswith("|")]
        captions = [p for p in section.split("\n\n") if p.startswith("Simulated data. ")]
        assert tables
        assert len(captions) == len(tables)


def test_what_was_expected_stands_beside_what_came(kept):
    page.write(JOINING, kept)
    text = told(kept).split("## What should break")[1].split("## ")[0].split("masking costs.")[0]
    for name, words in {
        "pd-gain-0 ": ("0.25 (−0.50 to 1.00)", "should vanish", "| yes "),
        "pd-gain-0.1 ": ("−1.50 (−3.50 to 0.50)", "should stay", "| undecided "),
        "pd-gain-0.3 ": ("−6.00 (−7.00 to −5.00)", "should stay", "| yes "),
        "known-gain ": ("should vanish", "| not wholly: less, but there "),
        "cartilage-alone ": ("should vanish", "| undecided "),
        "scale-muscle ": ("should vanish", "| missing: not run "),
    }.items():
        (line,) = lines(text, f"| {name}")
        assert all(word in line for word in words), line
        assert f"{LEAD}, PD+50, RPE (%)" in line or "missing" in line


def test_every_claim_has_its_deciding_number_in_every_run(kept):
    page.write(JOINING, kept)
    tables = told(kept).split("## Every claim")[1].split("Simulated data. ")[1:]
    (table,) = [t for t in tables if t.startswith("U-Net with PD: ")]
    assert f"{LEAD}, PD+50, RPE (%) decides it" in table
    assert lines(table, "| headline ", "−3.00 (−4.00 to −2.00)", "| held ", "held where tested")
    assert lines(table, "| pd-gain-0 ", "0.25", "undecided: its interval holds both", "undecided (")
    assert "Missing: scale-percentile, scale-muscle." in table
    (table,) = [t for t in tables if t.startswith("MLP without PD: ")]
    assert "no number decides it" in table
    assert lines(table, "| headline ", "not testable here")


def test_a_network_short_of_its_plateau_is_marked_and_tests_nothing(kept):
    for planned in asked(kept):
        if planned.name == "known-gain":
            keep(planned, rows_of("known-gain", short=[MLP]))
        elif planned.name == "calibrated-0.65-0.15-9":
            keep(planned, rows_of(planned.name, short=[MLP]))
    page.write(JOINING, kept)
    (line, *_) = lines(told(kept).split("## What should break")[1], "| known-gain ")
    assert "not tested" in line
    assert lines(told(kept), f"| {MLP} (PD+50: short of its plateau) | RPE")
    leads = figures_of(collect(JOINING, kept))["every_run"][0].axes[0]
    names = [label.get_text() for label in leads.get_yticklabels()]
    faces = [drawn.lines[0].get_markerfacecolor() for drawn in leads.containers]
    assert [n for n, face in zip(names, faces, strict=True) if face == "white"] == [
        "known-gain", "calibrated-0.65-0.15-9",
    ]  # fmt: skip


def test_the_curve_over_the_spread_of_the_gain(kept):
    figure, caption = figures_of(collect(JOINING, kept))["gain_spread"]
    left, right = figure.axes
    curve = left.containers[0].lines[0]
    np.testing.assert_allclose(curve.get_xdata(), [0, 10, 15, 20, 30])
    order = ("pd-gain-0", "pd-gain-0.1", "headline", "pd-gain-0.2", "pd-gain-0.3")
    np.testing.assert_allclose(curve.get_ydata(), [LEADS[name][0] for name in order])
    bars = [segment[:, 1] for segment in left.containers[0].lines[2][0].get_segments()]
    np.testing.assert_allclose(bars, [LEADS[name][1:] for name in order])
    assert len(right.containers) == 5
    assert "15 % is the headline" in caption
    assert "simulated data" in [text.get_text() for text in figure.texts]
    leads = figures_of(collect(JOINING, kept))["every_run"][0].axes[0]
    assert [label.get_text() for label in leads.get_yticklabels()] == [
        name for name in LEADS if not name.startswith("scale")
    ]
    page.write(JOINING, kept)
    made = summary_folder(kept) / "figures"
    assert {path.name for path in made.iterdir()} == {"gain_spread.png", "every_run.png"}


def test_the_experiment_alone_has_neither_ranges_nor_seeds(command):
    keep(asked(command)[0], rows_of("headline"))
    page.write(JOINING, command)
    assert "range over the calibrations" not in told(command)
    assert "Training seeds" not in told(command)
    assert set(collect(JOINING, command).missing) == set(ABLATIONS)


def test_a_folder_that_holds_something_else_is_left_alone(kept):
    page.claim_folder(JOINING, kept)
    page.write(JOINING, kept)
    page.claim_folder(JOINING, kept)
    (summary_folder(kept) / "config.json").unlink()
    with pytest.raises(InputError, match="mine-ablations: no summary of runs"):
        page.claim_folder(JOINING, kept)


def test_a_run_that_fails_is_named_and_the_others_are_joined(
    command, tmp_path, monkeypatch, capsys
):
    def carry_out(run: Run, cohort):
        if run.settings.ablation == ("scale-muscle",):
            raise InputError("sub-01: no muscle drawn")
        write_metrics(run.folder, NAME, "quick", 60.0, rows_of("headline"))

    monkeypatch.setattr(experiment, "carry_out", carry_out)
    out = str(tmp_path / "runs" / "mine")
    assert experiment.main(["--ablation", "scaling", "--seed", "7", "--out", out]) == 2
    errors = capsys.readouterr().err
    assert "1 of 3 runs failed: scale-muscle" in errors
    assert "scale-muscle: sub-01: no muscle drawn\n" in errors
    assert "scale-muscle (not complete)" in told(command)
    assert "scale-percentile (" not in told(command)


# what is expected


def finding(value, low=None, high=None, criterion=None):
    criterion = criterion or Criterion(below=0.0)
    return Finding("", "", criterion.outcome(value, low, high), value, low, high)


@pytest.mark.parametrize(
    ("fate", "headline", "there", "expected"),
    [
        ("VANISH", (-3, -4, -2), (0.2, -0.5, 1), "YES"),
        ("VANISH", (-3, -4, -2), (2, 1, 3), "YES"),  # turned round
        ("VANISH", (-3, -4, -2), (-2, -5, 1), "UNDECIDED"),  # its interval holds both
        ("VANISH", (-3, -4, -2), (-0.5, -0.8, -0.2), "LESS"),
        ("VANISH", (-3, -4, -2), (-2.5, -3.5, -1.5), "NO"),
        ("VANISH", (-3, -4, -2), (-6, -7, -5), "NO"),
        ("VANISH", (-3, -4, 1), (0.2, -0.5, 1), "NOTHING"),
        ("VANISH", (-3, -4, -2), (0.2,), "UNDECIDED"),  # no interval
        ("STAY", (-3, -4, -2), (-1, -2, -0.5), "YES"),
        ("STAY", (-3, -4, -2), (-1, -2, 0.5), "UNDECIDED"),
        ("STAY", (-3, -4, -2), (1, 0.5, 2), "NO"),
        ("STAY", (1, 0.5, 2), (-1, -2, -0.5), "NOTHING"),
        ("HOLD", (1, 0.5, 2), (-1, -2, -0.5), "YES"),
        ("HOLD", (1, 0.5, 2), (1, 0.5, 2), "NO"),
    ],
)
def test_whether_it_came(fate, headline, there, expected):
    assert came(Fate[fate], finding(*headline), finding(*there)) is Came[expected]


def test_only_ablations_that_there_are_have_an_expectation():
    for prediction in PREDICTIONS:
        assert set(prediction.fates) <= set(ABLATIONS)
