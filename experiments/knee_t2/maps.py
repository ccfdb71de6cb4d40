"""Files of the test subjects: cartilage, its T2 and its subregions, by every reading."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from experiments.knee_t2.readings import Reading
from experiments.knee_t2.settings import Settings
from experiments.knee_t2.study import Study
from experiments.run import Run
from experiments.subjects import person_of
from jaxqmri.analysis.cartilage import SUBREGIONS
from jaxqmri.io import bids
from jaxqmri.io.files import write_table


def write_maps(run: Run[Settings], study: Study, readings: Mapping[str, Reading]) -> None:
    """Write T2 inside the cartilage, and the subregions of its voxels, each file whole."""
    root = run.folder / "maps"
    bids.write_dataset_description(root, f"Maps of {run.name}", "derivative", [str(run.data)])
    names = [{"index": k, "name": name} for k, name in enumerate(SUBREGIONS, start=1)]
    write_table(root / "dseg.tsv", names, ["index", "name"])
    for told, reading in readings.items():
        words = "".join(letter for letter in told.title() if letter.isalnum())
        for number, one in reading.items():
            visit, person = study.visits[number], person_of(study.tasks[number].entities)
            about = {"Simulated": study.simulated, "Description": told}
            bids.write_map_file(
                root / bids.map_name(person, "T2map", words),
                visit.volume(np.where(one.inside, one.t2, np.nan).astype(np.float32)),
                visit.affine,
                {**about, "Units": "ms"},
                units="s",
            )
            bids.write_map_file(
                root / bids.map_name(person, "dseg", words),
                one.divided.labels(),
                visit.affine,
                {**about, "Units": ""},
            )
