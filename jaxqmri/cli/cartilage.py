"""``jaxqmri cartilage``: femoral cartilage unrolled, divided, compared between visits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from jaxqmri.cli.options import option
from jaxqmri.io import InputError

if TYPE_CHECKING:
    from jaxqmri.cli.cartilage_visit import Visit

HELP = """Divide femoral cartilage into twelve subregions and summarise maps within them.

Examples:
  jaxqmri cartilage --labels dseg.nii.gz --maps T2map.nii.gz --side left --out knee
  jaxqmri cartilage --labels dseg.nii.gz --side right --out thickness
  jaxqmri cartilage --labels v1/dseg.nii.gz --maps v1/T2map.nii.gz --side left
    --follow-up-labels v2/dseg.nii.gz --follow-up-maps v2/T2map.nii.gz --out change

Cartilage is unrolled from a circle and divided into superficial and deep (S, D), lateral and medial
(L, M), anterior, central and posterior (A, C, P): SLA to DMP, and what they make up, 27 regions.
Any orientation is read. Written are the table subregions.tsv, the subregions on the image's grid,
unrolled maps as tables and pictures, and a page, cartilage.html. Of two visits also what changed,
and the clusters where the change stands out, follow-up minus baseline.

Rules: anatomical takes its axes from the cartilage, so that results do not depend on how the knee
lies; paper and dosma divide as published software does, by the axes of the image."""


@dataclass(frozen=True)
class Cartilage:
    """Divide femoral cartilage into twelve subregions and summarise maps within them."""

    labels: Annotated[Path, option("FILE", "Label image of the cartilage.")]
    out: Annotated[Path, option("DIR", "Folder for the results.")]
    maps: Annotated[
        tuple[Path, ...],
        option("MAP ...", "Map files on the grid of the labels. Without them thickness alone."),
    ] = ()
    side: Annotated[
        Literal["left", "right"] | None,
        option(None, "Which knee it is: images do not say. Needed."),
    ] = None
    label: Annotated[int, option("NUMBER", "Which label is femoral cartilage. Without it 1.")] = 1
    rule: Annotated[
        Literal["anatomical", "paper", "dosma"],
        option(None, "How cartilage is divided. Without it anatomical."),
    ] = "anatomical"
    t2_max: Annotated[
        float | None,
        option(
            "NUMBER",
            "Largest value of a map that counts, ms for times. Without it 100, with dosma 80.",
        ),
    ] = None
    follow_up_labels: Annotated[Path | None, option("FILE", "Label image of the second visit.")] = (
        None
    )
    follow_up_maps: Annotated[
        tuple[Path, ...],
        option("MAP ...", "Maps of the second visit, one for each of --maps, in their order."),
    ] = ()
    kathoma_sign: Annotated[
        bool,
        option(
            None,
            "Clusters of decrease, baseline minus follow-up, as the paper's software marks them.",
        ),
    ] = False
    overwrite: Annotated[
        bool, option(None, "Replace results that were made with other settings.")
    ] = False

    def run(self) -> None:
        """Divide, measure, and write the folder.

        Raises
        ------
        InputError
            If the command or a file cannot be used.
        """
        from jaxqmri.cli.cartilage_change import changes_of
        from jaxqmri.cli.cartilage_output import write
        from jaxqmri.io import staging

        self._check()
        with staging.staged(
            self.out,
            settings=self._settings(),
            overwrite=self.overwrite,
            name="cartilage",
            inputs=self._inputs(),
        ) as stage:
            if stage.already_done:
                print(f"already done, {self.out / 'cartilage.html'}")
                return
            visits = self._visits()
            changes = changes_of(visits, self.kathoma_sign)
            print(write(stage.folder, visits, changes, self._facts()))
        print(self.out / "cartilage.html")

    def _check(self) -> None:
        if self.side is None:
            raise InputError(
                "--side: an image does not say which knee it shows; give --side left or --side "
                "right"
            )
        if self.t2_max is not None and not self.t2_max > 0:
            raise InputError(f"--t2-max {self.t2_max:g}: expected a number above 0")
        if self.follow_up_labels is None and (self.follow_up_maps or self.kathoma_sign):
            raise InputError("--follow-up-labels: needed to compare visits")
        if self.follow_up_labels is not None and not self.maps:
            raise InputError("--maps: needed to compare visits")
        if self.follow_up_labels is not None and len(self.follow_up_maps) != len(self.maps):
            raise InputError(
                f"--follow-up-maps: {len(self.follow_up_maps)} given, expected {len(self.maps)}, "
                "one for each of --maps"
            )
        for paths in (self.maps, self.follow_up_maps):
            names = [path.name.split(".nii")[0] for path in paths]
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise InputError(f"{min(twice)}: several maps of this name, expected one of each")

    def _inputs(self) -> list[Path]:
        follow_up = [] if self.follow_up_labels is None else [self.follow_up_labels]
        return [self.labels, *self.maps, *follow_up, *self.follow_up_maps]

    def _settings(self) -> dict[str, Any]:
        from dataclasses import asdict

        from jaxqmri import __version__
        from jaxqmri.analysis.cartilage import RULES
        from jaxqmri.io.settings import contents_of

        return {
            "jaxqmri version": __version__,
            "side": self.side,
            "label": self.label,
            "rule": asdict(RULES[self.rule]),
            "t2-max": self.t2_max,
            "kathoma sign": self.kathoma_sign,
            "maps": [path.name for path in self.maps],
            "images": [contents_of(path) for path in self._inputs()],
        }

    def _visits(self) -> dict[str, Visit]:
        from jaxqmri.analysis.cartilage import RULES
        from jaxqmri.cli.cartilage_visit import read_visit

        rest = (self.label, str(self.side), RULES[self.rule], self.t2_max)
        if self.follow_up_labels is None:
            return {"": read_visit(self.labels, self.maps, *rest)}
        return {
            "baseline": read_visit(self.labels, self.maps, *rest),
            "follow-up": read_visit(self.follow_up_labels, self.follow_up_maps, *rest),
        }

    def _facts(self) -> dict[str, str]:
        """Settings and sources for the page."""
        import sys

        from jaxqmri.analysis.cartilage import RULES

        rule = RULES[self.rule]
        axes = {"image": "the image's", "cartilage": "the cartilage's own"}[rule.axes]
        halves = {
            "stack": "by the middle of the stack, in the anterior part by that of the cartilage",
            "mass": "at the slice of the centre of mass",
            "notch": "at the middle of the intercondylar notch",
        }[rule.halves]
        return {
            "Command": f"`{' '.join(['jaxqmri', *sys.argv[1:]])}`",
            "Side": str(self.side),
            "Label": str(self.label),
            "Rule": f"{rule.name}: axes {axes}, central part {rule.central:g} degrees to either "
            f"side of 0, lateral and medial {halves}",
            "Values that count": f"above 0, up to {self.t2_max or rule.upper:g}",
            "Sources": ", ".join(str(path) for path in self._inputs()),
        }
