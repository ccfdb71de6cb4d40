"""What the paper claims, and what we add, as predictions.

A claim rests on numbers with 95 % intervals over patients, or on paired differences over the same
patients. On simulated data the coarse and BM3D rows were calibrated, and test nothing by
themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from experiments.liver_uncertainty.doubt import (
    ABOVE_RANDOM,
    CHANGE,
    CONFORMAL,
    COVERED,
    LEVELS,
    NLL_GAIN,
    RANKS_BY_PATIENT,
    UCE_LESS,
)
from experiments.liver_uncertainty.methods import (
    CALIBRATED,
    ENSEMBLE,
    LOG_LBMC,
    SCALED,
    SELF_SUPERVISED,
)
from experiments.liver_uncertainty.paper import BM3D, COARSE, INPUT, LBMC, LBR, LBRU, LBUDR
from experiments.liver_uncertainty.results import P_PATIENTS, RMRE
from experiments.liver_uncertainty.whole_liver import named
from experiments.run import Result
from experiments.trainings import Arm, short_of
from jaxqmri import report
from jaxqmri.report import Claim, Criterion, Finding, Judged, Rows
from jaxqmri.report.findings import Outcome

REFINED = (LBUDR, LBR, LBRU)
SMALLER, LARGER = Criterion(below=0.0), Criterion(above=0.0)
ENOUGH_SEEDS = 5
AMONG_REFINED = ("doubt helps to train", "doubt costs a little")  # names of claims
GOOD, POOR = 3.0, 4.0  # %, the paper's own


def judge(
    results: Iterable[Result],
    short: Collection[Arm] = (),
    *,
    calibrated: bool = False,
    seeds: int = 1,
) -> tuple[Rows, list[Judged]]:
    """Hold every claim against the rows of a run.

    Parameters
    ----------
    results
        All rows.
    short
        Networks of which a training stopped short of its plateau, with their input.
    calibrated
        Whether the data were made to match the coarse and BM3D rows.
    seeds
        Trainings of each network: too few support no order among those that refine.

    Returns
    -------
    rows, judged
        What claims rest on, and how they stand.
    """
    rows = Rows(
        [result.entry() for result in results],
        short=short,
        calibrated=[(name, INPUT) for name in (COARSE, BM3D)] if calibrated else (),
        common={"visit": None},
        p_values=P_PATIENTS,
    )
    claims = CLAIMS
    if seeds < ENOUGH_SEEDS:
        claims = [
            claim._replace(test=_too_few_seeds(claim)) if claim.name in AMONG_REFINED else claim
            for claim in CLAIMS
        ]
    return rows, report.judge(claims, rows)


def short_and_dependent(results: Iterable[Result]) -> frozenset[Arm]:
    """Networks that stopped short of their plateau, and what rests on LBRU if that did."""
    short = short_of(results)
    dependent = (
        {(name, INPUT) for name in (LBUDR, ENSEMBLE, SCALED)} if (LBRU, INPUT) in short else ()
    )
    return short.union(dependent)


def _too_few_seeds(claim: Claim) -> Callable[[Rows], list[Finding]]:
    """The claim's numbers, none of which may decide it."""
    return lambda rows: [one._replace(outcome=Outcome.FEW_SEEDS) for one in claim.test(rows)]


def _less(rows: Rows, first: str, second: str, criterion: Criterion = SMALLER) -> Finding:
    """RMRE of one method less another's, whichever way round the row is."""
    return rows.difference(criterion, (first, INPUT), (second, INPUT), RMRE)


def _value(rows: Rows, criterion: Criterion, name: str, metric: str) -> Finding:
    return rows.value(criterion, name, INPUT, metric)


def ahead_of_parabola(rows: Rows) -> list[Finding]:
    """RMRE of each network that refines less that of three numbers."""
    return [_less(rows, name, CALIBRATED) for name in REFINED]


def _reflects(rows: Rows, name: str) -> list[Finding]:
    return [
        _value(rows, SMALLER, name, UCE_LESS),
        _value(rows, LARGER, name, NLL_GAIN),
        _value(rows, SMALLER, name, ABOVE_RANDOM),
    ]


def _conformal(rows: Rows) -> list[Finding]:
    """Whether the level lies inside the interval of the share that was covered."""
    found = []
    for level in LEVELS:
        nominal = 100.0 * level
        one = _value(rows, Criterion(), LBRU, CONFORMAL + COVERED.format(nominal))
        if one.low is not None and one.high is not None and one.outcome is Outcome.HELD:
            inside = one.low <= nominal <= one.high
            one = one._replace(outcome=Outcome.HELD if inside else Outcome.NOT_HELD)
        found.append(one)
    return found


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "within 3 %",
        "Learned refinement of the coarse map has a mean relative error below 3 %.",
        f"RMRE of {', '.join(REFINED)} below {GOOD:g} %",
        lambda rows: [_value(rows, Criterion(below=GOOD), name, RMRE) for name in REFINED],
    ),
    Claim(
        "the others over 4 %",
        "The coarse map, BM3D and the network on images have errors of more than 4 %.",
        f"RMRE of {COARSE}, {BM3D}, {LBMC} above {POOR:g} %",
        lambda rows: [
            _value(rows, Criterion(above=POOR), name, RMRE) for name in (COARSE, BM3D, LBMC)
        ],
    ),
    Claim(
        "refining is better",
        "Refining the map beats the coarse map, BM3D, and learning from the images.",
        f"RMRE, each of {', '.join(REFINED)} minus each of the three: paired difference below 0",
        lambda rows: [
            _less(rows, name, other) for name in REFINED for other in (LBMC, COARSE, BM3D)
        ],
    ),
    Claim(
        "doubt helps to train",
        "Weighted by the doubt of LBRU the network has smaller errors.",
        f"RMRE, {LBUDR} minus {LBR}: paired difference below 0",
        lambda rows: [_less(rows, LBUDR, LBR)],
    ),
    Claim(
        "doubt costs a little",
        "Learning the doubt as well makes the map slightly worse.",
        f"RMRE, {LBRU} minus {LBR}: paired difference above 0",
        lambda rows: [_less(rows, LBRU, LBR, LARGER)],
    ),
    Claim(
        "doubt reflects error",
        "The uncertainty of LBRU reflects the actual level of error.",
        "calibration error below that of the best constant (by the mean, it has no interval), "
        "likelihood above it, and an error "
        "below that of removal at random at every share up to half",
        lambda rows: _reflects(rows, LBRU),
    ),
    Claim(
        "scaled doubt reflects error",
        "It does when its size is set by the patients that watched the training: one factor for "
        "each network.",
        f"the same three of {SCALED}",
        lambda rows: _reflects(rows, SCALED),
        ours=True,
    ),
    Claim(
        "regions refined",
        "Without the pixels of large uncertainty the drawn region has a smaller error.",
        "absolute error after minus before, paired over patients: below 0",
        lambda rows: [_value(rows, SMALLER, LBRU, CHANGE)],
    ),
    Claim(
        "better than three numbers",
        "Refinement networks beat a parabola of the coarse value.",
        f"RMRE, each of {', '.join(REFINED)} minus {CALIBRATED}: paired difference below 0",
        ahead_of_parabola,
        ours=True,
    ),
    Claim(
        "logarithms close the gap",
        "What the network on images lacks is the logarithm, not the map.",
        f"RMRE, {LOG_LBMC} minus {LBMC}: paired difference below 0",
        lambda rows: [_less(rows, LOG_LBMC, LBMC)],
        ours=True,
    ),
    Claim(
        "doubt beyond the fit's own",
        "The network's doubt follows its errors better than the two-point fit's standard error "
        "follows that map's.",
        f"{RANKS_BY_PATIENT}, {LBRU} minus {COARSE}: paired difference above 0",
        lambda rows: [rows.difference(LARGER, (LBRU, INPUT), (COARSE, INPUT), RANKS_BY_PATIENT)],
        ours=True,
    ),
    Claim(
        "doubt without labels",
        "A network taught by the images through the signal equation, not by a fitted map, learns "
        "a doubt in ms that beats one number.",
        f"{NLL_GAIN} of {SELF_SUPERVISED}: above 0",
        lambda rows: [_value(rows, LARGER, SELF_SUPERVISED, NLL_GAIN)],
        ours=True,
    ),
    Claim(
        "doubt finds what a reader avoids",
        "Over the whole liver, vessels and edges included, the doubt of LBRU tells more than one "
        "number could.",
        "over the whole liver: likelihood above the best constant's, error below that of removal "
        "at random at every share up to half",
        lambda rows: [
            _value(rows, LARGER, LBRU, named(NLL_GAIN)),
            _value(rows, SMALLER, LBRU, named(ABOVE_RANDOM)),
        ],
        ours=True,
    ),
    Claim(
        "conformal covers",
        "Intervals scaled on other patients hold what they should.",
        f"each of {', '.join(f'{100 * level:g}' for level in LEVELS)} % inside the interval of "
        "the share covered",
        _conformal,
        ours=True,
    ),
)
