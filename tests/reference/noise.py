"""Distributions of magnitudes by scipy, moments by Gauss quadrature."""

import numpy as np
from scipy.stats import ncx2


def density(measured, signal, sigma, coils=1):
    """Of M, from that of M^2 / sigma^2: non-central chi-squared."""
    scaled = measured / sigma
    return 2.0 * scaled / sigma * ncx2.pdf(scaled**2, 2 * coils, (signal / sigma) ** 2)


NODES, WEIGHTS = np.polynomial.legendre.leggauss(300)


def expectation(function, signal, sigma, coils=1):
    centre = np.sqrt(signal**2 + 2 * coils * sigma**2)
    low, high = max(0.0, centre - 12 * sigma), centre + 12 * sigma
    m = low + 0.5 * (high - low) * (NODES + 1.0)
    values = function(m) * density(m, signal, sigma, coils)
    return 0.5 * (high - low) * np.sum(WEIGHTS * values)


def information(signal, sigma, step=1e-4):
    """Of one magnitude about its signal: the slope of the log-density squared, on average."""

    def squared_score(m):
        up, down = density(m, signal + step, sigma), density(m, signal - step, sigma)
        here = density(m, signal, sigma)
        return ((up - down) / (2 * step * np.maximum(here, 1e-300))) ** 2

    return expectation(squared_score, signal, sigma)
