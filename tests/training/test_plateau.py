"""The plateau rule on made-up curves."""

from __future__ import annotations

import numpy as np
import pytest

from jaxqmri.training import Plateau, PlateauRule, check


def follow(values, rule):
    plateau, best = Plateau(), []
    for value in values:
        plateau, is_best = check(plateau, value, rule)
        best.append(is_best)
    return plateau, best


def test_reached_after_enough_checks_without_enough_improvement():
    rule = PlateauRule(improvement=0.1, checks=3)
    values = [10.0, 8.0, 7.9, 7.5, 7.3]
    plateau, best = follow(values[:4], rule)
    assert not plateau.reached
    plateau, best = follow(values, rule)
    assert plateau.reached
    assert best == [True] * 5
    assert plateau.best == 7.3


def test_slow_but_steady_improvement_is_no_plateau():
    values = 10 * 0.96 ** np.arange(30)
    plateau, _ = follow(values, PlateauRule(improvement=0.1, checks=3))
    assert not plateau.reached
    plateau, _ = follow(values, PlateauRule(improvement=0.1, checks=2))
    assert plateau.reached


def test_best_is_kept_apart_and_what_is_not_a_number_is_no_improvement():
    plateau, best = follow([5.0, float("nan"), 6.0, 4.99], PlateauRule(0.05, 3))
    assert best == [True, False, False, True]
    assert plateau.best == 4.99
    assert plateau.reference == 5.0
    assert plateau.reached
    assert plateau.checks == 4


def test_rules_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="improvement"):
        check(Plateau(), 1.0, PlateauRule(1.5, 3))


def test_a_training_without_a_number_has_no_plateau():
    plateau = Plateau()
    for _ in range(10):
        plateau, best = check(plateau, float("nan"), PlateauRule(0.01, 3))
        assert not best
    assert not plateau.reached
