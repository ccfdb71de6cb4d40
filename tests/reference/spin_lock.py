"""Spin-lock modules as products of 3 x 3 matrices."""

import numpy as np


def about_x(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def about_y(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def magnetisation(spin_lock_time, t1rho, t2rho, frequency, b1, off_resonance, module):
    lock, offset = 2e-3 * np.pi * frequency * b1, 2e-3 * np.pi * off_resonance
    tilt, effective = np.arctan2(offset, lock), np.hypot(lock, offset)
    ninety = 0.5 * np.pi * b1

    def locked(share, reverse=False):
        tau = share * spin_lock_time
        turn = tilt if not reverse else np.pi - tilt
        decay = np.diag(np.exp(-tau / np.array([t1rho, t2rho, t2rho])))
        return about_y(-turn) @ decay @ about_x(effective * tau) @ about_y(turn)

    start, back = about_y(ninety), about_y(-ninety)
    flip = about_x(2 * ninety)
    steps = {
        "simple": [start, locked(1.0), back],
        "rotary": [start, locked(0.5), locked(0.5, True), back],
        "composite": [start, locked(0.5), flip, locked(0.5, True), start],
        "balanced": [start, locked(0.25), flip.T, locked(0.5, True), flip, locked(0.25), back],
    }[module]
    m = np.array([0.0, 0.0, 1.0])
    for step in steps:
        m = step @ m
    return m[2]
