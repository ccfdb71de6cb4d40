"""Contrast of fast spin-echo images."""

from __future__ import annotations

import jax.numpy as jnp

from jaxqmri.physics.bessel import Field, Values


def fse_signal(
    proton_density: Values,
    t1: Values,
    t2: Values,
    repetition_time: float,
    echo_train_duration: float,
    echo_time: float,
) -> Field:
    """Fast spin-echo contrast: ``rho (1 - e^(-(TR - T_train)/T1)) e^(-TE/T2)``.

    The refocusing pulses leave no longitudinal magnetisation at the end of their train, so that
    it recovers for the rest of TR. Refocusing is taken as perfect.

    Parameters
    ----------
    proton_density, t1, t2
        Tissue, arrays that broadcast; times in ms.
    repetition_time, echo_train_duration, echo_time
        TR, from the excitation to the end of its train, and effective TE, in ms.

    References
    ----------
    Hennig et al., Magnetic Resonance in Medicine 1986, doi:10.1002/mrm.1910030602.
    """
    return prepared_fse_amplitude(
        proton_density, t1, t2, repetition_time - echo_train_duration, echo_time
    )


def prepared_fse_amplitude(
    proton_density: Values, t1: Values, t2: Values, recovery_time: Values, echo_time: Values
) -> Field:
    """Fast spin-echo amplitude behind a spin lock: ``rho (1 - e^(-T_rec/T1)) e^(-TE/T2)``.

    A saturation (reset) starts every repetition, so that the magnetisation before the spin lock
    is the same for all spin-lock times. The image is this amplitude times what the preparation
    leaves: ``e^(-TSL/T1rho)``, or the magnitude of
    :func:`jaxqmri.physics.spin_lock_magnetisation` where the fields are imperfect.

    Parameters
    ----------
    proton_density, t1, t2
        Tissue, arrays that broadcast; times in ms.
    recovery_time
        From the reset to the spin lock, in ms.
    echo_time
        Time to the echo at the centre of k-space, in ms.

    References
    ----------
    Chen et al., Quantitative Imaging in Medicine and Surgery 2015 (sources of error in T1rho).
    """
    recovered = -jnp.expm1(-recovery_time / jnp.asarray(t1))
    return jnp.asarray(proton_density) * recovered * jnp.exp(-echo_time / jnp.asarray(t2))
