"""Forest plots: what is drawn is what is in the table, and no text lies on it."""

import math

import pandas as pd
import pytest
from forest_plots import Plot
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties, findfont, get_font

from hohoho.report.forest import COLUMNS, WIDTH, Options, forest, ticks
from hohoho.report.svg import FONT, as_file, extent, wrapped
from hohoho.report.tables import text

NAMES = {"mark": "poster", "dots": "seeds"}
ODD = [
    "<script>alert(1)</script>",
    'a "quoted" & b',
    "\x1b[31m",
    "GE MEDICAL SYSTEMS " * 9,
    "W" * 200,
    "脳出血" * 30,
    "",
    "é",
]
SEARCH = settings(deadline=None, max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
share = st.floats(0, 1).map(lambda value: round(value, 6))
words = st.one_of(st.sampled_from(ODD), st.text(max_size=80))


@st.composite
def tables(draw):
    """Lines of one or two series under labels of any length; anything may be missing but the label."""
    lines = []
    for label in draw(st.lists(words, min_size=1, max_size=4, unique=True)):
        for series in ["CNN", "CNN-LSTM"][: draw(st.integers(1, 2))]:
            low, value, high = sorted(draw(st.tuples(share, share, share)))
            ends = draw(st.sampled_from([(low, high), (None, None)]))
            dots = draw(st.none() | st.lists(share, min_size=2, max_size=5))
            drawn = (draw(st.sampled_from([value, None])), *ends, draw(words), draw(st.none() | share), dots)
            lines.append((label, series, *(drawn if drawn[0] is not None else (None, None, None, *drawn[3:]))))
    return pd.DataFrame(lines, columns=COLUMNS)


@SEARCH
@given(tables())
def test_what_is_drawn_is_what_is_in_the_table(table):
    plot = Plot(forest("F2", table, Options(NAMES)))
    precision = 0.02 * (plot.ticks[-1][0] - plot.ticks[0][0]) / 100  # a hundredth of a px
    near = lambda values: pytest.approx(values, abs=2 * precision)  # noqa: E731
    rows = table.astype(object).where(table.notna(), None).itertuples()
    for line, shown in zip(rows, plot.lines, strict=True):
        assert shown.number == text({"value": line.value, "low": line.low, "high": line.high})
        point = shown.points.get("circle", []) + shown.points.get("square", [])
        assert point == near([line.value] if line.value is not None else [])
        assert shown.interval == (None if line.low is None else near((line.low, line.high)))
        assert shown.hollow == (line.value is not None and line.low is None)
        assert shown.points.get("diamond", []) == near([] if line.mark is None else [line.mark])
        assert shown.points.get("dot", []) == near(line.dots or [])
        assert shown.points.get("tick", []) == near([sum(line.dots) / len(line.dots)] if line.dots else [])


@SEARCH
@given(tables(), st.sampled_from([WIDTH, 640]))
def test_no_text_lies_on_a_sign_or_on_a_text_and_all_is_inside(table, width):
    plot = Plot(forest("Recall by " + "manufacturer " * 9, table, Options(NAMES, notes=ODD, width=width)))
    texts, signs = plot.texts(), plot.signs()
    assert not [(one, sign) for one in texts for sign in signs if one.meets(sign)]
    assert not [(a, b) for n, a in enumerate(texts) for b in texts[:n] if a.meets(b)]
    left, top, *size = map(float, plot.root.get("viewBox").split())
    for box in (*texts, *signs):
        assert left <= box.left and box.right <= left + size[0] and top <= box.top and box.bottom <= top + size[1]


@SEARCH
@given(st.text(st.characters(max_codepoint=0x24F, exclude_categories=["C"]), min_size=1, max_size=60))
def test_a_text_is_no_wider_than_it_is_thought_to_be(words):
    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    font.set_size(FONT, 72)
    font.set_text(words, 0.0)
    assert font.get_width_height()[0] / 64 <= extent(words) + 1


@given(words, st.integers(60, 600))
@example("脳出血" * 30, 154)
def test_wrapping_loses_no_letter_and_keeps_the_width(words, width):
    lines = wrapped(words, width)
    assert "".join("".join(lines).split()) == "".join(words.split())
    assert all(extent(line) <= width + 1e-6 for line in lines)  # a full line's sum rounds


def one(**columns):
    """A table of one line."""
    return pd.DataFrame([{"label": "edh", "series": "CNN", "value": 0.5, "low": None, "high": None} | columns])


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_text_and_nothing_else(name):
    for svg in (forest(name, one(label=name, note=name)), as_file(forest(name, one(label=name, note=name)))):
        plot = Plot(svg)
        assert {element.tag for element in plot.root.iter()} <= {"svg", "title", "desc", "text", "g", "path", "line"}
        shown = "".join("".join(filter(None, plot.words)).split())
        assert "".join(name.replace("\x1b", "\ufffd").split()) in shown
        assert "\x1b" not in svg


def test_a_point_without_interval_is_hollow_and_says_why_beside_its_label():
    plot = Plot(forest("F2", one(note="no interval: 7 patients")))
    assert plot.lines[0].hollow and plot.lines[0].number == "0.500"
    assert plot.lines[0].hint == "edh, CNN: 0.500; no interval: 7 patients"
    assert {"no interval", "no interval: 7 patients"} <= set(plot.words)
    whole = Plot(forest("F2", one(low=0.4, high=0.6, note="28 patients")))
    assert not whole.lines[0].hollow and whole.lines[0].number == "0.500 (0.400–0.600)"
    assert "no interval" not in whole.words


def test_the_notes_of_two_series_are_said_once_where_they_are_the_same():
    both = pd.concat([one(note="9 patients"), one(series="CNN-LSTM", note="9 patients")])
    assert Plot(forest("F2", both)).words.count("9 patients") == 1
    both["note"] = ["9 patients", "11 patients"]
    assert "9 patients / 11 patients" in Plot(forest("F2", both)).words


def test_a_reference_is_where_its_series_has_it_and_only_of_series_that_are_drawn():
    options = Options({"reference": "all patients"}, {"CNN": 0.3, "CNN-LSTM": 0.4}, ticks(one(mark=0.2)))
    plot = Plot(forest("F2", one(), options))
    assert plot.references == pytest.approx([0.3], abs=1e-3)
    assert "all patients" in plot.words


@given(st.lists(st.floats(-1, 1), max_size=6))
def test_the_axis_holds_all_values_by_few_round_numbers(values):
    axis = ticks(pd.DataFrame({"value": values}))
    assert 2 <= len(axis) <= 7
    assert all(axis[0] - 1e-5 <= value <= axis[-1] + 1e-5 for value in values)
    assert all(math.isclose(tick, round(tick, 2)) for tick in axis)


def test_nothing_to_draw_is_an_empty_plot():
    plot = Plot(forest("F2", pd.DataFrame(columns=COLUMNS)))
    assert plot.lines == [] and plot.ticks[0][0] == 0 and plot.ticks[-1][0] == 1


def test_the_same_table_gives_the_same_bytes():
    table = one(note="7 patients", dots=[0.1, 0.2], mark=0.9)
    assert forest("F2", table, Options(NAMES)) == forest("F2", table.copy(), Options(NAMES))
