"""The last stage: numbers of a disc to probabilities of the phases.

References
----------
Chawla et al., J Artif Intell Res 2002, doi:10.1613/jair.953 (SMOTE). Li et al., J Magn Reson
Imaging 2024, doi:10.1002/jmri.29499.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from experiments.disc_phases.phases import PHASES
from jaxqmri.io import InputError

NEIGHBOURS = 5  # of SMOTE
CALIBRATION_FOLDS = 5


def support_vectors(phases: Int[np.ndarray, " d"], seed: int, *, smote: bool = True) -> Any:
    """Support vector machine with a Gaussian kernel behind SMOTE, not yet trained.

    SMOTE makes as many discs of every phase as the most frequent one has, between neighbours of
    one phase. Probabilities are sigmoids of the distances to the borders, fitted in five folds.

    Parameters
    ----------
    phases
        Of the discs it will be trained on: small classes have fewer neighbours and folds.
    seed
        Of all that is random.
    smote
        Whether phases are made equally frequent.
    """
    from imblearn.over_sampling import SMOTE
    from imblearn.pipeline import make_pipeline
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import StratifiedKFold
    from sklearn.svm import SVC

    counts = np.bincount(phases)
    fewest = int(counts[counts > 0].min())
    if fewest < 2:
        raise InputError(f"{fewest} disc of one phase to train on, expected two at least")
    least = int(counts.max()) if smote else fewest
    folds = StratifiedKFold(min(CALIBRATION_FOLDS, least), shuffle=True, random_state=seed)
    machine = CalibratedClassifierCV(SVC(C=1.0, kernel="rbf", gamma="scale"), cv=folds)
    if not smote:
        return machine
    return make_pipeline(SMOTE(k_neighbors=min(NEIGHBOURS, fewest - 1), random_state=seed), machine)


def predict_phases(
    classifier: Any,
    features: Float[np.ndarray, "d f"],
    phases: Int[np.ndarray, " d"],
    unseen: Float[np.ndarray, "e f"],
) -> Float[np.ndarray, "e 3"]:
    """Train a classifier; probabilities of all phases of discs that it has not seen.

    A phase that it was never shown has probability 0.
    """
    classifier.fit(features, phases)
    found = np.zeros((len(unseen), len(PHASES)))
    found[:, classifier.classes_] = classifier.predict_proba(unseen)
    return found
