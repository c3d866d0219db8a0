import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from tiny_run import evaluation_of, slice_table, study_table

from hohoho.figures.drawn import Drawn
from hohoho.labels import LABELS
from hohoho.params import Record
from hohoho.report.cards import cards
from hohoho.report.data_sections import Inputs, data_section
from hohoho.report.decision_sections import subgroup_section, subgroup_table
from hohoho.report.figure_sections import MAX_LINES, NOT_DRAWN, figure_section, saliency_section, worst_section
from hohoho.report.page import LARGEST_PICTURE, inline, sections, write_report
from hohoho.report.score_sections import NO_LABELS
from hohoho.report.tables import heading, text
from hohoho.saliency.scores import COLUMNS
from hohoho.scores.f2 import ratio
from hohoho.scores.measures import COUNT_SCORES, SCORES, Score
from hohoho.scores.subgroups import without_few_patients

ROOT = Path(__file__).parents[1]
SCRIPT = "<script>alert(1)</script>"
INGEST = {"files": 30, "studies": 3, "skipped": {SCRIPT: 2}, "repaired": {}, "warned": {}, "positives": {"ich": 3}}
BLEEDS = {"all": 120, "found": 91, "missed": 29}
VOID = {"meta", "img", "br", "link", "input"}


EVALUATE = {"learning_rate": 0.0002, "name": SCRIPT, "pos_weight": True}
PARAMS = Record({"seed": 0, "data": {"source": "phantom"}, "evaluate": EVALUATE})


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails on a tag that is closed out of order."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def picture(path, side):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))


def drawn_in(folder, side=20):
    """Every figure of the report as noise."""
    names = ["figure1_neighbours", "figure3_gradients", "figure5_embeddings", "figure6_saliency"]
    names += ["figure7_disagreements", "curves", "worst_slices"]
    for name in names:
        picture(folder / f"{name}.png", side)
    rows = [["gradient", group, bleeds, 22, *[0.125] * (len(COLUMNS) - 4)] for group, bleeds in BLEEDS.items()]
    saliency = pd.DataFrame(rows, columns=COLUMNS).assign(share_inside_low=0.0625, share_inside_high=0.25)
    return {name: Drawn(None, f'caption of "{name}" {SCRIPT}', {"saliency": saliency}) for name in names}


def report_of(tmp_path, drawn, labelled=True):
    """The page of a tiny run whose kernel is a script."""
    found = evaluation_of(slice_table(labelled), kernel=SCRIPT)
    trained = {"cnn": {"name": "resnet18", "precision": "bf16-mixed"}}
    content = sections(found, drawn, Inputs(INGEST, study_table(SCRIPT), False, PARAMS, trained))
    path = tmp_path / "report.html"
    write_report(path, tmp_path / "figures", cards(found), content)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("is_private", [False, True])
def test_private_groups_of_few_patients_are_not_in_the_report(is_private):
    def scanner(name, patients):
        return (
            study_table().loc[[0] * patients].assign(patient=[f"{name}{n}" for n in range(patients)], manufacturer=name)
        )

    found = evaluation_of(slice_table())
    studies = pd.concat([scanner("ACME", 12), scanner("OTHER", 6), scanner("SELDOM", 2)])
    table = data_section(found.details["data"], Inputs(INGEST, studies, is_private, PARAMS, {})).tables["Scanners"]
    assert table["manufacturer"].tolist() == (["ACME"] if is_private else ["ACME", "OTHER", "SELDOM"])
    if is_private:  # one patient a split: all groups are left out
        section = subgroup_section(found._replace(subgroups=without_few_patients(found.subgroups)))
        assert not section.tables and "fewer than 5 patients are left out" in section.text


def test_a_script_in_the_data_shows_as_text(tmp_path):
    page = Page(report_of(tmp_path, drawn_in(tmp_path / "figures")))
    assert "script" not in page.tags
    assert sum(SCRIPT in words for words in page.words) > 10  # kernels, reasons, captions, parameters
    assert page.words.count(f'caption of "curves" {SCRIPT}') == 1


def test_the_page_fetches_nothing_and_runs_nothing(tmp_path):
    source = report_of(tmp_path, drawn_in(tmp_path / "figures"))
    page = Page(source)
    fetched = [value for name, value in page.attributes if name in ("src", "href")]
    assert all(value.startswith(("data:image/", "#")) for value in fetched)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"https?:|//[a-z]|url\(|@import", re.sub(r"base64,[A-Za-z0-9+/=]+", "", source))
    assert not {"link", "iframe", "object", "embed"} & set(page.tags)


def test_every_picture_is_in_the_page_once_and_every_link_has_its_place(tmp_path):
    page = Page(report_of(tmp_path, drawn_in(tmp_path / "figures")))
    assert page.tags.count("img") == 7
    places = {value for name, value in page.attributes if name == "id"}
    assert {value[1:] for name, value in page.attributes if name == "href"} == places


def test_saliency_is_shown_with_its_patients_and_intervals_found_and_missed_bleeds_apart(tmp_path):
    section = saliency_section(drawn_in(tmp_path))
    assert list(section.tables) == [f"{group} bleeds: {n}, of 22 patients" for group, n in BLEEDS.items()]
    for table in section.tables.values():
        assert table["method"].tolist() == ["gradient (the poster's)"]
        assert text(table["share inside"].iloc[0]) == "0.125 (0.062–0.250)"
    empty = {"figure6_saliency": Drawn(None, "caption", {"saliency": pd.DataFrame(columns=COLUMNS)})}
    assert "cannot be scored" in saliency_section(empty).text and not saliency_section(empty).tables


def test_the_page_says_what_it_is_not(tmp_path):
    assert "For research and teaching; not a medical device." in report_of(tmp_path, {})


def test_a_model_without_mistakes_is_not_said_to_lack_labels():
    found = evaluation_of(slice_table())
    assert worst_section(found._replace(worst=found.worst[:0]), {}).text == "Every answer was right."


def test_a_name_with_an_underscore_stays_as_it_is():
    found = evaluation_of(slice_table(), kernel="BONE_PLUS")
    names = subgroup_table(found.subgroups)["group"].tolist()
    assert "kernel BONE_PLUS" in names
    assert "age band 60-69" in names


def test_a_score_of_the_table_is_scored_shown_and_explained_by_itself(tmp_path, monkeypatch):
    balanced = lambda n: (ratio(n.tp, n.tp + n.fn) + ratio(n.tn, n.tn + n.fp)) / 2  # noqa: E731
    score = Score("mean of recall and specificity", balanced, ("positives", "negatives"))
    monkeypatch.setitem(COUNT_SCORES, "balanced_accuracy", score)
    monkeypatch.setitem(SCORES, "balanced_accuracy", score)
    classes = evaluation_of(slice_table()).details["slices"]["cnn"]["test"]
    for name in (*LABELS, "micro"):
        recall, specificity = (classes[name][part]["value"] for part in ("recall", "specificity"))
        assert classes[name]["balanced_accuracy"]["value"] == pytest.approx((recall + specificity) / 2, abs=2e-6)
    words = Page(report_of(tmp_path, {})).words
    assert words.count("balanced accuracy") == 2  # a column, and what it means
    assert "mean of recall and specificity" in words


def test_the_documentation_explains_the_scores_as_the_report_does():
    table = (ROOT / "docs/results.md").read_text().partition("| score | what it means |\n")[2].partition("\n\n")[0]
    documented = dict(line.strip("| ").split(" | ") for line in table.splitlines()[1:])
    meanings = {heading(name): score.meaning for name, score in SCORES.items()}
    assert {"F2", "AUROC"} < set(documented)
    assert documented == {name: meanings.get(name) for name in documented}


def test_the_page_names_the_threshold_and_that_the_phantom_is_synthetic(tmp_path):
    said = " ".join(Page(report_of(tmp_path, {})).words)
    assert "Positive from a raw 0.5 up." in said
    assert "the phantom, synthetic heads that say nothing about patients" in said


def test_the_same_run_gives_the_same_bytes(tmp_path):
    first = report_of(tmp_path / "a", drawn_in(tmp_path / "a/figures"))
    assert first == report_of(tmp_path / "b", drawn_in(tmp_path / "b/figures"))
    assert str(tmp_path) not in first


def test_a_small_parameter_is_not_rounded_away(tmp_path):
    assert "0.0002" in Page(report_of(tmp_path, {})).words


def test_without_labels_or_figures_the_sections_say_so(tmp_path):
    page = Page(report_of(tmp_path, {}, labelled=False))
    assert page.words.count(NO_LABELS) >= 5
    assert any("No slice is labelled in train, val, test" in words for words in page.words)
    assert page.words.count(NOT_DRAWN) == 3
    assert "img" not in page.tags


def test_a_figure_that_the_report_does_not_know_is_shown_with_its_caption_and_its_short_tables():
    tables = {f"of_{n}_lines": pd.DataFrame({"f2": np.zeros(n)}) for n in (1, MAX_LINES, MAX_LINES + 1)}
    section = figure_section({"figure8": Drawn(None, "caption", tables), "figure9": Drawn(None, "other")})
    assert section.pictures == {"figure8.png": "caption", "figure9.png": "other"}
    assert list(section.tables) == ["of 1 lines", f"of {MAX_LINES} lines"]


def test_the_page_stays_small_with_pictures_of_noise(tmp_path):
    page = report_of(tmp_path, drawn_in(tmp_path / "figures", side=1000))
    assert len(page) < 5_000_000


def test_a_large_picture_goes_in_as_jpeg_and_a_small_one_as_it_is(tmp_path):
    picture(tmp_path / "large.png", 900)
    picture(tmp_path / "small.png", 30)
    large = inline(tmp_path / "large.png")
    assert large.startswith("data:image/jpeg")
    assert len(large) < LARGEST_PICTURE * 4 / 3 + 100
    assert inline(tmp_path / "small.png").startswith("data:image/png")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.59396, "0.594"),
        (10248, "10,248"),
        (None, "–"),
        (float("nan"), "–"),
        (True, "yes"),
        ("edh", "edh"),
        (pd.NA, "–"),
    ],
)
def test_a_cell_is_rounded_sensibly(value, expected):
    assert text(value) == expected


def test_a_score_shows_its_interval_where_there_is_one():
    assert text({"value": 0.5, "low": 0.4, "high": 0.61}) == "0.500 (0.400–0.610)"
    assert text({"value": 0.5, "low": None, "high": None}) == "0.500"
    assert text({"value": -0.1, "low": -0.2, "high": 0.05}) == "-0.100 (-0.200 to 0.050)"
    assert text({"value": None, "low": None, "high": None}) == text(None) == "–"
