"""``jaxqmri cartilage`` on arcs of cartilage with known measures, as files."""

import numpy as np
import pytest

from jaxqmri.cli.cartilage import Cartilage
from jaxqmri.cli.main import main
from jaxqmri.cli.stats import Stats
from jaxqmri.io import InputError, bids, files, nifti
from tests.analysis.cartilage.knees import Arcs, affine_of

KNEE = Arcs(spacing=(3.5, 1.0, 1.0), shape=(16, 72, 72))
AFFINE = affine_of(KNEE.spacing)
T2 = 40.0 + np.arange(16.0)[:, None, None] + np.zeros(KNEE.shape)  # ms, rises to medial


def write_labels(folder, name="dseg.nii.gz", label=1, knee=KNEE, affine=AFFINE):
    mask = knee.mask()
    nifti.write_image(folder / name, (label * mask).astype(np.uint8), affine)
    return folder / name


def write_map(folder, name="T2map.nii.gz", values=T2, affine=AFFINE, units="ms"):
    bids.write_map_file(folder / name, values.astype(np.float32), affine, {"Units": "ms"}, units)
    return folder / name


def regions(out, visit=None, name="T2map"):
    rows = files.read_table(out / "subregions.tsv")
    return {row["region"]: row for row in rows if (row["visit"], row["map"]) == (visit, name)}


def test_one_visit(tmp_path, capsys):
    out = tmp_path / "knee"
    labels, maps = write_labels(tmp_path), (write_map(tmp_path),)
    Cartilage(labels, out, maps, "right").run()
    assert sorted(path.name for path in out.iterdir() if path.is_file()) == [
        "T2map_unrolled.png",
        "T2map_unrolled.tsv",
        "cartilage.html",
        "subregions.png",
        "subregions.tsv",
        "subregions_dseg.json",
        "subregions_dseg.nii.gz",
        "subregions_dseg.tsv",
        "thickness_unrolled.tsv",
    ]
    found = regions(out)
    assert len(found) == 27
    mask = KNEE.mask()
    assert found["all"]["voxels"] == pytest.approx(mask.sum())
    assert found["all"]["mean"] == pytest.approx(T2[mask].mean(), rel=1e-5)
    assert found["all"]["sd"] == pytest.approx(T2[mask].std(ddof=1), rel=1e-5)
    assert found["all"]["thickness_mm"] == pytest.approx(3.0, rel=0.05)
    assert found["L"]["mean"] < 48.0 < found["M"]["mean"]
    assert (found["DLA"]["name"], found["DLA"]["thickness_mm"]) == ("deep lateral anterior", None)
    assert found["SMP"]["unit"] == "ms"
    unrolled = files.read_table(out / "T2map_unrolled.tsv")
    assert [row["degrees"] for row in unrolled] == [-177.5 + 5 * k for k in range(72)]
    assert unrolled[36]["slice_3"] == 43.0
    assert unrolled[36]["slice_8"] is None  # the notch
    assert unrolled[20]["slice_8"] == 48.0
    page = (out / "cartilage.html").read_text()
    assert page.count("<img") == 2
    assert "superficial medial posterior" in page
    assert "T2map" in capsys.readouterr().out
    before = (out / "cartilage.html").stat().st_mtime_ns
    Cartilage(labels, out, maps, "right").run()
    assert "already done" in capsys.readouterr().out
    assert (out / "cartilage.html").stat().st_mtime_ns == before
    with pytest.raises(InputError, match=r"other settings.*side"):
        Cartilage(labels, out, maps, "left").run()


def test_the_subregions_lie_where_the_image_does(tmp_path):
    """An image stored another way around: the same numbers, and regions that stats can use."""
    turned = np.transpose(T2, (2, 0, 1))[::-1].copy()
    mask = np.transpose(KNEE.mask(), (2, 0, 1))[::-1].copy()
    back = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [-1, 0, 0, 71], [0, 0, 0, 1.0]])
    nifti.write_image(tmp_path / "turned.nii", mask.astype(np.uint8), AFFINE @ back)
    quantity = write_map(tmp_path, "T2turned.nii", turned, AFFINE @ back)
    Cartilage(tmp_path / "turned.nii", tmp_path / "one", (quantity,), "right", rule="dosma").run()
    labels = write_labels(tmp_path)
    Cartilage(labels, tmp_path / "two", (write_map(tmp_path),), "right", rule="dosma").run()
    one, two = regions(tmp_path / "one", name="T2turned"), regions(tmp_path / "two")
    for region in two:
        assert one[region]["mean"] == two[region]["mean"]
    image = nifti.read_label_image(tmp_path / "one" / "subregions_dseg.nii.gz")
    np.testing.assert_array_equal(image.data > 0, mask)
    np.testing.assert_allclose(image.affine, AFFINE @ back)
    table = tmp_path / "table.tsv"
    regions_file = str(tmp_path / "one" / "subregions_dseg.nii.gz")
    Stats(maps=(str(quantity),), labels=(regions_file,), out=table).run()
    for row in files.read_table(table):
        assert row["mean"] == one[row["region"]]["mean"]


def test_several_maps_and_values_that_do_not_count(tmp_path):
    high = np.where(np.arange(72) < 36, 150.0, 50.0) + np.zeros(KNEE.shape)
    maps = (write_map(tmp_path), write_map(tmp_path, "T1rho.nii.gz", high, units="s"))
    Cartilage(write_labels(tmp_path), tmp_path / "out", maps, "right").run()
    found = regions(tmp_path / "out", name="T1rho")
    assert found["all"]["mean"] == pytest.approx(50.0)
    assert found["all"]["valid_voxels"] < found["all"]["voxels"]
    Cartilage(write_labels(tmp_path), tmp_path / "wide", maps, "right", t2_max=200.0).run()
    found = regions(tmp_path / "wide", name="T1rho")
    assert found["all"]["valid_voxels"] == found["all"]["voxels"]
    # by the paper's rule such voxels are no cartilage: each map divides it anew
    Cartilage(
        write_labels(tmp_path), tmp_path / "paper", maps, "right", rule="paper", t2_max=200.0
    ).run()
    assert (tmp_path / "paper" / "T1rho_subregions_dseg.nii.gz").is_file()


def test_without_a_map_the_thickness(tmp_path):
    Cartilage(write_labels(tmp_path, label=4), tmp_path / "out", (), "left", 4).run()
    rows = regions(tmp_path / "out", name=None)
    assert rows["LC"]["thickness_mm"] == pytest.approx(3.0, rel=0.1)
    assert rows["LC"]["mean"] is None
    assert (tmp_path / "out" / "thickness_unrolled.png").is_file()


def test_two_visits(tmp_path, capsys):
    first, second = tmp_path / "v1", tmp_path / "v2"
    later = T2 + 2.0
    later[3:6, 40:, 40:60] += 12.0
    Cartilage(
        write_labels(first),
        tmp_path / "out",
        (write_map(first),),
        "right",
        follow_up_labels=write_labels(second),
        follow_up_maps=(write_map(second, values=later),),
    ).run()
    out = tmp_path / "out"
    before, after, change = (regions(out, v) for v in ("baseline", "follow-up", "change"))
    for region in before:
        expected = after[region]["mean"] - before[region]["mean"]
        assert change[region]["mean"] == pytest.approx(expected, abs=1e-3)
    assert change["M"]["mean"] == pytest.approx(2.0, abs=1e-3)
    assert change["LP"]["mean"] > 4.0
    (row,) = files.read_table(out / "clusters.tsv")
    assert (row["clusters"], row["shift_bins"], row["shift_slices"], row["dice"]) == (1, 0, 0, 1)
    assert row["share_percent"] == pytest.approx(100 * row["largest_mm2"] / row["plate_mm2"], 1e-4)
    clusters = files.read_table(out / "T2map_clusters.tsv")
    rows, columns = np.nonzero([list(row.values())[1:] for row in clusters])
    assert len(rows) == row["largest_mm2"]
    assert np.mean([clusters[k]["arc_mm"] for k in rows]) > 0  # behind
    assert columns.max() < 28  # lateral
    page = (out / "cartilage.html").read_text()
    assert "Clusters are found in noise too" in page
    assert "change:" in capsys.readouterr().out
    assert (out / "T2map_change.png").is_file()
    assert (out / "follow-up_T2map_unrolled.tsv").is_file()


def test_what_cannot_be_done_is_named(tmp_path):
    labels, t2 = write_labels(tmp_path), write_map(tmp_path)
    wide = write_map(tmp_path, "wide.nii", np.ones((2, 3, 4)))
    moved = write_map(tmp_path, "moved.nii", affine=AFFINE + 0.7 * np.eye(4))
    empty = write_labels(tmp_path, "empty.nii.gz", 0)
    half = write_labels(tmp_path, "half.nii.gz", knee=KNEE._replace(edges=(2, 6)))
    high = write_map(tmp_path, "high.nii.gz", T2 + 500.0)
    out = tmp_path / "out"
    visit = {"follow_up_labels": labels, "follow_up_maps": (t2,)}
    thin = tmp_path / "thin"
    other = affine_of((3.0, 1.0, 1.0))
    visit_of_thin = {
        "follow_up_labels": write_labels(thin, affine=other),
        "follow_up_maps": (write_map(thin, affine=other),),
    }
    for given, found in [
        ({"labels": labels, "side": None}, "give --side left or --side right"),
        ({"labels": labels, "label": 3}, r"dseg.*no voxel has the label 3, found 1; see --label"),
        ({"labels": empty}, r"empty.*label 1, all labels are 0"),
        ({"labels": t2, "label": 99}, r"T2map.*no voxel has the label 99"),
        ({"labels": tmp_path / "none.nii"}, r"none\.nii: no such file"),
        ({"labels": labels, "maps": (tmp_path / "none.nii",)}, r"none\.nii: no such file"),
        ({"labels": labels, "maps": (wide,)}, r"wide\.nii: map has shape"),
        ({"labels": labels, "maps": (moved,)}, r"moved\.nii: map .* another affine"),
        ({"labels": labels, "maps": (high,)}, r"high.*no value above 0 and up to 100 .*--t2-max"),
        ({"labels": labels, "maps": (t2, t2)}, "T2map: several maps of this name"),
        ({"labels": labels, "maps": (t2,), "t2_max": 0.0}, "--t2-max 0: expected"),
        ({"labels": half}, r"half.*no notch between two condyles"),
        ({"labels": labels, "follow_up_maps": (t2,)}, "--follow-up-labels: needed"),
        ({"labels": labels, **visit}, "--maps: needed"),
        ({"labels": labels, "maps": (t2,), **visit, "follow_up_maps": ()}, "0 given, expected 1"),
        ({"labels": labels, "maps": (t2,), **visit_of_thin}, "3.5 mm apart at baseline"),
    ]:
        arguments = {"out": out, "side": "right", **given}
        with pytest.raises(InputError, match=found):
            Cartilage(**arguments).run()
        assert not out.exists()


def test_typed(tmp_path, capfd):
    labels = str(write_labels(tmp_path))
    assert main(["cartilage", "--labels", labels, "--out", str(tmp_path / "o")]) == 2
    assert "--side" in capfd.readouterr().err
    words = ["cartilage", "--labels", labels, "--side", "middle", "--out", str(tmp_path / "o")]
    assert main(words) == 2
    assert "--side middle: expected left or right" in capfd.readouterr().err
    assert main([*words[:4], "left", *words[5:], "--rule", "dosma"]) == 0
