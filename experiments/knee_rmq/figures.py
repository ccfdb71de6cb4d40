"""Figures of the knee UTE study: the paper's Figures 2 to 6 in kind, and ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.kept_networks import End
from experiments.knee_rmq.estimates import NETWORK, PRIOR_FIT, REGRESSION, Estimates, Test, named
from experiments.knee_rmq.fits import Reference
from experiments.knee_rmq.metrics import (
    CARTILAGE,
    L1,
    PLACE,
    ROI_R,
    VOXEL_R,
    VOXEL_R_DRAWN,
    of,
)
from experiments.knee_rmq.networks import OneTraining
from experiments.knee_rmq.pairs import Pairs, slice_pairs, voxel_pairs
from experiments.knee_rmq.paper import FLIP_ANGLES, INPUTS, QUANTITIES, SPIN_LOCK_TIMES, T1
from experiments.knee_rmq.study import Study
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri.report import number
from jaxqmri.report.figures import CYCLE, INK, SOFT, dots_beside_paper
from jaxqmri.report.learning import Curve, learning_curves
from jaxqmri.report.maps import Panel, Slices, choose_slices, draw_maps
from jaxqmri.report.panels import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {"T1": "T1", "T1rho": "T1ρ"}
SHOWN_LIMITS = {"T1": (400.0, 1800.0), "T1rho": (10.0, 80.0)}  # ms, of the maps' colour bars
LARGEST_ERROR = 30.0  # % at the end of the colour bar
REGIONS = {0: ("elsewhere", "#10141a"), 1: ("cartilage", CYCLE[1]), 2: ("menisci", CYCLE[0])}
IMAGES_SHOWN = (0, 3, 4, 10)  # FA 5 and 30 degrees, TSL 0 and 96 ms
WITHIN = (0.5, 99.5)  # percentiles that a plot of voxels reaches to


def draw_all(
    study: Study,
    reference: Reference,
    test: Test,
    found: Mapping[Arm, Estimates],
    ends: Mapping[OneTraining, End],
    rows: Sequence[Result],
) -> dict[str, tuple[Figure, str]]:
    """All figures with their captions, by name."""
    kind = "simulated subject" if study.simulated else "subject"
    chosen = int(test.subjects[0])
    networks = {arm: one for arm, one in found.items() if arm[0] == NETWORK}
    slices = _slices(study, test, chosen)
    drawn = {
        "images": (
            _images(study, chosen, slices),
            f"Four of the eleven images of one {kind}, registered to the first: scanner units.",
        ),
        "maps": (
            _maps(study, reference, test, networks, chosen, slices),
            f"One slice of the same {kind}, which no network had seen: maps fitted to all "
            "images with the drawn regions, then predicted maps and regions (the paper's Figure "
            "2, columns 1 to 3). Dark where nothing could be fitted. Maps are learnt in cartilage "
            "and next to it: in muscle and tendon they are no better than a guess.",
        ),
        "cartilage": (
            _cartilage(study, test, found, chosen, slices),
            "The same slice in cartilage: drawn for the fits, predicted for the networks "
            "(the paper's Figure 2, columns 4 and 5), and the relative error of T1ρ in the drawn "
            "one.",
        ),
    }
    for quantity in QUANTITIES:
        label = LABELS[quantity]
        drawn[f"slices_{quantity}"] = (
            _scatter(test, networks, quantity, slice_pairs, _dots, rows, ROI_R),
            f"Mean {label} of each slice, predicted in the predicted cartilage over fitted in "
            f"the drawn one: Figure {3 if quantity == T1 else 5} of the paper in kind. Colours "
            f"tell one {kind} from the next.",
        )
        drawn[f"voxels_{quantity}"] = (
            _scatter(test, networks, quantity, voxel_pairs, _density, rows, VOXEL_R),
            f"{label} of every voxel, predicted over fitted, where both take it for cartilage: "
            f"Figure {4 if quantity == T1 else 6} of the paper in kind. Darker where there are "
            "more, on a logarithmic scale; one voxel in a hundred lies outside.",
        )
        printed = {
            one["input"]: one["paper"]
            for one in _of_inputs(rows, (NETWORK,), of(VOXEL_R, quantity))
        }
        told = [
            one | {"paper": printed.get(one["input"]) if one["model"] == NETWORK else None}
            for one in _of_inputs(
                rows, (NETWORK, PRIOR_FIT, REGRESSION), of(VOXEL_R_DRAWN, quantity)
            )
        ]
        drawn[f"acceleration_{quantity}"] = (
            dots_beside_paper(told, f"voxel r of {label}"),
            f"Correlation over the voxels of the drawn cartilage by input, {label}; intervals are "
            "over subjects. The paper's is over those that the network finds as well.",
        )
    weights = sorted({one.physics for one in ends if one.physics})
    if weights:
        for quantity in QUANTITIES:
            models = [f"{named(weight)} minus {NETWORK}" for weight in weights]
            told = _of_inputs(rows, models, of(L1, quantity))
            drawn[f"physics_{quantity}"] = (
                _with_zero(dots_beside_paper(told, f"change of the L1 error of {LABELS[quantity]} "
                                             "(ms)")),
                f"What holding the network to the signal equations does to the error of "
                f"{LABELS[quantity]}, by weight and input: paired over subjects, negative where "
                "it helps.",
            )  # fmt: skip
    if ends:
        drawn["learning"] = (
            learning_curves(
                {
                    f"{named(weight)}, {name}": [
                        Curve.of(end.curve, end.settled)
                        for one, end in ends.items()
                        if (one.physics, one.input) == (weight, name)
                    ]
                    for weight, name in dict.fromkeys((one.physics, one.input) for one in ends)
                },
                loss="training loss",
                metric="validation loss",
                each="seed",
            ),
            "Every training. The learning rate starts anew after each cosine; the validation "
            "loss is the paper's, without physics.",
        )
    return drawn


def _slices(study: Study, test: Test, chosen: int) -> Slices:
    drawn = _volume(study, test, chosen, test.regions[..., 0])
    return choose_slices(study.subjects[chosen].affine, drawn, count=1)


def _volume(study: Study, test: Test, chosen: int, values: np.ndarray) -> np.ndarray:
    """One test subject's part of the test's slices, as a volume."""
    own = test.owner == int(np.searchsorted(test.subjects, chosen))
    return np.moveaxis(values[own], 0, study.subjects[chosen].axis)


def _images(study: Study, chosen: int, slices: Slices) -> Figure:
    images = study.subjects[chosen].images
    names = [f"FA {angle:g}°" for angle in FLIP_ANGLES] + [
        f"TSL {time:g} ms" for time in SPIN_LOCK_TIMES
    ]
    shown = []
    for k in IMAGES_SHOWN:
        top = float(np.percentile(images[..., k], 99.0))
        shown.append(Panel(images[..., k], names[k], "", (0.0, top), "gray"))
    return draw_maps(shown, slices)


def _maps(
    study: Study,
    reference: Reference,
    test: Test,
    networks: Mapping[Arm, Estimates],
    chosen: int,
    slices: Slices,
) -> Figure:
    known = study.volume(reference.known, chosen)
    maps = {"fitted to all images": (test.maps, test.regions)}
    for (_, name), one in networks.items():
        assert one.classes is not None
        maps[name] = one.maps[0], one.classes[0]
    shown = []
    for title, (values, regions) in maps.items():
        for quantity in QUANTITIES:
            volume = _volume(study, test, chosen, values[..., PLACE[quantity]])
            shown.append(_panel(np.where(known, volume, np.nan), title, quantity))
        number_of_class = np.where(regions.any(axis=-1), 1 + np.argmax(regions, axis=-1), 0).astype(
            np.int16
        )
        shown.append(
            Panel(
                _volume(study, test, chosen, number_of_class), f"{title}: regions",
                categories=REGIONS,
            )
        )  # fmt: skip
    return draw_maps(shown, slices)


def _cartilage(
    study: Study, test: Test, found: Mapping[Arm, Estimates], chosen: int, slices: Slices
) -> Figure:
    shown = []
    told = {"fitted to all images": (test.maps, test.drawn)}
    for (model, name), one in found.items():
        if name not in INPUTS or model not in (NETWORK, PRIOR_FIT):
            continue
        region = test.drawn if one.classes is None else one.classes[0, ..., 0]
        told[f"{model}, {name}"] = one.maps[0], region
    k = PLACE["T1rho"]
    for title, (values, region) in told.items():
        for quantity in QUANTITIES:
            inside = np.where(region, values[..., PLACE[quantity]], np.nan)
            shown.append(_panel(_volume(study, test, chosen, inside), title, quantity))
        error = 100.0 * np.abs(values[..., k] / test.maps[..., k] - 1.0)
        error = np.where(test.drawn, error, np.nan)
        shown.append(
            Panel(
                _volume(study, test, chosen, error), "error of T1ρ", "%", (0.0, LARGEST_ERROR),
                "inferno",
            )
        )  # fmt: skip
    return draw_maps(shown, slices)


def _panel(volume: np.ndarray, title: str, quantity: str) -> Panel:
    limits, colours = SHOWN_LIMITS[quantity], "magma" if quantity == T1 else "viridis"
    return Panel(volume, f"{title}: {LABELS[quantity]}", "ms", limits, colours)


def _scatter(
    test: Test,
    networks: Mapping[Arm, Estimates],
    quantity: str,
    pairs_of: Callable[..., list[Pairs]],
    draw: Callable[[Axes, Pairs], None],
    rows: Sequence[Result],
    metric: str,
) -> Figure:
    """One panel for each input: predicted over fitted, identity, and r as the tables have it."""
    label = LABELS[quantity]
    figure, axes = panels(
        [name for _, name in networks] or ["no network"],
        f"fitted to all images, {label} (ms)",
        f"predicted, {label} (ms)",
        columns=4,
        height=2.4,
    )
    pairs = [pairs_of(test, one, quantity, drawn=False)[0] for one in networks.values()]
    for panel, own, arm in zip(axes, pairs, networks, strict=False):
        if not own.fitted.size:
            continue
        draw(panel, own)
        found = {(one.model, one.input, one.metric): one for one in rows}
        told = found[(*arm, of(metric, quantity))]
        panel.text(
            0.04, 0.96,
            f"r {number(told.ours, 3)}\n({number(told.low, 3)} to {number(told.high, 3)})",
            transform=panel.transAxes, va="top", fontsize=8.5, color=INK,
        )  # fmt: skip
    everything = [values for own in pairs for values in (own.fitted, own.predicted)]
    if everything and sum(values.size for values in everything):
        low, high = np.percentile(np.concatenate(everything), WITHIN)
        margin = 0.05 * (high - low) + 1e-6
        for panel in axes:
            panel.set_xlim(low - margin, high + margin)
            panel.set_ylim(low - margin, high + margin)
            panel.plot(
                [low, high], [low, high], color=SOFT, linewidth=1, linestyle=":",
                label="_identity",
            )  # fmt: skip
    return figure


def _dots(panel: Axes, pairs: Pairs) -> None:
    colours = [CYCLE[owner % len(CYCLE)] for owner in pairs.owner]
    panel.scatter(pairs.fitted, pairs.predicted, s=9, c=colours, alpha=0.8, linewidth=0)


def _density(panel: Axes, pairs: Pairs) -> None:
    low, high = np.percentile(np.concatenate([pairs.fitted, pairs.predicted]), WITHIN)
    panel.hexbin(
        pairs.fitted, pairs.predicted, gridsize=60, bins="log", cmap="Blues", mincnt=1,
        extent=(low, high, low, high), linewidths=0,
    )  # fmt: skip


def _of_inputs(rows: Sequence[Result], models: Sequence[str], metric: str) -> list[dict[str, Any]]:
    """Rows of some models in the order of the inputs."""
    own = [
        one.entry()
        for one in rows
        if one.model in models and one.metric == metric and one.region == CARTILAGE
        and one.input in INPUTS
    ]  # fmt: skip
    return sorted(own, key=lambda one: list(INPUTS).index(one["input"]))


def _with_zero(figure: Figure) -> Figure:
    figure.axes[0].axhline(0.0, color=SOFT, linewidth=1.0)
    return figure
