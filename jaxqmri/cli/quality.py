"""From one fit of the command line to its quality page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxqmri import __version__
from jaxqmri.cli.measured import Measured
from jaxqmri.cli.models import Method
from jaxqmri.cli.series import Ready

if TYPE_CHECKING:
    from jaxqmri.fitting import FitResult
    from jaxqmri.physics import SignalModel
    from jaxqmri.report.page import Html
    from jaxqmri.report.quality import Signals


def page_of_fit(ready: Ready, result: FitResult, settings: Mapping[str, str]) -> Html:
    """The page of one fit."""
    from jaxqmri.report.quality import FittedSeries, quality_page

    method, measured = ready.method, ready.measured
    values = measured.protocol.values
    kind = measured.axis.label.split(" (")[0]
    unit = measured.axis.label.removeprefix(kind).strip(" ()")
    series = FittedSeries(
        result,
        measured.images.data,
        measured.images.affine,
        method.main,
        {name: called.label for name, called in method.maps.items()},
        ready.model.units,
        values,
        measured.axis.label,
        signals_of(method, ready.model, measured),
        smooth=method.smooth,
        title=f"{method.maps[method.main].label}, {ready.source.name}",
        lead=f"`{method.equation}` fitted to {len(values)} images, {kind} {values.min():g} to "
        f"{values.max():g} {unit}.",
        settings=settings,
        warnings=ready.warnings(),
    )
    return quality_page(series, footer=f"jaxqmri {__version__}")


def signals_of(method: Method, model: SignalModel, measured: Measured) -> Signals:
    """The model over many voxels, at the acquired or at other positions."""
    import jax

    @jax.jit
    def evaluate(at: Any, parameters: Any) -> Any:
        return jax.vmap(at)(parameters)

    def signals(parameters: Mapping[str, np.ndarray], positions: np.ndarray | None) -> np.ndarray:
        at = model
        if positions is not None:
            at = method.build(replace(measured.protocol, values=np.asarray(positions)))
        named = {name: np.asarray(values, np.float32) for name, values in parameters.items()}
        return np.asarray(evaluate(at, type(model).Params(**named)))

    return signals
