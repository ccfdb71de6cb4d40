"""The numbers of the liver study: errors of every method, and what its doubt is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from experiments.kept_networks import End
from experiments.liver_uncertainty import paper
from experiments.liver_uncertainty.estimates import Estimates
from experiments.liver_uncertainty.fits import Fitted
from experiments.liver_uncertainty.methods import ALL, COMPARED, RECIPES
from experiments.liver_uncertainty.paper import INPUT, LBRU, Printed
from experiments.liver_uncertainty.patients import Study
from experiments.run import Result
from experiments.trainings import Decay, training_rows
from jaxqmri import analysis
from jaxqmri.analysis import Interval, Pixels, resampling
from jaxqmri.report import compared

ROI = "drawn liver"
REFERENCE = "four spin-lock times"
STAGES, STAGE_NAMES = "F1 and F2 less F0", ("F0", "F1", "F2")
PARTICIPANTS = "participants"
SLOPE_ERROR = "standard error of the pixel slope, pixels as independent"
RMRE, RMRE_TO_TRUTH = "RMRE", "RMRE to truth"
SEED_SD = "RMRE, SD between seeds"
MAE, LOST = "MAE", "pixels without an estimate"
PIXEL_BIAS, PIXEL_SD = "pixel bias", "SD of pixel differences"
UNPRINTED = Printed()
P_PATIENTS = "p over patients"


def row(
    model: str,
    metric: str,
    unit: str,
    found: Interval | float,
    *,
    n: int | None = None,
    sd: float | None = None,
    printed: Printed = UNPRINTED,
) -> Result:
    """One number of a method in the drawn region."""
    interval = found if isinstance(found, Interval) else Interval(found)
    return Result(
        model, metric, unit, INPUT, ROI, None, n,
        ours=interval.value, ours_sd=sd, low=interval.low, high=interval.high,
        paper=printed.value, paper_sd=printed.sd,
    )  # fmt: skip


def reference_rows(
    study: Study, fitted: Fitted, noise: Float[np.ndarray, " patients"]
) -> list[Result]:
    """The target itself: mean, spread, how many pixels are cut off, and how far from the truth."""
    target = fitted.t1rho
    pixels = Pixels.of(target, target, None, study.pixel_slice, study.owner)
    means = pixels.by_subject(pixels.target)
    spread = _spread_within(pixels)
    signal = study.images[..., 0][study.roi]
    signals = np.bincount(study.pixel_owner, signal) / np.bincount(study.pixel_owner)
    size = float(fitted.residual / np.mean(noise))
    rows = [
        row(REFERENCE, "mean T1rho", "ms", resampling.mean(means), n=means.size, sd=_sd(means)),
        row(REFERENCE, "SD within a patient", "ms", resampling.mean(spread), n=means.size),
        row(REFERENCE, "signal at TSL 0 over noise", "", resampling.mean(signals / noise)),
        row(REFERENCE, "residual of the fit over noise", "", size, n=means.size),
    ]
    if np.isfinite(study.truth).any():
        found = analysis.relative_error(
            Pixels.of(study.truth, target, None, study.pixel_slice, study.owner)
        )
        rows.append(row(REFERENCE, RMRE_TO_TRUTH, "%", found.rmre, n=found.n, sd=found.sd))
    return rows


def participant_rows(study: Study) -> list[Result]:
    """Table 1: how many patients of each sex and stage, and their ages."""
    people = study.participants
    groups = {
        "all": [True] * len(people),
        "women": [person.get("sex") == "F" for person in people],
        "men": [person.get("sex") == "M" for person in people],
        **{stage: [person.get("stage") == stage for person in people] for stage in STAGE_NAMES},
    }
    rows = []
    for name, chosen in groups.items():
        own = [person for person, inside in zip(people, chosen, strict=True) if inside]
        ages = np.array([float(p["age"]) for p in own if p.get("age") is not None])
        mean = float(ages.mean()) if ages.size else np.nan
        printed = paper.AGES[name]
        rows.append(
            Result(
                PARTICIPANTS, "age", "years", name, n=ages.size, ours=mean, ours_sd=_sd(ages),
                paper=printed.value, paper_sd=printed.sd,
            )
        )  # fmt: skip
        count = float(paper.COUNTS[name])
        rows.append(Result(PARTICIPANTS, "count", "", name, ours=float(len(own)), paper=count))
    return rows


def error_rows(
    study: Study, target: Float[np.ndarray, " n"], name: str, found: Estimates, seed: int
) -> list[Result]:
    """Errors of one method; of several training seeds the mean, slice by slice."""
    seeds = range(len(found.t1rho))
    found = found._replace(uncertainty=None)  # an error counts, whatever is said of it
    pixels = [found.pixels(study, target, k) for k in seeds]
    errors = [analysis.relative_error(one, seed=seed) for one in pixels]
    by_slice = np.mean([one.by_slice for one in errors], axis=0)
    n = errors[0].n
    printed = paper.RMRE.get(name, UNPRINTED)
    sizes = [one.absolute_error for one in pixels]
    signed = [one.prediction - one.target for one in pixels]
    spread = float(np.mean([np.std(one) for one in signed]))
    total = _over_patients(by_slice, study.owner, seed)
    rows = [
        row(name, RMRE, "%", total, n=n, sd=_sd(by_slice), printed=printed),
        row(name, MAE, "ms", _mean_over_patients(sizes, pixels, seed), n=n),
        row(name, PIXEL_BIAS, "ms", _mean_over_patients(signed, pixels, seed), n=n),
        row(name, PIXEL_SD, "ms", spread, n=n),
        row(name, LOST, "%", 100.0 * _lost(study, found), n=n),
    ]
    if len(errors) > 1:
        of_seeds = np.array([one.rmre.value for one in errors])
        rows.append(row(name, SEED_SD, "%", float(of_seeds.std(ddof=1)), n=of_seeds.size))
    if np.isfinite(study.truth).any():
        true = analysis.relative_error(
            Pixels.of(study.truth, found.t1rho[0], None, study.pixel_slice, study.owner), seed=seed
        )
        rows.append(row(name, RMRE_TO_TRUTH, "%", true.rmre, n=true.n, sd=true.sd))
    return rows


def unrun_rows(found: Mapping[str, Estimates]) -> list[Result]:
    """The paper's errors of the methods that were not run."""
    return [
        row(name, RMRE, "%", np.nan, printed=printed)
        for name, printed in paper.RMRE.items()
        if name not in found
    ]


def trained_rows(ends: Mapping[Any, End], learning: Decay) -> list[Result]:
    """How the trainings of every network went, over folds and seeds."""
    rows = []
    for method in dict.fromkeys(arm.method for arm in ends):
        own = [end for arm, end in ends.items() if arm.method == method]
        unit = "" if RECIPES[method].physics else "ms"
        rows += training_rows(
            (method, INPUT), [end.curve for end in own], [end.settled for end in own], learning,
            unit,
        )  # fmt: skip
    return rows


def agreement_rows(
    study: Study, target: Float[np.ndarray, " n"], name: str, found: Estimates, seed: int
) -> list[Result]:
    """What a small error can hide: slope and reliability of patient means, what of stages is left.

    Of several training seeds the first.
    """
    pixels = found._replace(uncertainty=None).pixels(study, target)
    y, p = (pixels.by_subject(values) for values in (pixels.target, pixels.prediction))
    line = analysis.regression(y, p, seed=seed)
    icc = analysis.intraclass_correlation(np.stack([y, p], axis=-1), seed=seed)
    rows = [
        row(name, "slope of patient means", "", line.slope, n=line.n),
        row(name, "ICC of patient means", "", icc.single, n=icc.n),
        *_pixel_regression(name, pixels, seed),
    ]
    stages = np.array([_stage(person) for person in study.participants], dtype=float)
    if np.isfinite(stages).all() and 0 < np.sum(stages > 0) < stages.size:
        kept = analysis.retained_difference(y, p, stages > 0, seed=seed)
        rows.append(row(name, f"{STAGES}, retained", "", kept.share, n=line.n))
        rows.append(row(name, f"{STAGES}", "ms", kept.prediction.difference, n=line.n))
    return rows


def comparison_rows(
    study: Study, target: Float[np.ndarray, " n"], found: Mapping[str, Estimates], seed: int
) -> list[Result]:
    """Paired differences of RMRE over the patients that both methods have."""
    by_patient: dict[str, Float[np.ndarray, " p"]] = {}
    for name, estimates in found.items():
        seeds = range(len(estimates.t1rho))
        own = estimates._replace(uncertainty=None)
        each = [analysis.relative_error(own.pixels(study, target, k)) for k in seeds]
        by_patient[name] = np.mean([one.by_subject for one in each], axis=0)
    rows, tests = [], []
    for first, second in pairs([name for name in ALL if name in found]):
        difference = analysis.paired_difference(by_patient[first], by_patient[second], seed=seed)
        model, _ = compared((first, INPUT), (second, INPUT))
        rows.append(row(model, RMRE, "%", difference.difference, n=difference.n))
        tests.append((model, difference))
    for (model, difference), p in zip(
        tests, analysis.holm([one.p_t for _, one in tests]), strict=True
    ):
        rows.append(row(model, f"{RMRE}, {P_PATIENTS}", "", float(p), n=difference.n))
    return rows


def pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every two methods, the learned before the others, the refining before those on images."""
    order = [name for name in COMPARED if name in names]
    for k, first in enumerate(order):
        for second in order[k + 1 :]:
            yield first, second


def _stage(person: Mapping[str, Any]) -> float:
    value = person.get("stage")
    if value is None:
        return np.nan
    return float(value.removeprefix("F"))


def _pixel_regression(name: str, pixels: Pixels, seed: int) -> list[Result]:
    """The line through all pixels, predicted over target, its interval over patients."""
    x, y, owner = pixels.target, pixels.prediction, pixels.pixel_subjects
    sums = np.stack(
        [
            np.bincount(owner, values, pixels.subject_count)
            for values in (np.ones(x.size), x, y, x * x, x * y, y * y)
        ],
        axis=-1,
    )
    sums = sums[sums[:, 0] > 0]
    if not sums.size:
        return []

    def line(drawn: np.ndarray) -> np.ndarray:
        n, a, b, aa, ab, bb = np.moveaxis(drawn.sum(axis=1), -1, 0)
        across, along, down = aa - a * a / n, ab - a * b / n, bb - b * b / n
        slope = along / across
        return np.stack([slope, (b - slope * a) / n, along / np.sqrt(across * down)], axis=-1)

    slope, intercept, correlation = resampling.bootstrap(line, (sums,), seed=seed)
    own = name == LBRU
    n = len(pixels.target)
    residual = (1.0 - correlation.value**2) * np.var(y) / np.var(x) / max(n - 2, 1)
    error = row(
        name, SLOPE_ERROR, "10⁻⁴",
        1e4 * float(np.sqrt(residual)), n=n, printed=Printed(paper.SLOPE_ERROR if own else None),
    )  # fmt: skip
    return [error] + [
        row(name, metric, unit, found, n=len(sums), printed=Printed(value if own else None))
        for metric, unit, found, value in (
            ("pixel slope", "", slope, paper.PIXEL_SLOPE),
            ("pixel intercept", "ms", intercept, paper.PIXEL_INTERCEPT),
            ("pixel correlation", "", correlation, paper.PIXEL_CORRELATION),
        )
    ]


def _over_patients(
    by_slice: Float[np.ndarray, " s"], owner: Int[np.ndarray, " s"], seed: int
) -> Interval:
    """Mean over slices, its interval over patients."""
    known = np.isfinite(by_slice)
    count = int(owner.max()) + 1
    sums = np.bincount(owner[known], by_slice[known], count)
    return resampling.ratio(sums, np.bincount(owner[known], minlength=count), seed=seed)[0]


def _mean_over_patients(
    values: Sequence[Float[np.ndarray, " n"]], pixels: Sequence[Pixels], seed: int
) -> Interval:
    means = np.mean([p.by_subject(v) for p, v in zip(pixels, values, strict=True)], axis=0)
    return resampling.mean(means, seed=seed)


def _spread_within(pixels: Pixels) -> Float[np.ndarray, " p"]:
    mean = pixels.by_subject(pixels.target)
    return np.sqrt(pixels.by_subject((pixels.target - mean[pixels.pixel_subjects]) ** 2))


def _lost(study: Study, found: Estimates) -> float:
    """Share of the pixels of patients with estimates that have none."""
    known = np.isfinite(found.t1rho[0])
    owner = study.pixel_owner
    asked = np.isin(owner, np.unique(owner[known]))
    return float(np.mean(~known[asked])) if asked.any() else np.nan


def _sd(values: Float[np.ndarray, " n"]) -> float:
    known = values[np.isfinite(values)]
    return float(known.std(ddof=1)) if known.size > 1 else np.nan
