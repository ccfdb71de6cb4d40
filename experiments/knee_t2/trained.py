"""The networks of a run: a search of choices on Reader 1, the best of them on each reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.kept_networks import End
from experiments.knee_t2.masks import Predicted
from experiments.knee_t2.metrics import (
    DICE,
    NETWORK,
    NETWORK_2,
    TRAINED_ON,
    row,
)
from experiments.knee_t2.networks import Learner, OneTraining
from experiments.knee_t2.search import (
    Judged,
    Masks,
    binarised,
    judge_choice,
    predict_visits,
)
from experiments.knee_t2.settings import Choice, Settings
from experiments.knee_t2.study import Study
from experiments.run import Result, Run
from experiments.trainings import SETTLED, learn_all, training_rows

SEARCH = "search"
SEARCH_SEEDS = 2  # of each choice: chance moves a training as much as a choice does
VALIDATION = "validation visits"
LEAST_PROBABILITY = "threshold of the probability"
LEAST_AREA = "least cartilage of a slice"


class Trained(NamedTuple):
    """What the networks of a run say.

    Attributes
    ----------
    ends
        Every training.
    searched
        Every choice on the validation subjects after a few checks, the one that is taken first;
        empty where there is but one.
    judged
        The networks on the validation subjects, by name.
    cartilage
        Of the test visits, by the name of the network; the first seed's.
    predicted
        The probabilities behind it.
    """

    ends: Mapping[OneTraining, End]
    searched: Sequence[Judged]
    judged: Mapping[str, Judged]
    cartilage: Mapping[str, Masks]
    predicted: Mapping[str, Mapping[int, Predicted]]


def train_and_choose(
    run: Run[Settings],
    study: Study,
    learner: Learner,
    drawn: Mapping[str, Masks],
    how: str,
) -> Trained:
    """Train, choose on the validation subjects, and segment the test subjects.

    Parameters
    ----------
    run
        Where trainings are kept; told the time.
    study, learner
        All visits, and who trains on them.
    drawn
        Each reader's cartilage, by the name of the reader's folder.
    how
        How T2 is fitted.
    """
    settings, seed = run.settings, run.command.seed
    split = learner.split
    validation, test = study.visits_of(split.validation), study.visits_of(split.test)

    def judge(choice: Choice, reader: str, ends: Sequence[End]) -> Judged:
        predicted = [_visits(study, learner, end, validation, how) for end in ends]
        return judge_choice(choice, predicted, drawn[reader])

    searched: list[Judged] = []
    ends: dict[OneTraining, End] = {}
    choices = settings.choices
    if len(choices) > 1:
        tried = [
            OneTraining(TRAINED_ON[NETWORK], choice, seed + k, search=True)
            for choice in choices
            for k in range(SEARCH_SEEDS)
        ]
        ends |= _train(run, learner, tried)
        for choice in choices:
            own = [ends[arm] for arm in tried if arm.choice == choice]
            searched.append(judge(choice, TRAINED_ON[NETWORK], own))
            run.tick()
        searched.sort(key=lambda one: -one.dice)
    best = searched[0].choice if searched else choices[0]
    second = TRAINED_ON[NETWORK_2]
    teaches = settings.second_reader and _has_drawn(study, learner, second)
    readers = [TRAINED_ON[NETWORK], *([second] if teaches else [])]
    ends |= _train(
        run,
        learner,
        [OneTraining(reader, best, seed + k) for k in range(settings.seeds) for reader in readers],
    )
    judged, cartilage, said = {}, {}, {}
    for name, reader in TRAINED_ON.items():
        if reader not in readers:
            continue
        end = ends[OneTraining(reader, best, seed)]
        judged[name] = judge(best, reader, [end])
        said[name] = _visits(study, learner, end, test, how)
        cartilage[name] = binarised(said[name], judged[name].thresholds)
        run.tick()
    return Trained(ends, searched, judged, cartilage, said)


def trained_rows(trained: Trained) -> list[Result]:
    """How trainings went, and what the validation subjects said of every choice."""
    rows: list[Result] = []
    names = {reader: name for name, reader in TRAINED_ON.items()}
    groups: dict[tuple[str, str], list[End]] = {}
    for arm, end in trained.ends.items():
        named = f"{names[arm.reader]}, {SEARCH}" if arm.search else names[arm.reader]
        groups.setdefault((named, arm.choice.label), []).append(end)
    for group, own in groups.items():
        curves = [end.curve for end in own]
        told = training_rows(group, curves, [end.settled for end in own], unit="")
        # a search is short by design
        rows += [one for one in told if one.metric != SETTLED or not group[0].endswith(SEARCH)]
    found = [(f"{NETWORK}, {SEARCH}", one) for one in trained.searched]
    for name, one in [*trained.judged.items(), *found]:
        source, printed = one.choice.label, name == NETWORK
        probability, area = one.thresholds
        rows += [
            row(name, source, f"{DICE}, {VALIDATION}", "", one.dice),
            row(name, source, LEAST_PROBABILITY, "", probability, paper=0.501 if printed else None),
            row(name, source, LEAST_AREA, "mm2", area, paper=41.5 if printed else None),
        ]
    return rows


def _visits(
    study: Study, learner: Learner, end: End, visits: Sequence[int] | np.ndarray, how: str
) -> dict[int, Predicted]:
    return predict_visits(study, end.predicted["probability"], learner.seen, visits, how)


def _train(
    run: Run[Settings], learner: Learner, arms: Sequence[OneTraining]
) -> dict[OneTraining, End]:
    if not arms:
        return {}
    return learn_all(run, arms, learner.learn, lambda arm: f"{arm.reader}, {arm.choice.label}")


def _has_drawn(study: Study, learner: Learner, reader: str) -> bool:
    """Whether a reader has drawn every visit of training and validation subjects."""
    split = learner.split
    own = study.visits_of(np.concatenate([split.train, split.validation]))
    return all(reader in study.visits[v].drawn for v in own)
