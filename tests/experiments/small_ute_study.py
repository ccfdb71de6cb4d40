"""A few small subjects of the knee UTE study, made straight from the physics, without motion."""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.knee_rmq.paper import FLIP_ANGLES, SPIN_LOCK_TIMES
from jaxqmri.io import bids
from jaxqmri.physics import actual_flip_angle, multi_spoke_signal, spoiled_gradient_echo

SHAPE, SLICES = (32, 32), 4
AFFINE = np.diag([2.0, 2.0, 4.0, 1.0])
ACTUAL_AFFINE = np.array([[4.0, 0, 0, 1.0], [0, 4.0, 0, 1.0], [0, 0, 8.0, 2.0], [0, 0, 0, 1.0]])
GROUPS = ("normal", "doubtful-minimal", "moderate-severe")
ADIABATIC = {
    "RepetitionTimePreparation": 500.0, "RepetitionTimeExcitation": 5.0, "FlipAngle": 10.0,
    "NumberShots": 25,
}  # fmt: skip


@jax.jit
@jax.vmap
def images_of(t1, t1rho, b1):
    """All thirteen images of unit magnetisation."""
    angles = b1 * jnp.array(FLIP_ANGLES)
    locks = jnp.array(SPIN_LOCK_TIMES)
    return jnp.concatenate(
        [
            spoiled_gradient_echo(angles, 20.0, t1),
            multi_spoke_signal(locks, 500.0, 10.0 * b1, 25, 5.0, t1, t1rho),
            actual_flip_angle(jnp.array([20.0, 100.0]), 45.0 * b1, t1),
        ]
    )


def write_subject(root, number, noise=2.0):
    """Cartilage as a block whose T1 and T1rho rise together; around it longer T1; air outside."""
    rng = np.random.default_rng(number)
    shape = (*SHAPE, SLICES)
    x, y, _ = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    body = (x > 3) & (x < 28) & (y > 3) & (y < 28)
    cartilage = (x > 9) & (x < 22) & (y > 12) & (y < 19)
    score = np.clip(rng.standard_normal(shape), -2, 2)
    t1 = np.where(cartilage, 950 + 10 * number + 120 * score, 1400.0)
    t1rho = np.where(cartilage, 38 + number % 3 + 5 * score, 43.0)
    b1 = 0.95 + 0.1 * x / SHAPE[0]
    signals = np.asarray(images_of(*(jnp.asarray(v.ravel()) for v in (t1, t1rho, b1))))
    signals = 5000.0 * signals.reshape(*shape, -1) * body[..., None]
    signals = np.abs(signals + noise * rng.standard_normal(signals.shape))
    who = {"sub": f"{number:02d}"}
    labels = np.where(cartilage, 1, 0).astype(np.uint8)
    labels[(x > 22) & (x < 26) & (y > 12) & (y < 19)] = 5
    bids.write_series(
        root, who, "VFA", signals[..., :4], AFFINE, FLIP_ANGLES,
        {"RepetitionTimeExcitation": 20.0},
    )  # fmt: skip
    bids.write_series(
        root, {**who, "acq": "adiab"}, "T1rhow", signals[..., 4:11], AFFINE, SPIN_LOCK_TIMES,
        ADIABATIC,
    )  # fmt: skip
    halved = signals[..., 11:].reshape(16, 2, 16, 2, 2, 2, 2).mean(axis=(1, 3, 5))
    bids.write_series(
        root, who, "TB1AFI", halved, ACTUAL_AFFINE, (20.0, 100.0), {"FlipAngle": 45.0}
    )
    bids.write_map(root, "manual", who, "dseg", labels, AFFINE, {"Units": ""})


def write_study(root, count=9):
    """All subjects, their table, and nothing else."""
    bids.write_dataset_description(root, "Small synthetic UTE study")
    for k in range(1, count + 1):
        write_subject(root, k)
    people = [
        {"participant_id": f"sub-{k:02d}", "sex": "MF"[k % 2], "group": GROUPS[k % 3], "age": 50}
        for k in range(1, count + 1)
    ]
    bids.write_participants(root, people, {})
    return root
