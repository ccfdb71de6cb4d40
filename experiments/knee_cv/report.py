"""What a person reads of the knee T1rho study: lines as they become known, tables, one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from experiments.knee_cv import figures
from experiments.knee_cv.arms import Learnt
from experiments.knee_cv.paper import INPUTS, MLP, NETWORKS, NLLS, TABLE_4, UNMASKED
from experiments.knee_cv.plan import PLAN, judge_run
from experiments.knee_cv.remarks import remarks, source
from experiments.knee_cv.results import (
    ALL_TIMES,
    CARTILAGE,
    METRICS,
    REFERENCE,
    Maps,
    Study,
)
from experiments.knee_cv.settings import ABLATIONS, Settings
from experiments.knee_cv.subjects import Task, displayed
from experiments.knee_cv.tables import (
    ALL_MODELS,
    REFERENCE_FIT,
    TRAINED,
    TWO_POINT,
    tables_of,
)
from experiments.pages import headed, opening, save_figures, write_report
from experiments.run import Result, Run, labelled, say
from experiments.trainings import Arm
from jaxqmri.report import Judged, Number, Table, claims_table, findings_table, number
from jaxqmri.report.agreement import bland_altman, predicted_on_true
from jaxqmri.report.learning import Curve, learning_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 26  # characters of a model and its input
CLAIMS, BEHIND = "Which claims held", "Numbers behind the claims"
INTERVALS = (
    "Intervals are not corrected for the number of comparisons; the p values of the paired t test "
    "are, after Holm."
)
BELOW = {
    ALL_MODELS: ("networks_slice", "predicted_on_true", "networks_agreement"),
    TRAINED: ("learning",),
    TWO_POINT: ("beside_paper", "agreement"),
    REFERENCE_FIT: ("slice",),
}  # figures


def say_reference(rows: Sequence[Result], study: Study) -> None:
    """Print what the data are, the reference's mean, and the head of the table that follows."""
    mean = next(r for r in rows if r.metric == "mean T1rho" and r.region == CARTILAGE)
    say(f"\n{source(study)}.\nReference, mean T1rho: {_beside(mean)} ms  [paper in brackets]")
    say(f"MAPE and RPE of {NLLS} are of the prediction, as in the paper.\n")
    heads = [labelled(metric, METRICS[metric][0]) for metric in TABLE_4[NETWORKS[0]]]
    say("  ".join(["".ljust(WIDE), *(head.rjust(17) for head in heads)]))


def say_arm(rows: Sequence[Result]) -> None:
    """Print the row of one model at one input, ours with the paper's in brackets."""
    found = {r.metric: r for r in rows if r.region == CARTILAGE}
    first = next(iter(found.values()))
    told = [_beside(found[metric]).rjust(17) for metric in TABLE_4.get(first.model, TABLE_4[MLP])]
    say("  ".join([f"{first.model} {first.input}".ljust(WIDE), *told]))


def write(
    run: Run[Any],
    study: Study,
    reference: Maps,
    found: Mapping[Arm, Maps],
    tasks: Sequence[Task],
    learnt: Learnt,
) -> None:
    """Write figures, tables, page and metrics, and print the tables."""
    drawn = _figures(run, study, reference, found, tasks, learnt)
    judging = judge_run(run.results, run.command, study.simulated)
    short = judging.short
    told = [
        *(f"Ablation {name}: {ABLATIONS[name].text}." for name in run.settings.ablation),
        *remarks(run.results, study, run.command.preset, short, PLAN.is_calibrated(run.settings)),
    ]
    claims, behind = claim_tables(run, study, judging.judged)
    trained = trained_as(run.settings, run.command.seed) if learnt.curves else ""
    tables = tables_of(run.results, study, short, trained)
    parts = {CLAIMS: [claims], **tables, BEHIND: [behind]}
    title = f"# Knee T1rho from a PD-weighted image: `{run.name}`, preset {run.command.preset}\n"
    text = "\n".join([title, *(f"{remark}\n" for remark in told), *headed(parts)])
    run.write(text, partial(_write_page, run, study, told, parts, drawn))
    for table in parts[ALL_MODELS]:
        say("\n" + table.markdown())
    say(f"{source(study)}. Report: {run.folder / 'report.html'}")


def claim_tables(run: Run[Any], study: Study, judged: Sequence[Judged]) -> tuple[Table, Table]:
    """What of the paper's claims held, and each number behind it."""
    data = "Simulated data. " if study.simulated else ""
    preset = run.command.preset
    smoke = "This preset claims nothing. " if preset == "smoke" else ""
    return (
        claims_table(judged, f"{data}{smoke}Claims as predictions. {INTERVALS}"),
        findings_table(judged, f"{data}{smoke}Every number that a claim rests on."),
    )


def trained_as(settings: Settings, seed: int) -> str:
    """What a caption says of how the networks were trained."""
    learning = settings.learning
    return (
        f"Networks: U-Nets of {'-'.join(map(str, learning.features))} channels, MLP at "
        f"{learning.mlp_width:g} of the paper's widths, each trained from one seed ({seed}); "
        "intervals over subjects ignore the variance of training."
    )


def _figures(
    run: Run[Any],
    study: Study,
    reference: Maps,
    found: Mapping[Arm, Maps],
    tasks: Sequence[Task],
    learnt: Learnt,
) -> dict[str, tuple[Figure, str]]:
    chosen = _example(study)
    first, pd, _ = displayed(tasks[chosen])
    kind = "simulated knee" if study.simulated else "knee"
    which = f"One sagittal slice of a {kind} ({_described(study, chosen)})"

    def sliced(rows: Sequence[Sequence[figures.Panel]]) -> Figure:
        return figures.slice_figure(study, chosen, first.data, pd.data, rows)

    fits = figures.subject_pairs(study, reference, found, (NLLS,))
    drawn = {
        "slice": (
            sliced(figures.two_point_panels(reference, found)),
            f"{which}: T1ρ over the image at TSL 0, and the registered PD-weighted image.",
        ),
        "beside_paper": (
            figures.beside_paper_figure(run.results),
            f"NLLS over the whole cartilage, {len(study.subjects)} {kind}s, beside the paper's; "
            "its networks as lines (their MAPE and RPE are of the reference).",
        ),
        "agreement": (
            bland_altman(fits, "mean T1ρ (ms)", groups=figures.groups(study)),
            f"NLLS: mean T1ρ of each {kind}'s cartilage, difference to the reference over the mean "
            "of both, with the bias and the 95 % limits of agreement.",
        ),
    }
    if learnt.curves:
        networks = figures.subject_pairs(study, reference, found, NETWORKS)
        drawn |= {
            "networks_slice": (
                sliced(figures.model_panels(reference, found)),
                f"{which}: T1ρ by each network that had not seen this {kind}, and by NLLS.",
            ),
            "predicted_on_true": (
                predicted_on_true(networks, "mean T1ρ (ms)", groups=figures.groups(study)),
                f"Mean T1ρ of each {kind}'s cartilage, predicted over reference. Each point is "
                "predicted by the fold that had not seen it.",
            ),
            "networks_agreement": (
                bland_altman(networks, "mean T1ρ (ms)", groups=figures.groups(study)),
                f"Networks: mean T1ρ of each {kind}'s cartilage, difference to the reference over "
                "the mean of both.",
            ),
            "learning": (
                learning_curves(
                    {
                        f"{model}, {name}": [
                            Curve.of(points, reached)
                            for points, reached in zip(
                                curves, learnt.settled[model, name], strict=True
                            )
                        ]
                        for (model, name), curves in learnt.curves.items()
                    },
                    loss="training loss (ms)",
                    metric="validation MAE (ms)",
                ),
                "Every fold's training. A network whose fold stopped short of its plateau supports "
                "no claim.",
            ),
        }
    save_figures(run, drawn, study.simulated)
    return drawn


def _example(study: Study) -> int:
    """The first subject with moderate osteoarthritis, as in the paper's figure; else the first."""
    for index, person in enumerate(study.participants):
        if person.get("kl_grade") in (2, 3):
            return index
    return 0


def _described(study: Study, index: int) -> str:
    person = study.participants[index]
    told = [f"sub-{study.entities[index]['sub']}"]
    if person.get("age") is not None:
        told.append(f"{person['age']:.0f} years")
    if person.get("kl_grade") is not None:
        told.append(f"KL grade {person['kl_grade']}")
    return ", ".join(told)


def _write_page(
    run: Run[Any],
    study: Study,
    told: Sequence[str],
    parts: Mapping[str, Sequence[Table]],
    drawn: Mapping[str, tuple[Figure, str]],
    seconds: float,
) -> None:
    write_report(
        run,
        "Knee T1ρ from a PD-weighted image",
        "Can a PD-weighted image stand in for the image without spin lock? Networks, fits "
        "of two images and trivial rivals against the fit to four spin-lock times, "
        "beside Zhong et al. 2025 (doi:10.1002/mrm.70022).",
        parts,
        drawn,
        BELOW,
        opening(_key_numbers(run.results), seconds, told, warning=study.simulated),
    )


def _key_numbers(results: Sequence[Result]) -> list[Number]:
    def one(label: str, model: str, metric: str, name: str, unit: str) -> Number:
        row = next(
            r
            for r in results
            if (r.model, r.metric, r.input, r.region) == (model, metric, name, CARTILAGE)
        )
        return Number(
            label, f"{number(row.ours, 2)} {unit}", f"paper {number(row.paper, 2)} {unit}"
        )

    return [
        one("Mean T1ρ, four TSL", REFERENCE, "mean T1rho", ALL_TIMES, "ms"),
        one("NLLS bias, PD + TSL 50", NLLS, "Bias", INPUTS[2], "ms"),
        one("U-Net RPE, PD + TSL 50", UNMASKED, "RPE", INPUTS[2], "%"),
        one("MLP MAE, TSL 0 + 50", MLP, "MAE", INPUTS[5], "ms"),
    ]


def _beside(row: Result) -> str:
    return f"{number(row.ours, 2)} [{number(row.paper, 2)}]"
