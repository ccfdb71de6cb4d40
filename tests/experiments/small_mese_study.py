"""A few small knees imaged at seven echoes, twice, made straight from the decay."""

import numpy as np

from jaxqmri.io import bids

SHAPE, SLICES = (32, 32), 8
# slices along the first axis of the file, to the right; rows downwards, columns to posterior
AFFINE = np.array([[4.0, 0, 0, -16.0], [0, 0, -1.5, 24.0], [0, -1.5, 0, 24.0], [0, 0, 0, 1.0]])
TIMES = np.arange(10.0, 80.0, 10.0)
CENTRE, INNER, OUTER = (12.0, 16.0), 8.0, 12.0  # pixels
PARTS = ("train",) * 4 + ("validation",) * 2 + ("test",) * 3
SESSIONS = ("01", "02")
DEEP, RISE, CHANGE = 45.0, 10.0, -4.0  # ms at the bone, on the way to the surface, over the years


def cartilage_of(number, shift=0.0):
    """Half a ring around the bone in all slices but the outermost, and how deep each voxel lies."""
    row, column = np.indices(SHAPE, dtype=float)
    radius = np.hypot(row - CENTRE[0], column - CENTRE[1]) - 0.3 * (number % 3) - shift
    angle = np.degrees(np.arctan2(column - CENTRE[1], row - CENTRE[0]))
    inside = (radius > INNER) & (radius < OUTER) & (np.abs(angle) < 100)
    depth = np.clip((radius - INNER) / (OUTER - INNER), 0, 1)
    volume = np.zeros((SLICES, *SHAPE), bool)
    volume[1:-1] = inside
    return volume, np.broadcast_to(depth, volume.shape)


def write_visit(root, number, session, noise=1.0):
    """Echoes, and what two readers drew: the second draws half a pixel further out."""
    rng = np.random.default_rng(10 * number + int(session))
    inside, depth = cartilage_of(number)
    t2 = DEEP + number + RISE * depth + CHANGE * (session == SESSIONS[1])
    row, column = np.indices(SHAPE)
    bone = np.hypot(row - CENTRE[0], column - CENTRE[1]) < INNER
    body = np.hypot(row - 16, column - 16) < 15
    s0 = np.where(inside, 300.0, np.where(bone, 30.0, 150.0)) * body
    decay = np.where(inside, t2, np.where(bone, 60.0, 35.0))
    clean = s0[..., None] * np.exp(-TIMES / decay[..., None])
    real, imaginary = noise * rng.standard_normal((2, *clean.shape))
    images = np.hypot(clean + real, imaginary)
    who = {"sub": f"{number:02d}", "ses": session}
    bids.write_series(root, who, "MESE", images, AFFINE, TIMES, {"RepetitionTime": 2700.0})
    for reader, mask in (("reader1", inside), ("reader2", cartilage_of(number, 0.7)[0])):
        bids.write_map(root, reader, who, "dseg", mask.astype(np.uint8), AFFINE, {"Units": ""})


def write_study(root):
    """All visits and their table."""
    bids.write_dataset_description(root, "Small synthetic MESE study")
    numbers = range(1, len(PARTS) + 1)
    for number in numbers:
        for session in SESSIONS:
            write_visit(root, number, session)
    people = [
        {
            "participant_id": f"sub-{k:02d}",
            "sex": "MF"[k % 2],
            "side": "R",
            "age": 50 + k,
            "fold": part,
        }
        for k, part in zip(numbers, PARTS, strict=True)
    ]
    bids.write_participants(root, people, {})
    return root
