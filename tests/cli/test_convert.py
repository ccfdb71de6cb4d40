from jaxqmri.cli.convert import Convert
from jaxqmri.io import bids
from tests.io.synthetic_dicom import write_dicom


def test_flags_reach_the_names_and_the_sidecars(tmp_path, capsys):
    write_dicom(tmp_path / "in", echo_times=lambda image: 5.0)
    Convert(
        tmp_path / "in",
        tmp_path / "out",
        subject="03",
        session="2",
        tsl=(0.0, 10.0, 40.0),
        spin_lock_frequency=500.0,
        run_number=1,
    ).run()
    printed = capsys.readouterr().out.split()
    assert printed[0].endswith("sub-03/ses-2/anat/sub-03_ses-2_run-1_tsl-1_T1rhow.nii.gz")
    (who,) = bids.find_series(tmp_path / "out", "T1rhow")
    series = bids.read_series(tmp_path / "out", "T1rhow", who)
    assert series.times.tolist() == [0.0, 10.0, 40.0]
    assert series.metadata[0]["SpinLockFrequency"] == 500.0
