"""Longitudinal magnetisation played through a sequence until it repeats itself."""

import math

REPEATS = 20_000


def relax(mz, duration, t1):
    return 1.0 + (mz - 1.0) * math.exp(-duration / t1)


def inversion_recovery(inversion_times, repetition_time, m0, t1, efficiency):
    """Invert, wait TI, read out with 90 degrees, wait TR - TI, again and again."""
    signals = []
    for ti in inversion_times:
        mz = 1.0
        for _ in range(5):
            mz = relax(-efficiency * mz, ti, t1)
            signal = mz
            mz = relax(0.0, repetition_time - ti, t1)
        signals.append(m0 * signal)
    return signals


def saturation_recovery(delays, m0, t1):
    return [m0 * relax(0.0, delay, t1) for delay in delays]


def spoiled_train(angles, delays, t1):
    """Transverse signal of each pulse of a repeated block, spoiled before the next."""
    mz, signals = 1.0, [math.inf] * len(angles)
    for _ in range(REPEATS):
        before = list(signals)
        for k, (angle, delay) in enumerate(zip(angles, delays, strict=True)):
            signals[k] = mz * math.sin(math.radians(angle))
            mz = relax(mz * math.cos(math.radians(angle)), delay, t1)
        if all(abs(a - b) <= 1e-17 for a, b in zip(before, signals, strict=True)):
            break
    return signals


def spoiled_gradient_echo(flip_angles, repetition_time, m0, t1, b1):
    return [m0 * spoiled_train([b1 * a], [repetition_time], t1)[0] for a in flip_angles]


def actual_flip_angle(repetition_times, flip_angle, m0, b1, t1):
    signals = spoiled_train([b1 * flip_angle] * 2, repetition_times, t1)
    return [m0 * s for s in signals]


def both_flip_angles(
    flip_angles, repetition_time, afi_repetition_times, afi_flip_angle, m0, afi_m0, t1, b1
):
    variable = spoiled_gradient_echo(flip_angles, repetition_time, m0, t1, b1)
    return variable + actual_flip_angle(afi_repetition_times, afi_flip_angle, afi_m0, b1, t1)


def played_pulse(angle, duration, t2, mz=1.0, t1=math.inf, steps=400):
    """A rectangular pulse in small steps of Runge and Kutta: what is left along z, and across."""
    turn, step = math.radians(angle) / duration, duration / steps

    def slope(z, y):
        return -turn * y + (1.0 - z) / t1, turn * z - y / t2

    z, y = mz, 0.0
    for _ in range(steps):
        z1, y1 = slope(z, y)
        z2, y2 = slope(z + 0.5 * step * z1, y + 0.5 * step * y1)
        z3, y3 = slope(z + 0.5 * step * z2, y + 0.5 * step * y2)
        z4, y4 = slope(z + step * z3, y + step * y3)
        z += step * (z1 + 2 * z2 + 2 * z3 + z4) / 6
        y += step * (y1 + 2 * y2 + 2 * y3 + y4) / 6
    return z, y


def finite_gradient_echo(flip_angles, repetition_time, pulse_duration, m0, t1, b1, t2):
    """Pulse after pulse until nothing changes; T1 does not act during a pulse."""
    signals = []
    for nominal in flip_angles:
        along, across = played_pulse(b1 * nominal, pulse_duration, t2)
        mz, before = 1.0, math.inf
        while abs(mz - before) > 1e-17:
            before, mz = mz, relax(along * mz, repetition_time, t1)
        signals.append(m0 * mz * across)
    return signals
