"""Figures of the knee T1rho study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.knee_cv.paper import INPUTS, NETWORKS, NLLS, TABLE_4
from experiments.knee_cv.results import (
    ALL_TIMES,
    CARTILAGE,
    METRICS,
    Maps,
    Study,
    labelled,
    subject_errors,
)
from experiments.run import Result
from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT, WIDTH, add_axes, new_figure
from jaxqmri.report.maps import choose_slices

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T1RHO_LIMITS = (0.0, 100.0)  # ms
COLOURS = "viridis"
GREYS = ("#9aa3af", "#b9c0c9", "#7c8591")


def slice_figure(
    study: Study, subject: int, first_image: Any, pd: Any, found: Mapping[str, Maps]
) -> Figure:
    """One sagittal slice: both images, the reference map, and the map of every input.

    Parameters
    ----------
    study
        All subjects.
    subject
        Which of them.
    first_image, pd
        Its TSL 0 and registered PD-weighted images, on the T1rho grid.
    found
        Maps by input, the reference under all spin-lock times.
    """
    own, part = study.subjects[subject], study.slices[subject]
    inside = np.zeros(tuple(own.shape), bool)
    inside.flat[own.position] = True
    slices = choose_slices(own.affine, inside, count=1)
    index = slices.indices[0]

    def overlay(name: str) -> np.ndarray:
        volume = np.full(inside.shape, np.nan, np.float32)
        volume.flat[own.position] = found[name].t1rho[part]
        return slices.picture(volume, index)

    def grey(volume: Any) -> tuple[np.ndarray, float]:
        return slices.picture(np.nan_to_num(volume), index), float(np.nanpercentile(volume, 99.5))

    columns = 4
    gap, title, bar, foot = 0.08, 0.3, 0.75, 0.05
    wide = (WIDTH - bar - (columns - 1) * gap) / columns
    base, bright = grey(first_image)
    high = wide * base.shape[0] * slices.pixel / base.shape[1]
    top = 0.2
    height = 2 * (high + title) + foot + top
    figure = new_figure(WIDTH, height)
    panels: list[list[str | None]] = [
        [ALL_TIMES, *(name for name in INPUTS if name.startswith("PD"))],
        [None, *(name for name in INPUTS if not name.startswith("PD"))],
    ]
    shown = None
    for row, names in enumerate(panels):
        for column, name in enumerate(names):
            left = column * (wide + gap)
            bottom = height - top - (row + 1) * (high + title)
            place = (left / WIDTH, bottom / height, wide / WIDTH, high / height)
            axes = figure.add_axes(place, xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set_visible(False)
            picture, brightest = grey(pd) if name is None else (base, bright)
            options: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest"}
            axes.imshow(picture, cmap="gray", vmin=0, vmax=brightest, **options)
            if name is not None:
                low, most = T1RHO_LIMITS
                shown = axes.imshow(overlay(name), cmap=COLOURS, vmin=low, vmax=most, **options)
            axes.set_title(_title(name), loc="left", fontsize=9.5, color=INK, pad=4)
            if row == 0 and column == 0:
                _letters(axes, slices.edges)
    assert shown is not None
    place = (
        (WIDTH - bar + 0.12) / WIDTH,
        foot / height,
        0.14 / WIDTH,
        (height - top - title) / height,
    )
    scale = figure.colorbar(shown, cax=figure.add_axes(place))
    scale.set_label("T1ρ (ms)", fontsize=9.5, color=INK)
    scale.ax.tick_params(labelsize=8.5, colors=INK, length=2.5, width=0.7)
    scale.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return figure


def beside_paper_figure(results: Sequence[Result]) -> Figure:
    """Every measure over the six inputs: ours with its interval, the paper's with its SD."""
    metrics = tuple(TABLE_4[NLLS])
    rows = {
        (r.metric, r.input): r
        for r in results
        if r.model == NLLS and r.region == CARTILAGE and r.input is not None
    }
    across, down = 3, 2
    left, gap, foot, head, top = 0.65, 0.75, 0.55, 0.3, 0.5
    wide = (WIDTH - left - (across - 1) * gap - 0.1) / across
    high = 2.0
    height = down * (high + foot + head) + top
    figure = new_figure(WIDTH, height)
    places = np.arange(len(INPUTS), dtype=float)
    for number, metric in enumerate(metrics):
        line, column = divmod(number, across)
        bottom = height - top - (line + 1) * (high + head) - line * foot
        axes = add_axes(figure, (left + column * (wide + gap), bottom, wide, high))
        axes.set_title(
            labelled(metric, METRICS[metric][0]), loc="left", fontsize=10, color=INK, pad=6
        )
        own_metric = metric.removesuffix(" of prediction")
        for grey, model in zip(GREYS, NETWORKS, strict=True):
            values = [TABLE_4[model][own_metric][name].mean for name in INPUTS]
            axes.plot(places, np.array(values, float), color=grey, linewidth=1, zorder=1)
        paper = [TABLE_4[NLLS][metric][name] for name in INPUTS]
        axes.errorbar(
            places + 0.12,
            np.array([p.mean for p in paper], float),
            yerr=None if paper[0].sd is None else np.array([p.sd for p in paper], float),
            fmt="D", ms=5, mfc="white", color=CYCLE[1], elinewidth=1.1, zorder=3,
        )  # fmt: skip
        ours = [rows[metric, name] for name in INPUTS]
        values = np.array([r.ours for r in ours], float)
        low, most = (np.array([getattr(r, end) for r in ours], float) for end in ("low", "high"))
        axes.errorbar(
            places - 0.12, values, yerr=(values - low, most - values),
            fmt="o", ms=5, color=CYCLE[0], elinewidth=1.6, zorder=4,
        )  # fmt: skip
        axes.axhline(0, color=SOFT, linewidth=0.7, zorder=0)
        axes.grid(axis="y", color=LINE, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xticks(places, INPUTS, fontsize=7.5)
        axes.set_xlim(-0.6, len(INPUTS) - 0.4)
    _key(figure, height)
    return figure


def agreement_figure(study: Study, reference: Maps, found: Mapping[str, Maps]) -> Figure:
    """Each subject's mean over the cartilage, every input against the reference."""
    inside = np.ones(study.label.size, bool)
    columns = len(INPUTS) // 2
    left, gap, foot, head, high = 0.65, 0.6, 0.6, 0.3, 2.3
    wide = (WIDTH - left - (columns - 1) * gap - 0.1) / columns
    top = 0.15
    height = 2 * (high + foot + head) + top
    figure = new_figure(WIDTH, height)
    for number, name in enumerate(INPUTS):
        line, column = divmod(number, columns)
        bottom = height - top - (line + 1) * (high + head + foot) + foot
        axes = add_axes(
            figure,
            (left + column * (wide + gap), bottom, wide, high),
            "mean T1ρ of both (ms)" if line else "",
            f"{NLLS} − reference (ms)" if column == 0 else "",
        )
        axes.set_title(name, loc="left", fontsize=10, color=INK, pad=6)
        errors = subject_errors(study, reference.t1rho, found[name].t1rho, inside)
        means = np.array([(e.mean_reference + e.mean_prediction) / 2 for e in errors])
        differences = np.array([e.bias for e in errors])
        for colour, (group, chosen) in zip(CYCLE, _groups(study).items(), strict=False):
            axes.scatter(
                means[chosen], differences[chosen], s=18, lw=0, alpha=0.85, color=colour,
                label=group,
            )  # fmt: skip
        bias, spread = np.nanmean(differences), np.nanstd(differences, ddof=1)
        for value, style in (
            (bias, "-"),
            (bias - 1.96 * spread, "--"),
            (bias + 1.96 * spread, "--"),
        ):
            axes.axhline(float(value), color=SOFT, linewidth=1.0, linestyle=style, zorder=0)
        axes.axhline(0, color=LINE, linewidth=1.0, zorder=0)
        if number == 0 and len(_groups(study)) > 1:
            axes.legend(frameon=False, fontsize=8.5, labelcolor=INK, handletextpad=0.2)
    return figure


def mark_simulated(figure: Figure) -> None:
    """Say in the figure itself, in a corner, that nobody was scanned."""
    figure.text(
        0.998, 0.998, "simulated data", ha="right", va="top", fontsize=8, color=CYCLE[1],
    )  # fmt: skip


def _groups(study: Study) -> dict[str, np.ndarray]:
    names = np.array([str(row.get("group", "subjects")) for row in study.participants])
    return {str(name): names == name for name in dict.fromkeys(names.tolist())}


def _title(name: str | None) -> str:
    if name is None:
        return "PD-weighted, registered"
    if name == ALL_TIMES:
        return "reference, four TSL"
    first, time = name.split("+")
    start = "PD-weighted" if first == "PD" else f"TSL {first}"
    return f"NLLS, {start} + TSL {time} ms"


def _letters(axes: Any, edges: tuple[str, str, str, str]) -> None:
    left, right, top, bottom = edges
    for x, y, text, ha, va in (
        (0.02, 0.5, left, "left", "center"),
        (0.98, 0.5, right, "right", "center"),
        (0.5, 0.98, top, "center", "top"),
        (0.5, 0.02, bottom, "center", "bottom"),
    ):
        axes.text(
            x, y, text, ha=ha, va=va, color="white", alpha=0.85, fontsize=7.5,
            transform=axes.transAxes,
        )  # fmt: skip


def _key(figure: Figure, height: float) -> None:
    from matplotlib.lines import Line2D

    entries = [
        Line2D([], [], marker="o", ls="", color=CYCLE[0], label="ours, 95 % interval of the mean"),
        Line2D(
            [], [], marker="D", ls="", mfc="white", color=CYCLE[1],
            label="paper's NLLS, SD over subjects",
        ),
        *(
            Line2D([], [], color=grey, label=f"paper's {model}")
            for grey, model in zip(GREYS, NETWORKS, strict=True)
        ),
    ]  # fmt: skip
    figure.legend(
        handles=entries, loc="upper left", bbox_to_anchor=(0.0, 1.0 - 0.16 / height),
        ncols=len(entries), frameon=False, fontsize=8.5, labelcolor=INK,
        columnspacing=1.4, handletextpad=0.5,
    )  # fmt: skip
