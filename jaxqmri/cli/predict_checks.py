"""What a person is told before a model's maps are used: where the images differ from its training.

What the model cannot do without (a spin-lock time, a PD-weighted image) is refused elsewhere.
"""

from __future__ import annotations

import numpy as np

from jaxqmri.cli.predict_images import Images
from jaxqmri.cli.predict_maps import across_slices, turns
from jaxqmri.cli.predict_model import PD, UNREGISTERED, Model

VOXEL_FACTOR = 1.5  # between edges of the voxels trained on and those given
PLANES = {"L": "sagittal", "R": "sagittal", "P": "coronal", "A": "coronal"}  # the rest are axial


def warnings_of_model(model: Model, masked: bool) -> list[str]:
    """What a person should know of the model before using its maps."""
    told = []
    if model.simulated:
        told.append(f"{model.name}: trained on simulated data, and on nothing else")
    if model.scaling == "scanner":
        told.append(
            f"{model.name}: takes intensities in the units of the scanner that it was trained on; "
            "images of another need a model trained with percentile scaling"
        )
    if model.region and not masked:
        told.append(
            f"{model.name}: trained in {model.region} alone; without --mask the map holds "
            "values elsewhere too, which mean nothing"
        )
    return told


def warnings_of_images(model: Model, images: Images) -> list[str]:
    """How the images differ from those that the model was trained on."""
    return [*_of_registration(model, images), *_of_voxels(model, images)]


def _of_registration(model: Model, images: Images) -> list[str]:
    trained, ours = model.registration, images.registration
    raw = trained == UNREGISTERED
    if PD not in model.channels or trained in (None, ours) or (raw and ours is None):
        return []
    found = (
        "no sidecar says how the PD-weighted image was registered"
        if ours is None
        else f"the PD-weighted image went through {ours} registration"
    )
    learnt = "left where the scanner put them" if raw else f"after {trained} registration"
    return [f"{found}; the model was trained on images {learnt}"]


def _of_voxels(model: Model, images: Images) -> list[str]:
    if model.voxel_size is None:
        return []
    told = []
    trained, ours = np.sort(model.voxel_size), np.sort(images.edges)
    factor = float(np.max(np.maximum(ours / trained, trained / ours)))
    if factor > VOXEL_FACTOR:
        told.append(
            f"voxels of {_edges(images.edges)} mm; the model was trained on "
            f"{_edges(model.voxel_size)} mm, {factor:.1f} times another size along one edge"
        )
    if model.orientation is not None and model.architecture["network"] == "UNet":
        there, _ = turns(images.grid.affine, model.orientation)
        seen = model.orientation[int(there[across_slices(images.edges), 0])]
        learnt = model.orientation[across_slices(model.voxel_size)]
        planes = [PLANES.get(code, "axial") for code in (seen, learnt)]
        if planes[0] != planes[1]:
            told.append(f"{planes[0]} slices; the model was trained on {planes[1]} ones")
    return told


def _edges(edges: tuple[float, ...] | np.ndarray) -> str:
    return " x ".join(f"{edge:.3g}" for edge in edges)
