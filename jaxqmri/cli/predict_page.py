"""The page of a prediction: map, spread of the folds, the images that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool

from jaxqmri import __version__
from jaxqmri.cli.predict_maps import Predicted
from jaxqmri.cli.predict_model import PD
from jaxqmri.cli.predict_output import Prediction

SLICES = 10  # of the main map; every other one of the rest
LABELS = {"T1rho": "T1ρ"}
LARGE_SHARE = 0.05  # at the limits, above which the reader is told


def page_of(
    prediction: Prediction, predicted: Predicted, sidecar: dict[str, Any], warnings: Sequence[str]
) -> Any:
    """The page, self-contained."""
    from jaxqmri import report
    from jaxqmri.report.figures import histogram
    from jaxqmri.report.fitted import digits_of, sampled

    model, count = prediction.folds[0].model, len(prediction.folds)
    label = LABELS.get(model.output, model.output)
    inside = np.isfinite(predicted.mean)
    values = sampled(predicted.mean, inside)
    low, middle, high = (float(v) for v in np.percentile(values, (25, 50, 75)))
    entries = [
        report.Number(
            f"Median {label}",
            f"{middle:.{digits_of(middle)}f} {model.units}".strip(),
            f"quartiles {low:.{digits_of(low)}f} and {high:.{digits_of(high)}f}",
        ),
        report.Number("Voxels predicted", f"{int(inside.sum()):,}", f"of {inside.size:,}"),
        report.Number("Networks", f"{count}", "folds, averaged" if count > 1 else ""),
        report.Number("Trained on", model.trained_on, "data"),
    ]
    if predicted.spread is not None:
        middle = float(np.median(sampled(predicted.spread, inside)))
        unit = f"{middle:.{digits_of(middle)}f} {model.units}".strip()
        entries.append(report.Number("Spread of the networks", unit, "median over voxels"))
    first, last = _window(values, model.limits)
    drawing = histogram({label: predicted.mean[inside]}, f"{label} ({model.units})", (first, last))
    names = " and ".join(c if c == PD else f"TSL {c} ms" for c in model.channels)
    return report.page(
        f"{label}, {prediction.input.name}",
        [
            report.Section("Maps", _figures(prediction, predicted, inside, label)),
            report.Section(
                "Distribution",
                [report.figure(drawing, "All predicted voxels; the dashed line is the median.")],
            ),
            report.Section("Settings and sources", [report.facts(prediction.facts(sidecar))]),
        ],
        kicker="Prediction of a network",
        lead=f"`{model.name}` applied to {names}. It was trained on {model.trained_on} data. A "
        "network has no residuals: nothing here says how far a voxel is off.",
        opening=[
            report.numbers(entries),
            *(report.note(text, warning=True) for text in warnings),
            *(report.note(text, warning=True) for text in _findings(prediction, predicted)),
        ],
        footer=f"jaxqmri {__version__}",
    )


def _figures(
    prediction: Prediction, predicted: Predicted, inside: Bool[np.ndarray, "x y z"], label: str
) -> list[Any]:
    from dataclasses import replace

    from jaxqmri import report
    from jaxqmri.report.fitted import sampled
    from jaxqmri.report.maps import Panel, choose_slices, draw_maps

    model, images = prediction.folds[0].model, prediction.images
    slices = choose_slices(images.grid.affine, inside, SLICES)
    half = replace(slices, indices=slices.indices[:: 2 if len(slices.indices) > 2 else 1])
    window = _window(sampled(predicted.mean, inside), model.limits)
    blocks = [
        report.figure(
            draw_maps([Panel(predicted.mean, label, model.units, window)], slices, lines=2),
            f"{label} in {slices.plane} slices, whose numbers count from 0. Black where nothing "
            "is predicted.",
            alt=f"{label} map",
        )
    ]
    if predicted.spread is not None:
        top = max(float(np.percentile(sampled(predicted.spread, inside), 98)), 1e-3)
        panel = Panel(predicted.spread, f"Spread of {label}", model.units, (0.0, top), "magma")
        blocks.append(
            report.figure(
                draw_maps([panel], half, tallest=2.6),
                "Standard deviation over the networks. It says where they disagree, not how far "
                "all of them are off.",
                alt="Spread of the networks",
            )
        )
    panels = []
    for name in model.channels:
        volume = np.nan_to_num(images.by_name[name])
        title = name if name == PD else f"TSL {name} ms"
        top = max(float(np.percentile(volume, 99.5)), 1e-6)
        panels.append(Panel(volume, title, "arbitrary", (0.0, top), "gray"))
    blocks.append(
        report.figure(
            draw_maps(panels, half, tallest=2.6),
            "The images that the map was made from: edges should lie in the same places.",
            alt="Input images",
        )
    )
    return blocks


def _window(values: np.ndarray, limits: tuple[float, float]) -> tuple[float, float]:
    """Ends of a colour bar: what most values lie between."""
    low, high = (float(v) for v in np.percentile(values, (2, 98)))
    if high - low > 1e-3 * (limits[1] - limits[0]):
        return low, high
    margin = 0.01 * (limits[1] - limits[0])  # all voxels alike
    return low - margin, high + margin


def _findings(prediction: Prediction, predicted: Predicted) -> list[str]:
    model = prediction.folds[0].model
    values = predicted.mean[np.isfinite(predicted.mean)]
    share = float(np.isin(values, np.array(model.limits, np.float32)).mean())
    if share <= LARGE_SHARE:
        return []
    low, high = model.limits
    return [
        f"{100 * share:.1f} % of the voxels lie at the model's limits, {low:g} and {high:g} "
        f"{model.units}: there the value is no measurement."
    ]
