"""Real knees: what their other labels say of where lateral, medial and deep must be."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from jaxqmri.analysis.cartilage import SUBREGIONS, divide
from jaxqmri.io import nifti

DATA = Path(__file__).parents[3] / ".." / "shared" / "data" / "knee_labels"
FEMORAL, MEDIAL_TIBIAL, LATERAL_TIBIAL, PATELLAR, FEMUR = 1, 2, 3, 4, 5


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not beside the checkout")
@pytest.mark.parametrize(
    ("name", "side"), [("right_knee_example", "right"), ("sag_dess_right", "right")]
)
def test_subregions_lie_where_the_neighbours_say(name, side):
    image = nifti.read_label_image(DATA / f"{name}.nii.gz")
    found = divide(image.data == FEMORAL, image.affine, side)
    knee = found.layout.to_knee(image.data)
    middle = found.borders.lateral[1]
    for label, sign in ((LATERAL_TIBIAL, -1.0), (MEDIAL_TIBIAL, 1.0)):
        slices = np.nonzero(knee == label)[0]
        assert (sign * (slices - middle) > 0).mean() > 0.95
    names = np.array(["", *SUBREGIONS])[found.layout.to_knee(found.labels())]
    patella, anterior = np.nonzero(knee == PATELLAR)[2], np.char.endswith(names, "A")
    assert patella.mean() < np.nonzero(anterior)[2].mean() < np.nonzero(names != "")[2].mean()
    plane = int(middle) - 20
    away = distance_transform_edt(knee[plane] != FEMUR)
    deep, superficial = (np.char.startswith(names[plane], layer) for layer in "DS")
    assert np.median(away[deep]) + 1.0 < np.median(away[superficial])
