"""Decays, one time after another."""

import math


def mono(times, s0, relaxation_time):
    return [s0 * math.exp(-t / relaxation_time) for t in times]


def with_offset(times, s0, relaxation_time, offset):
    return [s + offset for s in mono(times, s0, relaxation_time)]


def bi(times, s0, fraction_short, t_short, t_long):
    short = mono(times, s0 * fraction_short, t_short)
    long = mono(times, s0 * (1.0 - fraction_short), t_long)
    return [a + b for a, b in zip(short, long, strict=True)]


def stretched(times, s0, t, beta):
    return [s0 * math.exp(-((time / t) ** beta)) for time in times]
