"""The Osteoarthritis Initiative's knee T2 study: a download and drawn masks to a BIDS dataset.

References
----------
Thomas et al., Cartilage 2021, doi:10.1177/19476035211042406: subjects, split and readers.
Peterfy et al., Osteoarthritis and Cartilage 2008, doi:10.1016/j.joca.2008.06.016: the scans.
"""

from jaxqmri.io.oai.masks import find_masks, read_mask
from jaxqmri.io.oai.series import ECHO_TIMES, Scan, check_series, find_scans
from jaxqmri.io.oai.slices import SliceGrid, slice_grid
from jaxqmri.io.oai.study import Summary, convert_study
from jaxqmri.io.oai.subjects import VISITS, Subject, read_subjects

__all__ = [
    "ECHO_TIMES",
    "VISITS",
    "Scan",
    "SliceGrid",
    "Subject",
    "Summary",
    "check_series",
    "convert_study",
    "find_masks",
    "find_scans",
    "read_mask",
    "read_subjects",
    "slice_grid",
]
