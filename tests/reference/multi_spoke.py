"""Adiabatic T1rho spoke by spoke, and the approximate decay as it is printed."""

import math

from tests.reference.bloch import REPEATS, relax


def adiabatic(
    spin_lock_times, repetition_time, flip_angle, spokes, spoke_spacing, m0, t1rho, t1, b1
):
    """Lock, read spoke after spoke, recover, again and again until nothing changes."""
    angle = math.radians(b1 * flip_angle)
    signals = []
    for tsl in spin_lock_times:
        mz, signal = 1.0, math.inf
        for _ in range(REPEATS):
            before, signal = signal, 0.0
            mz *= math.exp(-tsl / t1rho)
            for _ in range(spokes):
                signal += mz * math.sin(angle) / spokes
                mz = relax(mz * math.cos(angle), spoke_spacing, t1)
            mz = relax(mz, repetition_time - tsl - spokes * spoke_spacing, t1)
            if abs(signal - before) <= 1e-17:
                break
        signals.append(m0 * signal)
    return signals


def adiabatic_offset(
    spin_lock_times, repetition_time, flip_angle, spokes, s0, t1rho, offset, t1, b1
):
    cosines = math.cos(math.radians(b1 * flip_angle)) ** spokes
    signals = []
    for tsl in spin_lock_times:
        p, r = math.exp(-tsl / t1rho), math.exp(-(repetition_time - tsl) / t1)
        signals.append(s0 * p * (1.0 - r) / (1.0 - p * cosines * r) + offset)
    return signals
