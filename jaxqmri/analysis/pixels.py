"""Pixels of regions with target, prediction and uncertainty: of slices, which are of subjects.

What a method says of its own errors is judged on these. Means over pixels are taken within a slice
or a subject first, so that a large region counts no more than a small one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike


class Pixels(NamedTuple):
    """Pixels that have all that was asked of them; made by :meth:`of`.

    Attributes
    ----------
    target, prediction
        In the map's unit, shape ``(pixels,)``.
    uncertainty
        Predicted for the error of each pixel, in the map's unit: the scale of a Laplace law, or
        the standard deviation of a Gaussian one. NaN where the method states none.
    slices
        Index of each pixel's slice.
    subjects
        Index of each slice's subject, shape ``(slices,)``.
    left_out
        Pixels that lacked something.
    """

    target: Float[np.ndarray, " pixels"]
    prediction: Float[np.ndarray, " pixels"]
    uncertainty: Float[np.ndarray, " pixels"]
    slices: Int[np.ndarray, " pixels"]
    subjects: Int[np.ndarray, " slices"]
    left_out: int

    @classmethod
    def of(
        cls,
        target: ArrayLike,
        prediction: ArrayLike,
        uncertainty: ArrayLike | None,
        slices: ArrayLike,
        subjects: ArrayLike,
    ) -> Pixels:
        """The pixels whose values are all finite; the others are counted.

        Parameters
        ----------
        target, prediction
            Of one region's pixels, in the same order, shape ``(pixels,)``.
        uncertainty
            Same shape, not negative; None for a method that states none.
        slices
            Index of each pixel's slice, same shape.
        subjects
            Index of the subject of slice 0, 1, ..., shape ``(slices,)``.

        Raises
        ------
        ValueError
            If shapes differ, an index points nowhere, or an uncertainty is negative.
        """
        y, p = np.asarray(target, np.float64), np.asarray(prediction, np.float64)
        u = None if uncertainty is None else np.asarray(uncertainty, np.float64)
        at, owner = _indices("slices", slices), _indices("subjects", subjects)
        shapes = {
            "target": y.shape,
            "prediction": p.shape,
            **({} if u is None else {"uncertainty": u.shape}),
            "slices": at.shape,
        }
        if y.ndim != 1 or len(set(shapes.values())) > 1:
            found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise ValueError(f"expected one number for each pixel, got shapes {found}")
        if at.size and at.max() >= owner.size:
            raise ValueError(f"a pixel is of slice {at.max()}, but subjects names {owner.size}")
        known = np.isfinite(y) & np.isfinite(p)
        if u is not None:
            if np.any(u < 0):
                raise ValueError(f"uncertainty is negative in {np.sum(u < 0)} of {u.size} pixels")
            known &= np.isfinite(u)
        stated = np.full(y.shape, np.nan) if u is None else u
        lacking = int(np.sum(~known))
        return cls(y[known], p[known], stated[known], at[known], owner, lacking)

    @property
    def absolute_error(self) -> Float[np.ndarray, " pixels"]:
        """``|p - y|``, in the map's unit."""
        return np.abs(self.prediction - self.target)

    @property
    def relative_error(self) -> Float[np.ndarray, " pixels"]:
        """``100 |p - y| / y``, in percent of the target.

        Raises
        ------
        ValueError
            If a target is not positive.
        """
        if np.any(self.target <= 0):
            bad = int(np.sum(self.target <= 0))
            raise ValueError(
                f"a relative error needs positive targets, {bad} of {self.target.size} are not"
            )
        return 100.0 * self.absolute_error / self.target

    @property
    def subject_count(self) -> int:
        """Subjects that there are indices for."""
        return int(self.subjects.max()) + 1 if self.subjects.size else 0

    @property
    def pixel_subjects(self) -> Int[np.ndarray, " pixels"]:
        """Index of each pixel's subject."""
        return self.subjects[self.slices]

    def by_slice(self, values: Shaped[np.ndarray, " pixels"]) -> Float[np.ndarray, " slices"]:
        """Mean of a value of each pixel over every slice; NaN for a slice without pixels."""
        return group_means(values, self.slices, self.subjects.size)

    def by_subject(self, values: Shaped[np.ndarray, " pixels"]) -> Float[np.ndarray, " subjects"]:
        """Mean of a value of each pixel over every subject; NaN for one without pixels."""
        return group_means(values, self.pixel_subjects, self.subject_count)

    def of_subjects(self, chosen: ArrayLike) -> Pixels:
        """The pixels of some subjects; all indices, and the number left out, stay what they were.

        Parameters
        ----------
        chosen
            Whether each subject is wanted, shape ``(subjects,)``.

        Raises
        ------
        ValueError
            If there is not one answer for each subject.
        """
        wanted = one_for_each_subject(self, chosen, "chosen").astype(bool)[self.pixel_subjects]
        return self._replace(
            target=self.target[wanted],
            prediction=self.prediction[wanted],
            uncertainty=self.uncertainty[wanted],
            slices=self.slices[wanted],
        )

    def stated(self) -> Float[np.ndarray, " pixels"]:
        """The uncertainty.

        Raises
        ------
        ValueError
            If the method states none.
        """
        if np.isnan(self.uncertainty).any():
            missing = int(np.isnan(self.uncertainty).sum())
            raise ValueError(f"{missing} of {self.uncertainty.size} pixels have no uncertainty")
        return self.uncertainty


class SliceMeans(NamedTuple):
    """Means over the pixels of every slice that has some.

    Attributes
    ----------
    uncertainty, absolute_error
        In the map's unit, shape ``(slices,)``.
    difference
        ``|mean(p) - mean(y)|``, same unit and shape: errors of either sign cancel.
    subjects
        Index of each slice's subject.
    """

    uncertainty: Float[np.ndarray, " slices"]
    absolute_error: Float[np.ndarray, " slices"]
    difference: Float[np.ndarray, " slices"]
    subjects: Int[np.ndarray, " slices"]


def slice_means(pixels: Pixels) -> SliceMeans:
    """What the uncertainty calibration error compares: means over the region of every slice.

    Raises
    ------
    ValueError
        If the method states no uncertainty.
    """
    uncertainty = pixels.by_slice(pixels.stated())
    error = pixels.by_slice(pixels.absolute_error)
    difference = np.abs(pixels.by_slice(pixels.prediction - pixels.target))
    present = np.isfinite(error)
    return SliceMeans(
        uncertainty[present], error[present], difference[present], pixels.subjects[present]
    )


def group_means(
    values: Shaped[np.ndarray, " n"], groups: Int[np.ndarray, " n"], count: int
) -> Float[np.ndarray, " groups"]:
    """Mean of the values of each of so many groups; NaN for a group without any."""
    sums = np.bincount(groups, np.asarray(values, np.float64), count)
    sizes = np.bincount(groups, minlength=count)
    return np.divide(sums, sizes, out=np.full(count, np.nan), where=sizes > 0)


def one_for_each_subject(pixels: Pixels, values: ArrayLike, name: str) -> np.ndarray:
    """The values as an array, if there is one for each subject.

    Raises
    ------
    ValueError
        If not.
    """
    array = np.asarray(values)
    if array.shape != (pixels.subject_count,):
        raise ValueError(
            f"expected one of {name} for each of {pixels.subject_count} subjects, "
            f"got shape {array.shape}"
        )
    return array


def _indices(name: str, values: ArrayLike) -> Int[np.ndarray, " n"]:
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64).ravel()
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.min() < 0:
        raise ValueError(
            f"{name} must be indices 0, 1, ... in one dimension, got {array.dtype} {array.shape}"
        )
    return array.astype(np.int64)
