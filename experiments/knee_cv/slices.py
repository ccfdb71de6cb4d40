"""Whole slices of every subject, as networks see them, and the way back to cartilage voxels."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.knee_cv.paper import PD
from experiments.knee_cv.results import Study
from experiments.knee_cv.subjects import Task, whole_images
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri.cli.accelerator import available_cores
from jaxqmri.io import InputError
from jaxqmri.preprocessing import Scales, Scaling, cohort_scales, percentile_scale, scales

CHANNELS = (*(f"{time:g}" for time in SPIN_LOCK_TIMES), PD)
SMALLEST = 64  # pixels: a patch must fit


@dataclass(frozen=True)
class Slices:
    """All slices that hold cartilage, one subject after another.

    Attributes
    ----------
    images
        Scanner units, shape ``(s, h, w, c)`` with the channels :data:`CHANNELS`; zero outside a
        subject's grid and the PD-weighted scan's field of view.
    mask
        Cartilage.
    subject
        Number of the subject of each slice.
    voxel
        Position in ``images``, flat over its first three axes, of each cartilage voxel in the
        order of :class:`Study`.
    own_scales
        What the chosen scaling divides each subject's images by; for scanner units the
        percentiles from which a cohort's constants are taken.
    scaling
        How intensities are scaled.
    """

    images: Float[np.ndarray, "s h w c"]
    mask: Bool[np.ndarray, "s h w"]
    subject: Int[np.ndarray, " s"]
    voxel: Int[np.ndarray, " v"]
    own_scales: Sequence[Scales]
    scaling: Scaling

    @classmethod
    def of(cls, study: Study, tasks: Sequence[Task], scaling: Scaling) -> Slices:
        """Read all subjects, several side by side.

        Raises
        ------
        InputError
            If images are to be scaled by muscle that is not drawn in every subject.
        """
        with ThreadPoolExecutor(available_cores()) as readers:
            volumes = list(readers.map(whole_images, tasks))
        parts, owners, voxels, own = [], [], [], []
        first = 0
        for index, (subject, whole) in enumerate(zip(study.subjects, volumes, strict=True)):
            if scaling == "reference-tissue" and whole.tissue is None:
                raise InputError(
                    f"sub-{study.entities[index]['sub']}: no muscle drawn (desc-muscle_mask), "
                    "expected in every subject when intensities are divided by it"
                )
            own.append(_scales(scaling, whole.images, whole.tissue))
            axis = int(np.argmax(np.linalg.norm(subject.affine[:3, :3], axis=0)))
            where = np.array(np.unravel_index(subject.position, tuple(subject.shape)))
            used = np.unique(where[axis])
            parts.append(np.moveaxis(whole.images, axis, 0)[used])
            rest = np.delete(where, axis, axis=0)
            voxels.append(np.stack([first + np.searchsorted(used, where[axis]), *rest]))
            owners += [index] * used.size
            first += used.size
        h, w = (max(SMALLEST, *(part.shape[k] for part in parts)) for k in (1, 2))
        images = np.zeros((first, h, w, len(CHANNELS)), np.float32)
        begin = 0
        for part in parts:
            images[begin : begin + len(part), : part.shape[1], : part.shape[2]] = part
            begin += len(part)
        voxel = np.ravel_multi_index(tuple(np.concatenate(voxels, axis=1)), images.shape[:3])
        mask = np.zeros(images.shape[:3], bool)
        mask.flat[voxel] = True
        return cls(np.nan_to_num(images), mask, np.array(owners), np.asarray(voxel), own, scaling)

    @cached_property
    def voxel_slice(self) -> Int[np.ndarray, " v"]:
        """Number of the slice of each cartilage voxel."""
        return self.voxel // int(np.prod(self.mask.shape[1:]))

    @cached_property
    def voxel_subject(self) -> Int[np.ndarray, " v"]:
        """Number of the subject of each cartilage voxel."""
        return self.subject[self.voxel_slice]

    def constants(self, training: Int[np.ndarray, " _"]) -> Scales:
        """A cohort's constants, from the subjects of a training."""
        return cohort_scales(*np.array(self.own_scales)[training].T.tolist())

    def inputs(self, name: str, constants: Scales, masked: bool) -> Float[np.ndarray, "s h w 2"]:
        """The two images of an input such as ``PD+50``, scaled; cartilage alone if ``masked``.

        ``constants`` divide all subjects' images where intensities stay in scanner units.
        """
        by = np.array(self.own_scales, np.float32)[self.subject]
        if self.scaling == "scanner":
            by = np.broadcast_to(np.array(constants, np.float32), by.shape)
        pair = [CHANNELS.index(one) for one in name.split("+")]
        scale = np.stack([by[:, int(CHANNELS[k] == PD)] for k in pair], axis=-1)
        images = self.images[..., pair] / scale[:, None, None]
        return images * self.mask[..., None] if masked else images

    def of_voxels(self, slices: Float[np.ndarray, "s h w k"]) -> Float[np.ndarray, "v k"]:
        """What slices hold at each cartilage voxel."""
        return slices.reshape(-1, slices.shape[-1])[self.voxel]

    def maps(self, values: Float[np.ndarray, " v"]) -> Float[np.ndarray, "s h w 1"]:
        """A value of each cartilage voxel as slices, NaN elsewhere."""
        slices = np.full((*self.mask.shape, 1), np.nan, np.float32)
        slices.flat[self.voxel] = values
        return slices


def _scales(
    scaling: Scaling,
    images: Float[np.ndarray, "x y z c"],
    tissue: Bool[np.ndarray, "x y z"] | None,
) -> Scales:
    first, pd = images[..., 0], images[..., -1]
    if scaling == "scanner":
        return Scales(percentile_scale(first), percentile_scale(pd))
    return scales(scaling, first, pd, tissue=tissue)
