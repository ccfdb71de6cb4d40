"""Figures of the knee T2 study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.knee_t2 import paper
from experiments.knee_t2.clusters import coverage
from experiments.knee_t2.comparisons import Visits
from experiments.knee_t2.fit_comparison import REPEATS
from experiments.knee_t2.metrics import (
    BIAS,
    CHANGE,
    ERROR,
    NETWORK,
    READER_1,
    READER_2,
    SPEARMAN,
    SUBSET,
    VALUE,
    against,
    of,
)
from experiments.knee_t2.networks import SECOND
from experiments.knee_t2.readings import NAMES, Reading, means_of, usual_voxels
from experiments.knee_t2.study import Study
from experiments.knee_t2.trained import Trained
from experiments.run import Result
from jaxqmri.analysis.cartilage import Change
from jaxqmri.report import agreement
from jaxqmri.report.cartilage import UnrolledMap, draw_change, draw_unrolled
from jaxqmri.report.figures import SOFT, dots_beside_paper
from jaxqmri.report.learning import Curve, learning_curves
from jaxqmri.report.maps import Panel, choose_slices, draw_maps

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T2_LIMITS = (30.0, 80.0)  # ms
REGIONS = {0: ("elsewhere", "#10141a"), 1: ("cartilage", "#d9622b")}


def draw_all(
    study: Study,
    readings: Mapping[str, Reading],
    visits: Visits,
    changes: Mapping[str, Sequence[Change | None]],
    trained: Trained,
    rows: Sequence[Result],
) -> dict[str, tuple[Figure, str]]:
    """All figures with their captions, by name."""
    kind = "simulated subject" if study.simulated else "subject"
    first = readings[READER_1]
    chosen = next(v for v in visits.test.ravel() if v in first)
    drawn: dict[str, tuple[Figure, str]] = {
        "segmentation": (
            _segmentation(study, readings, int(chosen)),
            f"Cartilage of one {kind} that no network had seen: the second echo, who found it "
            "where, and its T2 (Figure 1 of the paper in kind).",
        ),
        "deep_superficial": (
            _bland_altman(readings, visits),
            f"Mean T2 of the deep and the superficial half, {NETWORK} less Reader 1, each visit a "
            "dot (Figure 2).",
        ),
        "readers": (
            _with_zero(dots_beside_paper(_biases(rows), "mean difference of T2 (ms)",
                                         across="region")),
            "Mean difference of regional T2 to Reader 1 in the visits that Reader 2 read, with 95 "
            "% intervals over subjects (Figure 3).",
        ),
    }  # fmt: skip
    for quantity, name in ((VALUE, "value"), (CHANGE, "change")):
        for metric in (SPEARMAN, ERROR):
            told = _by_region(rows, NETWORK, against(READER_1), of(quantity, metric))
            if told:
                label = f"{metric} of {'T2' if quantity == VALUE else 'the change of T2'}"
                unit = " (ms)" if metric == ERROR else ""
                drawn[f"{name}_{'spearman' if metric == SPEARMAN else 'error'}"] = (
                    dots_beside_paper(told, f"{label}{unit}", across="region"),
                    f"{label[0].upper()}{label[1:]}, {NETWORK} against Reader 1, by subregion "
                    "(Figure 4).",
                )
    pair = _whole_pair(study, readings, visits)
    if pair is not None:
        drawn |= _unrolled(readings, changes, pair, kind)
    shares = {
        f"{model}": (coverage(changes[READER_1]), coverage(changes[model]))
        for model in (NETWORK, READER_2)
        if model in changes and np.isfinite(coverage(changes[model])).any()
    }
    if shares:
        drawn["clusters"] = (
            agreement.predicted_on_true(shares, "share of the plate in clusters (%)"),
            "Share of the plate in clusters of change, against Reader 1's, each subject a dot.",
        )
    drawn["fits"] = (
        dots_beside_paper(
            [e.entry() for e in rows if e.metric == REPEATS], "CV of a repeated scan (%)",
            across="region",
        ),
        "How well the mean T2 of the plate and its halves repeats, by fit.",
    )  # fmt: skip
    drawn["learning"] = (
        learning_curves(
            {
                f"{'search, ' * arm.search}{arm.reader}, {arm.choice.label}, seed {arm.seed}": [
                    Curve.of(end.curve, end.settled)
                ]
                for arm, end in trained.ends.items()
            },
            loss="soft Dice loss",
            metric="validation error",
            each="training",
        ),
        "Every training. The validation error is one minus the soft overlap.",
    )
    if not any(e.metric == REPEATS for e in rows):
        del drawn["fits"]
    return drawn


def _segmentation(study: Study, readings: Mapping[str, Reading], visit: int) -> Figure:
    own = study.visits[visit]
    slices = choose_slices(own.affine, own.volume(readings[READER_1][visit].inside), count=3)
    echo = own.network[..., SECOND].astype(np.float32)
    panels = [Panel(own.volume(echo), "Second echo", "", (-1.5, 2.5), "gray")]
    for name, reading in readings.items():
        if visit in reading:
            inside = reading[visit].inside.astype(np.uint8)
            panels.append(Panel(own.volume(inside), name, categories=REGIONS))
    for name in (READER_1, NETWORK):
        if visit in readings.get(name, {}):
            one = readings[name][visit]
            t2 = np.where(one.inside, one.t2, np.nan)
            panels.append(Panel(own.volume(t2), f"T2, {name}", "ms", T2_LIMITS, "viridis"))
    return draw_maps(panels, slices)


def _bland_altman(readings: Mapping[str, Reading], visits: Visits) -> Figure:
    usual = usual_voxels(readings[READER_1])
    flat = visits.test.ravel().tolist()
    first, other = (means_of(readings[name], flat, usual) for name in (READER_1, NETWORK))
    places = {"Deep": NAMES.index("D"), "Superficial": NAMES.index("S")}
    pairs = {told: (first[:, k], other[:, k]) for told, k in places.items()}
    return agreement.bland_altman(pairs, "T2 (ms)", names=(NETWORK, READER_1), ddof=0)


def _unrolled(
    readings: Mapping[str, Reading],
    changes: Mapping[str, Sequence[Change | None]],
    pair: tuple[int, tuple[int, int]],
    kind: str,
) -> dict[str, tuple[Figure, str]]:
    number, (before, after) = pair
    drawn = {}
    for model in (READER_1, NETWORK):
        one, other = readings[model][before], readings[model][after]
        maps = [
            UnrolledMap(each.projection, f"{told}, {model}", "ms", T2_LIMITS, "viridis")
            for each, told in ((one, "T2, first visit"), (other, "T2, second visit"))
        ]
        short = model.replace(" ", "_")
        drawn[f"unrolled_{short}"] = (
            draw_unrolled(one.divided, maps),
            f"Femoral cartilage of one {kind}, unrolled, by {model}: T2 at both visits, with the "
            "subregions of the first.",
        )
        change = changes[model][number]
        if change is not None:
            drawn[f"change_{short}"] = (
                draw_change(change, "T2", "ms", one.divided.circle.radius),
                f"Change of the same plate by {model}; solid lines around clusters of increase, "
                "dotted where they are looked for.",
            )
    return drawn


def _whole_pair(
    study: Study, readings: Mapping[str, Reading], visits: Visits
) -> tuple[int, tuple[int, int]] | None:
    """The first test subject whose both visits were read by Reader 1 and the network."""
    subjects = study.owner[visits.test[:, 0]]
    for number, (before, after) in enumerate(study.pairs(subjects)):
        if all(v in readings.get(m, {}) for v in (before, after) for m in (READER_1, NETWORK)):
            return number, (before, after)
    return None


def _biases(rows: Sequence[Result]) -> list[dict[str, Any]]:
    source, metric = against(READER_1, SUBSET), of(VALUE, BIAS)
    own = _by_region(rows, READER_2, source, metric) + _by_region(rows, NETWORK, source, metric)
    return [{**one, "paper": None} for one in own]


def _by_region(
    rows: Sequence[Result], model: str, source: str, metric: str
) -> list[dict[str, Any]]:
    """A measure of the twelve subregions, in their order."""
    own = {
        one.region: one.entry()
        for one in rows
        if (one.model, one.input, one.metric) == (model, source, metric)
    }
    return [own[name] for name in paper.SUBREGIONS if name in own]


def _with_zero(figure: Figure) -> Figure:
    figure.axes[0].axhline(0.0, color=SOFT, linewidth=1.0)
    return figure
