"""What the paper prints: its inputs, Tables 1 and 2, and its subjects.

Lu et al., Journal of Imaging Informatics in Medicine 2024, doi:10.1007/s10278-024-01089-8.
"""

from __future__ import annotations

from typing import NamedTuple

FLIP_ANGLES = (5.0, 10.0, 20.0, 30.0)  # degrees
SPIN_LOCK_TIMES = (0.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0)  # ms
T1, T1RHO = "T1", "T1rho"
QUANTITIES = (T1, T1RHO)
COUNTS = {"all": 65, "women": 33, "normal": 20, "doubtful-minimal": 29, "moderate-severe": 16}
SIDES = {"L": 29, "R": 36}
AGE = (54.8, 16.9)  # years, mean and SD
TRAINING, TEST = (50, 1200), (15, 366)  # subjects and slices

PER_FLIP_ANGLE = 3.0 + 10.0 / 60.0  # minutes that the table's totals come from; the text has 2:22
PER_SPIN_LOCK_TIME = 2.0 + 34.0 / 60.0
ACTUAL_FLIP_ANGLE = 4.0 + 57.0 / 60.0


class Input(NamedTuple):
    """Images that a network is given, with what the paper's Table 1 says of their scan."""

    flip_angles: tuple[float, ...]
    spin_lock_times: tuple[float, ...]
    minutes: float
    acceleration: float

    @property
    def recomputed_minutes(self) -> float:
        """From the time of each image, without the flip-angle map that no network is given."""
        return (
            len(self.flip_angles) * PER_FLIP_ANGLE + len(self.spin_lock_times) * PER_SPIN_LOCK_TIME
        )


INPUTS: dict[str, Input] = {
    "4FA+7TSL": Input(FLIP_ANGLES, SPIN_LOCK_TIMES, 32.63, 1.0),
    "2FA+3TSL": Input((5.0, 30.0), (12.0, 36.0, 72.0), 14.03, 2.3),
    "1FA+2TSL": Input((30.0,), (12.0, 72.0), 8.3, 3.9),
    "1FA+1TSL": Input((20.0,), (48.0,), 5.73, 5.7),
}
WHOLE = "4FA+7TSL"


def recomputed_acceleration(name: str, with_flip_angle_map: bool = False) -> float:
    """How much shorter than the whole protocol, the flip-angle map counted or not."""
    whole = INPUTS[WHOLE].recomputed_minutes + with_flip_angle_map * ACTUAL_FLIP_ANGLE
    return whole / INPUTS[name].recomputed_minutes


class Printed(NamedTuple):
    """A number with its standard deviation over slices, where the paper gives one."""

    value: float | None = None
    sd: float | None = None


def _by_input(*pairs: tuple[Printed, Printed]) -> dict[tuple[str, str], Printed]:
    return {
        (name, quantity): one
        for name, pair in zip(INPUTS, pairs, strict=True)
        for quantity, one in zip(QUANTITIES, pair, strict=True)
    }


def _plain(*pairs: tuple[float, float]) -> dict[tuple[str, str], Printed]:
    return _by_input(*((Printed(a), Printed(b)) for a, b in pairs))


ROI_R = _plain((0.918, 0.816), (0.912, 0.841), (0.904, 0.785), (0.908, 0.733))
VOXEL_R = _plain((0.985, 0.969), (0.965, 0.910), (0.963, 0.914), (0.945, 0.895))
L1 = _by_input(
    (Printed(36.03, 13.54), Printed(1.96, 0.42)),
    (Printed(53.37, 17.81), Printed(3.55, 1.01)),
    (Printed(67.88, 19.12), Printed(3.48, 1.01)),
    (Printed(67.07, 18.12), Printed(3.69, 1.1)),
)
L2 = _by_input(
    (Printed(1.86, 0.74), Printed(0.11, 0.05)),
    (Printed(2.96, 1.19), Printed(0.21, 0.11)),
    (Printed(3.63, 1.43), Printed(0.21, 0.12)),
    (Printed(3.84, 2.28), Printed(0.22, 0.15)),
)
NORMALISED_L1 = _by_input(
    (Printed(3.62, 1.2), Printed(4.89, 1.06)),
    (Printed(5.36, 1.52), Printed(8.72, 2.33)),
    (Printed(6.94, 2.02), Printed(8.61, 2.39)),
    (Printed(6.83, 1.74), Printed(9.06, 2.38)),
)
NORMALISED_L2 = _by_input(
    (Printed(0.19, 0.7), Printed(0.28, 0.15)),
    (Printed(0.30, 0.12), Printed(0.49, 0.26)),
    (Printed(0.37, 0.16), Printed(0.49, 0.27)),
    (Printed(0.39, 0.23), Printed(0.54, 0.35)),
)


def printed_fall(name: str, quantity: str) -> Printed:
    """How far the printed voxel r falls from all images, of T1, of T1rho, or the one's less."""
    falls = {}
    for one in QUANTITIES:
        whole, fewer = VOXEL_R[WHOLE, one].value, VOXEL_R[name, one].value
        assert whole is not None
        assert fewer is not None
        falls[one] = whole - fewer
    return Printed(falls.get(quantity, falls[T1] - falls[T1RHO]))
