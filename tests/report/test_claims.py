"""A claim is held, partly, or not, by numbers and intervals; what was not tested says so."""

import math

import pytest

from jaxqmri import report
from jaxqmri.report import Claim, Criterion, Outcome, Rows, Verdict

BELOW_5 = Criterion(below=5.0)


def row(model, source, ours, low=None, high=None, paper=None, metric="RPE", region="all"):
    return {
        "model": model, "input": source, "metric": metric, "region": region, "unit": "%",
        "ours": ours, "low": low, "high": high, "paper": paper,
    }  # fmt: skip


def judged(rows, *sources, model="MLP"):
    claim = Claim("target", "Errors are small.", "RPE below 5 %", lambda found: [
        found.value(BELOW_5, model, source, "RPE") for source in sources
    ])  # fmt: skip
    (result,) = report.judge([claim], rows)
    return result


@pytest.mark.parametrize(
    ("value", "low", "high", "outcome"),
    [
        (4.0, 3.0, 4.9, Outcome.HELD),
        (4.0, 3.0, 5.1, Outcome.UNDECIDED),
        (4.0, None, None, Outcome.BY_MEAN),
        (5.1, None, None, Outcome.NOT_HELD),
        (5.1, 4.0, 6.0, Outcome.UNDECIDED),
        (5.0, 5.0, 6.0, Outcome.UNDECIDED),
        (5.5, 5.1, 6.0, Outcome.NOT_HELD),
    ],
)
def test_the_whole_interval_must_meet_the_criterion(value, low, high, outcome):
    assert BELOW_5.outcome(value, low, high) is outcome
    mirrored = Criterion(above=-5.0)
    assert mirrored.outcome(-value, high and -high, low and -low) is outcome


@pytest.mark.parametrize(
    ("first", "second", "verdict", "text"),
    [
        ((4, 3, 4.5), (3, 2, 4), Verdict.HELD, "held (2 of 2)"),
        ((4, 3, 4.5), (6, 5.5, 7), Verdict.PARTLY, "held partly (1 of 2)"),
        ((7, 6, 8), (6, 5.5, 7), Verdict.NOT_HELD, "not held (0 of 2)"),
        (
            (4,), (3, 2, 4), Verdict.PARTLY,
            "held partly (1 of 2; 1 by the mean, without an interval)",
        ),
        ((4, 3, 6), (3, 2, 4), Verdict.PARTLY, "held partly (1 of 2; 1 undecided)"),
        ((4, 3, 6), (6, 4, 8), Verdict.UNDECIDED, "undecided (0 of 2; 2 undecided)"),
        ((4, 3, 6), (7, 6, 8), Verdict.NOT_HELD, "not held (0 of 2; 1 undecided)"),
        ((4, 3, 4.5), (None,), Verdict.HELD, "held where tested (1 of 2; 1 not run)"),
        ((math.nan,), (None,), Verdict.NOT_TESTABLE, "not testable here (2 not run)"),
    ],
)  # fmt: skip
def test_verdicts(first, second, verdict, text):
    result = judged(Rows([row("MLP", "a", *first), row("MLP", "b", *second)]), "a", "b")
    assert result.verdict is verdict
    assert result.text == text


def test_a_row_that_is_not_there_was_not_run():
    assert judged(Rows([]), "a").findings[0].outcome is Outcome.NOT_RUN


def test_what_is_short_of_its_plateau_supports_no_claim_either_way():
    for ours in (1.0, 50.0):
        result = judged(Rows([row("MLP", "a", ours, ours, ours)], short={("MLP", "a")}), "a")
        assert result.verdict is Verdict.NOT_TESTABLE
        assert result.text == ("not testable here (1 short of the plateau, supporting no claim)")
        assert result.findings[0].value == ours
        assert result.deciding is None


def test_differences_are_paired_where_there_is_a_row_for_it():
    rows = [
        row("A", "x", 3.0, 2, 4, paper=1.0),
        row("B", "x", 5.0, 4, 6, paper=2.5),
        row("A minus B", "x", -2.0, -2.5, -1.5),
        row("A", "y", 2.5, 2, 3),
        row("A", "x minus y", 0.5, 0.1, 0.9),
    ]
    smaller = Criterion(below=0.0)
    found = Rows(rows).difference(smaller, ("A", "x"), ("B", "x"), "RPE")
    assert found.what == "A minus B, x, RPE"
    assert (found.value, found.low, found.outcome) == (-2.0, -2.5, Outcome.HELD)
    assert (found.paper, found.paper_held) == (-1.5, True)
    assert found.margin == pytest.approx(2.0 / 0.5)
    unpaired = Rows(rows[:2]).difference(smaller, ("A", "x"), ("B", "x"), "RPE")
    assert (unpaired.value, unpaired.low, unpaired.outcome) == (-2.0, None, Outcome.BY_MEAN)
    between = Rows(rows).difference(smaller, ("A", "x"), ("A", "y"), "RPE")
    assert (between.value, between.outcome) == (0.5, Outcome.NOT_HELD)
    assert (between.p, unpaired.p, found.p) == (None, None, None)
    p_row = row("A", "x minus y", 0.03, metric="RPE, p (Holm)")
    tested = Rows([*rows, p_row], p_values="p (Holm)")
    assert tested.difference(smaller, ("A", "x"), ("A", "y"), "RPE").p == 0.03
    for arm in (("A", "x"), ("B", "x")):
        short = Rows(rows, short={arm}).difference(smaller, ("A", "x"), ("B", "x"), "RPE")
        assert short.outcome is Outcome.SHORT
    missing = Rows(rows).difference(smaller, ("A", "x"), ("C", "x"), "RPE")
    assert missing.outcome is Outcome.NOT_RUN


def test_numbers_that_the_data_were_made_to_match_test_nothing():
    rows = [row("A", "x", 4.0, 3, 4.5), row("B", "x", 1.0, 0.5, 1.5)]
    claim = Claim("target", "Small.", "RPE below 5 %", lambda found: [
        found.value(BELOW_5, "A", "x", "RPE")
    ])  # fmt: skip
    found = Rows(rows, calibrated={("A", "x")})
    (result,) = report.judge([claim], found)
    assert result.verdict is Verdict.CALIBRATED
    assert result.text == "calibrated, not tested (1 that the data were made to match)"
    assert result.deciding is None
    assert found.value(BELOW_5, "B", "x", "RPE").outcome is Outcome.HELD
    against = found.difference(Criterion(below=0.0), ("B", "x"), ("A", "x"), "RPE")
    assert against.outcome is Outcome.BY_MEAN


def test_without_a_number_that_it_needs_a_claim_is_not_testable():
    def of(*needed):
        rows = Rows([row("MLP", "a", 1.0, 0.5, 1.5), row("MLP", "b", None)])
        claim = Claim("target", "Small.", "RPE below 5 %", lambda found: [
            found.value(BELOW_5, "MLP", name, "RPE")._replace(needed=name in needed)
            for name in ("a", "b")
        ])  # fmt: skip
        return report.judge([claim], rows)[0]

    assert of("a").verdict is Verdict.HELD
    assert of("b").verdict is Verdict.NOT_TESTABLE
    assert of("b").text == "not testable here (1 of 2 tested, none that decides; 1 not run)"
    assert of("b").deciding is None


def test_the_best_of_several():
    def best(rows, short=()):
        found = Rows(rows, short=short)
        each = [found.value(BELOW_5, model, "x", "RPE") for model in ("A", "B")]
        return report.smallest(each, "best RPE, x")

    good, bad = row("A", "x", 4.0, 3, 4.5, paper=6.0), row("B", "x", 9.0, 8, 10, paper=3.0)
    assert best([good, bad]).value == 4.0
    assert (best([good, bad]).paper, best([good, bad]).paper_held) == (3.0, True)
    assert best([good]).outcome is Outcome.HELD  # one that holds is enough
    assert best([row("A", "x", 6.0, 4, 8)]).outcome is Outcome.NOT_RUN
    assert best([row("A", "x", 6.0, 4, 8), bad]).outcome is Outcome.UNDECIDED
    assert best([bad]).outcome is Outcome.NOT_RUN  # the other might have held
    assert best([good, bad], short={("A", "x")}).outcome is Outcome.SHORT
    assert best([row("A", "x", 7.0, 6, 8), bad]).outcome is Outcome.NOT_HELD


def test_the_deciding_number_is_the_worst():
    rows = [row("MLP", "a", 1.0, 0, 2), row("MLP", "b", 4.5, 4.2, 4.8), row("MLP", "c", 4.0, 3, 6)]
    assert judged(Rows(rows), "a", "b").deciding.what == "MLP, b, RPE"
    assert judged(Rows(rows), "a", "b", "c").deciding.what == "MLP, c, RPE"


def test_rows_of_other_regions_are_left_out_and_doubles_refused():
    rows = [row("MLP", "a", 1.0), row("MLP", "a", 9.0, region="patellar")]
    found = Rows(rows, common={"region": "all"}).value(BELOW_5, "MLP", "a", "RPE")
    assert found.value == 1.0
    with pytest.raises(ValueError, match="two rows for MLP, a, RPE"):
        Rows(rows)


def test_tables_in_both_languages():
    rows = [row("MLP", "a", 4.0, 3, 4.5, paper=6.0), row("MLP", "b", None, paper=4.0)]
    results = [judged(Rows(rows), "a", "b")]
    table = report.claims_table(results, "Claims.")
    for text in (table.markdown(), table.html()):
        assert "Errors are small." in text
        assert "held where tested (1 of 2; 1 not run)" in text
        assert "MLP, a, RPE: 4.00 % (3.00 to 4.50)" in text
        assert "1 of 2" in table.rows[0][-1]
    details = report.findings_table(results).markdown()
    assert "4.00 (3.00 to 4.50)" in details
    assert details.count("not testable in this preset") == 1
