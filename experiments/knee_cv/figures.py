"""Figures of the knee T1rho study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.knee_cv.agreement import subject_means
from experiments.knee_cv.paper import INPUTS, NETWORKS, NLLS, PD, TABLE_4
from experiments.knee_cv.results import (
    CARTILAGE,
    METRICS,
    Maps,
    Study,
)
from experiments.run import Result, labelled
from experiments.trainings import Arm
from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT, WIDTH, add_axes, new_figure
from jaxqmri.report.maps import choose_slices

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T1RHO_LIMITS = (0.0, 100.0)  # ms
COLOURS = "viridis"
GREYS = ("#9aa3af", "#b9c0c9", "#7c8591")


class Panel(NamedTuple):
    """A picture of a slice: a map over the TSL 0 image, or the PD-weighted image without one."""

    title: str
    t1rho: Float[np.ndarray, " v"] | None


def two_point_panels(reference: Maps, found: Mapping[Arm, Maps]) -> list[list[Panel]]:
    """Both images, the reference, and the two-point fit of every input."""
    rows = [
        [Panel("reference, four TSL", reference.t1rho)],
        [Panel("PD-weighted, registered", None)],
    ]
    for name in INPUTS:
        first, time = name.split("+")
        start = "PD-weighted" if first == PD else f"TSL {first}"
        title = f"{NLLS}, {start} + TSL {time} ms"
        rows[int(first != PD)].append(Panel(title, found[NLLS, name].t1rho))
    return rows


def model_panels(reference: Maps, found: Mapping[Arm, Maps]) -> list[list[Panel]]:
    """For every input that networks were trained on: the reference, each network, NLLS."""
    names = list(dict.fromkeys(name for model, name in found if model in NETWORKS))
    return [
        [
            Panel(f"reference | {name}", reference.t1rho),
            *(
                Panel(model, found[model, name].t1rho)
                for model in (*NETWORKS, NLLS)
                if (model, name) in found
            ),
        ]
        for name in names
    ]


def slice_figure(
    study: Study,
    subject: int,
    first_image: Any,
    pd: Any,
    rows: Sequence[Sequence[Panel]],
) -> Figure:
    """Panels of one sagittal slice.

    Parameters
    ----------
    study
        All subjects.
    subject
        Which of them.
    first_image, pd
        Its TSL 0 and registered PD-weighted images, on the T1rho grid.
    rows
        What to show.
    """
    own, part = study.subjects[subject], study.slices[subject]
    inside = np.zeros(tuple(own.shape), bool)
    inside.flat[own.position] = True
    slices = choose_slices(own.affine, inside, count=1)
    index = slices.indices[0]

    def overlay(t1rho: np.ndarray) -> np.ndarray:
        volume = np.full(inside.shape, np.nan, np.float32)
        volume.flat[own.position] = t1rho[part]
        return slices.picture(volume, index)

    def grey(volume: Any) -> tuple[np.ndarray, float]:
        return slices.picture(np.nan_to_num(volume), index), float(np.nanpercentile(volume, 99.5))

    columns = max(len(row) for row in rows)
    gap, title, bar, foot, top = 0.08, 0.3, 0.75, 0.05, 0.2
    wide = (WIDTH - bar - (columns - 1) * gap) / columns
    base, bright = grey(first_image)
    high = wide * base.shape[0] * slices.pixel / base.shape[1]
    height = len(rows) * (high + title) + foot + top
    figure = new_figure(WIDTH, height)
    shown = None
    for row, panels in enumerate(rows):
        for column, panel in enumerate(panels):
            left = column * (wide + gap)
            bottom = height - top - (row + 1) * (high + title)
            place = (left / WIDTH, bottom / height, wide / WIDTH, high / height)
            axes = figure.add_axes(place, xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set_visible(False)
            picture, brightest = grey(pd) if panel.t1rho is None else (base, bright)
            options: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest"}
            axes.imshow(picture, cmap="gray", vmin=0, vmax=brightest, **options)
            if panel.t1rho is not None:
                low, most = T1RHO_LIMITS
                above = overlay(panel.t1rho)
                shown = axes.imshow(above, cmap=COLOURS, vmin=low, vmax=most, **options)
            axes.set_title(panel.title, loc="left", fontsize=9.5, color=INK, pad=4)
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


def subject_pairs(
    study: Study, reference: Maps, found: Mapping[Arm, Maps], models: Sequence[str]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Reference and predicted mean of every subject's cartilage, a pair for each arm."""
    wanted = subject_means(study, reference.t1rho)
    return {
        f"{model}, {name}": (wanted, subject_means(study, maps.t1rho))
        for (model, name), maps in found.items()
        if model in models
    }


def groups(study: Study) -> list[str] | None:
    """Group of every subject; None where all are of one, or nobody knows."""
    names = [str(row.get("group", "subjects")) for row in study.participants]
    return names if len(set(names)) > 1 else None


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
