"""The report's forest plots beside the numbers that they are drawn from, and its folded tables."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from forest_plots import Plot
from scored_slices import predictions, studies_of
from test_report import INGEST, PARAMS, SCRIPT

from hohoho.inference.table import MODEL_NAMES
from hohoho.report.cards import cards
from hohoho.report.data_sections import Inputs
from hohoho.report.decision_sections import subgroup_section
from hohoho.report.forest_sections import ALL_NAMES, class_forests, model_forests, scan_forests, subgroup_forests
from hohoho.report.page import OPEN_LINES, sections, write_report
from hohoho.report.score_sections import class_section
from hohoho.report.tables import text
from hohoho.scores.bootstrap import MIN_PATIENTS
from hohoho.scores.evaluation import evaluate
from hohoho.scores.measures import SCORES
from hohoho.scores.scans import Settings
from hohoho.scores.subgroups import COLUMNS, without_few_patients
from hohoho.slices.split import SPLITS

TABLE = predictions(84)  # 28 a split
EDH = TABLE["patient"].isin(TABLE.loc[TABLE["split"] == "test", "patient"].unique()[:9])
TABLE["edh"] = TABLE["edh"].where(EDH | (TABLE["split"] != "test"), 0)  # some nine patients carry it
STUDIES = studies_of(TABLE).replace({"kernel": {"SOFT": SCRIPT}})
FOUND = evaluate(TABLE, STUDIES, Settings(0.5, False, 60, 0))


def assert_drawn(line, score):
    """A line shows a score {value, low, high, patients}."""
    assert line.number == text({name: score[name] for name in ("value", "low", "high")})
    assert [value for values in line.points.values() for value in values][-1:] == pytest.approx(
        [score["value"]] if score["value"] is not None else [], abs=1e-3
    )
    assert line.interval == (None if score["low"] is None else pytest.approx((score["low"], score["high"]), abs=1e-3))
    assert line.hollow == (score["low"] is None and score["value"] is not None)
    if score["value"] is not None and score["patients"] < MIN_PATIENTS:
        assert f"no interval: {score['patients']} patient" in line.hint


def test_the_classes_are_drawn_as_details_json_has_them():
    plots = list(map(Plot, class_forests(FOUND)))
    hollow = 0
    for score, plot in zip(SCORES, plots, strict=True):
        lines = iter(plot.lines)
        for name in ALL_NAMES:
            for model in MODEL_NAMES:
                expected = FOUND.details["slices"][model]["test"][name][score]
                line = next(lines)
                assert line.hint.startswith(f"{ALL_NAMES[name]}, {MODEL_NAMES[model]}: ")
                assert_drawn(line, expected)
                hollow += line.hollow
        pooled = [FOUND.details["slices"][model]["test"]["micro"][score]["value"] for model in MODEL_NAMES]
        assert plot.references == pytest.approx(pooled, abs=1e-3)  # in their order: the bytes stay
    assert 0 < hollow < len(plots) * len(plots[0].lines)


def test_models_and_scans_are_drawn_as_details_json_has_them():
    f2, gain = map(Plot, model_forests(FOUND))
    wanted = [FOUND.details["slices"][model][split]["micro"]["f2"] for split in SPLITS[::-1] for model in MODEL_NAMES]
    for line, score in zip(f2.lines, wanted, strict=True):
        assert_drawn(line, score)
    floor = [FOUND.headline["all_positive"][split] for split in SPLITS[::-1] for _ in MODEL_NAMES]
    assert [line.points["diamond"][0] for line in f2.lines] == pytest.approx(floor, abs=1e-3)
    assert "not resampled" in f2.lines[-1].hint
    assert_drawn(gain.lines[0], FOUND.details["lstm_gain"]["test"]["micro"]["f2"])
    assert gain.references == pytest.approx([0], abs=1e-3)
    sensitivity, _, auroc = map(Plot, scan_forests(FOUND, "test"))
    assert_drawn(sensitivity.lines[3], FOUND.details["scans"]["cnn_lstm"]["test"]["sensitivity_95"]["any"]["recall"])
    assert len(sensitivity.lines) == 6 and len(auroc.lines) == 4  # AUROC knows no threshold


def test_the_subgroups_are_drawn_as_their_table_has_them_on_one_axis():
    plots = [Plot(svg) for svg in subgroup_forests(FOUND)]
    groups = FOUND.subgroups.astype(object).where(FOUND.subgroups.notna(), None)
    for plot, (by, part) in zip(plots, groups.groupby("by", sort=False), strict=True):
        assert plot.words[0] == f"Recall by {by.replace('_', ' ')}"
        assert [tick for tick, _ in plot.ticks] == [tick for tick, _ in plots[0].ticks]
        for _, lines in part.groupby("group", sort=False):
            for row in lines.itertuples():
                line = next(
                    line
                    for line in plot.lines
                    if line.hint.startswith(f"{row.group[len(by) + 1 :]}, {MODEL_NAMES[row.model]}:")
                )
                score = {"value": row.recall, "low": row.recall_low, "high": row.recall_high}
                assert_drawn(line, score | {"patients": row.with_bleed})
    assert any(SCRIPT in words for plot in plots for words in plot.words)


def test_both_models_are_in_the_table_of_subgroups_and_the_own_one_is_plotted():
    both, own = FOUND.tables()["subgroups"], FOUND.plots()["subgroups"]
    assert list(own) == COLUMNS and both["model"].unique().tolist() == list(MODEL_NAMES)
    pd.testing.assert_frame_equal(both[both["model"] == "cnn_lstm"].reset_index(drop=True)[COLUMNS], own)
    counts = ["group", "patients", "with_bleed", "positives"]
    assert both.loc[both["model"] == "cnn", counts].to_numpy().tolist() == own[counts].to_numpy().tolist()
    females = (STUDIES["sex"] == "F") & STUDIES["patient"].isin(TABLE.loc[TABLE["split"] == "test", "patient"])
    part = TABLE[TABLE["study"].isin(STUDIES.loc[females, "study"])]
    bleeding = part.groupby("patient")[["ich", "ivh", "sah", "sdh", "edh"]].max().max(axis=1).sum()
    assert own.set_index("group").loc["sex F", "with_bleed"] == bleeding


@pytest.mark.parametrize(("bleeding", "told"), [([9, 5], [9, 5]), ([9, 4], [None, None]), ([0, 30], [None, None])])
def test_of_private_groups_few_patients_with_a_bleed_are_not_told_and_cannot_be_subtracted(bleeding, told):
    rows = [(model, "sex", f"sex {n}", 40, n) for model in MODEL_NAMES for n in bleeding]
    groups = pd.DataFrame(rows, columns=["model", "by", "group", "patients", "with_bleed"]).astype(
        {"with_bleed": "Int64"}
    )
    kept = without_few_patients(groups)["with_bleed"]
    assert kept.astype(object).where(kept.notna(), None).tolist() == told * 2
    own = FOUND.subgroups.assign(with_bleed=pd.NA)
    plots = [Plot(svg) for svg in subgroup_forests(FOUND._replace(subgroups=own))]
    hints = [line.hint for plot in plots for line in plot.lines]
    assert all("patients not told (private data)" in hint for hint in hints)


def test_one_model_alone_is_drawn_alone_and_no_group_is_no_plot():
    table = predictions(24, models=("cnn",))
    found = evaluate(table, studies_of(table), Settings(0.5, False, 0, 0))
    (f2,) = map(Plot, model_forests(found))
    assert {line.hint.split(", ")[1][:4] for line in f2.lines} == {"CNN:"} and all(line.hollow for line in f2.lines)
    assert len(Plot(class_forests(found)[0]).lines) == len(ALL_NAMES)
    assert not subgroup_section(found._replace(subgroups=found.subgroups[:0])).forests
    table[["ich", "ivh", "sah", "sdh", "edh"]] = np.nan
    found = evaluate(table, studies_of(table), Settings(0.5, False, 0, 0))
    assert not model_forests(found) and not class_section(found).forests and not subgroup_forests(found)


class Tables(HTMLParser):
    """The cells of every table of a page, and in which <details> it is, if in any."""

    def __init__(self, page: str):
        super().__init__()
        self.tables, self.summaries, self.open, self.inside = [], [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "details":
            self.open.append(attrs)
        if tag == "summary":
            self.summaries.append("")
        if tag == "table":
            self.tables.append(([], bool(self.open)))
        if tag == "td":
            self.tables[-1][0].append("")
        self.inside = tag

    def handle_endtag(self, tag):
        if tag == "details":
            assert self.open.pop() == []  # closed
        self.inside = "summary" if tag == "span" and self.open else ""

    def handle_data(self, data):
        if self.inside == "td":
            self.tables[-1][0][-1] += data
        if self.inside in ("summary", "span") and self.open:
            self.summaries[-1] += data


def test_long_tables_are_folded_away_with_a_summary_and_no_cell_is_lost(tmp_path):
    content = sections(FOUND, {}, Inputs(INGEST, STUDIES.assign(tilt_deg=0.0), False, PARAMS, {}))
    write_report(tmp_path / "report.html", tmp_path, cards(FOUND), content)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    wanted = [table for section in content for table in section.tables.values() if len(table)]
    found = Tables(page)
    for table, (cells, folded) in zip(wanted, found.tables, strict=True):
        assert cells == [text(value) for value in table.to_numpy(object).ravel()]
        assert folded == (len(table) > OPEN_LINES)
    assert len(found.summaries) == sum(folded for _, folded in found.tables) > 8
    assert any(summary.startswith("Where it fails: ") and "recall" in summary for summary in found.summaries)
    assert "details::details-content { content-visibility: visible" in page.partition("@media print")[2]
    assert page.count("<svg") == sum(len(section.forests) for section in content) > 10
