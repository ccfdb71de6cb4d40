import gzip

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxqmri.io import InputError, nifti

AFFINE = np.array(
    [[0.0, -0.6, 0.1, 12.5], [0.625, 0.0, 0.0, -80.0], [0.0, 0.1, 4.0, 3.0], [0.0, 0.0, 0.0, 1.0]]
)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SHAPES = hnp.array_shapes(min_dims=3, max_dims=4, min_side=1, max_side=5)
ON_DISK = st.sampled_from(["<f4", ">f4", "<f8", ">f8", "<i2", ">i2", "<u1", "<i4", ">u2"])
FLOATS = st.floats(-1e6, 1e6, width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0])


def write_with_nibabel(path, raw, slope=None, intercept=None, kind=nib.Nifti1Image):
    """A file as other software writes it, in any byte order, with any scaling."""
    order = ">" if raw.dtype.byteorder == ">" else "<"
    header = kind.header_class(endianness=order)
    header.set_data_dtype(raw.dtype)
    header.set_data_shape(raw.shape)
    header.set_sform(AFFINE, code=1)
    header["scl_slope"], header["scl_inter"] = slope or np.nan, intercept or 0.0
    header["vox_offset"], header["magic"] = (
        (352, b"n+1") if kind is nib.Nifti1Image else (544, b"n+2\0\r\n\x1a\n")
    )
    content = header.binaryblock + bytes(4) + raw.tobytes("F")
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)


@QUICK
@given(data=st.data(), dtype=ON_DISK, shape=SHAPES, packed=st.booleans(), scaled=st.booleans())
def test_reads_every_type_byte_order_and_scaling(tmp_path, data, dtype, shape, packed, scaled):
    elements = st.integers(0, 255) if np.dtype(dtype).kind in "iu" else FLOATS
    raw = data.draw(hnp.arrays(dtype, shape, elements=elements))
    slope, intercept = (0.37, -12.0) if scaled else (None, None)
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    write_with_nibabel(path, raw, slope, intercept)
    image = (nifti.read_image if raw.ndim == 3 else nifti.read_stack)(path)
    expected = raw.astype(np.float64)
    if scaled:
        expected = expected * np.float64(np.float32(slope)) + intercept
    assert image.data.dtype == np.float32
    np.testing.assert_array_equal(image.data, expected.astype(np.float32))
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-6)
    assert image.path == path


@QUICK
@given(data=st.data(), shape=SHAPES, packed=st.booleans())
def test_what_is_written_is_read_back(tmp_path, data, shape, packed):
    values = data.draw(hnp.arrays(np.float32, shape, elements=FLOATS))
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    nifti.write_image(path, values, AFFINE, {"Units": "ms"})
    read = nifti.read_image if values.ndim == 3 else nifti.read_stack
    np.testing.assert_array_equal(read(path).data, values)
    other = nib.load(path)
    np.testing.assert_array_equal(np.asarray(other.dataobj), values)
    np.testing.assert_allclose(other.affine, AFFINE, atol=1e-6)
    assert other.header.get_xyzt_units()[0] == "mm"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([path.name, "a.json"])
    path.unlink()


@QUICK
@given(values=hnp.arrays(np.float32, (3, 4, 2), elements=st.floats(-1e5, 1e5, width=32)))
def test_integer_scaling_is_within_half_a_step(tmp_path, values):
    path = tmp_path / "a.nii.gz"
    nifti.write_image(path, values, AFFINE, integer_scaling=True)
    assert nib.load(path).get_data_dtype() == np.int16
    step = float(values.max() - values.min()) / 65_000
    worst = np.abs(nifti.read_image(path).data.astype(float) - values).max()
    assert worst <= 0.5 * step * 1.001 + 4e-7 * float(np.abs(values).max())


def test_integers_and_masks_keep_their_type(tmp_path):
    path = tmp_path / "a.nii"
    for dtype, kept in [("bool", "u1"), ("u1", "u1"), ("i2", "i2"), ("i8", "i4")]:
        nifti.write_image(path, np.ones((2, 2, 2), dtype), AFFINE)
        assert nib.load(path).get_data_dtype() == np.dtype(kept)
    with pytest.raises(ValueError, match="32 bits"):
        nifti.write_image(path, np.full((2, 2, 2), 2**40), AFFINE)
    with pytest.raises(ValueError, match="integers"):
        nifti.write_image(path, np.full((2, 2, 2), np.nan), AFFINE, integer_scaling=True)


def test_reads_nifti_2(tmp_path):
    raw = np.arange(24, dtype="<i2").reshape(2, 3, 4)
    write_with_nibabel(tmp_path / "a.nii", raw, kind=nib.Nifti2Image)
    np.testing.assert_array_equal(nifti.read_image(tmp_path / "a.nii").data, raw)


@pytest.mark.parametrize("packed", [True, False], ids=["gz", "plain"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_named(tmp_path, packed, part):
    path = tmp_path / ("cut.nii.gz" if packed else "cut.nii")
    rng = np.random.default_rng(0)
    nifti.write_image(path, rng.normal(size=(9, 9, 9)).astype(np.float32), AFFINE)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(InputError, match=r"cut\.nii") as caught:
        nifti.read_image(path)
    assert "\n" not in str(caught.value)


def test_a_flipped_byte_in_a_gzip_file_is_noticed(tmp_path):
    path = tmp_path / "a.nii.gz"
    nifti.write_image(path, np.random.default_rng(0).normal(size=(9, 9, 9)), AFFINE)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.nii\.gz"):
        nifti.read_image(path)


@pytest.mark.parametrize("content", [b"", b"text", b"\x5c\x01\0\0" + bytes(400), b"x" * 1000])
def test_a_file_that_is_no_nifti_is_named(tmp_path, content):
    path = tmp_path / "odd.nii"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"odd\.nii"):
        nifti.read_image(path)


def test_missing_folder_and_complex_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        nifti.read_image(tmp_path / "none.nii")
    with pytest.raises(InputError, match="a folder"):
        nifti.read_image(tmp_path)
    nib.save(nib.Nifti1Image(np.ones((2, 2, 2), np.complex64), AFFINE), tmp_path / "c.nii")
    with pytest.raises(InputError, match="real numbers"):
        nifti.read_image(tmp_path / "c.nii")


def test_three_and_four_dimensions_are_told_apart(tmp_path):
    path = tmp_path / "a.nii"
    nifti.write_image(path, np.ones((2, 3, 4, 5), np.float32), AFFINE)
    with pytest.raises(InputError, match=r"one volume .* \(2, 3, 4, 5\)"):
        nifti.read_image(path)
    with pytest.raises(InputError, match="5 images, but 4 times"):
        nifti.read_stack(path, count=4)
    stack = nifti.read_stack(path, count=5)
    assert stack.data.shape == (2, 3, 4, 5)
    assert stack.data[..., 2].flags.c_contiguous
    nifti.write_image(path, np.ones((2, 3, 4), np.float32), AFFINE)
    with pytest.raises(InputError, match="4-D file"):
        nifti.read_stack(path)


def test_labels_are_whole_numbers(tmp_path):
    path = tmp_path / "a.nii"
    nifti.write_image(path, np.arange(8.0).reshape(2, 2, 2), AFFINE)
    image = nifti.read_label_image(path)
    assert image.data.dtype == np.int32
    assert image.data.max() == 7
    for odd in (0.5, np.nan):
        nifti.write_image(path, np.array([[[1.0, odd]]]), AFFINE)
        with pytest.raises(InputError, match="whole numbers, found"):
            nifti.read_label_image(path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.nii.gz"
    nifti.write_image(path, np.ones((2, 2, 2), np.float32), AFFINE)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match="No space left"):
        nifti.write_image(path, np.zeros((2, 2, 2), np.float32), AFFINE)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.nii.gz"]
