"""``jaxqmri convert-oai``: a download of the Osteoarthritis Initiative to a BIDS dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from jaxqmri.cli.options import option

HELP = """Convert the knee T2 images of an Osteoarthritis Initiative download to a BIDS dataset.

The dataset is that of Thomas et al. (doi:10.1177/19476035211042406): 143 participants at baseline
(ses-01) and Year 4 (ses-02), 115 to train, 14 to validate and 14 to test. The download holds a
folder for each series, <visit>/<release>/<participant>/<date>/<series>; what is not of these
participants, visits and series is passed over. Masks of femoral cartilage lie in reader1 and
reader2, as <participant>_<visit> with .npy, .npz or .nii.gz.

Examples:
  jaxqmri convert-oai image03 --masks masks --out oai
  jaxqmri convert-oai image03 --masks masks --out oai --skip-incomplete
  jaxqmri convert-oai image03 --out images-alone

A subject that lacks a visit, an echo, a slice or a mask is named and stops the command, or is left
out and named with --skip-incomplete. Stopped and given again, the command goes on."""


@dataclass(frozen=True)
class ConvertOai:
    """Convert the knee T2 images of an Osteoarthritis Initiative download to a BIDS dataset."""

    download: Annotated[
        Positional[Path], option("FOLDER", "The download, unpacked; subfolders are searched.")
    ]
    out: Annotated[Path, option("DIR", "BIDS dataset to write to.")]
    masks: Annotated[
        Path | None,
        option("DIR", "Folder of reader1 and reader2. Without it images alone are converted."),
    ] = None
    skip_incomplete: Annotated[
        bool, option(None, "Leave out subjects of whom something is missing.")
    ] = False
    overwrite: Annotated[
        bool, option(None, "Replace what an earlier conversion with other settings made.")
    ] = False

    def run(self) -> None:
        """Convert, with a progress bar, and say who is in the dataset and who is not."""
        from tqdm import tqdm

        from jaxqmri.io.oai.study import convert_study, told

        with tqdm(desc="convert-oai", unit=" subjects", disable=None) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            summary = convert_study(
                self.download,
                self.out,
                self.masks,
                skip_incomplete=self.skip_incomplete,
                overwrite=self.overwrite,
                progress=progress,
            )
        if summary.left_out:
            print(f"left out: {told(summary.left_out)}")
        print(f"{self.out}: {len(summary.converted)} subjects converted")
