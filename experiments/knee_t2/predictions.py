"""What should become of the knee T2 study's claims in its ablations, told beforehand."""

from __future__ import annotations

from experiments.knee_t2.claims import clusters_of_change, overlap_as_reader, t2_as_reader
from experiments.several import Fate, Prediction

PREDICTIONS: tuple[Prediction, ...] = (
    Prediction(
        "as a second reader",
        "A network copies one reader's habits, and another reader has others. T2 has no part in "
        "that, but for voxels whose T2 is no cartilage's.",
        overlap_as_reader,
        {"two-parameters": Fate.STAY, "phase-graph": Fate.STAY, "no-drift": Fate.STAY},
    ),
    Prediction(
        "as a second reader, T2",
        "Where borders are drawn decides how much fluid and bone a region holds, whatever is "
        "fitted there.",
        t2_as_reader,
        {"two-parameters": Fate.STAY, "phase-graph": Fate.STAY, "no-drift": Fate.STAY},
    ),
    Prediction(
        "clusters are change",
        "Clusters stand out from the mean change, so that drift, which all of the plate shares, "
        "makes none.",
        clusters_of_change,
        {"no-drift": Fate.HOLD},
    ),
)
