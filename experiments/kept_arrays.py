"""Arrays in a file, whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxqmri.io.files import write_bytes


def keep_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays by name as one ``.npz`` file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(arrays))
    write_bytes(path, buffer.getvalue())


def kept_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read them; none if there is no file."""
    if not path.exists():
        return {}
    with np.load(path) as kept:
        return dict(kept)
