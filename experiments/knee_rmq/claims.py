"""What the paper claims, and what we add, as predictions.

A claim rests on numbers with 95 % intervals over the test subjects, or on paired differences over
the same subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from experiments.knee_rmq.estimates import (
    CONSTANT,
    NETWORK,
    NO_IMAGES,
    PRIOR_FIT,
    REGRESSION,
    named,
)
from experiments.knee_rmq.metrics import (
    CARTILAGE,
    DICE,
    FALL,
    GROUPS,
    L1,
    L1_INTERIOR,
    T1_LESS_T1RHO,
    TO_TRUTH,
    VOXEL_R,
    of,
)
from experiments.knee_rmq.paper import INPUTS, QUANTITIES, T1, T1RHO, WHOLE
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri import report
from jaxqmri.report import Claim, Criterion, Finding, Judged, Outcome, Rows

SMALLER, LARGER = Criterion(below=0.0), Criterion(above=0.0)
FEWER = tuple(name for name in INPUTS if name != WHOLE)
FASTEST = FEWER[-1]
HIGH = 0.89  # the paper's lowest voxel r
SMALL_FALL = 0.045  # of r, at the highest acceleration: what rounds to the paper's 4 %
SAME_OVERLAP = 0.02  # of Dice
WEIGHTS = (0.01, 0.1)
PHYSICS_HELPS = "physics helps"  # name of a claim
# whose differences between two networks are small enough for the chance of a training to decide
OF_FEW_SEEDS = (PHYSICS_HELPS, "T1rho suffers more", "the segmentation holds")
ENOUGH_SEEDS = 3


def judge(
    results: Iterable[Result], short: Collection[Arm] = (), *, seeds: int = 1
) -> tuple[Rows, list[Judged]]:
    """Hold every claim against the rows of a run.

    Parameters
    ----------
    results
        All rows.
    short
        Networks of which a training stopped short of its plateau, with their input.
    seeds
        Trainings of each network: of too few no difference between two networks can be told from
        the chance of a training.

    Returns
    -------
    rows, judged
        What claims rest on, and how they stand.
    """
    rows = Rows(
        [result.entry() for result in results],
        short=short,
        common={"visit": None, "region": CARTILAGE},
    )
    claims = CLAIMS
    if seeds < ENOUGH_SEEDS:
        claims = tuple(
            claim._replace(test=_too_few_seeds(claim)) if claim.name in OF_FEW_SEEDS else claim
            for claim in CLAIMS
        )
    return rows, report.judge(claims, rows)


def _too_few_seeds(claim: Claim) -> Callable[[Rows], list[Finding]]:
    """The claim's numbers, none of which may decide it."""
    return lambda rows: [
        one if one.outcome is Outcome.NOT_RUN else one._replace(outcome=Outcome.FEW_SEEDS)
        for one in claim.test(rows)
    ]


def _value(rows: Rows, criterion: Criterion, name: str, metric: str) -> Finding:
    return rows.value(criterion, NETWORK, name, metric)


def falls(rows: Rows) -> list[Finding]:
    """How far the correlation over voxels falls from all images to the fewest, both maps."""
    return [_value(rows, LARGER, FASTEST, of(FALL, quantity)) for quantity in QUANTITIES]


def t1_holds_better(rows: Rows) -> list[Finding]:
    """The fall of T1's correlation less that of T1rho's, at every acceleration."""
    return [_value(rows, SMALLER, name, of(FALL, T1_LESS_T1RHO)) for name in FEWER]


def _ahead_of(rows: Rows, other: str, metric: str) -> list[Finding]:
    return [
        rows.difference(SMALLER, (NETWORK, name), (other, name), of(metric, quantity))
        for name in INPUTS
        for quantity in QUANTITIES
    ]


def ahead_of_fit(rows: Rows) -> list[Finding]:
    """Error of the network less that of the fit with priors to the same images."""
    return _ahead_of(rows, PRIOR_FIT, L1)


def ahead_of_fit_in_truth(rows: Rows) -> list[Finding]:
    """The same to the maps that were simulated."""
    return _ahead_of(rows, PRIOR_FIT, TO_TRUTH)


def ahead_of_regression(rows: Rows) -> list[Finding]:
    """Error of the network less that of a regression of single voxels on the same images."""
    return _ahead_of(rows, REGRESSION, L1)


def ahead_of_regression_inside(rows: Rows) -> list[Finding]:
    """The same where no neighbour is anything but cartilage."""
    return _ahead_of(rows, REGRESSION, L1_INTERIOR)


def ahead_of_constant(rows: Rows) -> list[Finding]:
    """Error of the network less that of the training subjects' median."""
    return [
        rows.difference(SMALLER, (NETWORK, name), (CONSTANT, NO_IMAGES), of(L1, quantity))
        for name in INPUTS
        for quantity in QUANTITIES
    ]


def physics_helps(rows: Rows) -> list[Finding]:
    """Error with the signal equations in the loss less without, by weight and input."""
    return [
        rows.difference(SMALLER, (named(weight), name), (NETWORK, name), of(L1, quantity))
        for weight in WEIGHTS
        for name in INPUTS
        for quantity in QUANTITIES
    ]


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "high correlation",
        "Predicted and fitted maps correlate highly over voxels at every acceleration.",
        f"voxel r of T1 and T1rho above {HIGH:g}, the paper's lowest, at every input",
        lambda rows: [
            _value(rows, Criterion(above=HIGH), name, of(VOXEL_R, quantity))
            for name in INPUTS
            for quantity in QUANTITIES
        ],
    ),
    Claim(
        "r falls",
        "The correlation over voxels falls as images are left out.",
        f"voxel r in the drawn region, all images minus {FASTEST}: above 0",
        falls,
    ),
    Claim(
        "T1 holds",
        "At the highest acceleration the correlation of T1 has fallen by 4 % at most.",
        f"voxel r of T1 in the drawn region, all images minus {FASTEST}: below {SMALL_FALL:g}",
        lambda rows: [_value(rows, Criterion(below=SMALL_FALL), FASTEST, of(FALL, T1))],
    ),
    Claim(
        "T1rho suffers more",
        "The correlation of T1rho falls more than that of T1.",
        "fall of voxel r in the drawn region, T1 less T1rho: below 0, at every input",
        t1_holds_better,
    ),
    Claim(
        "the segmentation holds",
        "Cartilage is segmented as well from few images as from all.",
        f"Dice, fewer images minus all: above -{SAME_OVERLAP:g}",
        lambda rows: [
            rows.difference(Criterion(above=-SAME_OVERLAP), (NETWORK, name), (NETWORK, WHOLE), DICE)
            for name in FEWER
        ],
    ),
    Claim(
        "better than a fit",
        "The network has smaller errors than a fit with priors to the same images.",
        f"L1, {NETWORK} minus {PRIOR_FIT}, paired: below 0",
        ahead_of_fit,
        ours=True,
    ),
    Claim(
        "better than a fit, in truth",
        "The network's maps are closer to the true ones than those of a fit with priors.",
        f"L1 to the simulated maps, {NETWORK} minus {PRIOR_FIT}, paired: below 0",
        ahead_of_fit_in_truth,
        ours=True,
    ),
    Claim(
        "better than voxels",
        "The network has smaller errors than a regression that sees one voxel at a time.",
        f"L1, {NETWORK} minus {REGRESSION}, paired: below 0",
        ahead_of_regression,
        ours=True,
    ),
    Claim(
        "better than voxels, inside",
        "It has them away from the border too, where voxels hold nothing but cartilage.",
        f"L1 away from the drawn border, {NETWORK} minus {REGRESSION}, paired: below 0",
        ahead_of_regression_inside,
        ours=True,
    ),
    Claim(
        "better than a constant",
        "The network has smaller errors than the median of the training subjects.",
        f"L1, {NETWORK} minus {CONSTANT}, paired: below 0",
        ahead_of_constant,
        ours=True,
    ),
    Claim(
        "groups differ",
        "Osteoarthritis can be told from the predicted maps: subjects with moderate to severe "
        "osteoarthritis have a longer T1rho than normal ones.",
        f"T1rho, {GROUPS}: above 0",
        lambda rows: [_value(rows, LARGER, name, of(GROUPS, T1RHO)) for name in INPUTS],
        ours=True,
    ),
    Claim(
        PHYSICS_HELPS,
        "A loss that holds the network to the signal equations makes its errors smaller.",
        f"L1, with the loss minus without, paired: below 0; weights {WEIGHTS}",
        physics_helps,
        ours=True,
    ),
)
