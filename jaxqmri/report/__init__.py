"""Tables beside the paper's, figures, and self-contained HTML pages.

Importing it is quick: matplotlib loads with the first figure.
"""

from jaxqmri.report.page import (
    Html,
    Number,
    Section,
    facts,
    figure,
    heading,
    note,
    numbers,
    page,
    paragraph,
    table,
    write_page,
)
from jaxqmri.report.tables import Beside, Estimate, Table, beside_paper, number, result_list

__all__ = [
    "Beside",
    "Estimate",
    "Html",
    "Number",
    "Section",
    "Table",
    "beside_paper",
    "facts",
    "figure",
    "heading",
    "note",
    "number",
    "numbers",
    "page",
    "paragraph",
    "result_list",
    "table",
    "write_page",
]
