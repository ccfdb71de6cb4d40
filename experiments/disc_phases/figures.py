"""Figures of the disc study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from experiments.disc_phases import paper
from experiments.disc_phases.evaluations import Judged
from experiments.disc_phases.metrics import (
    AUC,
    COUPLED,
    FIVE_FOLDS,
    LEVELS,
    MACRO,
    NETWORK,
    PARTS,
    PATIENTS,
    TEST,
    average,
    evaluated,
)
from experiments.disc_phases.phases import PHASES
from experiments.disc_phases.rungs import LEVEL_AGE, MAJORITY, SHAPE
from experiments.disc_phases.study import Study
from experiments.kept_networks import End
from experiments.run import Result
from jaxqmri.analysis import confusion_matrix, roc_curve
from jaxqmri.report import agreement
from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT, dots_beside_paper
from jaxqmri.report.learning import Curve, learning_curves
from jaxqmri.report.panels import panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 3  # patients
HEADLINE = evaluated(PATIENTS, FIVE_FOLDS)


def draw_all(
    study: Study,
    judged: Mapping[str, Judged],
    boxes: Float[np.ndarray, "p 5 4"],
    ends: Mapping[str, Mapping[str, End]],
    rows: Sequence[Result],
) -> dict[str, tuple[Figure, str]]:
    """All figures with their captions, by name.

    Parameters
    ----------
    study
        All discs.
    judged
        What was found, by evaluation.
    boxes
        That the detector found in the test patients; NaN elsewhere, and where it found none.
    ends
        Trainings by what was learnt.
    rows
        All numbers.
    """
    told = judged[evaluated(PATIENTS, TEST)]
    drawn: dict[str, tuple[Figure, str]] = {}
    if np.isfinite(boxes).any():
        drawn["phases"] = (
            _phases(study, told, boxes),
            "Test patients: boxes that the detector found and named, in the colour of the phase "
            "that the networks tell: blue 1, red 2, green 3. Beside each its level, that phase "
            "with its probability, and the phase as measured (Figure 6 of the paper in kind).",
        )
    sources = [s for s in (evaluated(PATIENTS, TEST), HEADLINE) if _tested(judged[s]).any()]
    drawn |= {
        "confusion": (
            _confusion(study, judged, sources),
            "Measured phases by told phases (Figure 5a); patients apart.",
        ),
        "roc": (
            _roc(study, judged, sources),
            "ROC curves of each phase against the others (Figure 5b); patients apart.",
        ),
        "rungs": (
            dots_beside_paper(
                [
                    e.entry()
                    for e in rows
                    if e.metric == average(AUC, MACRO)
                    and e.input in (HEADLINE, evaluated(PATIENTS, TEST))
                    and " minus " not in e.model
                    and e.model != MAJORITY
                ],
                "mean area under the ROC curves",
                across="input",
            ),
            "What networks reach, beside what needs none and what they add to level and age.",
        ),
    }
    for k, part in enumerate(PARTS):
        drawn[f"t1rho_{part}"] = (
            agreement.predicted_on_true(
                {f"{part}, {HEADLINE}": _pairs(study, judged[HEADLINE], k)}, "T1rho (ms)", columns=1
            ),
            f"{part.capitalize()} T1rho of discs that the networks have not seen, against the mean "
            "of all readings.",
        )
    curve = _couplings(rows)
    if len(curve) > 1:
        drawn["coupling"] = (
            _curve(curve),
            "Mean area under the ROC curves by how strongly degeneration shows in T1-weighted "
            f"images, patients apart. Dotted: the paper's mean of five folds, "
            f"{paper.FOLD_AUC_MEAN:g}.",
        )
    for name, own in ends.items():
        drawn[f"learning_{name.replace(' ', '_')}"] = (
            learning_curves(
                {
                    f"{name}, {len(own)} training{'s' if len(own) > 1 else ''}": [
                        Curve.of(e.curve, e.settled) for e in own.values()
                    ]
                },
                loss="training loss",
                metric="validation error",
                each="training",
            ),
            f"Every training of the {name}.",
        )
    return drawn


def _phases(study: Study, told: Judged, boxes: Float[np.ndarray, "p 5 4"]) -> Figure:
    from matplotlib.patches import Rectangle

    found = np.flatnonzero(np.isfinite(boxes).any(axis=(1, 2)))[:SHOWN]
    titles = [str(study.people[p]["participant_id"]) for p in found]
    figure, places = panels(titles, "", "", columns=SHOWN, height=2.6)
    for axes, p in zip(places, found, strict=True):
        image = study.images[p, ..., 0]
        axes.imshow(
            image, cmap="gray", vmin=0, vmax=float(np.percentile(image, 98)), aspect="equal"
        )
        axes.set_axis_off()
        for level, (x1, y1, x2, y2) in enumerate(boxes[p]):
            disc = p * len(LEVELS) + level
            if not np.isfinite(told.probabilities[disc]).all():
                continue
            phase = int(told.probabilities[disc].argmax())
            colour, share = CYCLE[phase], told.probabilities[disc, phase]
            axes.add_patch(
                Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, ec=colour, lw=1.4)
            )
            axes.text(
                0.985 * image.shape[1], 0.5 * (y1 + y2),
                f"{LEVELS[level]}: {PHASES[phase][-1]} ({share:.2f}), {study.phases[disc] + 1}",
                color="white", fontsize=7.5, ha="right", va="center",
                bbox={"facecolor": "black", "alpha": 0.6, "pad": 1, "linewidth": 0},
            )  # fmt: skip
    return figure


def _confusion(study: Study, judged: Mapping[str, Judged], sources: Sequence[str]) -> Figure:
    figure, places = panels([*sources, "paper, test set"], "told", "measured")
    tables = [_table(study, judged[source]) for source in sources]
    for axes, table in zip(places, [*tables, np.array(paper.CONFUSION)], strict=True):
        axes.imshow(
            table / np.maximum(table.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1
        )
        for (i, j), count in np.ndenumerate(table):
            dark = count > 0.5 * table[i].sum()
            axes.text(j, i, str(count), ha="center", va="center", color="white" if dark else INK)
        axes.set_xticks(range(3), PHASES)
        axes.set_yticks(range(3), PHASES)
    return figure


def _tested(one: Judged) -> np.ndarray:
    """Whether each disc was."""
    return np.asarray(np.isfinite(one.probabilities).all(axis=1))


def _table(study: Study, one: Judged) -> np.ndarray:
    tested = _tested(one)
    return confusion_matrix(
        study.phases[tested], one.probabilities[tested].argmax(axis=1), len(PHASES)
    )


def _roc(study: Study, judged: Mapping[str, Judged], sources: Sequence[str]) -> Figure:
    figure, places = panels(sources, "false positive", "true positive", height=3.0)
    for axes, source in zip(places, sources, strict=True):
        one = judged[source]
        tested = _tested(one)
        for phase, name in enumerate(PHASES):
            curve = roc_curve(study.phases[tested] == phase, one.probabilities[tested, phase])
            axes.plot(curve.false_positive, curve.true_positive, color=CYCLE[phase], label=name)
        axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.0)
        axes.set_aspect("equal")
    places[0].legend(frameon=False, fontsize=8.5, labelcolor=INK, loc="lower right")
    return figure


def _pairs(study: Study, one: Judged, part: int) -> tuple[np.ndarray, np.ndarray]:
    tested = np.isfinite(one.t1rho).all(axis=1)
    return study.t1rho[tested, part], one.t1rho[tested, part]


def _couplings(rows: Sequence[Result]) -> dict[float, dict[str, Result]]:
    """Mean area by coupling and model; the study's own is 1."""
    found: dict[float, dict[str, Result]] = {}
    for one in rows:
        if one.metric != average(AUC, MACRO) or one.input is None or " minus " in one.model:
            continue
        if one.input == HEADLINE:
            found.setdefault(1.0, {})[one.model] = one
        elif one.input.startswith(COUPLED):
            found.setdefault(float(one.input.rpartition(" ")[2]), {})[one.model] = one
    return dict(sorted(found.items()))


def _curve(curve: Mapping[float, Mapping[str, Result]]) -> Figure:
    figure, (axes,) = panels([""], "coupling", "mean area under the ROC curves", height=3.2)
    for number, model in enumerate((NETWORK, LEVEL_AGE, SHAPE)):
        known: list[tuple[float, Any]] = [
            (x, own[model]) for x, own in curve.items() if model in own
        ]
        x = np.array([each for each, _ in known]) + 0.015 * (number - 1)
        value, low, high = (
            np.array([getattr(one, end) for _, one in known], float)
            for end in ("ours", "low", "high")
        )
        axes.errorbar(
            x, value, yerr=[value - low, high - value], fmt="o-", color=CYCLE[number], label=model
        )
    axes.axhline(paper.FOLD_AUC_MEAN, color=SOFT, linewidth=1.0, linestyle=":")
    axes.axhline(0.5, color=LINE, linewidth=1.0)
    axes.set_ylim(bottom=min(0.4, axes.get_ylim()[0]))
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower right", ncols=3)
    return figure
