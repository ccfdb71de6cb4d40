"""Which map of an earlier fit a name means."""

import pytest

from jaxqmri.cli.earlier import find_map, is_map_name
from jaxqmri.io import InputError


@pytest.fixture
def maps(tmp_path):
    """Leave maps of sub-01 in a folder, by what stands between subject and extension."""

    def leave(*names, folder="maps"):
        anat = tmp_path / folder / "sub-01" / "anat"
        anat.mkdir(parents=True, exist_ok=True)
        for name in names:
            (anat / f"sub-01_{name}.nii.gz").touch()
        return tmp_path / folder

    return leave


def found(text, folder, **entities):
    return find_map(text, [folder], {"sub": "01", **entities}, f"--fixed b1={text}").name


def test_the_only_map_counts_whatever_its_protocol(maps):
    folder = maps("acq-b1_TB1map", "acq-b1_desc-std_TB1map", "acq-b1_desc-status_TB1map")
    assert found("TB1map", folder) == "sub-01_acq-b1_TB1map.nii.gz"
    assert found("TB1map", folder, acq="vfa", run="2") == "sub-01_acq-b1_TB1map.nii.gz"
    assert found("desc-std_TB1map", folder) == "sub-01_acq-b1_desc-std_TB1map.nii.gz"


def test_of_several_runs_that_of_the_series_counts(maps):
    folder = maps("TB1map", "run-1_TB1map", "run-2_TB1map")
    assert found("TB1map", folder) == "sub-01_TB1map.nii.gz"
    assert found("TB1map", folder, run="2") == "sub-01_run-2_TB1map.nii.gz"


def test_of_several_the_only_one_that_agrees_counts(maps):
    folder = maps("acq-b1_run-1_TB1map", "run-2_TB1map")
    assert found("TB1map", folder, acq="vfa", run="2") == "sub-01_run-2_TB1map.nii.gz"


@pytest.mark.parametrize("entities", [{}, {"acq": "vfa"}])
def test_several_that_may_be_meant_are_refused_by_name(maps, entities):
    folder = maps("run-1_TB1map", "run-2_TB1map")
    with pytest.raises(InputError, match=r"run-1_TB1map\.nii\.gz or sub-01_run-2.*run-1_TB1map$"):
        found("TB1map", folder, **entities)
    assert found("run-2_TB1map", folder, **entities) == "sub-01_run-2_TB1map.nii.gz"


def test_an_error_map_is_not_the_map(maps):
    with pytest.raises(InputError, match=r"nor a map sub-01_TB1map\.nii\.gz"):
        found("TB1map", maps("desc-std_TB1map"))


def test_another_visit_is_not_meant(maps):
    with pytest.raises(InputError, match="nor a map sub-01_ses-2_TB1map"):
        found("TB1map", maps("TB1map"), ses="2")


def test_the_first_folder_that_has_one_counts(maps):
    ours, theirs = maps("TB1map", folder="ours"), maps("TB1map", "T1map", folder="theirs")
    folders = [ours, theirs]
    assert find_map("TB1map", folders, {"sub": "01"}, "").is_relative_to(ours)
    assert find_map("T1map", folders, {"sub": "01"}, "").is_relative_to(theirs)


@pytest.mark.parametrize("text", ["sub-01_TB1map", "foo-1_TB1map", "a_b_TB1map"])
def test_names_that_are_none(maps, text):
    with pytest.raises(InputError, match=f"--fixed b1={text}: expected a number, a file, or"):
        found(text, maps("TB1map"))


def test_a_name_has_neither_folder_nor_extension():
    assert is_map_name("desc-t2epg_TB1map")
    assert not is_map_name("b1.nii")
    assert not is_map_name("maps/b1")
