"""Figures and map files of the liver study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

import jaxqmri
from experiments import run as shared
from experiments.kept_networks import End
from experiments.liver_uncertainty.doubt import Doubt
from experiments.liver_uncertainty.estimates import Estimates
from experiments.liver_uncertainty.fits import BOUNDS, Fitted
from experiments.liver_uncertainty.methods import CALIBRATED, RECIPES
from experiments.liver_uncertainty.networks import OneTraining
from experiments.liver_uncertainty.paper import BM3D, COARSE, LBMC, LBR, LBRU, LBUDR
from experiments.liver_uncertainty.patients import Patient, Study
from experiments.liver_uncertainty.settings import Settings
from experiments.run import Run
from experiments.spin_lock import SPIN_LOCK_TIMES
from experiments.subjects import person_of
from jaxqmri.analysis import Pixels
from jaxqmri.io import bids
from jaxqmri.report.agreement import bland_altman, predicted_on_true
from jaxqmri.report.learning import Curve, learning_curves
from jaxqmri.report.maps import Panel, choose_slices, draw_maps
from jaxqmri.report.uncertainty import (
    coverage_plot,
    reliability_diagrams,
    sparsification_plot,
)
from jaxqmri.report.uncertainty_maps import uncertainty_maps
from jaxqmri.training import Split

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = (COARSE, BM3D, CALIBRATED, LBMC, LBR, LBRU, LBUDR)
LARGEST_ERROR = 20.0  # % at the end of the colour bar
LABEL = "mean T1ρ (ms)"


def draw_all(
    settings: Settings,
    study: Study,
    target: Fitted,
    found: Mapping[str, Estimates],
    ends: Mapping[OneTraining, End],
    doubts: Mapping[str, Doubt],
    whole: Mapping[str, Doubt],
    splits: Sequence[Split],
) -> dict[str, tuple[Figure, str]]:
    """All figures with their captions, by name."""
    kind = "simulated patient" if study.simulated else "patient"
    chosen = int(splits[0].test[0])
    pairs = _patient_pairs(study, target, found)
    stages = [str(person.get("stage", "")) for person in study.participants]
    groups = stages if all(stages) else None
    drawn = {
        "maps": (
            _method_maps(settings, study, target, found, chosen),
            f"One slice of a {kind} that no network had seen, in the drawn region: T1ρ by the "
            "target and each method, and its relative error beside it.",
        ),
        "predicted_on_true": (
            predicted_on_true(pairs, LABEL, groups=groups, columns=3),
            f"Mean T1ρ of each {kind}'s drawn region, predicted over the target's.",
        ),
        "agreement": (
            bland_altman(pairs, LABEL, groups=groups, columns=3),
            f"Difference to the target over the mean of both, each {kind}'s drawn region, with "
            "the bias and the 95 % limits of agreement.",
        ),
    }
    if doubts:
        order = [name for name in (LBRU, *doubts) if name in doubts]
        order = list(dict.fromkeys(order))
        drawn |= {
            "reliability": (
                reliability_diagrams({name: doubts[name].diagram for name in order}, "ms"),
                "Mean absolute error of slices over the standard deviation that was predicted.",
            ),
            "sparsification": (
                sparsification_plot({name: doubts[name].curve for name in order}),
                "Relative error of the pixels that are left when the most uncertain ones go, "
                "the pixels of all slices ranked together.",
            ),
            "sparsification_within": (
                sparsification_plot({name: doubts[name].curve_within for name in order}),
                "The same with pixels ranked within their slice: every slice keeps its share.",
            ),
            "coverage": (
                coverage_plot(
                    {name: doubts[name].coverage for name in order}
                    | {
                        f"{name}, conformal": kept
                        for name in order
                        if (kept := doubts[name].conformal) is not None
                    },
                    "ms",
                ),
                "What the intervals of each uncertainty hold against what they should.",
            ),
        }
    judged = [name for name in (LBRU, *whole) if name in whole]
    if judged:
        drawn["sparsification_whole"] = (
            sparsification_plot({name: whole[name].curve for name in dict.fromkeys(judged)}),
            "The same over the whole liver, vessels and edges included, but for pixels whose "
            "target is cut off.",
        )
    lbru = next((end for arm, end in sorted(ends.items()) if arm[:2] == (LBRU, 0)), None)
    if lbru is not None and LBRU in doubts:
        drawn["refinement"] = (
            _refinement(settings, study, doubts[LBRU], lbru, chosen),
            f"{LBRU} on the slices of one {kind} that it had not seen: where it doubts, where it "
            "errs, and the region that is left.",
        )
    if ends:
        drawn["learning"] = (_learning(ends), "Every training, its seeds and folds as lines.")
    return drawn


def write_maps(
    run: Run[Settings], study: Study, target: Fitted, found: Mapping[str, Estimates]
) -> None:
    """Write the first seed's maps of the drawn regions of all patients, each file whole."""
    root = run.folder / "maps"
    bids.write_dataset_description(root, f"T1rho maps of {run.name}", "derivative", [str(run.data)])
    values = {"target": target.t1rho} | {name: one.t1rho[0] for name, one in found.items()}
    numbers = range(len(study.patients))
    for k in shared.progress(numbers, "write maps", "patient", len(study.patients)):
        patient = study.patients[k]
        person = person_of(patient.entities)
        for name, pixels in values.items():
            volume = _volume(study, k, pixels)
            if not np.isfinite(volume).any():
                continue
            words = "".join(letter for letter in name.title() if letter.isalnum())
            bids.write_map_file(
                root / bids.map_name(person, "T1rho", None if name == "target" else words),
                volume,
                patient.affine,
                {
                    "Description": f"T1rho of the drawn liver, {name}",
                    "Units": "ms",
                    "SpinLockTimes": [
                        time / 1e3
                        for time in (SPIN_LOCK_TIMES if name == "target" else SPIN_LOCK_TIMES[::3])
                    ],
                    "Simulated": study.simulated,
                },
                units="s",
            )


def _volume(
    study: Study, number: int, pixels: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "x y z"]:
    """A value of each pixel of the drawn region as a patient's volume, NaN elsewhere."""
    patient, own = study.patients[number], study.pixel_owner == number
    slices = np.full(patient.label.shape, np.nan, np.float32)
    slices[study.roi[study.owner == number]] = pixels[own]
    return patient.volume(slices)


def _method_maps(
    settings: Settings,
    study: Study,
    target: Fitted,
    found: Mapping[str, Estimates],
    chosen: int,
) -> Figure:
    patient = study.patients[chosen]
    drawn = patient.volume(study.roi[study.owner == chosen])
    slices = choose_slices(patient.affine, drawn, count=1)
    limits = _limits(settings, target, study.pixel_owner == chosen)
    panels = [Panel(_volume(study, chosen, target.t1rho), "target", "ms", limits)]
    for name in SHOWN:
        if name not in found:
            continue
        value = found[name].t1rho[0]
        error = 100.0 * np.abs(value - target.t1rho) / target.t1rho
        panels += [
            Panel(_volume(study, chosen, value), name, "ms", limits),
            Panel(
                _volume(study, chosen, error), f"{name}, error", "%", (0.0, LARGEST_ERROR),
                "inferno",
            ),
        ]  # fmt: skip
    return draw_maps(panels, slices)


def _limits(
    settings: Settings, target: Fitted, own: Float[np.ndarray, " n"]
) -> tuple[float, float]:
    values = target.t1rho[own]
    low, high = np.nanpercentile(values, (1, 99)) if values.size else settings.cut_off
    return float(np.floor(low)), float(np.ceil(high))


def _refinement(settings: Settings, study: Study, doubt: Doubt, end: End, chosen: int) -> Figure:
    from jaxqmri.physics import T1rhoDecay

    patient: Patient = study.patients[chosen]
    fitted = jaxqmri.fit(
        T1rhoDecay(spin_lock_times=np.array(SPIN_LOCK_TIMES)),
        patient.images,
        bounds={"t1rho": BOUNDS},
        quality=False,
    )
    target = np.clip(np.asarray(fitted.params.t1rho), *settings.cut_off)
    example = end.predicted["example"]
    spread = np.sqrt(2.0) * np.exp(example[..., 1])
    liver = patient.label > 0
    return uncertainty_maps(
        patient.volume(np.where(liver, target, np.nan)),
        patient.volume(np.where(liver, example[..., 0], np.nan)),
        patient.volume(np.where(liver, spread, np.nan)),
        patient.volume(study.roi[study.owner == chosen]),
        float(np.sqrt(2.0) * doubt.threshold[chosen]),
        patient.affine,
        "T1ρ",
        "ms",
        inside=patient.volume(liver),
    )


def _patient_pairs(
    study: Study, target: Fitted, found: Mapping[str, Estimates]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    pairs = {}
    for name in SHOWN:
        if name not in found:
            continue
        pixels: Pixels = found[name]._replace(uncertainty=None).pixels(study, target.t1rho)
        means = [pixels.by_subject(values) for values in (pixels.target, pixels.prediction)]
        pairs[name] = (means[0], means[1])
    return pairs


def _learning(ends: Mapping[OneTraining, End]) -> Figure:
    methods = [name for name in RECIPES if any(arm.method == name for arm in ends)]
    return learning_curves(
        {
            name: [
                Curve.of(end.curve, end.settled) for arm, end in ends.items() if arm.method == name
            ]
            for name in methods
        },
        loss="training loss",
        metric="validation metric",
    )
