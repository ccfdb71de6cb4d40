"""``jaxqmri stats``: maps and regions to a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from jaxqmri.cli.options import option
from jaxqmri.cli.rows import COLUMNS, REPEATED, Measured, region_rows, repeatability_rows
from jaxqmri.io import InputError

HELP = """Summarise maps within labelled regions: mean, SD, median, voxels and valid voxels.

Examples:
  jaxqmri stats --labels cartilage.nii.gz --maps t2.nii.gz --out table.tsv
  jaxqmri stats --labels roi.nii.gz --maps day1.nii.gz day2.nii.gz --subjects A A
  jaxqmri stats study --labels manual --maps T2map --out table.tsv

The first takes files, the second repeated measurements of one subject, the third all subjects and
visits of a BIDS study. Voxels without an estimate are counted but enter no number. Nor do voxels
whose estimate lies at a bound of the fit, which is no measurement: where the status map of
jaxqmri fit lies beside the map, the column at_bound counts them; elsewhere it is empty. A region
that no voxel has keeps its row, with zero voxels. Times are in ms, SD is the spread over the
region's voxels.

Where subjects have several visits, a second table follows (beside --out, named
_repeatability.tsv) on the means of their regions: within-subject SD; within-subject coefficient
of variation, as a root mean square over subjects (Glüer et al. 1995, doi:10.1007/BF01774016);
repeatability coefficient, 1.96 sqrt(2) times the within-subject SD (Bland and Altman 1999,
doi:10.1177/096228029900800204)."""


@dataclass(frozen=True)
class Stats:
    """Summarise maps within labelled regions: mean, SD, median, voxels and valid voxels."""

    study: Annotated[
        Positional[Path | None],
        option(
            "[STUDY]",
            "BIDS dataset whose derivatives hold maps and regions. Without it --maps and --labels "
            "are files.",
        ),
    ] = None
    maps: Annotated[
        tuple[str, ...],
        option(
            "MAP ...",
            "Map files; of a study, names of maps such as T2map, T1rho or desc-t2epg_T2map.",
        ),
    ] = ()
    labels: Annotated[
        tuple[str, ...],
        option(
            "LABELS ...",
            "Label files, one for all maps or one for each; of a study, who drew the regions: the "
            "folder under derivatives that holds the dseg images.",
        ),
    ] = ()
    names: Annotated[
        Path | None,
        option(
            "FILE",
            "Table (.tsv) with columns index and name; each of its regions gets a row. Without it "
            "a .tsv beside the label image or a dseg.tsv above it, where there is one.",
        ),
    ] = None
    subjects: Annotated[
        tuple[str, ...],
        option(
            "ID ...",
            "Whose each map file is. All files are then taken for one quantity, and those of one "
            "subject for repeated measurements.",
        ),
    ] = ()
    pipeline: Annotated[
        str,
        option("NAME", "Folder under derivatives that holds a study's maps. Without it jaxqmri."),
    ] = "jaxqmri"
    out: Annotated[
        Path | None, option("FILE", "Table (.tsv) to write. Without it, it is only printed.")
    ] = None
    overwrite: Annotated[
        bool, option(None, "Replace a table that is there with other contents.")
    ] = False

    def run(self) -> None:
        """Measure, print, and write the tables."""
        from jaxqmri.io.files import table_text

        rows = [row for measured in self._measured() for row in region_rows(measured, self.names)]
        texts = {"": table_text(rows, COLUMNS)}
        repeated = repeatability_rows(rows)
        if repeated:
            texts["_repeatability"] = table_text(repeated, REPEATED)
        if self.out is not None:
            self._write({_beside(self.out, ending): text for ending, text in texts.items()})
        print("\n\n".join(aligned(text) for text in texts.values()))

    def _write(self, texts: Mapping[Path, str]) -> None:
        from jaxqmri.io.files import read_bytes, write_text

        for path, text in texts.items():
            if not self.overwrite and path.exists() and read_bytes(path) != text.encode():
                raise InputError(f"{path}: exists with other contents, give --overwrite")
        for path, text in texts.items():
            write_text(path, text)

    def _measured(self) -> list[Measured]:
        """What to measure, by study or by files."""
        if not self.maps or not self.labels:
            raise InputError("stats: --maps and --labels are both needed")
        return self._of_files() if self.study is None else self._of_study(self.study)

    def _of_files(self) -> list[Measured]:
        count = len(self.maps)
        if len(self.labels) not in (1, count):
            raise InputError(
                f"--labels: {len(self.labels)} files for {count} maps, expected 1 or {count}"
            )
        if len(self.subjects) not in (0, count):
            raise InputError(
                f"--subjects: {len(self.subjects)} given for {count} maps, expected {count}"
            )
        labels = self.labels * count if len(self.labels) == 1 else self.labels
        visits: dict[str, int] = {}
        found = []
        for k, (path, regions) in enumerate(zip(self.maps, labels, strict=True)):
            if self.subjects:
                subject = self.subjects[k]
                visits[subject] = visits.get(subject, 0) + 1
                found.append(
                    Measured(subject, str(visits[subject]), "map", Path(path), Path(regions))
                )
            else:
                found.append(Measured("", "", _name_of(Path(path)), Path(path), Path(regions)))
        return found

    def _of_study(self, study: Path) -> list[Measured]:
        from jaxqmri.io import bids

        if len(self.labels) != 1:
            raise InputError("--labels: with a study, name one folder under derivatives")
        if self.subjects:
            raise InputError("--subjects: a study's file names say whose the maps are")
        regions = bids.map_folder(study, self.labels[0])
        folder = bids.map_folder(study, self.pipeline)
        found = []
        for text in self.maps:
            called = bids.parse_name(f"{text}.nii.gz")
            if called is None or set(called.entities) - {"desc"}:
                raise InputError(f"--maps {text}: expected a map's name, such as T2map")
            suffix = called.suffix
            for entities, path in bids.find_maps(folder, suffix, called.entities.get("desc")):
                whose = {key: entities[key] for key in ("sub", "ses") if key in entities}
                others = {key: value for key, value in entities.items() if key not in whose}
                found.append(
                    Measured(
                        f"sub-{entities['sub']}",
                        f"ses-{entities['ses']}" if "ses" in entities else "",
                        bids.build_name(others, suffix),
                        path,
                        bids.find_image(regions, whose, "dseg"),
                    )
                )
        return found


def aligned(table: str) -> str:
    """A tab-separated table with its columns under each other, for a terminal."""
    cells = [line.split("\t") for line in table.splitlines()]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.stem}{ending}{path.suffix}")


def _name_of(path: Path) -> str:
    from jaxqmri.io.nifti import EXTENSIONS, stem

    if not path.name.endswith(EXTENSIONS):
        raise InputError(f"{path}: a map's name ends in .nii.gz or .nii")
    return stem(path)
