"""What should become of the liver study's claims in its ablations, told beforehand.

The mechanisms that the simulation builds in: a short component makes two and four spin-lock times
measure different decays, alike in all pixels but for its spread; noise and residual blood differ
between pixels, and neighbours tell what of a pixel is noise.
"""

from __future__ import annotations

from experiments.liver_uncertainty.claims import SMALLER, ahead_of_parabola
from experiments.liver_uncertainty.doubt import ABOVE_RANDOM
from experiments.liver_uncertainty.methods import CALIBRATED
from experiments.liver_uncertainty.paper import COARSE, INPUT, LBRU
from experiments.liver_uncertainty.results import RMRE
from experiments.liver_uncertainty.settings import ABLATIONS, CALIBRATIONS
from experiments.several import Fate, Prediction

STAYS = dict.fromkeys(ABLATIONS, Fate.STAY)

PREDICTIONS: tuple[Prediction, ...] = (
    Prediction(
        "better than three numbers",
        "Networks are ahead of a parabola of the coarse value because they see a pixel's "
        "neighbours, and so average its noise: that needs neither the short component nor the "
        "pixels that are cut off.",
        ahead_of_parabola,
        STAYS,
    ),
    Prediction(
        "three numbers against the coarse map",
        "A parabola takes away what two spin-lock times systematically read differently from "
        "four, the short component. Without that it has next to nothing to take away.",
        lambda rows: [rows.difference(SMALLER, (CALIBRATED, INPUT), (COARSE, INPUT), RMRE)],
        STAYS | {"no-short-component": Fate.VANISH},
    ),
    Prediction(
        "doubt reflects error",
        "Removing the pixels that the network doubts lowers the error because noise is not all "
        "that is wrong with a pixel: residual blood, fat, and the fields differ from place to "
        "place. Without those, noise beside a signal and a T1rho that vary little leaves next to "
        "nothing to doubt.",
        lambda rows: [rows.value(SMALLER, LBRU, INPUT, ABOVE_RANDOM)],
        {
            "no-short-component": Fate.STAY,
            "noise-alone": Fate.VANISH,
            **dict.fromkeys(CALIBRATIONS, Fate.STAY),
        },
    ),
)
