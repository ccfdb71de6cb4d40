"""Femoral cartilage: unrolled, divided into subregions, compared between visits.

From a mask and a map of any orientation to the mean in each of twelve subregions (superficial or
deep; lateral or medial; anterior, central or posterior) and in what they make up.
"""

from jaxqmri.analysis.cartilage.borders import PLATES, Borders
from jaxqmri.analysis.cartilage.change import Change, change
from jaxqmri.analysis.cartilage.circle import Circle, fit_circle
from jaxqmri.analysis.cartilage.orientation import Layout, layout
from jaxqmri.analysis.cartilage.rules import ANATOMICAL, DOSMA, PAPER, RULES, Rule
from jaxqmri.analysis.cartilage.statistics import (
    REGIONS,
    SubregionStatistics,
    in_words,
    subregion_statistics,
    usable,
)
from jaxqmri.analysis.cartilage.subregions import SUBREGIONS, Subregions, divide
from jaxqmri.analysis.cartilage.unrolling import BIN, BINS, CENTRES, LOWER_EDGES, Unrolled, project

__all__ = [
    "ANATOMICAL",
    "BIN",
    "BINS",
    "CENTRES",
    "DOSMA",
    "LOWER_EDGES",
    "PAPER",
    "PLATES",
    "REGIONS",
    "RULES",
    "SUBREGIONS",
    "Borders",
    "Change",
    "Circle",
    "Layout",
    "Rule",
    "SubregionStatistics",
    "Subregions",
    "Unrolled",
    "change",
    "divide",
    "fit_circle",
    "in_words",
    "layout",
    "project",
    "subregion_statistics",
    "usable",
]
