"""A command compiles a program only once, and the next process finds it."""

import os
import subprocess
import sys

from jaxqmri.cli.launch import PROGRAM
from jaxqmri.io import nifti
from tests.cli.test_stream import AFFINE, TIMES, simulated


def compiled_programs(folder):
    """Names of those kept, but for when each was last used."""
    return {path.name for path in folder.rglob("*-cache")}


def test_a_second_process_does_not_compile_for_images_of_the_same_shape(tmp_path):
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled")}
    kept = []
    for seed in range(2):
        path = tmp_path / f"scan-{seed}.nii.gz"
        nifti.write_image(path, simulated((12, 11, 3), seed), AFFINE)
        words = ["fit", "t1rho", path, "--tsl", *map(str, TIMES), "--no-quality"]
        subprocess.run([sys.executable, "-c", PROGRAM, *words], env=environment, check=True)
        kept.append(compiled_programs(tmp_path / "compiled"))
    assert kept[0]
    assert kept[1] == kept[0]
