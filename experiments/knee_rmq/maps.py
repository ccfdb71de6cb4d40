"""Map files of the knee UTE study."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from experiments import run as shared
from experiments.knee_rmq.estimates import Estimates
from experiments.knee_rmq.fits import Reference
from experiments.knee_rmq.settings import Settings
from experiments.knee_rmq.study import QUANTITIES, Study
from experiments.knee_rmq.subjects import TRUE
from experiments.run import Run
from experiments.trainings import Arm
from jaxqmri.io import bids
from jaxqmri.training import Split

UNITS = {"m0": "arbitrary", "t1": "ms", "b1": "", "t1rho": "ms"}


def write_maps(
    run: Run[Settings],
    study: Study,
    reference: Reference,
    split: Split,
    found: Mapping[Arm, Estimates],
) -> None:
    """Write the test subjects' maps, fitted and predicted (the first seed's), each file whole.

    Predicted maps hold what the network says of every pixel of the slices with cartilage, fitted
    ones what could be fitted; beside them the predicted regions.
    """
    root = run.folder / "maps"
    bids.write_dataset_description(root, f"Maps of {run.name}", "derivative", [str(run.data)])
    test = study.slices_of(split.test)
    subjects = np.sort(split.test)
    for subject in shared.progress(subjects, "write maps", "subject", subjects.size):
        person = {"sub": str(study.participants[subject]["participant_id"]).removeprefix("sub-")}
        affine = study.subjects[subject].affine
        own = study.owner[test] == subject
        sources = {"fitted to all images": (reference.maps[test][own], None)}
        for (model, name), one in found.items():
            region = None if one.classes is None else one.classes[0][own]
            sources[f"{model}, {name}"] = (one.maps[0][own], region)
        for told, (maps, region) in sources.items():
            words = "".join(letter for letter in told.title() if letter.isalnum())
            about = {"Simulated": study.simulated, "Description": told}
            for k, quantity in enumerate(QUANTITIES):
                bids.write_map_file(
                    root / bids.map_name(person, TRUE[quantity], words),
                    np.moveaxis(maps[..., k], 0, study.subjects[subject].axis),
                    affine,
                    {**about, "Units": UNITS[quantity]},
                    units="s",
                )
            if region is not None:
                labels = np.where(region.any(axis=-1), 1 + np.argmax(region, axis=-1), 0)
                bids.write_map_file(
                    root / bids.map_name(person, "dseg", words),
                    np.moveaxis(labels.astype(np.uint8), 0, study.subjects[subject].axis),
                    affine,
                    {**about, "Units": ""},
                )
