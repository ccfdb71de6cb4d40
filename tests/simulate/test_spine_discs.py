from __future__ import annotations

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from jaxqmri.simulate.anatomy.spine_shape import LEVELS
from jaxqmri.simulate.sequence import amplitude
from jaxqmri.simulate.spine_discs import GRADES, SHARED, discs_of, grade
from jaxqmri.simulate.spine_people import FOLDS, fold, participant, patient
from jaxqmri.simulate.spine_signal import Sequences
from jaxqmri.simulate.spine_t1rho import SpineT1rhoStudy
from jaxqmri.simulate.spine_tissue import NUCLEUS, graded
from jaxqmri.simulate.spine_wear import SCORES, Sizes, wear

SIZES = Sizes(0.45, 2.2, 3.5, 0.45, 0.06, 0.03, 1.0)


@pytest.fixture(scope="module")
def cohort():
    """Ages, degeneration and T1rho of 4,000 patients."""
    rng, study = np.random.default_rng(0), SpineT1rhoStudy()
    ages = np.array([patient(k, 0).age for k in range(4000)])
    z = jnp.asarray(rng.standard_normal((4000, 1 + 2 * len(LEVELS))))
    numbers = (study.t1rho_mean, study.t1rho_sd, study.t1rho_correlation)
    found = jax.vmap(lambda z, age: discs_of(z, age, *numbers))(z, jnp.asarray(ages))
    return ages, np.asarray(found.degeneration), np.asarray(found.t1rho)


def test_grades_come_in_the_published_proportion(cohort):
    grades = np.round(np.asarray(grade(jnp.asarray(cohort[1])))).astype(int)
    found = np.bincount(grades.ravel(), minlength=6)[1:] / grades.size
    np.testing.assert_allclose(300.0 * found, list(GRADES.values()), atol=6.0)


def test_grades_change_where_a_normal_variable_parts_the_published_numbers():
    cut = norm.ppf(np.cumsum(list(GRADES.values()))[:-1] / 300.0)
    np.testing.assert_allclose(grade(jnp.asarray(cut)), [1.5, 2.5, 3.5, 4.5], atol=0.02)


def test_phases_come_nearly_in_the_published_proportion(cohort):
    """Of nuclei; readings, which take in some annulus, are nearer."""
    t1rho = cohort[2]
    found = [np.mean(t1rho > 110), np.mean(np.abs(t1rho - 95) < 15), np.mean(t1rho < 80)]
    np.testing.assert_allclose(found, [0.480, 0.253, 0.267], atol=0.05)


def test_degeneration_comes_with_age_and_level_and_runs_in_patients(cohort):
    ages, score, t1rho = cohort
    assert abs(score.mean()) < 0.03
    assert abs(score.std() - 1.0) < 0.03
    assert 0.25 < np.corrcoef(np.repeat(ages, 5), score.ravel())[0, 1] < 0.35
    levels = score.mean(axis=0)
    assert min(levels[3:]) > max(levels[:3]) + 0.3
    line = np.polynomial.polynomial.polyfit(ages, score, 1)
    rest = score - np.polynomial.polynomial.polyval(ages, line).T
    between = np.corrcoef(rest.T)[np.triu_indices(5, 1)]
    np.testing.assert_allclose(between.mean(), SHARED, atol=0.03)
    assert -0.80 < np.corrcoef(score.ravel(), t1rho.ravel())[0, 1] < -0.70


def test_nuclei_are_nearly_iso_intense_on_t1w_and_darken_on_t2w():
    sequences = Sequences()
    nuclei = graded(NUCLEUS, jnp.arange(1.0, 5.0))
    t1w, t2w = (np.asarray(amplitude(nuclei, s)) for s in (sequences.t1w, sequences.t2w))
    np.testing.assert_allclose(t1w, [0.251, 0.261, 0.260, 0.255], rtol=0.03)
    assert np.all(np.diff(t2w) < -0.05)


def test_a_graded_tissue_is_that_of_its_grade_and_between():
    found = graded(NUCLEUS, jnp.array([1.0, 2.5, 4.0]))
    np.testing.assert_allclose(found.t2, [210.0, 106.5, 51.0])


@pytest.fixture(scope="module")
def worn():
    """Shape and look of discs of 500 patients who are all of one degeneration."""
    z = jnp.asarray(np.random.default_rng(1).standard_normal((500, SCORES)))
    show = jax.jit(
        lambda score, coupling: jax.vmap(
            lambda one: wear(jnp.full(len(LEVELS), score), one, SIZES, coupling)
        )(z)
    )
    return lambda score, coupling=1.0: jax.tree.map(np.asarray, show(score, coupling))


def test_without_coupling_nothing_shows(worn):
    for score in (-2.0, 0.0, 3.0):
        shape, look = worn(score, 0.0)
        assert not any(np.any(each) for each in shape)
        assert not np.any(look.marrow_fat)
        np.testing.assert_array_equal(look.grade, 2.5)


def test_height_is_lost_late_and_the_rest_earlier(worn):
    for name in ("bulge", "osteophyte", "modic", "schmorl"):
        means = [getattr(worn(score)[0], name).mean() for score in (-1.0, 0.8, 2.5)]
        assert means[0] <= 0.1 * means[2]
        assert means[0] < means[1] < means[2], name
    lost = [worn(score)[0].height_loss[:, 4:9].max(axis=1).mean() for score in (0.8, 1.6, 3.0)]
    assert lost[0] < 0.02 < lost[1] < lost[2]


def test_half_the_coupling_shows_half(worn):
    whole, half = (worn(2.0, coupling)[0] for coupling in (1.0, 0.5))
    for name in ("height_loss", "bulge", "osteophyte"):
        less, more = (getattr(each, name) for each in (half, whole))
        below = more < (0.8 if name == "height_loss" else np.inf)  # no disc is lost altogether
        np.testing.assert_allclose(less[below], 0.5 * more[below], rtol=1e-5)
    present = [np.mean(each.modic > 0) for each in (half, whole)]
    np.testing.assert_allclose(present[0] / present[1], 0.5, atol=0.1)


def test_sixty_are_the_papers_cohort():
    people = [patient(k, 0) for k in range(60)]
    rows = [participant(who, fold(k)) for k, who in enumerate(people)]
    assert Counter(row["fold"] for row in rows) == FOLDS
    assert Counter(row["sex"] for row in rows) == {"M": 35, "F": 25}
    assert Counter(row["sex"] for row in rows if row["fold"] == "test") == {"M": 6, "F": 4}
    many = [patient(k, 0).age for k in range(2000)]
    np.testing.assert_allclose([np.mean(many), np.std(many)], [36.0, 11.0], atol=1.0)
