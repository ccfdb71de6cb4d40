"""What networks, fits and constants say of the test subjects' slices, in one form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from experiments.kept_networks import End
from experiments.knee_rmq.fits import Reference
from experiments.knee_rmq.networks import OneTraining
from experiments.knee_rmq.prior_fit import fit_with_prior, prior_of
from experiments.knee_rmq.regression import regress
from experiments.knee_rmq.settings import Settings
from experiments.knee_rmq.study import Study
from experiments.trainings import Arm
from jaxqmri.training import Split

NETWORK, PRIOR_FIT, CONSTANT = "RMQ-Net", "fit with priors", "median of training subjects"
REGRESSION = "regression of voxels"
REFERENCE = "fit to all images"
NO_IMAGES = "none"  # the input of a constant
INSIDE = 0.5  # probability from which a pixel is of a class


class Estimates(NamedTuple):
    """Maps of the test subjects' slices, ``k`` times from other training seeds.

    Attributes
    ----------
    maps
        M0 (scanner units), T1 (ms), B1 and T1rho (ms).
    classes
        Where the segmentation has each class; None where regions are those drawn.
    """

    maps: Float[np.ndarray, "k s h w 4"]
    classes: Bool[np.ndarray, "k s h w classes"] | None = None


class Test(NamedTuple):
    """The test subjects' slices, against which everything is held.

    Attributes
    ----------
    maps, truth
        Fitted to all images, and the simulator's; M0 in scanner units, T1, B1, T1rho.
    drawn
        Drawn cartilage with fitted maps.
    interior
        The part of it whose four neighbours in the slice were drawn too.
    regions
        Drawn classes, whether fitted or not.
    owner
        Number of the test subject of each slice, from 0.
    subjects
        Their numbers in the study.
    """

    maps: Float[np.ndarray, "s h w 4"]
    truth: Float[np.ndarray, "s h w 4"]
    drawn: Bool[np.ndarray, "s h w"]
    interior: Bool[np.ndarray, "s h w"]
    regions: Bool[np.ndarray, "s h w 2"]
    owner: Int[np.ndarray, " s"]
    subjects: Int[np.ndarray, " p"]

    @classmethod
    def of(cls, study: Study, reference: Reference, split: Split) -> Test:
        """The test subjects of a split."""
        own = study.slices_of(split.test)
        regions = np.stack([study.cartilage[own], study.meniscus[own]], axis=-1)
        drawn = regions[..., 0] & reference.known[own]
        neighbours = ndimage.generate_binary_structure(2, 1)[None]
        return cls(
            reference.maps[own],
            study.truth[own],
            drawn,
            np.logical_and(drawn, ndimage.binary_erosion(regions[..., 0], neighbours)),
            regions,
            np.searchsorted(np.sort(split.test), study.owner[own]),
            np.sort(split.test),
        )


def named(weight: float) -> str:
    """The network held to the signal equations by a weight; without one the paper's."""
    return f"{NETWORK}, physics {weight:g}" if weight else NETWORK


def untrained(
    study: Study, reference: Reference, split: Split, settings: Settings
) -> dict[Arm, Estimates]:
    """The competitors that need no network."""
    prior, test = prior_of(study, reference, split), np.sort(split.test)
    found = {
        (PRIOR_FIT, name): Estimates(fit_with_prior(study, reference, prior, name, test)[None])
        for name in settings.inputs
    }
    for name in settings.inputs:
        maps = regress(study, reference, split, name)
        found[REGRESSION, name] = Estimates(maps[None])
    train = study.slices_of(split.train)
    inside = study.cartilage[train] & reference.known[train]
    # of all numbers the one with the smallest absolute error
    median = np.median(reference.maps[train][inside], axis=0)
    shape = (1, *study.label[study.slices_of(test)].shape, median.size)
    found[CONSTANT, NO_IMAGES] = Estimates(np.broadcast_to(median, shape))
    return found


def learnt(ends: Mapping[OneTraining, End]) -> dict[Arm, Estimates]:
    """The networks, all seeds of one together."""
    arms: dict[Arm, list[End]] = {}
    for one, end in ends.items():
        arms.setdefault((named(one.physics), one.input), []).append(end)
    return {
        arm: Estimates(
            np.stack([end.predicted["maps"] for end in own]),
            np.stack([end.predicted["classes"] for end in own]) > INSIDE,
        )
        for arm, own in arms.items()
    }
