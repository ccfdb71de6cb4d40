"""Structural similarity against dm-pix, and where its value is known."""

import dm_pix
import numpy as np
import pytest

from jaxqmri.analysis import similarity_in_mask, structural_similarity

RNG = np.random.default_rng(4)
A = RNG.uniform(0.2, 1.0, (3, 24, 20)).astype(np.float32)
B = (0.8 * A + 0.1 * RNG.standard_normal(A.shape)).astype(np.float32)


def test_agrees_with_dm_pix_inside():
    ours = structural_similarity(A, B, 1.0, across=0)[:, 5:-5, 5:-5]
    theirs = dm_pix.ssim(A[..., None], B[..., None], max_val=1.0, return_map=True)[..., 0]
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.parametrize("across", [0, 1, 2])
def test_known_values(across):
    np.testing.assert_allclose(structural_similarity(A, A, 1.0, across), 1.0, rtol=1e-9)
    two, four = np.full((4, 4, 4), 2.0), np.full((4, 4, 4), 4.0)  # 2*2*4 / (4 + 16), no variance
    np.testing.assert_allclose(structural_similarity(two, four, 1e-3, across), 0.8, rtol=1e-6)


def test_slices_do_not_mix():
    changed = B.copy()
    changed[1] = RNG.uniform(0.2, 1.0, B[1].shape)
    before, after = (structural_similarity(A, image, 1.0, across=0) for image in (B, changed))
    np.testing.assert_allclose(after[[0, 2]], before[[0, 2]], rtol=1e-9)
    assert after[1].mean() < before[1].mean() - 0.3


def test_in_a_mask_gain_and_what_lies_outside_do_not_count():
    mask = np.zeros(A.shape, bool)
    mask[1, 8:14, 8:12] = True
    assert similarity_in_mask(0.4 * A, A, mask, across=0) == pytest.approx(1.0, abs=1e-9)
    noisy = similarity_in_mask(B, A, mask, across=0)
    assert noisy < 0.95
    far = B.copy()
    far[[0, 2]] = 7.0  # other slices
    assert similarity_in_mask(far, A, mask, across=0) == pytest.approx(noisy)


def test_in_a_mask_it_is_the_mean_of_dm_pix():
    mask = np.zeros(A.shape, bool)
    mask[:, 5:-5, 5:-5] = True
    gain = np.sum(A[mask] * B[mask]) / np.sum(B[mask] ** 2)
    largest = float(np.percentile(A, 99.9))
    theirs = dm_pix.ssim(A[..., None], gain * B[..., None], max_val=largest, return_map=True)
    ours = similarity_in_mask(B, A, mask, across=0)
    assert ours == pytest.approx(float(np.mean(theirs)), abs=2e-4)


def test_voxels_without_a_number_are_left_out():
    mask = np.ones(A.shape, bool)
    hole = A.copy()
    hole[0, :4, :4] = np.nan
    assert similarity_in_mask(hole, A, mask, across=0) == pytest.approx(1.0, abs=1e-9)
    assert np.isnan(similarity_in_mask(np.full_like(A, np.nan), A, mask, across=0))
