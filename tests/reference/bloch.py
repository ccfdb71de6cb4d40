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
