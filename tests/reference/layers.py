"""Layers of convolutional networks in float64 NumPy, channels last, one loop for each tap."""

from __future__ import annotations

import numpy as np

EPSILON = 1e-5  # what Flax adds to a variance


def convolve(x: np.ndarray, kernel: np.ndarray, stride: int = 1) -> np.ndarray:
    """Convolution with zeros around the image; the kernel's middle lies on pixels 0, stride, ..."""
    x, kernel = np.asarray(x, np.float64), np.asarray(kernel, np.float64)
    size, (_, h, w, _) = len(kernel), x.shape
    around = size // 2
    padded = np.pad(x, ((0, 0), (around, around), (around, around), (0, 0)))
    y = 0.0
    for i in range(size):
        for j in range(size):
            y = y + padded[:, i : i + h : stride, j : j + w : stride] @ kernel[i, j]
    return np.asarray(y)


def normalise(x: np.ndarray, norm, train: bool) -> np.ndarray:
    """Batch normalisation with a layer's scale and shift, and its or the batch's statistics."""
    mean, var, scale, shift = (
        np.asarray(v[...], np.float64) for v in (norm.mean, norm.var, norm.scale, norm.bias)
    )
    if train:
        mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    return (x - mean) / np.sqrt(var + EPSILON) * scale + shift


def relu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.0)


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


def largest(x: np.ndarray, window: int, stride: int = 1) -> np.ndarray:
    """Largest value of a window: around each pixel, or of each square where they do not overlap."""
    x = np.asarray(x, np.float64)
    before = window // 2 if stride == 1 else 0
    y = np.empty((len(x), x.shape[1] // stride, x.shape[2] // stride, x.shape[3]))
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            top, left = i * stride - before, j * stride - before
            rows = slice(max(top, 0), top + window)
            columns = slice(max(left, 0), left + window)
            y[:, i, j] = x[:, rows, columns].max(axis=(1, 2))
    return y
