"""Several series of one subject to maps, one fit after another, with the errors carried along."""

from jaxqmri.mapping.adiabatic import (
    AdiabaticFits,
    AdiabaticMaps,
    Maps,
    adiabatic_t1rho_maps,
    model_of_form,
)
from jaxqmri.mapping.flip_angle import B1Map, fit_b1, sigma_from_roughness, smoothed_b1
from jaxqmri.mapping.series import Series

__all__ = [
    "AdiabaticFits",
    "AdiabaticMaps",
    "B1Map",
    "Maps",
    "Series",
    "adiabatic_t1rho_maps",
    "fit_b1",
    "model_of_form",
    "sigma_from_roughness",
    "smoothed_b1",
]
