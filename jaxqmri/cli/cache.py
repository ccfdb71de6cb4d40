"""Where what can be made again is kept between runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Folder of compiled programs, of experiments' cohorts and transforms, of benchmarks' peers.

    ``JAXQMRI_CACHE``, or ``jaxqmri`` in the user's cache folder.
    """
    if os.environ.get("JAXQMRI_CACHE"):
        return Path(os.environ["JAXQMRI_CACHE"])
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "jaxqmri"
