"""The paper's claims held against rows: its own, ours, and what was not run."""

import numpy as np
import pytest

from experiments.knee_cv.claims import CLAIMS, judge
from experiments.knee_cv.comparisons import COMPARED, COMPETITORS, P_T, P_WILCOXON, comparison_rows
from experiments.knee_cv.paper import INPUTS, NETWORKS, NLLS, TABLE_4
from experiments.knee_cv.results import CARTILAGE, METRICS
from experiments.run import Result
from jaxqmri import analysis
from jaxqmri.analysis import subject_errors
from jaxqmri.report import Verdict, claims_table

UNMASKED, MASKED, MLP = NETWORKS


def judged_of(*arguments, **more):
    return judge(*arguments, **more)[1]


def printed(ours):
    return [
        Result(
            model, metric, METRICS[metric][0], name, CARTILAGE, paper=paper.mean,
            ours=paper.mean if ours else None,
        )
        for model, metrics in TABLE_4.items()
        for metric, entries in metrics.items()
        for name, paper in entries.items()
    ]  # fmt: skip


def by_name(judged):
    return {one.claim.name: one for one in judged}


def test_the_papers_own_numbers_against_its_claims():
    found = by_name(judged_of(printed(ours=False)))
    assert all(one.verdict is Verdict.NOT_TESTABLE for one in found.values())
    assert found["target met"].paper == "6 of 6"
    assert found["no NLLS from PD"].paper == "3 of 3"
    assert found["U-Net with PD"].paper == "3 of 3"
    assert found["MLP without PD"].paper == "4 of 4"
    assert found["masking costs"].paper == "6 of 6"
    # RE 1.23 and 1.23 ms, RPE 2.66 and 2.72 % of the unmasked U-Net at 0+30 and 0+50
    assert found["longer is better"].paper == "22 of 24"
    # by MAE and RE at 0+30 and 0+50 nine of the twelve networks fall behind NLLS
    assert found["better than NLLS"].paper == "9 of 18"


def test_means_alone_hold_a_claim_by_the_mean_only():
    found = by_name(judged_of(printed(ours=True)))
    assert found["U-Net with PD"].verdict is Verdict.PARTLY
    assert "3 by the mean, without an interval" in found["U-Net with PD"].text


@pytest.fixture(scope="module")
def errors():
    """Errors of methods that differ in how far they are off, over twelve subjects."""
    rng = np.random.default_rng(2)
    truth = [rng.normal(45 + shift, 10, 200) for shift in rng.normal(0, 4, 12)]
    off = {UNMASKED: 1.0, MASKED: 2.0, MLP: 4.0, NLLS: 30.0}
    off |= dict(zip(COMPETITORS, (6.0, 5.0, 3.0), strict=True))
    return {
        (model, name): [
            subject_errors(t, t + shift * 30 / int(name.split("+")[1]) + rng.normal(0, 0.3))
            for t in truth
        ]
        for model, shift in off.items()
        for name in ("PD+30", "PD+50")
    }


def test_comparisons_are_paired_over_subjects_and_corrected(errors):
    rows = comparison_rows(errors, seed=0)
    keyed = {(r.model, r.input, r.metric): r for r in rows}
    assert len(keyed) == len(rows)
    tests = 2 * (3 + 3 * 4) + 3  # two inputs: pairs of networks, network and other; longer times
    assert len(rows) == 3 * tests * len(COMPARED)
    one = keyed[f"{UNMASKED} minus {MLP}", "PD+30", "RPE"]
    values = [[e.rpe for e in errors[model, "PD+30"]] for model in (UNMASKED, MLP)]
    assert one.ours == pytest.approx(np.mean(values[0]) - np.mean(values[1]))
    assert one.low < one.ours < one.high < 0
    assert (one.n, one.unit) == (12, "%")
    raw = analysis.paired_difference(*values)
    corrected = keyed[f"{UNMASKED} minus {MLP}", "PD+30", f"RPE, {P_WILCOXON}"].ours
    assert raw.p_wilcoxon < corrected <= min(1.0, tests * raw.p_wilcoxon)
    assert 0 <= keyed[MLP, "PD+50 minus PD+30", f"MAE, {P_T}"].ours <= 1


def rows_of(errors):
    rows = []
    for (model, name), each in errors.items():
        for metric, (unit, measure) in METRICS.items():
            base = [e.mean_reference for e in each] if metric == "% Bias" else None
            found = analysis.summarise([getattr(e, measure) for e in each], relative_to=base)
            rows.append(
                Result(
                    model, metric, unit, name, CARTILAGE, n=found.n, ours=found.mean,
                    low=found.low, high=found.high,
                )
            )  # fmt: skip
    return rows + comparison_rows(errors, seed=0)


def test_claims_of_a_run_on_part_of_the_table(errors):
    rows = rows_of(errors)
    found = by_name(judged_of(rows))
    for name in ("target met", "U-Net with PD", "no NLLS from PD", "MLP learns"):
        assert found[name].verdict is Verdict.HELD, found[name].text
    assert "2 of 6; 4 not run" in found["target met"].text
    assert found["MLP without PD"].verdict is Verdict.NOT_TESTABLE
    assert found["better than calibrated NLLS"].verdict is Verdict.PARTLY  # the MLP is not
    assert found["better than calibrated NLLS"].deciding.what.startswith(MLP)


def test_what_the_simulation_was_calibrated_on_is_not_tested_on_it(errors):
    rows = rows_of(errors)
    found = by_name(judged_of(rows, calibrated=True))
    assert found["no NLLS from PD"].verdict is Verdict.CALIBRATED
    assert by_name(judged_of(rows))["no NLLS from PD"].verdict is Verdict.HELD
    for name in ("target met", "U-Net with PD", "MLP learns"):
        assert found[name].verdict is Verdict.HELD


def test_the_target_is_about_inputs_with_a_pd_weighted_image(errors):
    without = {(model, name.replace("PD", "0")): each for (model, name), each in errors.items()}
    found = by_name(judged_of(rows_of(without)))["target met"]
    assert found.verdict is Verdict.NOT_TESTABLE
    assert "2 of 6 tested, none that decides" in found.text


def test_the_corrected_p_stands_beside_the_number_that_decides(errors):
    rows = rows_of(errors)
    deciding = by_name(judged_of(rows))["U-Net with PD"].deciding
    model, name, metric = deciding.what.split(", ")
    (row,) = [r for r in rows if (r.model, r.input, r.metric) == (model, name, f"{metric}, {P_T}")]
    assert deciding.p == row.ours
    assert "; p <0.001)" in claims_table(judged_of(rows)).markdown()


def test_a_network_short_of_its_plateau_holds_nothing_up(errors):
    short = {(model, name) for model in NETWORKS for name in INPUTS}
    found = by_name(judged_of(rows_of(errors), short))
    assert found["U-Net with PD"].verdict is Verdict.NOT_TESTABLE
    assert "2 short of the plateau" in found["U-Net with PD"].text
    assert found["no NLLS from PD"].verdict is Verdict.HELD  # rests on no network


def test_rows_of_regions_and_visits_do_not_count(errors):
    rows = rows_of(errors)
    others = [
        Result("MLP", "RPE", "%", "PD+30", "patellar", ours=99.0),
        Result("MLP", "RPE", "%", "PD+30", CARTILAGE, visit="2", ours=99.0),
    ]
    assert judged_of(rows + others)[0].text == judged_of(rows)[0].text


def test_every_claim_has_a_line_of_its_own(errors):
    table = claims_table(judged_of(rows_of(errors)), "Simulated data.")
    assert [row[0] for row in table.rows] == [claim.name for claim in CLAIMS]
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
