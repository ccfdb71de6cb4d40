from jaxqmri.cli.main import main
from tests.io.oai_download import write_visits


def test_who_is_in_the_dataset_and_who_is_not(tmp_path, capsys):
    write_visits(tmp_path / "in", "9626869")
    words = ["convert-oai", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "no T2 series at 00m and 48m: 9584428, 9064631, " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*words, "--skip-incomplete"]) == 0
    left_out, converted = capsys.readouterr().out.splitlines()
    assert left_out.startswith("left out: no T2 series at 00m and 48m: 9584428, ")
    assert left_out.endswith(", 9529761")
    assert left_out.count("9") >= 142
    assert converted == f"{tmp_path / 'out'}: 1 subjects converted"
    assert (tmp_path / "out" / "sub-9626869" / "ses-02" / "anat").is_dir()
