"""The maps that networks learn: how they vary, and how true they are."""

from __future__ import annotations

import numpy as np

from experiments.knee_rmq import paper
from experiments.knee_rmq.estimates import REFERENCE, Estimates, Test
from experiments.knee_rmq.fits import Reference
from experiments.knee_rmq.metrics import IMPLIED, MEAN, PLACE, SPREAD, UNIT, of, row
from experiments.knee_rmq.paper import INPUTS, QUANTITIES, WHOLE
from experiments.knee_rmq.results import by_subject, sd_of, truth_rows
from experiments.knee_rmq.study import Study
from experiments.run import Result
from jaxqmri.analysis import resampling


def reference_rows(study: Study, reference: Reference, test: Test, seed: int) -> list[Result]:
    """The maps that networks learn: their mean and spread in cartilage, and how true they are."""
    inside = study.cartilage & reference.known
    owner = study.owner[np.nonzero(inside)[0]]
    count, arm, rows = len(study.subjects), (REFERENCE, WHOLE), []
    drawn = np.bincount(study.owner, study.cartilage.sum(axis=(1, 2)), count)
    kept = np.bincount(owner, minlength=count) / np.maximum(drawn, 1)
    rows.append(row(arm, "drawn cartilage with a map", "%", 100.0 * float(kept.mean()), n=count))
    for quantity in QUANTITIES:
        k = PLACE[quantity]
        values, errors = reference.maps[inside][:, k], reference.std[inside][:, k]
        means = by_subject(values, owner, count)
        rows.append(row(arm, of(MEAN, quantity), UNIT, resampling.mean(means, seed=seed),
                        n=count, sd=sd_of(means)))  # fmt: skip
        rows.append(row(arm, of(SPREAD, quantity), UNIT, float(values.std()), n=count))
        rows.append(row(arm, of(IMPLIED, quantity), UNIT, implied_spread(quantity)))
        usual = float(np.nanmedian(errors))
        rows.append(row(arm, of("standard error told by the fit, median", quantity), UNIT, usual))
        if study.simulated:
            true = Estimates(test.maps[None])
            rows += truth_rows(test, arm, true, quantity, seed)
    pair = [reference.maps[inside][:, PLACE[quantity]] for quantity in QUANTITIES]
    rows.append(row(arm, "r of T1 and T1rho over voxels", "", float(np.corrcoef(pair)[0, 1])))
    moved = np.array([subject.motion.mean() for subject in study.subjects])
    told = "distance of an image from the first before registration, mean"
    rows.append(row(arm, told, "mm", float(moved.mean()), n=count, sd=sd_of(moved)))
    return rows


def implied_spread(quantity: str) -> float:
    """SD over voxels that the paper's errors and correlations imply together, if errors are normal.

    An error of mean size L has an SD of ``1.25 L`` if it is normal, and is the ``1 - r^2`` of the
    variance that a correlation r leaves. The mean over all inputs.
    """
    to_sd = np.sqrt(np.pi / 2.0)
    found = []
    for name in INPUTS:
        size, r = paper.L1[name, quantity].value, paper.VOXEL_R[name, quantity].value
        if size is not None and r is not None:
            found.append(to_sd * size / np.sqrt(1.0 - r * r))
    return float(np.mean(found))
