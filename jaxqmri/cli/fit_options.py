"""Options of ``jaxqmri fit``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from jaxqmri.cli.given import Sigma
from jaxqmri.cli.options import option

MethodName = Literal[
    "t1rho", "t1rho-adiabatic", "t1rho-adiabatic-exact",
    "t2", "t2-offset", "t2-epg", "t2star", "biexp", "stretched",
    "t1-ir", "t1-sr", "t1-vfa", "b1-afi",
]  # fmt: skip
Likelihood = Literal["gaussian", "rician"]
Units = Literal["ms", "s"]


@dataclass(frozen=True)
class FitOptions:
    """All that can be asked of a fit."""

    model: Annotated[Positional[MethodName], option("MODEL", "One of the models above.")]
    inputs: Annotated[
        Positional[tuple[Path, ...]],
        option(
            "INPUT ...",
            "A BIDS folder, one 4-D NIfTI file, or several 3-D ones in the order of their times.",
        ),
    ]
    out: Annotated[
        Path | None,
        option(
            "DIR",
            "Folder for the maps. Without it derivatives/jaxqmri in a BIDS folder, NAME_MODEL "
            "beside a plain file.",
        ),
    ] = None
    subject: Annotated[
        tuple[str, ...],
        option("ID ...", "Subjects of a BIDS folder, such as 01 02. Without it all of them."),
    ] = ()
    series: Annotated[
        str | None,
        option(
            "SUFFIX",
            "Which series of a BIDS folder, where it has several that MODEL takes: T1rhow, MESE, "
            "MEGRE.",
        ),
    ] = None

    tsl: Annotated[tuple[float, ...], option("MS ...", "Spin-lock times of plain images.")] = ()
    te: Annotated[tuple[float, ...], option("MS ...", "Echo times of plain images.")] = ()
    ti: Annotated[tuple[float, ...], option("MS ...", "Inversion times of plain images.")] = ()
    td: Annotated[tuple[float, ...], option("MS ...", "Delays after saturation.")] = ()
    fa: Annotated[
        tuple[float, ...],
        option(
            "DEGREES ...",
            "Flip angles of plain images; for b1-afi and t1rho-adiabatic the one flip angle.",
        ),
    ] = ()
    tr: Annotated[
        tuple[float, ...],
        option(
            "MS ...",
            "Repetition time of plain images; for b1-afi the two of them; for t1rho-adiabatic "
            "from one preparation to the next.",
        ),
    ] = ()
    spokes: Annotated[
        int | None, option("N", "Spokes after each preparation, of plain adiabatic T1rho images.")
    ] = None
    spoke_spacing: Annotated[
        float | None, option("MS", "From one of these spokes to the next (t1rho-adiabatic-exact).")
    ] = None
    refocusing_angle: Annotated[
        float | None, option("DEGREES", "Nominal refocusing angle of t2-epg. Without it 180.")
    ] = None
    signed: Annotated[
        bool,
        option(
            None,
            "Images keep their sign (t1-ir). Without this and --magnitude, negative values in "
            "the images decide.",
        ),
    ] = False
    magnitude: Annotated[
        bool, option(None, "Take the images' magnitudes, whatever their sign (t1-ir).")
    ] = False

    chain: Annotated[
        bool,
        option(
            None,
            "In a BIDS folder: B1 from TB1AFI and T1 from VFA first, T1rho with both "
            "(t1rho-adiabatic), their errors carried along.",
        ),
    ] = False
    smooth: Annotated[
        float | None,
        option(
            "MM",
            "Smooth B1 by a Gaussian of this full width at half maximum, each voxel weighted by "
            "its precision. Without it not at all (b1-afi), or by 8 mm (--chain).",
        ),
    ] = None

    mask: Annotated[
        str | None,
        option(
            "FILE|NAME",
            "Fit only where this image is not zero. In a BIDS folder also the NAME of those who "
            "drew regions: derivatives/NAME/sub-*/anat/*_dseg.nii.gz.",
        ),
    ] = None
    fixed: Annotated[
        tuple[str, ...],
        option(
            "NAME=VALUE ...",
            "Hold parameters at a number or a map: b1=0.9, b1=b1.nii.gz; in a BIDS folder also "
            "at a map of an earlier fit, b1=TB1map or, of several, b1=run-2_TB1map.",
        ),
    ] = ()
    fixed_std: Annotated[
        tuple[str, ...],
        option(
            "NAME=VALUE ...",
            "Standard errors of the fixed parameters, carried into those of the fitted ones.",
        ),
    ] = ()
    fixed_cov: Annotated[
        tuple[str, ...],
        option(
            "NAME,NAME=VALUE ...",
            "Covariance of the errors of two fixed parameters: t1-vfa writes that of T1 with B1, "
            "desc-t1vfacovb1_T1map.",
        ),
    ] = ()
    free: Annotated[
        tuple[str, ...],
        option("NAME ...", "Fit parameters that are otherwise held: b1 or t1 of t2-epg."),
    ] = ()
    bounds: Annotated[
        tuple[str, ...], option("NAME=LOW,HIGH ...", "Other bounds than the model's: t2=1,100.")
    ] = ()
    likelihood: Annotated[
        Likelihood,
        option(
            None,
            "How noise spreads the samples: gaussian, unless told otherwise. Magnitudes that "
            "fall below about five times the noise want rician.",
        ),
    ] = "gaussian"
    sigma: Annotated[
        Sigma,
        option(
            "VALUE|background",
            "Noise of one channel in units of the signal, or background to find it in the air. "
            "Without it the residuals of all fitted voxels tell.",
        ),
    ] = None
    weights: Annotated[
        tuple[float, ...],
        option("NUMBER ...", "Relative precision of the samples, one number for each image."),
    ] = ()
    starts: Annotated[
        int | None,
        option("N", "Starting points in every voxel, where the model's own number will not do."),
    ] = None
    intervals: Annotated[bool, option(None, "Write 95 % profile-likelihood intervals as well.")] = (
        False
    )

    units: Annotated[
        Units | None,
        option("ms|s", "Unit of times in the maps: s in a BIDS folder, ms for plain images."),
    ] = None
    fill: Annotated[
        float | None,
        option(
            "NUMBER",
            "What to write where there is no estimate. Without it not-a-number; some viewers "
            "want 0.",
        ),
    ] = None
    no_quality: Annotated[
        bool, option(None, "Leave out error maps, quality maps and the quality page.")
    ] = False
    overwrite: Annotated[
        bool, option(None, "Replace results that were made with other settings.")
    ] = False
    stream: Annotated[
        bool,
        option(
            None,
            "Read, fit and write slab by slab, for images larger than memory. Maps are the same "
            "but for the noise behind their errors, pooled over some planes; no quality page.",
        ),
    ] = False
    processes: Annotated[
        int | None,
        option(
            "N",
            "Start so many processes on this machine, each with its share of the cores; with "
            "--distributed, how many there are.",
        ),
    ] = None
    distributed: Annotated[
        bool,
        option(
            None,
            "This is one of several processes: they deal out the series, or fit one together. "
            "Under SLURM nothing more is needed.",
        ),
    ] = False
    coordinator: Annotated[
        str | None, option("HOST:PORT", "Where the first of them listens, outside a cluster.")
    ] = None
    process: Annotated[int | None, option("K", "Which of them this is, from 0.")] = None
    devices: Annotated[
        int | None,
        option("N", "CPU cores to use. Without it all; a GPU is used where JAX finds one."),
    ] = None
