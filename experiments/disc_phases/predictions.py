"""What should become of the disc study's claims in its ablations, told beforehand."""

from __future__ import annotations

from experiments.disc_phases.claims import beats_level_and_age, flattered
from experiments.several import Fate, Prediction

PREDICTIONS: tuple[Prediction, ...] = (
    Prediction(
        "beyond level and age",
        "What networks see beyond level and age is how degeneration changes shape and contrast. "
        "T2-weighted images show it more directly.",
        beats_level_and_age,
        {"no-coupling": Fate.VANISH, "t2w": Fate.HOLD, "no-smote": Fate.STAY},
    ),
    Prediction(
        "discs are not patients",
        "Discs of one patient share marrow, age and a tendency to degenerate; that all come from "
        "one scan does not depend on what degeneration looks like.",
        flattered,
        {"no-smote": Fate.STAY},
    ),
)
