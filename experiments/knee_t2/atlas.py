"""Segmentation without a network: training subjects' cartilage carried over by registration.

Every knee is laid out from lateral to medial first, so that left and right ones lie alike. A few
training subjects are registered to one of them; what readers drew there becomes the share of knees
that have cartilage in each place. One registration brings that to a new knee, where cartilage is
what most have: as much as they have on average, since thin plates that lie a little apart share
few places by majority.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments import run as shared
from experiments.knee_t2.networks import SECOND
from experiments.knee_t2.settings import Settings
from experiments.knee_t2.study import Study
from experiments.preparing import prepare_all
from experiments.run import Run
from jaxqmri.analysis.cartilage import Layout, layout
from jaxqmri.io.nifti import Image
from jaxqmri.preprocessing import Registration, Stage, resample, transform_between


@dataclass(frozen=True)
class Task:
    """Carry an image's labels to another knee."""

    entities: Mapping[str, str]
    moving: Image
    labels: Image
    fixed: Image
    stage: Stage
    cache: Path


def carry(task: Task) -> Float[np.ndarray, "s r c"]:
    """Labels of the moving knee on the grid of the fixed one; 0 beyond its field of view."""
    settings = Registration(task.stage)
    transform = transform_between(task.moving, task.fixed, settings, cache=task.cache)
    return np.nan_to_num(resample(task.labels, task.fixed, transform))


def segment_by_atlas(
    run: Run[Settings],
    study: Study,
    drawn: Mapping[int, Bool[np.ndarray, "s h w"]],
    train: Sequence[int] | Int[np.ndarray, " _"],
    visits: Int[np.ndarray, " _"],
) -> dict[int, Bool[np.ndarray, "s h w"]]:
    """Cartilage of some visits by the atlas.

    Parameters
    ----------
    run
        Told the time; its settings say how many knees the atlas is made of.
    study, drawn
        All visits, and Reader 1's cartilage.
    train
        Visits of training subjects, of which the first are taken.
    visits
        What is to be segmented.
    """
    own = [int(v) for v in train][: run.settings.atlases]
    layouts = {v: layout(study.visits[v].affine, study.side(v)) for v in (*own, *visits)}
    cache = shared.cache_folder() / "registrations"

    def knee(visit: int, slices: np.ndarray) -> Image:
        return _laid_out(layouts[visit], study.visits[visit].volume(slices))

    def echo(visit: int) -> Image:
        second = study.visits[visit].network[..., SECOND].astype(np.float32)
        return knee(visit, second - second.min())

    def task(moving: Image, labels: Image, fixed: int) -> Task:
        entities = study.tasks[fixed].entities
        return Task(entities, moving, labels, echo(fixed), run.settings.atlas_stage, cache)

    first, others = own[0], own[1:]
    template = echo(first)
    known = [knee(first, drawn[first].astype(np.float32)).data]
    known += _carried(
        run,
        [task(echo(v), knee(v, drawn[v].astype(np.float32)), first) for v in others],
    )
    shares = np.mean(known, axis=0).astype(np.float32)
    level = np.sort(shares, axis=None)[-round(float(shares.sum()))]
    share = Image(shares, template.affine, template.path)
    found = _carried(run, [task(template, share, int(v)) for v in visits])
    return {
        int(v): np.moveaxis(layouts[v].to_image(one >= level), study.visits[v].axis, 0)
        for v, one in zip(visits, found, strict=True)
    }


def _carried(run: Run[Settings], tasks: list[Task]) -> list[Float[np.ndarray, "s r c"]]:
    if not tasks:
        return []
    return prepare_all(run, tasks, carry, unit="knee", skip_incomplete=False)[1]


def _laid_out(by: Layout, volume: np.ndarray) -> Image:
    """A knee from lateral to medial, its middle at the origin."""
    data = np.ascontiguousarray(by.to_knee(volume))
    affine = np.diag([*by.spacing, 1.0])
    affine[:3, 3] = -0.5 * (np.array(data.shape) - 1) * by.spacing
    return Image(data, affine, Path("knee"))
