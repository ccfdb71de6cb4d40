"""Which of the boxes found are the five discs of one spine: the column that is likeliest.

A detector looks at every box by itself, and gives two neighbouring discs one name now and then.
Discs of one spine stand in a row: where each lies below the one above it is learnt from the boxes
drawn in the training patients, and the best row is found exactly, disc by disc.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.disc_phases.metrics import LEVELS
from jaxqmri.analysis import Detections

LEAST_SCORE = 0.001  # of a box; a level without one counts as this
LEAST_SPREAD = 0.15  # standard deviation beside that of the patients, in widths of a disc

Boxes = Float[np.ndarray, "n 4"]


class Column(NamedTuple):
    """Steps from each disc to the next, in widths of the two, as a normal distribution.

    Attributes
    ----------
    steps
        To the right and down.
    precisions
        Inverse covariance of each.
    """

    steps: Float[np.ndarray, "4 2"]
    precisions: Float[np.ndarray, "4 2 2"]

    @classmethod
    def of(cls, boxes: Float[np.ndarray, "p 5 4"]) -> Column:
        """The column of training patients, from the boxes of their discs."""
        patients = np.arange(len(boxes))
        steps = np.stack(
            [
                _steps(boxes[:, k], boxes[:, k + 1])[patients, patients]
                for k in range(len(LEVELS) - 1)
            ]
        )
        mean = steps.mean(axis=1)
        off = steps - mean[:, None]
        covariance = np.einsum("kpi,kpj->kij", off, off) / max(1, len(boxes) - 1)
        return cls(mean, np.linalg.inv(covariance + LEAST_SPREAD**2 * np.eye(2)))

    def choose(self, found: Detections) -> Detections:
        r"""Of every image at most one box a level.

        Of scores :math:`s` and steps :math:`d` those that make
        :math:`\sum_k \log s_k - \frac12 \sum_k (d_k - \mu_k)^T \Sigma_k^{-1} (d_k - \mu_k)`
        largest, by dynamic programming. A level may stay without a box; steps to and from it then
        do not count. Scores stay as they are.
        """
        chosen = [
            self._chosen(found, np.flatnonzero(found.images == image))
            for image in np.unique(found.images)
        ]
        left = np.concatenate([np.zeros(0, int), *chosen])
        return Detections(*(each[left] for each in found))

    def _chosen(self, found: Detections, own: np.ndarray) -> np.ndarray:
        """Numbers of the boxes chosen in one image."""
        levels = [own[found.classes[own] == level] for level in range(len(LEVELS))]
        none = -np.log(LEAST_SCORE)
        costs = [np.append(-np.log(found.scores[each]), none) for each in levels]
        total, before = costs[0], []
        for k, (above, below) in enumerate(pairwise(levels)):
            # the last row and column stand for no box
            price = np.zeros((above.size + 1, below.size + 1))
            off = _steps(found.boxes[above], found.boxes[below]) - self.steps[k]
            price[:-1, :-1] = 0.5 * np.einsum("abi,ij,abj->ab", off, self.precisions[k], off)
            price += total[:, None]
            before.append(price.argmin(axis=0))
            total = price.min(axis=0) + costs[k + 1]
        way = [int(total.argmin())]
        for each in reversed(before):
            way.append(int(each[way[-1]]))
        return np.array(
            [
                each[place]
                for each, place in zip(levels, reversed(way), strict=True)
                if place < each.size
            ],
            int,
        )


def _steps(above: Boxes, below: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m 2"]:
    """From the middle of every box to that of every other, over the mean of their widths."""
    middles = [0.5 * (each[:, :2] + each[:, 2:]) for each in (above, below)]
    widths = [each[:, 2] - each[:, 0] for each in (above, below)]
    width = 0.5 * (widths[0][:, None] + widths[1])
    return (middles[1] - middles[0][:, None]) / width[..., None]
