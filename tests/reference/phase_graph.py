"""The whole complex extended phase graph, half an echo spacing at a time."""

import numpy as np


def echo_train(echoes, spacing, excitation, refocusing, t2, t1):
    """Echoes of a train that starts from equilibrium: every state kept, Z0 with recovery.

    Excitation about x, refocusing about y, angles in degrees.
    """
    size = 2 * echoes + 2
    plus = np.zeros(size, complex)
    minus = np.zeros(size, complex)
    stored = np.zeros(size, complex)
    stored[0] = 1.0

    def pulse(plus, minus, stored, angle, phase):
        a, turn = np.deg2rad(angle), np.exp(1j * np.deg2rad(phase))
        c2, s2, s = np.cos(a / 2) ** 2, np.sin(a / 2) ** 2, np.sin(a)
        return (
            c2 * plus + turn**2 * s2 * minus - 1j * turn * s * stored,
            np.conj(turn) ** 2 * s2 * plus + c2 * minus + 1j * np.conj(turn) * s * stored,
            -0.5j * np.conj(turn) * s * plus + 0.5j * turn * s * minus + np.cos(a) * stored,
        )

    def half_spacing(plus, minus, stored):
        e1, e2 = np.exp(-0.5 * spacing / t1), np.exp(-0.5 * spacing / t2)
        plus, minus, stored = plus * e2, minus * e2, stored * e1
        stored[0] += 1.0 - e1
        plus = np.concatenate([[0.0], plus[:-1]])
        minus = np.concatenate([minus[1:], [0.0]])
        plus[0] = np.conj(minus[0])
        return plus, minus, stored

    plus, minus, stored = pulse(plus, minus, stored, excitation, 0.0)
    signals = []
    for _ in range(echoes):
        plus, minus, stored = half_spacing(plus, minus, stored)
        plus, minus, stored = pulse(plus, minus, stored, refocusing, 90.0)
        plus, minus, stored = half_spacing(plus, minus, stored)
        signals.append(1j * plus[0])
    return np.array(signals)


def multi_echo(echo_times, refocusing_angle, s0, t2, b1, t1, profile=(1.0,)):
    trains = [
        echo_train(len(echo_times), echo_times[0], 90.0 * b1 * p, refocusing_angle * b1 * p, t2, t1)
        for p in profile
    ]
    mean = s0 * np.mean(trains, axis=0)
    assert np.max(np.abs(mean.imag)) < 1e-12 * max(1.0, s0)
    return mean.real
