"""Distributions of magnitudes by scipy, moments by numerical integration."""

import numpy as np
from scipy.integrate import quad
from scipy.stats import ncx2


def density(measured, signal, sigma, coils=1):
    """Of M, from that of M^2 / sigma^2: non-central chi-squared."""
    scaled = measured / sigma
    return 2.0 * scaled / sigma * ncx2.pdf(scaled**2, 2 * coils, (signal / sigma) ** 2)


def expectation(function, signal, sigma, coils=1):
    centre = np.sqrt(signal**2 + 2 * coils * sigma**2)
    ends = max(0.0, centre - 12 * sigma), centre + 12 * sigma
    return quad(
        lambda m: function(m) * density(m, signal, sigma, coils),
        *ends,
        limit=400,
        epsabs=1e-13,
        epsrel=1e-12,
    )[0]


def score(measured, signal, sigma, step=1e-5):
    """Derivative of the log-density with respect to the signal, by central differences."""
    up = np.log(density(measured, signal + step, sigma))
    down = np.log(density(measured, signal - step, sigma))
    return (up - down) / (2 * step)
