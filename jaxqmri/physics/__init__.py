"""Signal equations: what one voxel's signal is, written once and differentiable.

Imports JAX and Equinox alone. Times are in ms, angles in degrees, frequencies in Hz.
"""

from jaxqmri.physics.amplitude import profile_amplitudes
from jaxqmri.physics.base import Bounds, SignalModel
from jaxqmri.physics.bessel import bessel_ratio, log_bessel_i0, log_bessel_i0e
from jaxqmri.physics.decay import (
    BiExponentialDecay,
    StretchedDecay,
    T1rhoDecay,
    T2Decay,
    T2DecayOffset,
    T2StarDecay,
    exponential_decay,
)
from jaxqmri.physics.fast_spin_echo import fse_signal, prepared_fse_amplitude
from jaxqmri.physics.finite_pulse import FinitePulseGradientEcho, finite_pulse
from jaxqmri.physics.gradient_echo import (
    ActualFlipAngle,
    SpoiledGradientEcho,
    actual_flip_angle,
    approximate_flip_angle,
    spoiled_gradient_echo,
)
from jaxqmri.physics.joint_flip_angle import ActualAndVariableFlipAngle
from jaxqmri.physics.multi_spoke import (
    AdiabaticT1rho,
    AdiabaticT1rhoOffset,
    multi_spoke_decay,
    multi_spoke_signal,
)
from jaxqmri.physics.noise import (
    gaussian_log_likelihood,
    noncentral_chi_log_likelihood,
    noncentral_chi_mean,
    rician_log_likelihood,
    rician_mean,
    sample_gaussian,
    sample_noncentral_chi,
    sample_rician,
)
from jaxqmri.physics.noise_level import (
    RicianEstimate,
    gudbjartsson_patz,
    koay_basser,
    rician_variance_factor,
    second_moment,
    sigma_from_background,
    sigma_from_repeats,
)
from jaxqmri.physics.precision import cramer_rao_bound, fisher_information, rician_information
from jaxqmri.physics.recovery import InversionRecovery, SaturationRecovery, inversion_recovery
from jaxqmri.physics.spin_echo import MultiEchoSpinEcho, echo_train
from jaxqmri.physics.spin_lock import (
    SPIN_LOCK_MODULES,
    off_resonance_t1rho,
    spin_lock_magnetisation,
    t1rho_dispersion,
)

__all__ = [
    "SPIN_LOCK_MODULES",
    "ActualAndVariableFlipAngle",
    "ActualFlipAngle",
    "AdiabaticT1rho",
    "AdiabaticT1rhoOffset",
    "BiExponentialDecay",
    "Bounds",
    "FinitePulseGradientEcho",
    "InversionRecovery",
    "MultiEchoSpinEcho",
    "RicianEstimate",
    "SaturationRecovery",
    "SignalModel",
    "SpoiledGradientEcho",
    "StretchedDecay",
    "T1rhoDecay",
    "T2Decay",
    "T2DecayOffset",
    "T2StarDecay",
    "actual_flip_angle",
    "approximate_flip_angle",
    "bessel_ratio",
    "cramer_rao_bound",
    "echo_train",
    "exponential_decay",
    "finite_pulse",
    "fisher_information",
    "fse_signal",
    "gaussian_log_likelihood",
    "gudbjartsson_patz",
    "inversion_recovery",
    "koay_basser",
    "log_bessel_i0",
    "log_bessel_i0e",
    "multi_spoke_decay",
    "multi_spoke_signal",
    "noncentral_chi_log_likelihood",
    "noncentral_chi_mean",
    "off_resonance_t1rho",
    "prepared_fse_amplitude",
    "profile_amplitudes",
    "rician_information",
    "rician_log_likelihood",
    "rician_mean",
    "rician_variance_factor",
    "sample_gaussian",
    "sample_noncentral_chi",
    "sample_rician",
    "second_moment",
    "sigma_from_background",
    "sigma_from_repeats",
    "spin_lock_magnetisation",
    "spoiled_gradient_echo",
    "t1rho_dispersion",
]
