"""What the paper prints: Table 4, Table 1, and the numbers of its text.

Zhong et al., Magnetic Resonance in Medicine 2025;94:2745-2757, doi:10.1002/mrm.70022.
"""

from __future__ import annotations

from typing import NamedTuple

INPUTS = ("PD+10", "PD+30", "PD+50", "0+10", "0+30", "0+50")
GROUND_TRUTH_MEAN = 45.36  # ms, over the 40 subjects
REGISTRATION_SSIM = (0.97, 0.01)  # within the cartilage, mean and SD
PD = "PD"  # the image that stands in for TSL 0
NLLS = "NLLS"
UNMASKED, MASKED, MLP = NETWORKS = ("U-Net unmasked", "U-Net masked", "MLP")


class Printed(NamedTuple):
    """A mean with its standard deviation over subjects, where the paper gives one."""

    mean: float | None
    sd: float | None = None


def _row(*values: float | tuple[float, float]) -> dict[str, Printed]:
    entries = (Printed(*v) if isinstance(v, tuple) else Printed(v) for v in values)
    return dict(zip(INPUTS, entries, strict=True))


# fmt: off
TABLE_4: dict[str, dict[str, dict[str, Printed]]] = {
    "U-Net unmasked": {
        "Bias": _row(-0.37, -0.34, 0.95, 0.55, 1.19, 1.10),
        "% Bias": _row(-0.82, -0.76, 2.10, 1.21, 2.63, 2.43),
        "MAE": _row((10.29, 2.48), (9.09, 1.92), (8.48, 1.56), (8.92, 2.19), (6.62, 1.18),
                    (6.54, 1.05)),
        "MAPE": _row((25.39, 5.50), (22.31, 4.48), (21.75, 4.65), (21.93, 4.85), (17.08, 3.51),
                     (17.75, 3.99)),
        "RE": _row((1.85, 1.29), (1.74, 0.89), (1.67, 1.36), (1.35, 1.07), (1.23, 0.84),
                   (1.23, 0.92)),
        "RPE": _row((4.09, 2.66), (3.86, 1.97), (3.81, 3.21), (2.98, 2.35), (2.66, 1.64),
                    (2.72, 1.97)),
    },
    "U-Net masked": {
        "Bias": _row(-3.38, -3.21, -1.95, -2.95, -0.66, -0.04),
        "% Bias": _row(-7.46, -7.08, -4.30, -6.51, -1.45, -0.09),
        "MAE": _row((9.94, 3.15), (8.32, 2.53), (7.34, 2.18), (8.49, 3.08), (4.96, 1.75),
                    (4.71, 1.72)),
        "MAPE": _row((25.74, 21.20), (21.38, 18.03), (20.38, 19.33), (21.66, 17.90),
                     (15.23, 19.30), (15.82, 19.42)),
        "RE": _row((3.91, 2.86), (3.67, 2.70), (2.96, 2.23), (2.89, 2.70), (0.92, 1.49),
                   (0.77, 1.60)),
        "RPE": _row((8.53, 5.61), (8.05, 5.47), (6.65, 5.06), (6.23, 5.19), (2.28, 4.49),
                    (2.00, 4.88)),
    },
    "MLP": {
        "Bias": _row(-3.96, -3.09, -1.92, -2.66, -0.69, -0.02),
        "% Bias": _row(-8.74, -6.82, -4.24, -5.86, -1.52, -0.04),
        "MAE": _row((10.52, 3.66), (8.19, 2.94), (6.78, 2.49), (8.78, 3.01), (3.40, 1.20),
                    (2.74, 0.82)),
        "MAPE": _row((22.43, 5.06), (16.74, 3.92), (14.78, 4.12), (18.23, 4.52), (7.48, 2.17),
                     (7.91, 2.74)),
        "RE": _row((5.12, 4.36), (4.39, 3.61), (3.22, 2.86), (3.43, 2.95), (0.78, 0.62),
                   (0.49, 0.35)),
        "RPE": _row((10.82, 7.62), (9.41, 6.77), (6.96, 5.61), (7.22, 5.12), (1.69, 1.22),
                    (1.10, 0.83)),
    },
    # MAPE and RPE of this model alone can only be of the prediction: a bias of 100.25 % leaves no
    # other reading of an RPE of 49.45 %
    NLLS: {
        "Bias": _row(45.47, 33.95, 24.65, 3.84, -0.59, 0.48),
        "% Bias": _row(100.25, 74.85, 54.36, 8.46, -1.31, 1.05),
        "MAE": _row((49.40, 5.72), (36.72, 7.45), (26.81, 6.24), (13.98, 4.40), (3.55, 1.27),
                    (2.83, 0.83)),
        "MAPE of prediction": _row((60.61, 10.86), (45.42, 4.42), (36.02, 4.65), (30.39, 13.73),
                                   (8.32, 2.59), (7.47, 2.07)),
        "RE": _row((45.61, 10.58), (34.14, 10.29), (24.83, 8.22), (4.16, 2.87), (0.71, 0.49),
                   (0.66, 0.47)),
        "RPE of prediction": _row((49.45, 9.25), (42.03, 10.14), (34.64, 9.37), (8.32, 5.48),
                                  (1.62, 1.11), (1.43, 1.04)),
    },
}

# group, measure, unit: Table 1, and the sentence of section 2.2 for all
PARTICIPANTS: dict[tuple[str, str, str], Printed] = {
    ("all", "participants", "subjects"): Printed(40),
    ("all", "age", "years"): Printed(56.4, 19.9),
    ("all", "BMI", "kg/m²"): Printed(24.7, 4.2),
    ("all", "male", "subjects"): Printed(14),
    ("all", "male", "%"): Printed(35.00),
    ("OA", "participants", "subjects"): Printed(30),
    ("OA", "age", "years"): Printed(67.63, 5.80),
    ("OA", "BMI", "kg/m²"): Printed(26.00, 4.08),
    ("OA", "male", "subjects"): Printed(9),
    ("OA", "male", "%"): Printed(30.00),
    ("OA", "female", "subjects"): Printed(21),
    ("OA", "female", "%"): Printed(70.00),
    ("OA", "KL grade 1", "subjects"): Printed(2),
    ("OA", "KL grade 1", "%"): Printed(6.67),
    ("OA", "KL grade 2", "subjects"): Printed(13),
    ("OA", "KL grade 2", "%"): Printed(43.33),
    ("OA", "KL grade 3", "subjects"): Printed(6),
    ("OA", "KL grade 3", "%"): Printed(20.00),
    ("OA", "KL grade 4", "subjects"): Printed(9),
    ("OA", "KL grade 4", "%"): Printed(30.00),
    ("healthy", "participants", "subjects"): Printed(10),
    ("healthy", "age", "years"): Printed(24.90, 2.59),
    ("healthy", "BMI", "kg/m²"): Printed(22.75, 4.51),
    ("healthy", "male", "subjects"): Printed(5),
    ("healthy", "male", "%"): Printed(50.00),
    ("healthy", "female", "subjects"): Printed(5),
    ("healthy", "female", "%"): Printed(50.00),
    ("healthy", "KL grade 0", "subjects"): Printed(10),
    ("healthy", "KL grade 0", "%"): Printed(100.00),
}
# fmt: on
