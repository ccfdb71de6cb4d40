"""Settings are compared by what counts, and told by name."""

import pytest

from jaxqmri.io.settings import contents_of, difference


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / f"echo-{k}.nii" for k in (1, 2, 3)]
    for k, path in enumerate(paths):
        path.write_bytes(bytes([k]))
    return paths


def test_a_moved_file_is_the_same_setting(files):
    before = {"mask": contents_of(files[0])}
    moved = files[0].rename(files[0].with_name("elsewhere.nii"))
    assert difference(before, {"mask": contents_of(moved)}) is None


def test_a_changed_file_is_named(files):
    before = {"fixed": {"b1": contents_of(files[0])}, "images": [contents_of(f) for f in files]}
    files[1].write_bytes(b"other")
    now = {"fixed": {"b1": contents_of(files[0])}, "images": [contents_of(f) for f in files]}
    assert difference(before, now) == f"images: {files[1]} has changed"


def test_another_file_a_number_and_nothing(files):
    first, second = (contents_of(path) for path in files[:2])
    told = difference({"mask": first}, {"mask": second})
    assert told == f"mask: {files[0]} there, {files[1]} now"
    assert difference({"mask": None}, {"mask": second}) == f"mask: none there, {files[1]} now"
    told = difference({"fixed": {"b1": 0.9}}, {"fixed": {"b1": first}})
    assert told == f"fixed b1: 0.9 there, {files[0]} now"
    assert difference({"images": [first]}, {"images": [first, second]}) == (
        "images: 1 files there, 2 files now"
    )


def test_all_that_differs_is_told_up_to_a_few():
    assert difference({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5}) == (
        "b: 2 there, 5 now; c: 3 there, none now"
    )
    many = difference(dict.fromkeys("abcdef", 1), dict.fromkeys("abcdef", 2))
    assert many is not None
    assert many.endswith("; and 3 more")
