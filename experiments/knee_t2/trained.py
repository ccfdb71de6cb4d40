"""The networks of a run: every choice on Reader 1, the best of them on Reader 2 too."""

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
from experiments.knee_t2.settings import Settings
from experiments.knee_t2.study import Study
from experiments.run import Result, Run
from experiments.trainings import learn_all, training_rows

NOT_TAKEN = "not taken"
VALIDATION = "validation visits"
LEAST_PROBABILITY = "threshold of the probability"
LEAST_AREA = "least cartilage of a slice"


class Trained(NamedTuple):
    """What the networks of a run say.

    Attributes
    ----------
    ends
        Every training.
    judged
        Every choice on the validation subjects, the one that is taken first.
    cartilage
        Of the test visits, by the name of the network; the first seed's.
    predicted
        The probabilities behind it.
    """

    ends: Mapping[OneTraining, End]
    judged: Sequence[Judged]
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
    second = TRAINED_ON[NETWORK_2]
    # Reader 2 is trained beside the first choice, which two cores do at once
    arms = [OneTraining(TRAINED_ON[NETWORK], choice, seed) for choice in settings.search]
    teaches = settings.second_reader and _has_drawn(study, learner, second)
    if teaches and len(settings.search) == 1:
        arms.append(OneTraining(second, settings.search[0], seed))
    ends = _train(run, learner, arms)
    validation = study.visits_of(learner.split.validation)
    judged = []
    for choice in settings.search:
        end = ends[OneTraining(TRAINED_ON[NETWORK], choice, seed)]
        predicted = predict_visits(
            study, end.predicted["probability"], learner.seen, validation, how
        )
        judged.append(judge_choice(choice, predicted, drawn[TRAINED_ON[NETWORK]]))
        run.tick()
    judged.sort(key=lambda one: -one.dice)
    best = judged[0].choice
    further = [OneTraining(TRAINED_ON[NETWORK], best, seed + k) for k in range(1, settings.seeds)]
    if teaches:
        further += [OneTraining(second, best, seed + k) for k in range(settings.seeds)]
    ends |= _train(run, learner, [arm for arm in further if arm not in ends])
    thresholds = {NETWORK: judged[0].thresholds}
    cartilage, said = {}, {}
    for name, reader in TRAINED_ON.items():
        end = ends.get(OneTraining(reader, best, seed))
        if end is None:
            continue
        probability = end.predicted["probability"]
        if name not in thresholds:
            aside = predict_visits(study, probability, learner.seen, validation, how)
            thresholds[name] = judge_choice(best, aside, drawn[reader]).thresholds
        test = study.visits_of(learner.split.test)
        said[name] = predict_visits(study, probability, learner.seen, test, how)
        cartilage[name] = binarised(said[name], thresholds[name])
        run.tick()
    return Trained(ends, judged, cartilage, said)


def trained_rows(trained: Trained) -> list[Result]:
    """How trainings went, and what the validation subjects said of every choice."""
    rows: list[Result] = []
    names = {reader: name for name, reader in TRAINED_ON.items()}
    groups = dict.fromkeys((arm.reader, arm.choice) for arm in trained.ends)
    for reader, choice in groups:
        own = [
            end for arm, end in trained.ends.items() if (arm.reader, arm.choice) == (reader, choice)
        ]
        curves = [end.curve for end in own]
        taken = choice == trained.judged[0].choice
        named = names[reader] if taken else f"{names[reader]}, {NOT_TAKEN}"
        rows += training_rows((named, choice.label), curves, [end.settled for end in own], unit="")
    for one in trained.judged:
        source = one.choice.label
        rows.append(row(NETWORK, source, f"{DICE}, {VALIDATION}", "", one.dice))
        probability, area = one.thresholds
        rows.append(
            row(NETWORK, source, "threshold of the probability", "", probability, paper=0.501)
        )
        rows.append(row(NETWORK, source, "least cartilage of a slice", "mm2", area, paper=41.5))
    return rows


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
