"""Other packages' environments: made once in the user's cache, one for each peer."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

from jaxqmri.cli.cache import cache_folder


class Peer(NamedTuple):
    """What is installed for a peer, and how many voxels it is timed on.

    ``alone`` is installed without what it says it needs; ``label`` names it in tables where its
    own name does not say what it is.
    """

    requirements: tuple[str, ...]
    voxels: int
    alone: str = ""
    label: str = ""


PEERS = {
    "qmrpy": Peer(("qmrpy==2.0.0",), 1000),
    # whole, ukat needs a TensorFlow that Python 3.11 cannot have; its mapping does not
    "ukat": Peer(
        (
            "numpy<2",
            "scipy<1.12",
            "scikit-learn==1.2.2",
            "scikit-image<0.22",
            "dipy==1.9.0",
            "nibabel",
            "numba",
            "pathos",
            "pandas<3",
            "tabulate",
            "tqdm",
            "matplotlib",
        ),
        1000,
        alone="ukat==0.7.3",
    ),
    # DOSMA uses names that NumPy 2 has dropped
    "dosma": Peer(("dosma==0.1.2", "numpy<2", "pandas<3", "scipy<1.14"), 5000),
    "torchimize": Peer(
        ("torchimize==0.0.16", "torch==2.13.0"), 10_000, label="torchimize (batched PyTorch LM)"
    ),
}
# simulates echo trains, and fits none; it says that it needs a NumPy that has no Python 3.13
SIMULATORS = {"epyg": Peer(("numpy==2.3.5",), 2000, alone="epyg==0.2.0")}


class NotInstalled(RuntimeError):  # noqa: N818
    """A peer's environment could not be made; the message is the installer's last error."""


def interpreter(name: str, patience: float) -> Path:
    """The Python of a peer's environment, which is made if there is none.

    Raises
    ------
    NotInstalled
        If the installer fails, or is not done after ``patience`` seconds.
    """
    folder = cache_folder() / "peers" / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    complete = folder / "complete.txt"
    peer = (PEERS | SIMULATORS)[name]
    wanted = "\n".join((*peer.requirements, peer.alone))
    if complete.exists() and complete.read_text("utf-8") == wanted:
        return python
    venv.create(folder, with_pip=True, clear=True)
    _install(python, patience, *peer.requirements)
    if peer.alone:
        _install(python, patience, "--no-deps", peer.alone)
    complete.write_text(wanted, "utf-8")
    return python


def _install(python: Path, patience: float, *requirements: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--prefer-binary", *requirements]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=patience
        )
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"pip was not done after {patience:g} s") from None
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NotInstalled(errors[-1] if errors else f"pip ended with {done.returncode}")
