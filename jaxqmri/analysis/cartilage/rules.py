"""By which rule cartilage is divided into subregions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Rule:
    """How the femoral cartilage is divided.

    Attributes
    ----------
    name
        What it is called.
    central
        Half of the central part, degrees to either side of 0; anterior and posterior are beyond.
    axes
        ``"image"``: the circle is fitted to the cartilage of all slices laid over each other, and 0
        degrees is down in the image. ``"cartilage"``: the circle is fitted to all voxels, and 0
        degrees is the middle of the cartilage's own arc.
    halves
        Where medial begins. ``"stack"``: behind slice ``n // 2`` of the image's ``n``, in the
        anterior part behind the median slice that has cartilage just before the central part.
        ``"mass"``: behind the centre of mass. ``"notch"``: at the middle of the intercondylar
        notch.
    shared
        Whether a voxel on a border belongs to both sides in shares, and depth is counted between
        the surfaces around each voxel; otherwise all of it belongs to one, and depth is counted
        between the extreme voxels of its bin.
    measured
        Whether voxels without a usable value leave the cartilage before anything is fitted.
    largest_component
        Whether only the largest connected part of the cartilage counts.
    upper
        Largest usable value, in the map's unit.
    """

    name: str
    central: float
    axes: Literal["image", "cartilage"]
    halves: Literal["stack", "mass", "notch"]
    shared: bool = False
    measured: bool = False
    largest_component: bool = False
    upper: float = 100.0

    def __post_init__(self) -> None:
        if not 0.0 < self.central < 180.0:
            raise ValueError(f"central {self.central}: expected degrees between 0 and 180")
        if self.halves == "notch" and self.axes != "cartilage":
            raise ValueError("the notch is found from the cartilage's own axes")


PAPER = Rule("paper", 30.0, "image", "stack", measured=True)
DOSMA = Rule("dosma", 15.0, "image", "mass", largest_component=True, upper=80.0)
ANATOMICAL = Rule("anatomical", 30.0, "cartilage", "notch", shared=True)
RULES = {rule.name: rule for rule in (PAPER, DOSMA, ANATOMICAL)}
