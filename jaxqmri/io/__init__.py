"""The disk: NIfTI, BIDS folders, DICOM, and output that appears whole or not at all.

Units change here and nowhere else: milliseconds and degrees in memory, seconds in a BIDS folder.
Nothing in this package imports JAX; its modules load when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jaxqmri.io.errors import InputError

if TYPE_CHECKING:
    from jaxqmri.io import acquisition, bids, dicom, files, nifti, staging

__all__ = ["InputError", "acquisition", "bids", "dicom", "files", "nifti", "staging"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"jaxqmri.io.{name}")
    raise AttributeError(f"module 'jaxqmri.io' has no attribute {name!r}")
