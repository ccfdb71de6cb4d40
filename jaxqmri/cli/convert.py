"""``jaxqmri convert``: DICOM to a BIDS dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from jaxqmri.cli.options import option

Kind = Literal["MESE", "MEGRE", "VFA", "IRT1", "T1rhow", "TB1AFI", "PDw", "T1w", "T2w"]

HELP = """Convert the DICOM files of one quantitative series to a BIDS dataset, with dcm2niix.

Kinds of series:
  MESE            multi-echo spin echo, for T2
  MEGRE           multi-echo gradient echo, for T2*
  T1rhow          spin lock, for T1rho
  VFA             variable flip angle, for T1
  IRT1            inversion recovery, for T1
  TB1AFI          actual flip angle, for B1
  PDw, T1w, T2w   one weighted volume

Examples:
  jaxqmri convert dicom --out study --subject 01
  jaxqmri convert dicom --out study --subject 01 --tsl 0 10 30 50
  jaxqmri convert exam --out study --kind IRT1 --series 12 13 14 15

The first recognises a multi-echo series by its echo times; the second is a spin-lock series, which
needs its times in the order of acquisition; the third chooses the series of a whole examination.
Intensities are made comparable between the images: the rescale slope of every image is applied
and, with Philips, the scale slope (2005,100E) too. Where that cannot be done the command refuses.
The same command again does nothing; other settings need --overwrite."""


@dataclass(frozen=True)
class Convert:
    """Convert the DICOM files of one quantitative series to a BIDS dataset."""

    dicom: Annotated[Positional[Path], option("FOLDER", "DICOM files; subfolders are searched.")]
    out: Annotated[
        Path,
        option(
            "DIR",
            "BIDS dataset to write to. Made when missing; further subjects and series join it.",
        ),
    ]
    subject: Annotated[
        str, option("ID", "Subject, letters and digits, as in sub-01. Without it 01.")
    ] = "01"
    session: Annotated[
        str | None, option("ID", "Visit, as in ses-1, where a subject was scanned on several.")
    ] = None
    kind: Annotated[
        Kind | None,
        option(
            "KIND",
            "What the images are, one of the kinds above. Without it, it is recognised by the "
            "times or angles that differ between the volumes.",
        ),
    ] = None
    tsl: Annotated[
        tuple[float, ...],
        option(
            "MS ...",
            "Spin-lock times, one for each volume in the order of acquisition. DICOM has no tag "
            "for them, so that a spin-lock series needs them here.",
        ),
    ] = ()
    spin_lock_frequency: Annotated[
        float | None, option("HZ", "Spin-lock frequency, kept in the sidecars.")
    ] = None
    series: Annotated[
        tuple[int, ...],
        option(
            "NUMBER ...",
            "Series to use, in this order. Without it all of the folder, in ascending order.",
        ),
    ] = ()
    acquisition: Annotated[
        str | None, option("ID", "Tells apart two protocols of one kind, as in acq-highres.")
    ] = None
    run_number: Annotated[
        int | None,
        option("NUMBER", "Tells apart repetitions of one protocol, as in run-2.", name="run"),
    ] = None
    overwrite: Annotated[
        bool, option(None, "Replace images that an earlier conversion with other settings made.")
    ] = False

    def run(self) -> None:
        """Convert and name the images."""
        from jaxqmri.io.dicom import convert

        paths = convert(
            self.dicom,
            self.out,
            self.subject,
            self.session,
            kind=self.kind,
            spin_lock_times=self.tsl or None,
            spin_lock_frequency=self.spin_lock_frequency,
            series=self.series or None,
            acquisition=self.acquisition,
            run=self.run_number,
            overwrite=self.overwrite,
        )
        for path in paths:
            print(path)
