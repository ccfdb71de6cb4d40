"""Tables: numbers as people write them, the same content in both languages."""

import re

import numpy as np
import pytest

from jaxqmri import report
from jaxqmri.report.tables import Beside, Estimate, Table, beside_paper, number, result_list


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (None, None, "–"),
        (float("nan"), 2, "–"),
        (-1.234, 2, "−1.23"),
        (-0.001, 2, "0.00"),
        (754800, None, "754,800"),
        (45.36001, None, "45.36"),
        (0.0123456, None, "0.01235"),
        (1.5e-7, None, "1.500e-07"),
        (float("inf"), None, "∞"),
        (np.float32(3.0), None, "3"),
    ],
)
def test_numbers_are_printed_for_people(value, digits, text):
    assert number(value, digits) == text


def test_estimate_says_only_what_is_known():
    assert Estimate(10.291, 2.477).text() == "10.29 ± 2.48"
    assert Estimate(10.291, None, 9.5, 11.1).text() == "10.29 (9.50 to 11.10)"
    assert Estimate(None).text() == "–"


RESULTS = [
    {"model": m, "input": i, "metric": "MAE", "unit": "ms", "ours": 1.0 * k, "ours_sd": 0.5,
     "low": 0.9 * k, "high": 1.1 * k, "paper": p, "paper_sd": None, "n": 40}
    for k, (m, i, p) in enumerate(
        [("NLLS", "PD+10", 49.40), ("NLLS", "0+10", 13.98), ("MLP", "PD+10", None)], start=1
    )
]  # fmt: skip


def test_layout_follows_the_paper():
    table = beside_paper(RESULTS, down=("model",), across="input")
    assert table.header == ("model", "PD+10", "0+10")
    assert [row[0] for row in table.rows] == ["NLLS", "MLP"]
    assert table.rows[0][2] == Beside(Estimate(2.0, 0.5), Estimate(13.98, None))
    assert table.rows[1][2] is None


def test_markdown_has_aligned_pipes_and_the_paper_in_brackets():
    text = beside_paper(RESULTS, down=("model",)).markdown()
    lines = text.splitlines()
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
    assert "1.00 ± 0.50 [49.40]" in lines[2]
    assert re.fullmatch(r"\| -+ \| -+: \| -+: \|", lines[1])


def test_two_results_in_one_cell_are_refused():
    with pytest.raises(ValueError, match="two results for NLLS, input PD\\+10"):
        beside_paper([RESULTS[0], RESULTS[0]], down=("model",))


def test_html_escapes_every_text():
    html = Table(("<a>", "b & c"), (("x < y", 1.0),), caption="<script>").html()
    assert "<script>" not in html
    assert "<a>" not in html
    assert "b &amp; c" in html
    assert "x &lt; y" in html


def test_result_list_has_the_difference_and_drops_empty_names():
    table = result_list(RESULTS)
    assert "region" not in table.header
    difference = table.rows[0][-1]
    assert isinstance(difference, Estimate)
    assert difference.value == pytest.approx(1.0 - 49.40)
    assert table.rows[2][-1] == Estimate(None, digits=2)


def test_ragged_rows_are_refused():
    with pytest.raises(ValueError, match="3 cells, the header 2"):
        Table(("a", "b"), (("x", 1, 2),))


def test_a_small_p_value_is_told_by_its_bound():
    assert report.p_value(0.0) == "<0.001"
    assert report.p_value(0.00099) == "<0.001"
    assert report.p_value(0.001) == "0.001"
    assert report.p_value(1.0) == "1.000"
    assert report.p_value(None) == report.p_value(float("nan")) == "–"
    results = [
        {"model": "A minus B", "metric": "MAE, p", "ours": 1e-9, "paper": 1e-16},
        {"model": "A minus B", "metric": "MAE", "ours": 0.0},
    ]
    table = report.result_list(results, names=("model", "metric"), p_values={"MAE, p"})
    assert table.markdown().count("<0.001") == 2  # ours and the paper's
    assert table.html().count("&lt;0.001") == 2
