"""Overlap of drawn and predicted regions, label by label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from jaxqmri.analysis.errors import Summary, summarise

Labels = Int[np.ndarray, "..."] | Bool[np.ndarray, "..."]


class Overlap(NamedTuple):
    """Overlap of one label in one subject.

    Attributes
    ----------
    label
        The region's label.
    dice, jaccard
        Between 0 and 1; NaN where neither volume has the label.
    reference, predicted
        Voxels of each.
    """

    label: int
    dice: float
    jaccard: float
    reference: int
    predicted: int


class OverlapSummary(NamedTuple):
    """Overlap of one label over the subjects in whom either volume has it."""

    label: int
    dice: Summary
    jaccard: Summary


def overlap(
    reference: Labels, predicted: Labels, wanted: Sequence[int] | None = None
) -> list[Overlap]:
    r"""Dice and Jaccard coefficients of every label of one subject's volume.

    .. math:: D = \frac{2 |A \cap B|}{|A| + |B|}, \quad J = \frac{|A \cap B|}{|A \cup B|} .

    Parameters
    ----------
    reference, predicted
        Label of each voxel, 0 outside all regions; masks for a single region, whose label is 1.
    wanted
        Labels to report, in this order; when None every label of either, in ascending order.

    Raises
    ------
    ValueError
        If the two differ in shape.

    References
    ----------
    Taha and Hanbury, BMC Medical Imaging 2015, doi:10.1186/s12880-015-0068-x.
    """
    if reference.shape != predicted.shape:
        raise ValueError(f"reference has shape {reference.shape}, prediction {predicted.shape}")
    if wanted is None:
        wanted = sorted({*np.unique(reference).tolist(), *np.unique(predicted).tolist()} - {0})
    return [_of_label(reference == label, predicted == label, int(label)) for label in wanted]


def summarise_overlaps(
    subjects: Sequence[Sequence[Overlap]], *, seed: int = 0
) -> list[OverlapSummary]:
    """Mean, standard deviation and interval over subjects of every label, in ascending order.

    Parameters
    ----------
    subjects
        What :func:`overlap` found of each.
    seed
        Of the resampling of subjects.
    """
    labels = sorted({one.label for subject in subjects for one in subject})
    found = []
    for label in labels:
        own = [one for subject in subjects for one in subject if one.label == label]
        dice, jaccard = ([getattr(one, name) for one in own] for name in ("dice", "jaccard"))
        found.append(
            OverlapSummary(label, summarise(dice, seed=seed), summarise(jaccard, seed=seed))
        )
    return found


def _of_label(a: Bool[np.ndarray, ...], b: Bool[np.ndarray, ...], label: int) -> Overlap:
    first, second, both = int(a.sum()), int(b.sum()), int((a & b).sum())
    if not first + second:
        return Overlap(label, np.nan, np.nan, 0, 0)
    return Overlap(
        label, 2 * both / (first + second), both / (first + second - both), first, second
    )
