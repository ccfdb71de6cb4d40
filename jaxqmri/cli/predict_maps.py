"""Networks applied to new images: intensities scaled, slices or voxels predicted, folds averaged.

A U-Net sees slices across the axis of the longest voxel edge, tile by tile; a perceptron sees
voxels. Both are given what they were trained on: scaled images, zero where one has no number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from jaxtyping import Bool, Float

from jaxqmri.cli.predict_images import Images
from jaxqmri.cli.predict_model import PD, Fold, Model
from jaxqmri.io import InputError

Volume = Float[np.ndarray, "x y z"]
Mask = Bool[np.ndarray, "x y z"]


class Networks(NamedTuple):
    """The networks of all folds behind one function, so that it is compiled once."""

    predict: Callable[[Any, Any], Any]
    variables: Sequence[Any]


class Predicted(NamedTuple):
    """What all folds make of one set of images.

    Attributes
    ----------
    mean
        Mean over folds, within the model's limits; NaN where nothing is predicted.
    spread
        Standard deviation over folds; None for one.
    scales
        What T1rho-weighted and PD-weighted images were divided by, for each fold; None for an
        image that the model does not take.
    """

    mean: Volume
    spread: Volume | None
    scales: Sequence[tuple[float | None, float | None]]


def load(folds: Sequence[Fold]) -> Networks:
    """Read what the networks have learnt.

    Raises
    ------
    InputError
        If a model is damaged, or not of the network that its description names.
    """
    from flax import nnx

    from jaxqmri import networks, training

    found = []
    for fold in folds:
        try:
            network, _ = training.load_model(fold.folder, networks.build)
        except ValueError as error:
            raise InputError(str(error)) from None
        except (OSError, KeyError, AttributeError):
            raise InputError(f"{fold.folder}: damaged, its variables cannot be read") from None
        graph, params, stats = nnx.split(network, nnx.Param, ...)
        found.append((graph, training.Variables(params, stats)))
    graph = found[0][0]

    def predict(variables: Any, images: Any) -> Any:
        network: Any = nnx.merge(graph, *variables)
        return network(images)

    return Networks(predict, [variables for _, variables in found])


def apply(
    networks: Networks,
    folds: Sequence[Fold],
    images: Images,
    mask: Mask | None,
    tissue: Mask | None,
) -> Predicted:
    """Predict by every fold.

    Parameters
    ----------
    networks, folds
        The models, as read and as described.
    images
        What they are applied to.
    mask
        Where the map is wanted; everywhere when None.
    tissue
        Voxels of the reference tissue, for models that scale by it.
    """
    model = folds[0].model
    raw = np.stack([images.by_name[name] for name in model.channels], axis=-1)
    inside = np.asarray(np.isfinite(raw).all(axis=-1) & (raw > 0).any(axis=-1))
    inside = inside if mask is None else inside & mask
    if not inside.any():
        raise InputError(f"{images.grid.path}: no voxel to predict has a signal in every image")
    every = [scales_of(fold.model, images, tissue) for fold in folds]
    maps = []
    for variables, (series, pd) in zip(networks.variables, every, strict=True):
        by = [pd if name == PD else series for name in model.channels]
        scaled = np.nan_to_num(raw, posinf=0.0, neginf=0.0) / np.array(by, np.float32)
        if model.masked and mask is not None:
            scaled = scaled * mask[..., None]
        if model.architecture["network"] == "UNet":
            found = _by_slices(networks.predict, variables, model, scaled, images, inside)
        else:
            found = _by_voxels(networks.predict, variables, scaled, inside)
        maps.append(np.where(inside, np.clip(found, *model.limits), np.nan).astype(np.float32))
    together = np.stack(maps)
    spread = together.std(axis=0, ddof=1) if len(maps) > 1 else None
    return Predicted(together.mean(axis=0), spread, every)


def scales_of(
    model: Model, images: Images, tissue: Mask | None
) -> tuple[float | None, float | None]:
    """What the T1rho-weighted and the PD-weighted images are divided by.

    Raises
    ------
    InputError
        If an image has no scale.
    """
    from jaxqmri.preprocessing import percentile_scale, reference_tissue_scale

    if model.scales is not None:
        series, pd = model.scales
        return series if model.times else None, pd if PD in model.channels else None
    found = []
    for name, used in (("0", bool(model.times)), (PD, PD in model.channels)):
        if not used:
            found.append(None)
            continue
        image = images.by_name[name]
        try:
            if model.scaling == "percentile":
                found.append(percentile_scale(image))
            else:
                outside = np.zeros(image.shape, bool)
                found.append(reference_tissue_scale(image, outside if tissue is None else tissue))
        except InputError as error:
            raise InputError(f"{images.grid.path}: {name}: {error}") from None
    return found[0], found[1]


def across_slices(edges: Sequence[float] | Float[np.ndarray, " 3"]) -> int:
    """Axis of the longest voxel edge."""
    return int(np.argmax(edges))


def turns(affine: Float[np.ndarray, "4 4"], orientation: str | None) -> tuple[Any, Any]:
    """From the images' array axes to those of the training, and back; as nibabel applies them."""
    ours = nib.orientations.io_orientation(affine)
    theirs = ours if orientation is None else nib.orientations.axcodes2ornt(tuple(orientation))
    there = nib.orientations.ornt_transform(ours, theirs)
    return there, nib.orientations.ornt_transform(theirs, ours)


def _by_slices(
    predict: Callable[[Any, Any], Any],
    variables: Any,
    model: Model,
    scaled: Float[np.ndarray, "x y z c"],
    images: Images,
    inside: Mask,
) -> Volume:
    from jaxqmri import training

    there, back = turns(images.grid.affine, model.orientation)
    axis = int(there[across_slices(images.edges), 0])
    turned = nib.orientations.apply_orientation(scaled, there)
    needed = nib.orientations.apply_orientation(inside, there)
    slices, needed = np.moveaxis(turned, axis, 0), np.moveaxis(needed, axis, 0)
    shape, tiles = slices.shape[1:3], model.tiles
    missing = [(0, max(0, tiles.size - n)) for n in shape]
    maps = training.sliding_window(
        predict,
        variables,
        np.pad(slices, [(0, 0), *missing, (0, 0)]).astype(np.float32),
        size=tiles.size,
        stride=tiles.stride,
        mask=np.pad(needed, [(0, 0), *missing]),
    )[:, : shape[0], : shape[1], 0]
    return nib.orientations.apply_orientation(np.moveaxis(maps, 0, axis), back)


def _by_voxels(
    predict: Callable[[Any, Any], Any],
    variables: Any,
    scaled: Float[np.ndarray, "x y z c"],
    inside: Mask,
) -> Volume:
    from jaxqmri import training

    signals = scaled[inside].astype(np.float32)
    volume = np.full(inside.shape, np.nan, np.float32)
    volume[inside] = training.predict_voxels(predict, variables, signals)[:, 0]
    return volume
