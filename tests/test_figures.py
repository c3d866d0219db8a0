import numpy as np
import pandas as pd
import pytest
import torch
from figure_run import run_of
from tiny_run import SIDE, Pixels, slice_table, stacks_of

from hohoho.figures import curves, disagreements, embedding_map, neighbours, saliency_pairs
from hohoho.figures.disagreements import Gap, label_gaps
from hohoho.figures.drawn import Drawn
from hohoho.figures.gallery import FIGURES, draw_figures
from hohoho.figures.run import own_cnn, shown_rows
from hohoho.figures.style import canvas, save
from hohoho.inference.store import write_array
from hohoho.inference.table import MODEL_NAMES, probabilities_of
from hohoho.labels import LABELS
from hohoho.models.backbones import SliceClassifier, build_backbone, save_classifier
from hohoho.models.lstm import ScanLstm, save_lstm
from hohoho.params import Record
from hohoho.saliency.bleed_masks import phantom_of

STUDY = np.array(["a"] * 5 + ["b"] * 4)
RUNS = A, B = slice(0, 5), slice(5, 9)
README_PX = 900


def gap_labels():
    """Class 0: 10111 in scan a; class 2: 1001 in scan b."""
    targets = np.zeros((9, 5))
    targets[[0, 2, 3, 4], 0] = 1
    targets[[5, 8], 2] = 1
    return targets


def test_gaps_are_found_within_a_scan_and_the_surest_comes_first():
    probabilities = np.full((9, 5), 0.4)
    probabilities[6:8, 2] = 0.9, 0.8
    gaps = label_gaps(RUNS, gap_labels(), probabilities)
    assert gaps == [Gap((6, 7), B, 2, 0.8), Gap((1,), A, 0, 0.4)]


@pytest.mark.parametrize(("threshold", "closed"), [(0.3, 2), (0.5, 1), (0.8, 1), (0.9, 0)])
def test_a_gap_is_closed_where_the_model_answers_yes_all_through(threshold, closed):
    probabilities = np.full((9, 5), 0.4)
    probabilities[6:8, 2] = 0.9, 0.8
    slices = pd.DataFrame(gap_labels(), columns=LABELS)
    slices = slices.assign(study=STUDY, index=[*range(5), *range(4)], missing_before=False)
    names = [f"cnn_{label}" for label in LABELS]
    run = run_of()._replace(
        slices=slices, predictions=pd.DataFrame(probabilities, columns=names), pixels=Pixels(9), threshold=threshold
    )
    drawn = disagreements.draw(run)
    assert f"Of 2 such gaps in the labels of all splits, the CNN answers yes all through {closed}." in drawn.caption
    assert (
        sum(bool(axes.images) for axes in drawn.figure.axes) == 4 * closed
    )  # at an end of a scan one of five is missing


@pytest.mark.parametrize(("missing", "gaps"), [([], 2), ([1], 1), ([2], 1), ([7], 1), ([1, 6], 0), ([4, 5], 2)])
def test_figure_7_counts_no_gap_that_reaches_across_a_missing_slice(missing, gaps):
    slices = pd.DataFrame(gap_labels(), columns=LABELS)
    slices = slices.assign(study=STUDY, index=[*range(5), *range(4)], missing_before=slices.index.isin(missing))
    predicted = pd.DataFrame(np.zeros((9, 5)), columns=[f"cnn_{label}" for label in LABELS])
    drawn = disagreements.draw(run_of()._replace(slices=slices, predictions=predicted, pixels=Pixels(9)))
    assert f"Of {gaps} such gaps in the labels" in drawn.caption


def test_a_gap_does_not_span_two_scans():
    targets = np.zeros((9, 5))
    targets[[3, 5], 0] = 1  # around row 4, the last of scan a
    assert label_gaps(RUNS, targets, np.ones((9, 5))) == []


def test_unlabelled_slices_make_no_gap():
    targets = gap_labels()
    targets[[1, 6]] = np.nan
    assert label_gaps(RUNS, targets, np.ones((9, 5))) == []


def test_beyond_the_end_of_a_scan_nothing_is_shown():
    assert disagreements.rows_around(Gap((1,), A, 0, 1.0)) == [None, 0, 1, 2, 3]
    assert disagreements.rows_around(Gap((6, 7), B, 2, 1.0)) == [None, 5, 6, 7, 8]
    assert disagreements.rows_around(Gap((1,), slice(0, 3), 0, 1.0)) == [None, 0, 1, 2, None]


def test_the_surest_right_and_wrong_answers_are_shown():
    targets, probabilities = np.zeros((4, 5)), np.full((4, 5), 0.1)
    targets[:3, 1] = 1
    probabilities[:, 1] = 0.7, 0.9, 0.2, 0.6  # two found, one missed by 0.8, one false alarm of 0.6
    found = [
        example for example in saliency_pairs.pick(np.arange(10, 14), targets, probabilities, 0.5) if example.label == 1
    ]
    assert [(example.row, example.match) for example in found] == [(11, True), (12, False)]


def test_unlabelled_slices_are_no_mismatch():
    assert saliency_pairs.pick(np.arange(4), np.full((4, 5), np.nan), np.full((4, 5), 0.9), 0.5) == []


def test_figure_1_shows_a_slice_with_both_neighbours_and_most_bleeds():
    rows = np.array([[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]])
    targets = np.zeros((4, 5))
    targets[0] = 1  # an end slice
    targets[2, :2] = 1
    assert neighbours.pick(targets, rows) == 2
    assert neighbours.pick(np.full((4, 5), np.nan), rows) == 2


def test_the_map_takes_from_every_split():
    titles = [axes.get_title() for axes in embedding_map.draw(run_of()).figure.axes[:3]]
    assert [title.partition(",")[0] for title in titles] == ["train: 10 slices", "val: 10 slices", "test: 10 slices"]


def test_the_caption_of_the_map_holds_the_controls_beside_the_claim():
    drawn = embedding_map.draw(run_of())
    probe = drawn.tables["level_probe"]
    assert list(probe) == ["split", "slices", "r2_trained", "r2_untrained", "r2_thumbnails"]
    for kind in list(probe)[2:]:
        assert ", ".join(f"{value:.2f}" for value in probe[kind]) in drawn.caption


def test_every_model_and_split_that_was_scored_has_a_line_and_no_other():
    run = run_of()
    lines = {f"{model}, {split}" for model in MODEL_NAMES.values() for split in ("val", "test")}
    assert {line.get_label() for line in curves.draw(run).figure.axes[0].lines} == lines
    scored = {name: table.assign(cnn_test=np.nan) for name, table in run.scores.curves.items()}
    drawn = curves.draw(run._replace(scores=run.scores._replace(curves=scored)))
    assert {line.get_label() for line in drawn.figure.axes[0].lines} == lines - {"CNN, test"}


def test_the_composite_takes_the_neighbours_as_red_green_and_blue():
    stack = np.zeros((3, 4, 4), np.uint8)
    stack[0], stack[2] = 255, 90
    *_, composite = neighbours.plot(stack).axes
    assert composite.images[0].get_array()[0, 0].tolist() == [255, 0, 90]


def test_all_figures_are_drawn_as_wide_as_a_readme_and_twice_the_same(tmp_path):
    run = run_of()
    figures = draw_figures(tmp_path / "first", run)
    draw_figures(tmp_path / "second", run)
    pictures = sorted((tmp_path / "first").iterdir())
    assert [picture.stem for picture in pictures] == sorted(FIGURES) == sorted(figures)
    for picture in pictures:
        content = picture.read_bytes()
        assert int.from_bytes(content[16:20], "big") >= README_PX  # width in the PNG header
        assert content == (tmp_path / "second" / picture.name).read_bytes()
    assert figures["figure6_saliency"].tables["saliency"].empty
    assert len(figures["figure5_embeddings"].tables["level_probe"]) == 3
    assert all(drawn.caption for drawn in figures.values())


@pytest.mark.parametrize(("labelled", "channels", "together"), [(False, 3, False), (True, 1, True)])
def test_figures_are_drawn_without_labels_and_with_one_channel(tmp_path, labelled, channels, together):
    draw_figures(tmp_path, run_of(labelled, channels, together))
    assert {picture.stem for picture in tmp_path.iterdir()} == set(FIGURES)


@pytest.mark.parametrize("together", [False, True])
def test_saliency_explains_the_answers_of_the_rows_own_model_of_slices(monkeypatch, together):
    run, asked = run_of(together=together), []

    def explain(run, method, rows, classes):
        asked.append(rows.tolist())
        return np.zeros((len(rows), SIDE, SIDE))

    monkeypatch.setattr(saliency_pairs, "explain", explain)
    drawn = saliency_pairs.draw(run)
    model = "cnn_lstm" if together else "cnn"
    split, rows = shown_rows(run.stacks)
    expected = saliency_pairs.pick(rows, run.targets[rows], probabilities_of(run.predictions, model)[rows], 0.5)
    assert asked[0] == [example.row for example in expected]
    assert drawn.caption.startswith(f"The {MODEL_NAMES[model]} on the {split} split")
    assert ("trained together" in drawn.caption) == together


@pytest.mark.parametrize("together", [False, True])
def test_the_cnn_of_a_run_is_the_one_that_its_answers_come_from(tmp_path, together):
    alone, both = (SliceClassifier("resnet18", build_backbone("resnet18", 3), [0.5] * 3, [0.5] * 3, 0.0) for _ in "ab")
    save_classifier(tmp_path / "cnn", alone)
    save_lstm(tmp_path / "lstm", ScanLstm(512, 4))
    if together:
        save_classifier(tmp_path / "lstm/cnn", both)
    write_array(tmp_path / "alone.npy", np.zeros((6, 512), np.float32))
    write_array(tmp_path / "both.npy", np.ones((6 * together, 512), np.float32))
    own = own_cnn(tmp_path / "cnn", tmp_path / "lstm", tmp_path / "alone.npy", tmp_path / "both.npy")
    assert torch.equal(own["classifier"].head[-1].weight, (both if together else alone).head[-1].weight)
    assert (own["lstm"] is not None) == together
    assert (own["embeddings"] == together).all() and len(own["embeddings"]) == 6


def test_test_is_shown_and_where_it_has_no_labels_validation():
    slices = slice_table()
    assert shown_rows(stacks_of(slices))[0] == "test"
    slices.loc[slices["patient"] == "p2", LABELS[0]] = np.nan
    split, rows = shown_rows(stacks_of(slices))
    assert split == "val"
    assert rows.tolist() == list(range(10, 20))


def test_bleeds_are_known_for_the_phantom_with_published_names_only():
    phantom, slices = Record({"patients": 3, "size_px": SIDE, "label_error_rate": 0.0, "seed": 0}), slice_table()
    assert phantom_of("phantom", slices, phantom).patients == 3
    assert phantom_of("rsna", slices, phantom) is None
    assert phantom_of("phantom", slices.assign(image=None), phantom) is None


def test_a_picture_is_whole_or_absent(tmp_path):
    figure = canvas(1.0, "title")
    figure.savefig = lambda *_, **__: (_ for _ in ()).throw(OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        save(tmp_path / "figure.png", figure)
    assert not list(tmp_path.iterdir())


def test_a_figure_is_drawn_named_and_captioned_by_its_line_in_the_gallery_alone(tmp_path, monkeypatch):
    table = pd.DataFrame({"x": [1]})
    for name in list(FIGURES):  # the others are drawn above
        monkeypatch.delitem(FIGURES, name)
    monkeypatch.setitem(FIGURES, "figure9", lambda run: Drawn(canvas(1.0, run.device), "says so", {"nine": table}))
    figures = draw_figures(tmp_path, run_of())
    assert (tmp_path / "figure9.png").read_bytes().startswith(b"\x89PNG")
    assert figures["figure9"].caption == "says so"
    assert figures["figure9"].tables["nine"] is table
