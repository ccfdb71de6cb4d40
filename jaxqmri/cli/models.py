"""What ``jaxqmri fit`` can fit: each method's equation, acquisition, series and maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxqmri.cli.protocol import NEEDS, Protocol

if TYPE_CHECKING:
    from jaxqmri.physics import SignalModel


class MapName(NamedTuple):
    """How a parameter's map is called: BIDS suffix, and the name that people read."""

    suffix: str
    label: str


class Axis(NamedTuple):
    """What differs between the images of a series.

    Attributes
    ----------
    flag
        The option that gives it for plain images.
    field
        The BIDS sidecar field.
    label
        Name and unit on a page.
    """

    flag: str
    field: str
    label: str


SPIN_LOCK = Axis("tsl", "SpinLockTime", "spin-lock time (ms)")
ECHO = Axis("te", "EchoTime", "echo time (ms)")
INVERSION = Axis("ti", "InversionTime", "inversion time (ms)")
DELAY = Axis("td", "SaturationDelay", "delay after saturation (ms)")
FLIP = Axis("fa", "FlipAngle", "flip angle (degrees)")
REPETITION = Axis("tr", "RepetitionTime", "repetition time (ms)")

# BIDS series, in the order in which they are looked for, and what differs between their images
T1RHO_SERIES = {"T1rhow": SPIN_LOCK}
T2_SERIES = {"MESE": ECHO}
T2STAR_SERIES = {"MEGRE": ECHO}

S0, M0 = MapName("S0map", "S0"), MapName("M0map", "M0")
T1RHO = MapName("T1rho", "T1ρ")
T1, T2, B1 = MapName("T1map", "T1"), MapName("T2map", "T2"), MapName("TB1map", "B1")


@dataclass(frozen=True)
class Method:
    """One thing to fit.

    Attributes
    ----------
    title
        What it maps, in a few words.
    equation
        The signal equation as a person writes it.
    series
        BIDS series that it takes, each with what differs between its images.
    axes
        What may differ between plain images.
    main
        The parameter that the fit is for.
    maps
        Name of every parameter's map.
    build
        From acquisition numbers to the signal model.
    needs
        Further acquisition numbers without which there is no model.
    smooth
        Whether the equation holds between the acquired samples as well.
    choices
        Options of its own: ``refocusing-angle``, ``signed``, ``magnitude``, ``smooth``,
        ``chain``.
    acquired
        How the ``acq`` entity of its series begins, where a folder has such.
    """

    title: str
    equation: str
    series: Mapping[str, Axis]
    axes: tuple[Axis, ...]
    main: str
    maps: Mapping[str, MapName]
    build: Callable[[Protocol], SignalModel]
    needs: tuple[str, ...] = ()
    smooth: bool = True
    choices: tuple[str, ...] = ()
    acquired: str = ""


def _physics(name: str, *args: Any, **options: Any) -> Any:
    import jaxqmri.physics

    return getattr(jaxqmri.physics, name)(*args, **options)


def _echo_train(protocol: Protocol) -> SignalModel:
    angle = 180.0 if protocol.refocusing_angle is None else protocol.refocusing_angle
    return _physics("MultiEchoSpinEcho", protocol.values, refocusing_angle=angle)


METHODS: Mapping[str, Method] = {
    "t1rho": Method(
        "T1rho, one exponential",
        "S = s0 exp(-TSL / T1rho)",
        T1RHO_SERIES,
        (SPIN_LOCK,),
        "t1rho",
        {"s0": S0, "t1rho": T1RHO},
        lambda p: _physics("T1rhoDecay", p.values),
    ),
    "t1rho-adiabatic": Method(
        "adiabatic T1rho, several spokes",
        "S = s0 p (1 - R) / (1 - p cos(b1 a)^N R) + constant, "
        "p = exp(-TSL / T1rho), R = exp(-(TR - TSL) / T1)",
        T1RHO_SERIES,
        (SPIN_LOCK,),
        "t1rho",
        {
            "s0": S0,
            "t1rho": T1RHO,
            "offset": MapName("Constantmap", "constant"),
            "t1": T1,
            "b1": B1,
        },
        lambda p: _physics(
            "AdiabaticT1rhoOffset", p.values, p.preparation_time, p.flip_angle, p.spokes
        ),
        needs=("preparation_time", "flip_angle", "spokes"),
        choices=("chain",),
        acquired="adiab",
    ),
    "t1rho-adiabatic-exact": Method(
        "the same, exact for each spoke",
        "mean of N spokes in the steady state of spin lock, spokes and recovery",
        T1RHO_SERIES,
        (SPIN_LOCK,),
        "t1rho",
        {"m0": M0, "t1rho": T1RHO, "t1": T1, "b1": B1},
        lambda p: _physics(
            "AdiabaticT1rho",
            p.values,
            p.preparation_time,
            p.flip_angle,
            p.spokes,
            p.spoke_spacing,
        ),
        needs=("preparation_time", "flip_angle", "spokes", "spoke_spacing"),
        choices=("chain",),
        acquired="adiab",
    ),
    "t2": Method(
        "T2, one exponential",
        "S = s0 exp(-TE / T2)",
        T2_SERIES,
        (ECHO,),
        "t2",
        {"s0": S0, "t2": T2},
        lambda p: _physics("T2Decay", p.values),
    ),
    "t2-offset": Method(
        "T2, exponential and constant",
        "S = s0 exp(-TE / T2) + offset",
        T2_SERIES,
        (ECHO,),
        "t2",
        {"s0": S0, "t2": T2, "offset": MapName("Offsetmap", "offset")},
        lambda p: _physics("T2DecayOffset", p.values),
    ),
    "t2-epg": Method(
        "T2 with stimulated echoes",
        "S = s0 EPG(T2, T1, b1 × refocusing angle)",
        T2_SERIES,
        (ECHO,),
        "t2",
        {"s0": S0, "t2": T2, "b1": B1, "t1": T1},
        _echo_train,
        smooth=False,
        choices=("refocusing-angle",),
    ),
    "t2star": Method(
        "T2*, one exponential",
        "S = s0 exp(-TE / T2*)",
        T2STAR_SERIES,
        (ECHO,),
        "t2star",
        {"s0": S0, "t2star": MapName("T2starmap", "T2*")},
        lambda p: _physics("T2StarDecay", p.values),
    ),
    "biexp": Method(
        "Two pools, short and long",
        "S = s0 [f exp(-t / T_short) + (1 - f) exp(-t / T_long)]",
        T1RHO_SERIES | T2_SERIES | T2STAR_SERIES,
        (SPIN_LOCK, ECHO),
        "t_long",
        {
            "s0": S0,
            "fraction_short": MapName("Fshortmap", "short fraction"),
            "t_short": MapName("Tshortmap", "T short"),
            "t_long": MapName("Tlongmap", "T long"),
        },
        lambda p: _physics("BiExponentialDecay", p.values),
    ),
    "stretched": Method(
        "Stretched exponential",
        "S = s0 exp(-(t / T)^beta)",
        T1RHO_SERIES | T2_SERIES | T2STAR_SERIES,
        (SPIN_LOCK, ECHO),
        "t",
        {"s0": S0, "t": MapName("Tmap", "T"), "beta": MapName("Betamap", "β")},
        lambda p: _physics("StretchedDecay", p.values),
    ),
    "t1-ir": Method(
        "T1 by inversion recovery",
        "S = m0 [1 - (1 + f) exp(-TI / T1) + f exp(-TR / T1)]",
        {"IRT1": INVERSION},
        (INVERSION,),
        "t1",
        {"m0": M0, "t1": T1, "efficiency": MapName("Inversionmap", "inversion efficiency")},
        lambda p: _physics(
            "InversionRecovery", p.values, p.repetition_time, magnitude=not p.signed
        ),
        needs=("repetition_time",),
        choices=("signed", "magnitude"),
    ),
    "t1-sr": Method(
        "T1 by saturation recovery",
        "S = m0 (1 - exp(-TD / T1))",
        {},
        (DELAY,),
        "t1",
        {"m0": M0, "t1": T1},
        lambda p: _physics("SaturationRecovery", p.values),
    ),
    "t1-vfa": Method(
        "T1 by variable flip angle",
        "S = m0 sin(b1 a) (1 - E1) / (1 - E1 cos(b1 a)), E1 = exp(-TR / T1)",
        {"VFA": FLIP},
        (FLIP,),
        "t1",
        {"m0": M0, "t1": T1, "b1": B1},
        lambda p: _physics("SpoiledGradientEcho", p.values, p.repetition_time),
        needs=("repetition_time",),
    ),
    "b1-afi": Method(
        "B1 by actual flip angle imaging",
        "two steady states of one flip angle, exact in T1",
        {"TB1AFI": REPETITION},
        (REPETITION,),
        "b1",
        {"m0": M0, "b1": B1, "t1": T1},
        lambda p: _physics("ActualFlipAngle", p.values, p.flip_angle),
        needs=("flip_angle",),
        smooth=False,
        choices=("smooth",),
    ),
}
"""Every method, by its name on the command line."""


def table_of_methods() -> str:
    """Name, equation and options of every method, one a line, for a help text."""
    lines = []
    width = max(len(name) for name in METHODS) + 2
    for name, method in METHODS.items():
        options = " or ".join(f"--{axis.flag}" for axis in method.axes)
        needed = "".join(f" --{NEEDS[need].flag}" for need in method.needs)
        lines.append(f"  {name:<{width}}{method.title:<33}{options}{needed}")
    return "\n".join(lines)
