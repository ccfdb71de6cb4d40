"""BIDS folders: raw series in, maps and tables out.

A dataset keeps times in seconds; what these functions take and give is in milliseconds. Names
follow BIDS, with one extension for spin-lock series, ``tsl-<i>_T1rhow``.
"""

from jaxqmri.io.dataset import (
    read_participants,
    write_dataset_description,
    write_participants,
)
from jaxqmri.io.entities import Entities, build_name, parse_name
from jaxqmri.io.kinds import SERIES, SeriesKind
from jaxqmri.io.maps import (
    Map,
    find_image,
    find_label_names,
    find_maps,
    map_folder,
    map_name,
    read_anat,
    read_label_names,
    read_labels,
    read_map,
    write_map,
    write_map_file,
)
from jaxqmri.io.raw import write_raw, write_series
from jaxqmri.io.series import Series, find_series, read_series
from jaxqmri.io.sidecars import Metadata, read_metadata

__all__ = [
    "SERIES",
    "Entities",
    "Map",
    "Metadata",
    "Series",
    "SeriesKind",
    "build_name",
    "find_image",
    "find_label_names",
    "find_maps",
    "find_series",
    "map_folder",
    "map_name",
    "parse_name",
    "read_anat",
    "read_label_names",
    "read_labels",
    "read_map",
    "read_metadata",
    "read_participants",
    "read_series",
    "write_dataset_description",
    "write_map",
    "write_map_file",
    "write_participants",
    "write_raw",
    "write_series",
]
