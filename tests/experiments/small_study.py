"""A study of a few small knees, written as a BIDS folder."""

import numpy as np

from jaxqmri.io import bids
from tests.preprocessing.knee_like import SAGITTAL, grid_affine, rigid, sample

SHAPE, EDGES = (14, 40, 40), (6.0, 3.2, 3.6)
PD_SHAPE, PD_EDGES = (38, 36, 33), (3.2, 3.2, 3.2)
AFFINE = grid_affine(SHAPE, EDGES, SAGITTAL, (2, 3, -4))
PD_AFFINE = grid_affine(PD_SHAPE, PD_EDGES, np.eye(3), (-1, 0, 3))
CONTRAST = (30, 40, 25, 110, 200, 180)  # fat suppressed bone is dark, muscle and cartilage bright
TIMES = (0.0, 10.0, 30.0, 50.0)
PD_GAIN = 0.85
PEOPLE = (
    {"age": 66.0, "sex": "F", "bmi": 26.0, "kl_grade": 3, "group": "patient"},
    {"age": 24.0, "sex": "M", "bmi": 22.0, "kl_grade": 0, "group": "volunteer"},
    {"age": 70.0, "sex": "F", "bmi": 27.0, "kl_grade": 2, "group": "patient"},
)


def write_study(root, count=3):
    """Write the dataset; the last two ellipsoids of each knee are its cartilage."""
    rng = np.random.default_rng(0)
    bids.write_dataset_description(root, "Small synthetic study")
    for k in range(count):
        entities = {"sub": f"{k + 1:02d}"}
        still = sample(SHAPE, AFFINE, CONTRAST).data
        labels = np.select([still > 196, still > 185, still > 170], [2, 3, 4], 0)
        labels[:, :20][labels[:, :20] > 0] = 1
        t1rho = 45 + 3 * k + 8 * rng.standard_normal(SHAPE)
        weights = np.exp(-np.array(TIMES) / t1rho[..., None])
        images = still[..., None] * weights + 2 * rng.standard_normal((*SHAPE, 4))
        moved = sample(PD_SHAPE, PD_AFFINE, CONTRAST, rigid((0.5, -1, 1), (1, -1.5, 0.5)))
        pd = PD_GAIN * moved.data + 2 * rng.standard_normal(PD_SHAPE)
        bids.write_series(
            root, entities, "T1rhow", np.abs(images), AFFINE, TIMES, {"SpinLockFrequency": 300.0}
        )
        bids.write_raw(root, entities, "PDw", np.abs(pd), PD_AFFINE, {"EchoTime": 30.0})
        unit = {"Units": ""}
        bids.write_map(root, "manual", entities, "dseg", labels.astype(np.uint8), AFFINE, unit)
        bids.write_map(root, "truth", entities, "T1rho", t1rho, AFFINE, {"Units": "ms"})
    people = [{"participant_id": f"sub-{k + 1:02d}"} | dict(PEOPLE[k % 3]) for k in range(count)]
    bids.write_participants(root, people, {})
    return root


def assert_same_results(found, expected):
    """Two runs' ``metrics.json`` agree: numbers to float32 rounding, all else exactly."""
    numbers = ("ours", "ours_sd", "low", "high")
    unnumbered = [[{**r, **dict.fromkeys(numbers)} for r in rows] for rows in (found, expected)]
    assert unnumbered[0] == unnumbered[1]
    for name in numbers:
        a, b = (
            [np.nan if r[name] is None else r[name] for r in rows] for rows in (found, expected)
        )
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6, equal_nan=True)
