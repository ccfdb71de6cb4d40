"""Series read and maps written slab by slab."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from jaxqmri.io import InputError, nifti
from jaxqmri.io.slabs import MapWriter, Slab, StoredSeries, slabs_of

SHAPE = (6, 5, 9)
AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 900, (*SHAPE, 3)).astype(np.float32)


def joined(stored, voxels=60):
    return np.concatenate([stored.read(slab) for slab in slabs_of(stored.shape, voxels)], axis=2)


@pytest.mark.parametrize("extension", nifti.EXTENSIONS)
@pytest.mark.parametrize("integers", [False, True])
def test_slabs_of_one_file_are_those_of_the_whole(tmp_path, images, extension, integers):
    path = tmp_path / f"scan{extension}"
    nifti.write_image(path, images, AFFINE, None, integers)
    stored = StoredSeries.open([path])
    assert stored.shape == images.shape
    np.testing.assert_array_equal(stored.affine, AFFINE)
    found = joined(stored)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, nifti.read_stack(path).data, rtol=1e-6)
    np.testing.assert_allclose(stored.read(Slab(2, 4)), found[:, :, 2:4])  # and back again


def test_slabs_of_several_files_are_those_of_the_whole(tmp_path, images):
    paths = [tmp_path / f"image{k}.nii.gz" for k in range(3)]
    for k, path in enumerate(paths):
        nifti.write_image(path, images[..., k], AFFINE, None, integer_scaling=bool(k))
    whole = np.stack([nifti.read_image(path).data for path in paths], axis=-1)
    np.testing.assert_allclose(joined(StoredSeries.open(paths)), whole, rtol=1e-6)


def test_what_stands_for_images_takes_no_memory_and_is_no_number(tmp_path, images):
    nifti.write_image(tmp_path / "scan.nii", images, AFFINE)
    stand_in = StoredSeries.open([tmp_path / "scan.nii"]).stand_in
    assert stand_in.data.shape == images.shape
    assert stand_in.data.base is not None
    assert np.isnan(stand_in.data).all()
    assert set(stand_in.data.strides) == {0}


def test_slabs_hold_about_as_many_voxels_as_asked_and_one_plane_at_least():
    assert slabs_of(SHAPE, 60) == [Slab(k, min(k + 2, 9)) for k in range(0, 9, 2)]
    assert slabs_of(SHAPE, 1) == [Slab(k, k + 1) for k in range(9)]
    assert Slab(3, 5).of(np.zeros((*SHAPE, 3))).shape == (6, 5, 2, 3)


@pytest.mark.parametrize("extension", nifti.EXTENSIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_a_map_written_in_slabs_is_the_map(tmp_path, images, extension, dtype):
    values, path = images[..., 0].astype(dtype), tmp_path / "maps" / f"T1rho{extension}"
    with MapWriter(path, SHAPE, AFFINE, np.dtype(dtype)) as writer:
        for slab in slabs_of(SHAPE, 60):
            assert not path.exists()
            writer.write(slab.of(values))
    image: nib.Nifti1Image = nib.load(path)  # pyright: ignore[reportAssignmentType]
    assert image.get_data_dtype() == dtype
    np.testing.assert_array_equal(image.affine, AFFINE)
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), values)
    whole = tmp_path / f"whole{extension}"
    nifti.write_image(whole, values, AFFINE)
    opened = gzip.open if extension == ".nii.gz" else open
    with opened(path, "rb") as one, opened(whole, "rb") as other:
        assert one.read() == other.read()


def write_two_planes(path, images, then=None):
    with MapWriter(path, SHAPE, AFFINE, np.dtype("f4")) as writer:
        writer.write(images[:, :, :2, 0])
        if then is not None:
            raise then


def test_a_map_that_is_not_whole_leaves_nothing(tmp_path, images):
    with pytest.raises(KeyboardInterrupt):
        write_two_planes(tmp_path / "T1rho.nii", images, KeyboardInterrupt)
    write_two_planes(tmp_path / "T1rho.nii", images)
    assert not list(tmp_path.iterdir())


def test_bad_files_are_named(tmp_path, images):
    with pytest.raises(InputError, match=r"none\.nii: no such file"):
        StoredSeries.open([tmp_path / "none.nii"])
    (tmp_path / "text.nii").write_text("text")
    with pytest.raises(InputError, match=r"text\.nii: not a NIfTI file"):
        StoredSeries.open([tmp_path / "text.nii"])
    one, other = tmp_path / "one.nii", tmp_path / "other.nii"
    nifti.write_image(one, images[..., 0], AFFINE)
    nifti.write_image(other, images[:4, ..., 0], AFFINE)
    with pytest.raises(InputError, match=r"other\.nii: image has shape"):
        StoredSeries.open([one, other])
    nifti.write_image(tmp_path / "scan.nii.gz", images, AFFINE)
    content = (tmp_path / "scan.nii.gz").read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"cut\.nii\.gz: truncated or damaged"):
        joined(StoredSeries.open([tmp_path / "cut.nii.gz"]))
