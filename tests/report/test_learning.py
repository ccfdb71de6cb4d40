"""Learning curves show every fold, the network that was kept, and who stopped too early."""

from jaxqmri.report.figures import CYCLE, save_png
from jaxqmri.report.learning import Curve, learning_curves

SETTLED = Curve.of([(100, 9.0, 8.0), (200, 4.0, 5.0), (300, 3.0, 5.1)], reached=True)
SHORT = Curve.of([(100, 9.5, 8.0), (200, 4.5, 6.0)], reached=False)


def lines(axes, label):
    return [
        (*line.get_xdata(), *line.get_ydata()) for line in axes.lines if line.get_label() == label
    ]


def test_every_fold_has_a_line_of_loss_and_of_metric():
    figure = learning_curves({"MLP, PD+50": [SETTLED, SHORT]}, loss="L1", metric="MAE (ms)")
    left, right = figure.axes
    assert lines(left, "fold 1") == [(100, 200, 300, 9.0, 4.0, 3.0)]
    assert lines(right, "fold 1") == [(100, 200, 300, 8.0, 5.0, 5.1)]
    assert lines(right, "fold 2") == [(100, 200, 8.0, 6.0)]
    assert left.get_title("left") == "MLP, PD+50: L1"


def test_the_plateau_is_marked_from_the_network_that_was_kept():
    _, right = learning_curves({"MLP": [SETTLED]}).axes
    assert lines(right, "_kept") == [(200, 5.0)]
    assert lines(right, "_plateau") == [(200, 300, 5.0, 5.0)]
    assert lines(right, "_short") == []
    assert "short" not in right.get_title("left")


def test_trainings_may_differ_in_their_seed():
    figure = learning_curves({"MLP": [SETTLED, SHORT]}, each="seed")
    assert lines(figure.axes[0], "seed 2")
    assert "1 of 2 seeds short of the plateau" in figure.axes[1].get_title("left")


def test_a_row_short_of_its_plateau_is_marked():
    figure = learning_curves({"MLP": [SETTLED], "U-Net": [SETTLED, SHORT]})
    settled, short = figure.axes[1], figure.axes[3]
    assert lines(short, "_short") == [(200, 6.0)]
    assert len(lines(short, "_plateau")) == 1
    assert "1 of 2 folds short of the plateau" in short.get_title("left")
    titles = [title.get_color() for title in (settled._left_title, short._left_title)]
    assert titles[0] != titles[1] == CYCLE[1]


def test_metrics_that_are_no_numbers_and_folds_without_a_check_can_be_drawn(tmp_path):
    nan = float("nan")
    folds = [Curve.of([], False), Curve.of([(100, nan, nan)], False), SETTLED]
    save_png(learning_curves({"MLP": folds}), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
