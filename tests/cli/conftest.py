"""Small images with known answers, as files."""

import json

import nibabel as nib
import numpy as np
import pytest

TE = (10.0, 25.0, 45.0, 70.0)
AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def decay(shape=(4, 3, 2), times=TE, t2=40.0):
    """Noise-free decays whose amplitude differs from voxel to voxel."""
    s0 = 100.0 + np.arange(np.prod(shape), dtype=float).reshape(shape)
    return (s0[..., None] * np.exp(-np.asarray(times) / t2)).astype(np.float32)


def save(path, data, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.asarray(data), affine), path)
    return path


def save_series(root, entity, suffix, images, sidecars, folder="anat", subject="01"):
    """A BIDS series: one image and one sidecar for each entry of ``sidecars``."""
    for k, sidecar in enumerate(sidecars):
        count = f"{entity}-tr{k + 1}" if entity == "acq" else f"{entity}-{k + 1}"
        stem = root / f"sub-{subject}" / folder / f"sub-{subject}_{count}_{suffix}"
        save(stem.with_name(f"{stem.name}.nii.gz"), images[..., k])
        stem.with_name(f"{stem.name}.json").write_text(json.dumps(sidecar))
    return root


@pytest.fixture
def plain(tmp_path):
    return save(tmp_path / "knee.nii.gz", decay())


@pytest.fixture
def dataset(tmp_path):
    sidecars = [{"EchoTime": time / 1e3, "RepetitionTime": 2.0} for time in TE]
    return save_series(tmp_path / "study", "echo", "MESE", decay(), sidecars)
