"""A pair of images of one analytic object, moved by a known rigid motion."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from jaxqmri.io.nifti import Image


def tissue(points, contrast):
    """Signal of an object of ellipsoids at scanner positions (mm), soft edges of 1 mm."""
    shapes = (
        ((0.0, 5.0, 35.0), (38.0, 30.0, 36.0)),
        ((3.0, 0.0, -35.0), (36.0, 26.0, 30.0)),
        ((-5.0, 38.0, 22.0), (18.0, 9.0, 17.0)),
        ((12.0, -36.0, 2.0), (16.0, 14.0, 44.0)),
        ((-22.0, 8.0, 0.0), (9.0, 15.0, 5.0)),
        ((20.0, 6.0, 1.0), (10.0, 14.0, 4.0)),
    )
    signal = np.zeros(points.shape[:-1])
    for (centre, radii), value in zip(shapes, contrast, strict=True):
        scaled = (points - np.array(centre)) / np.array(radii)
        distance = (np.linalg.norm(scaled, axis=-1) - 1.0) * min(radii)
        inside = 1.0 / (1.0 + np.exp(2.0 * distance))
        signal = signal * (1 - inside) + value * inside
    return signal


def grid_affine(shape, edges, axes, centre):
    """Affine of a grid with axis directions ``axes`` (columns) around ``centre``."""
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(axes, float) * np.asarray(edges, float)
    affine[:3, 3] = np.asarray(centre) - affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return affine


def sample(shape, affine, contrast, motion=None, noise=0.0, seed=0):
    """The object on a grid; ``motion`` maps its points to where they were scanned."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    points = index @ affine[:3, :3].T + affine[:3, 3]
    if motion is not None:
        back = np.linalg.inv(motion)
        points = points @ back[:3, :3].T + back[:3, 3]
    data = tissue(points, contrast)
    data = data + noise * np.random.default_rng(seed).standard_normal(shape)
    return Image(data.astype(np.float32), affine, Path("synthetic.nii.gz"))


def rigid(degrees, shift):
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    motion[:3, 3] = shift
    return motion


SAGITTAL = np.array([[-1.0, 0, 0], [0, -1.0, 0], [0, 0, 1.0]])  # to left, posterior, superior
CORONAL = np.array([[0, 1.0, 0], [0, 0, -1.0], [1.0, 0, 0]])  # to superior, right, posterior


def pair(motion, noise=2.0):
    """T1rho-like grid (3 mm sagittal slices) and a finer one with other axes and field of view."""
    fixed_shape, moving_shape = (36, 80, 80), (76, 72, 66)
    fixed = sample(
        fixed_shape,
        grid_affine(fixed_shape, (3.0, 1.6, 1.8), SAGITTAL, (2, 3, -4)),
        (12, 15, 10, 55, 70, 80),
        noise=noise,
    )
    tilt = Rotation.from_euler("z", 7, degrees=True).as_matrix()
    moving = sample(
        moving_shape,
        grid_affine(moving_shape, (1.6, 1.6, 1.6), tilt @ CORONAL, (-1, 0, 3)),
        (900, 1100, 700, 2500, 4200, 4500),
        motion,
        noise=40 * noise,
        seed=1,
    )
    return moving, fixed
