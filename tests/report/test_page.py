"""A page is one well-formed file that needs nothing else."""

import base64
import re
from html.parser import HTMLParser

import pytest

from jaxqmri import report
from jaxqmri.report.figures import dots_beside_paper, histogram, save_png

VOID = {"meta", "img", "br", "link"}


class Balanced(HTMLParser):
    """Fails on a tag that is never closed, or closed twice."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def assert_well_formed(document):
    parser = Balanced()
    parser.feed(document)
    assert parser.open == []


@pytest.fixture
def document():
    table = report.Table(("model", "PD+10"), (("NLLS", 1.0),))
    return report.page(
        "Knee <T1rho>",
        [
            report.Section("Rows", [report.table(table), report.paragraph("`a < b` & more")]),
            report.Section("Values", [report.figure(histogram({"a": [1, 2]}, "T2", (0, 3)), "H")]),
            report.Section("Settings", [report.facts({"seed": "0"})]),
            report.Section("Remarks", [report.note("Simulated.", warning=True)]),
        ],
        lead="A lead.",
        opening=[report.numbers([report.Number("Median", "45.4 ms", "n = 40")])],
    )


def test_page_is_well_formed_and_escaped(document):
    assert_well_formed(document)
    assert "Knee &lt;T1rho&gt;" in document
    assert "<code>a &lt; b</code> &amp; more" in document


def test_page_fetches_nothing(document):
    assert not re.search(r"(src|href)=\"(?!data:|#)", document)
    assert "url(" not in document


def test_contents_point_at_sections(document):
    targets = re.findall(r'href="#([^"]+)"', document)
    assert len(targets) == 4
    assert all(f'id="{target}"' in document for target in targets)


def test_images_are_inlined_as_png(document):
    (image,) = re.findall(r"data:image/png;base64,([^\"]+)", document)
    assert base64.b64decode(image).startswith(b"\x89PNG")


def test_written_whole_or_not_at_all(tmp_path, document):
    path = tmp_path / "quality.html"
    report.write_page(path, document)
    assert path.read_text(encoding="utf-8") == document
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UnicodeEncodeError):
        report.write_page(path, report.Html("\ud800"))
    assert path.read_text(encoding="utf-8") == document
    assert list(tmp_path.iterdir()) == [path]


def test_figures_can_be_saved(tmp_path):
    rows = [{"model": "NLLS", "input": "0+10", "ours": 1.0, "low": 0.5, "high": 2, "paper": 3.0}]
    save_png(dots_beside_paper(rows, "MAE (ms)"), tmp_path / "mae.png")
    assert (tmp_path / "mae.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(tmp_path.iterdir())) == 1
