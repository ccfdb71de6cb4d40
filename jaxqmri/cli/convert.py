"""``jaxqmri convert``: DICOM to a BIDS dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import arg

Kind = Literal["MESE", "MEGRE", "VFA", "IRT1", "T1rhow", "TB1AFI", "PDw", "T1w", "T2w"]


@dataclass(frozen=True)
class Convert:
    """Convert the DICOM files of one quantitative series to a BIDS dataset, with dcm2niix.

    A multi-echo series is recognised by its echo times; a spin-lock series needs its times, in the
    order of acquisition; of a whole examination choose the series:

      jaxqmri convert dicom/ --out study --subject 01
      jaxqmri convert dicom/ --out study --subject 01 --tsl 0 10 30 50
      jaxqmri convert exam/ --out study --kind IRT1 --series 12 13 14 15

    Intensities are made comparable between the images: the rescale slope of every image is applied
    and, with Philips, the scale slope (2005,100E) too. Where that cannot be done the command
    refuses. The same command again does nothing; other settings need --overwrite.
    """

    dicom: Annotated[tyro.conf.Positional[Path], arg(metavar="FOLDER")]
    """DICOM files; subfolders are searched."""
    out: Annotated[Path, arg(metavar="DIR")]
    """BIDS dataset to write to. Made when missing; further subjects and series join it."""
    subject: Annotated[str, arg(metavar="ID")] = "01"
    """Subject, letters and digits, as in sub-01."""
    session: Annotated[str | None, arg(metavar="ID")] = None
    """Visit, as in ses-1, where a subject was scanned on several."""
    kind: Annotated[Kind | None, arg(metavar="KIND")] = None
    """What the images are: MESE (multi-echo spin echo, for T2), MEGRE (multi-echo gradient echo,
    for T2*), VFA (variable flip angle, for T1), IRT1 (inversion recovery, for T1), T1rhow (spin
    lock, for T1rho), TB1AFI (actual flip angle, for B1), or one PDw, T1w or T2w volume. Left out,
    it is recognised by the times or angles that differ between the volumes."""
    tsl: Annotated[tuple[float, ...], arg(metavar="MS ...")] = ()
    """Spin-lock times, one for each volume in the order of acquisition. DICOM has no tag for them,
    so that a spin-lock series needs them here."""
    spin_lock_frequency: Annotated[float | None, arg(metavar="HZ")] = None
    """Spin-lock frequency, kept in the sidecars."""
    series: Annotated[tuple[int, ...], arg(metavar="NUMBER ...")] = ()
    """Series to use, in this order. Left out, all of the folder in ascending order."""
    acquisition: Annotated[str | None, arg(metavar="ID")] = None
    """Tells apart two protocols of one kind, as in acq-highres."""
    run_number: Annotated[int | None, arg(name="run", metavar="NUMBER")] = None
    """Tells apart repetitions of one protocol, as in run-2."""
    overwrite: bool = False
    """Replace images that an earlier conversion with other settings made."""

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
