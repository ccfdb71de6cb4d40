"""One row a model: what the contract test needs to know about it. A new model adds a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxqmri import physics
from tests.reference import bloch, decay, multi_spoke, phase_graph

TIMES = [0.0, 10.0, 30.0, 50.0, 80.0]
INVERSIONS = [0.0, 50.0, 400.0, 1100.0, 2500.0]
ECHOES = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0]
ANGLES = [0.0, 5.0, 10.0, 20.0, 30.0]
LOCKS = [0.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0]
PROFILE = [0.2, 0.7, 1.0, 1.0, 0.7, 0.2]


class Row(NamedTuple):
    """A model, tissue ranges it is tried over, its reference, and one limit known by heart."""

    model: Callable[[], Any]
    ranges: dict[str, tuple[float, float]]
    reference: Callable[..., Any]
    limit: dict[str, float]
    signals: list[float]


S0 = (10.0, 1000.0)
T2 = (5.0, 300.0)
T1 = (100.0, 4000.0)

ROWS = {
    "t1rho": Row(
        lambda: physics.T1rhoDecay(TIMES),
        {"s0": S0, "t1rho": T2},
        lambda p: decay.mono(TIMES, p["s0"], p["t1rho"]),
        {"s0": 7.0, "t1rho": 1e9},
        [7.0] * 5,
    ),
    "t2": Row(
        lambda: physics.T2Decay(TIMES),
        {"s0": S0, "t2": T2},
        lambda p: decay.mono(TIMES, p["s0"], p["t2"]),
        {"s0": 7.0, "t2": 1e-3},
        [7.0, 0.0, 0.0, 0.0, 0.0],
    ),
    "t2star": Row(
        lambda: physics.T2StarDecay(TIMES),
        {"s0": S0, "t2star": T2},
        lambda p: decay.mono(TIMES, p["s0"], p["t2star"]),
        {"s0": 7.0, "t2star": 1e9},
        [7.0] * 5,
    ),
    "t2-offset": Row(
        lambda: physics.T2DecayOffset(TIMES),
        {"s0": S0, "t2": T2, "offset": (-20.0, 50.0)},
        lambda p: decay.with_offset(TIMES, p["s0"], p["t2"], p["offset"]),
        {"s0": 7.0, "t2": 1e-3, "offset": 2.0},
        [9.0, 2.0, 2.0, 2.0, 2.0],
    ),
    "biexp": Row(
        lambda: physics.BiExponentialDecay(TIMES),
        {"s0": S0, "fraction_short": (0.0, 1.0), "t_short": (0.5, 20.0), "t_long": (20.0, 300.0)},
        lambda p: decay.bi(TIMES, p["s0"], p["fraction_short"], p["t_short"], p["t_long"]),
        {"s0": 8.0, "fraction_short": 0.25, "t_short": 1e-3, "t_long": 1e9},
        [8.0, 6.0, 6.0, 6.0, 6.0],
    ),
    "stretched": Row(
        lambda: physics.StretchedDecay(TIMES),
        {"s0": S0, "t": T2, "beta": (0.2, 1.0)},
        lambda p: decay.stretched(TIMES, p["s0"], p["t"], p["beta"]),
        {"s0": 7.0, "t": 1e9, "beta": 1.0},
        [7.0] * 5,
    ),
    "t1-ir": Row(
        lambda: physics.InversionRecovery(INVERSIONS, 2550.0),
        {"m0": S0, "t1": T1, "efficiency": (0.5, 1.0)},
        lambda p: [abs(s) for s in bloch.inversion_recovery(INVERSIONS, 2550.0, **p)],
        {"m0": 7.0, "t1": 1e-2, "efficiency": 0.9},
        [6.3, 7.0, 7.0, 7.0, 7.0],
    ),
    "t1-ir-signed": Row(
        lambda: physics.InversionRecovery(INVERSIONS, 2550.0, magnitude=False),
        {"m0": S0, "t1": T1, "efficiency": (0.5, 1.0)},
        lambda p: bloch.inversion_recovery(INVERSIONS, 2550.0, **p),
        {"m0": 7.0, "t1": 1e-2, "efficiency": 0.9},
        [-6.3, 7.0, 7.0, 7.0, 7.0],
    ),
    "t1-sr": Row(
        lambda: physics.SaturationRecovery(INVERSIONS),
        {"m0": S0, "t1": T1},
        lambda p: bloch.saturation_recovery(INVERSIONS, **p),
        {"m0": 7.0, "t1": 1e-2},
        [0.0, 7.0, 7.0, 7.0, 7.0],
    ),
    "t1-vfa": Row(
        lambda: physics.SpoiledGradientEcho(ANGLES, 20.0),
        {"m0": S0, "t1": T1, "b1": (0.5, 1.5)},
        lambda p: bloch.spoiled_gradient_echo(ANGLES, 20.0, **p),
        {"m0": 1.0, "t1": 1000.0, "b1": 1.0},
        [0.0, 0.0733, 0.0991, 0.0858, 0.0655],
    ),
    "b1-afi": Row(
        lambda: physics.ActualFlipAngle([20.0, 100.0], 45.0),
        {"m0": S0, "b1": (0.5, 1.5), "t1": T1},
        lambda p: bloch.actual_flip_angle([20.0, 100.0], 45.0, **p),
        {"m0": 2.0, "b1": 1.0, "t1": 1e-2},
        [2.0**0.5, 2.0**0.5],
    ),
    "t1-b1": Row(
        lambda: physics.ActualAndVariableFlipAngle(ANGLES, 20.0, [20.0, 100.0], 45.0),
        {"m0": S0, "afi_m0": S0, "t1": T1, "b1": (0.5, 1.5)},
        lambda p: bloch.both_flip_angles(ANGLES, 20.0, [20.0, 100.0], 45.0, **p),
        {"m0": 1.0, "afi_m0": 2.0, "t1": 1e-2, "b1": 1.0},
        [0.0, 0.0871557, 0.173648, 0.34202, 0.5, 2.0**0.5, 2.0**0.5],
    ),
    "t1-vfa-finite": Row(
        lambda: physics.FinitePulseGradientEcho(ANGLES, 20.0, 0.5),
        {"m0": S0, "t1": T1, "b1": (0.5, 1.5), "t2": (0.15, 40.0)},
        lambda p: bloch.finite_gradient_echo(ANGLES, 20.0, 0.5, **p),
        {"m0": 1.0, "t1": 1000.0, "b1": 1.0, "t2": 1e6},
        [0.0, 0.0733, 0.0991, 0.0858, 0.0655],
    ),
    "t1rho-adiabatic": Row(
        lambda: physics.AdiabaticT1rho(LOCKS, 500.0, 10.0, 25, 5.0),
        {"m0": S0, "t1rho": T2, "t1": T1, "b1": (0.5, 1.5)},
        lambda p: multi_spoke.adiabatic(LOCKS, 500.0, 10.0, 25, 5.0, **p),
        {"m0": 1.0, "t1rho": 1e-3, "t1": 1e-2, "b1": 1.0},
        [0.173648, *([0.96 * 0.173648] * 6)],  # the first of 25 spokes sees nothing
    ),
    "t1rho-adiabatic-offset": Row(
        lambda: physics.AdiabaticT1rhoOffset(LOCKS, 500.0, 10.0, 25),
        {"s0": S0, "t1rho": T2, "offset": (-20.0, 50.0), "t1": T1, "b1": (0.5, 1.5)},
        lambda p: multi_spoke.adiabatic_offset(LOCKS, 500.0, 10.0, 25, **p),
        {"s0": 7.0, "t1rho": 1e9, "offset": 2.0, "t1": 1.0, "b1": 1.0},
        [9.0] * 7,
    ),
    "t2-epg": Row(
        lambda: physics.MultiEchoSpinEcho(ECHOES, 150.0),
        {"s0": S0, "t2": T2, "b1": (0.4, 1.2), "t1": T1},
        lambda p: phase_graph.multi_echo(ECHOES, 150.0, **p),
        {"s0": 2.0, "t2": 1e9, "b1": 1.2, "t1": 1e9},
        [2.0 * 0.9510565] * 8,
    ),
    "t2-epg-profile": Row(
        lambda: physics.MultiEchoSpinEcho(ECHOES, 180.0, PROFILE),
        {"s0": S0, "t2": T2, "b1": (0.4, 1.4), "t1": T1},
        lambda p: phase_graph.multi_echo(ECHOES, 180.0, **p, profile=PROFILE),
        {"s0": 0.0, "t2": 40.0, "b1": 1.0, "t1": 1000.0},
        [0.0] * 8,
    ),
}
