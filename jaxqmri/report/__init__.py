"""Tables beside the paper's, figures, and self-contained HTML pages.

Importing it is quick: matplotlib loads with the first figure.
"""

from jaxqmri.report.claims import (
    Claim,
    Judged,
    Verdict,
    claims_table,
    findings_table,
    judge,
)
from jaxqmri.report.findings import Criterion, Finding, Outcome, Rows, compared, smallest
from jaxqmri.report.page import (
    Html,
    Number,
    Section,
    facts,
    figure,
    heading,
    links,
    note,
    numbers,
    page,
    paragraph,
    table,
    write_page,
)
from jaxqmri.report.tables import (
    Beside,
    Estimate,
    Table,
    beside_paper,
    number,
    p_value,
    result_list,
)
from jaxqmri.report.uncertainty import coverage_plot, reliability_diagrams, sparsification_plot

__all__ = [
    "Beside",
    "Claim",
    "Criterion",
    "Estimate",
    "Finding",
    "Html",
    "Judged",
    "Number",
    "Outcome",
    "Rows",
    "Section",
    "Table",
    "Verdict",
    "beside_paper",
    "claims_table",
    "compared",
    "coverage_plot",
    "facts",
    "figure",
    "findings_table",
    "heading",
    "judge",
    "links",
    "note",
    "number",
    "numbers",
    "p_value",
    "page",
    "paragraph",
    "reliability_diagrams",
    "result_list",
    "smallest",
    "sparsification_plot",
    "table",
    "write_page",
]
