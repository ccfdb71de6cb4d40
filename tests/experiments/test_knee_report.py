"""What the knee study's page says in words, and the marks of its tables."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments.knee_cv.comparisons import CALIBRATED, CONSTANT, LOOKUP, P_T
from experiments.knee_cv.learning import Learning
from experiments.knee_cv.paper import INPUTS, NETWORKS, NLLS
from experiments.knee_cv.remarks import remarks
from experiments.knee_cv.report import trained_as
from experiments.knee_cv.results import ALL_TIMES, CARTILAGE, REFERENCE
from experiments.knee_cv.settings import Settings
from experiments.knee_cv.tables import ALL_MODELS, PAIRED, tables_of
from experiments.run import Result

UNMASKED, MASKED, MLP = NETWORKS
RPE = {
    (UNMASKED, "PD+50"): 5.5,
    (MASKED, "PD+50"): 6.5,
    (MLP, "PD+50"): 7.5,
    (MLP, "0+50"): 1.5,
    (CONSTANT, "PD+50"): 9.0,
    (CONSTANT, "0+50"): 9.0,
    (CONSTANT, "0+10"): 0.1,  # no network was trained there
    (LOOKUP, "PD+50"): 8.0,
    (LOOKUP, "0+50"): 1.25,
    (CALIBRATED, "PD+50"): 4.75,
    (NLLS, "PD+50"): 1.0,  # no competitor of this line
}


def row(model, name, metric, ours, **more):
    return Result(model, metric, "%", name, CARTILAGE, n=2, ours=ours, **more)


@pytest.fixture
def rows():
    both = f"{MLP} minus {LOOKUP}"
    return [
        *(row(model, name, "RPE", value) for (model, name), value in RPE.items()),
        *(row(model, "0+50", "RPE to truth", 7.75) for model in (MLP,)),
        row(UNMASKED, "PD+50", "RPE to truth", 8.25),
        row(REFERENCE, ALL_TIMES, "RPE to truth", 7.25),
        row(both, "0+50", "RPE", 0.25, low=0.125, high=0.5),
        row(both, "0+50", f"RPE, {P_T}", 1e-6),
        row(f"{UNMASKED} minus {MLP}", "PD+50", "RPE", -2.0, low=-3.0, high=-1.0),
    ]


def study_of(simulated=True):
    people = [{"sub": "01"}, {"sub": "02"}]
    subjects = [SimpleNamespace(similarity=np.array(pair)) for pair in ((0.5, 0.875), (0.25, 0.75))]
    return SimpleNamespace(entities=people, subjects=subjects, simulated=simulated)


def test_a_rival_without_a_network_that_is_ahead_is_named(rows):
    told = " ".join(remarks(rows, study_of(), "quick", [(UNMASKED, "PD+50")]))
    assert f"{CALIBRATED} at PD+50, 4.75 % beside the 5.50 % of the best network" in told
    assert f"{UNMASKED} at PD+50 (short of its plateau)" in told
    assert f"{LOOKUP} at 0+50, 1.25 % beside the 1.50 %" in told
    assert "difference 0.25 %, 95 % interval 0.12 to 0.50" in told
    assert f"{CONSTANT} at" not in told
    ahead = [r for r in rows if r.model not in (CALIBRATED, LOOKUP)]
    assert "Without any network" not in " ".join(remarks(ahead, study_of(), "quick"))


def test_the_references_own_error_stands_beside_the_best_networks(rows):
    told = " ".join(remarks(rows, study_of(), "quick"))
    assert "the reference itself has an RPE of 7.25 %" in told
    assert f"{MLP} at 0+50, has 7.75 %, and 1.50 % against the reference" in told
    without = [r for r in rows if r.metric != "RPE to truth"]
    assert "reference itself" not in " ".join(remarks(without, study_of(), "quick"))


def test_of_real_scans_nothing_is_said_of_a_simulation(rows):
    of_scans = [r for r in rows if r.metric != "RPE to truth"]
    told = " ".join(remarks(of_scans, study_of(simulated=False), "smoke"))
    assert "imulat" not in told
    assert "claim nothing" in told
    assert "whole table in view" not in told
    assert "whole table in view" in " ".join(remarks(rows, study_of(), "quick"))


def test_a_network_short_of_its_plateau_is_marked_where_its_numbers_stand(rows):
    short = [(UNMASKED, "PD+50")]
    settings = Settings(learning=Learning(features=(2, 4), mlp_width=0.5))
    words = trained_as(settings, seed=3)
    tables = tables_of(rows, study_of(), short, words)
    marked = {t.rows[0][0]: t.caption for t in tables[ALL_MODELS]}
    assert f"{UNMASKED} (PD+50: short of its plateau)" in marked
    assert {MASKED, MLP, LOOKUP} <= set(marked)
    for model, caption in marked.items():
        assert caption.startswith(f"Simulated data. {model} ")
        assert ("one seed (3)" in caption) == model.startswith(NETWORKS)
    assert "2-4 channels, MLP at 0.5 of" in words
    paired = [r[0] for r in tables[PAIRED][0].rows]
    assert f"{UNMASKED} minus {MLP} (short of its plateau)" in paired
    assert f"{MLP} minus {LOOKUP}" in paired
    assert "<0.001" in tables[PAIRED][0].markdown()


def test_each_subjects_similarity_is_printed(rows):
    registration = tables_of(rows, study_of())["Registration"][-1]
    assert [line[0] for line in registration.rows] == ["sub-01", "sub-02"]
    assert "0.250" in registration.markdown()
    assert "0.750" in registration.markdown()


def test_every_input_of_a_short_network_is_named(rows):
    short = [(MLP, "0+50"), (MLP, "PD+50")]
    first = [t.rows[0][0] for t in tables_of(rows, study_of(), short)[ALL_MODELS]]
    assert f"{MLP} ({', '.join(n for n in INPUTS if n.endswith('50'))}: short of its plateau)" in (
        first
    )
