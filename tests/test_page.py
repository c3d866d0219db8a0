"""The page of one study: what it embeds is what was measured, it needs nobody else, and it names no patient."""

import base64
import json
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from new_heads import save_untrained

from hohoho.predict.models import load_models
from hohoho.predict.page import share, write_page
from hohoho.predict.page_data import LOWEST_HU, PRINTED, every, png, script_json
from hohoho.predict.result import heights, predict_scan
from hohoho.predict.studies import NewScan
from hohoho.scans.scan import WARNED, Note, Scan

SECRET = "Müller</script><script>alert(1)</script>"


def picture(number):
    """HU of one slice: a head in air, with values no other slice has."""
    hu = np.full((48, 48), -1000, np.int16)
    hu[8:40, 8:40] = np.random.default_rng(int(number)).integers(-20, 1500, (32, 32))
    return hu, ()


def new_scan(slices=7, without=(), note=None):
    number = np.setdiff1d(np.arange(slices), without)
    scan = Scan(
        patient=SECRET,
        study="1.2.3",
        images=tuple(map(str, number)),
        read_slice=picture,
        position_mm=5.0 * number,
        spacing_mm=np.ones((len(number), 2)),
        labels=np.full((len(number), 5), np.nan, np.float32),
    )
    notes = [Note(WARNED, note)] if note else []
    return NewScan("1", "1.2.3", scan, {"taken": "1", "why": "is the <only> one", "left": {}}, notes)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """An untrained CNN without calibration."""
    return load_models(save_untrained(tmp_path_factory.mktemp("models"), image_size=32))


def page(tmp_path, models, new=None, **options):
    """(text, data) of a page."""
    write_page(tmp_path / "report.html", predict_scan(new or new_scan(), models), models, **options)
    text = (tmp_path / "report.html").read_text()
    return text, json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


class Elements(HTMLParser):
    """All elements of a page, and every address in them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "data", "poster")]


def test_the_pictures_hold_every_hu_and_the_numbers_are_those_of_the_table(tmp_path, models):
    result = predict_scan(new_scan(), models)
    text, data = page(tmp_path, models)
    expected = np.clip(result.hu, LOWEST_HU, LOWEST_HU + 4095)
    assert len(data["slices"]) == len(result.table) == 7
    for i, slice_ in enumerate(data["slices"]):
        encoded = base64.b64decode(slice_["hu"].partition(",")[2])
        green, red = np.moveaxis(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR).astype(int), -1, 0)[
            1:
        ]
        np.testing.assert_array_equal((red << 4) + (green >> 4) + LOWEST_HU, expected[i])  # as page.js decodes them
        assert slice_["p"]["sdh"] == pytest.approx(result.table["cnn_sdh"][i], abs=1e-4)  # nothing is calibrated here
        assert slice_["mm"] == heights(result)[i] == 5 * i
    assert text.count('class="any"') == 1


def test_it_asks_nobody_and_runs_nothing_that_it_was_given(tmp_path, models):
    text, _ = page(tmp_path, models, new_scan(note="odd_<b>_thing"), show_identity=True)
    found = Elements(text)
    assert found.tags.count("script") == 2 and not {"link", "img", "iframe", "object"} & set(found.tags)
    assert found.addresses == [] and "default-src 'none'" in text
    assert not re.search(r"https?://|@import|url\(", text)
    assert "&lt;only&gt;" in text and "odd &lt;b&gt; thing" in text
    assert "</script" not in script_json({"a": SECRET})


def test_nobody_is_named_unless_it_is_asked_for(tmp_path, models):
    text, _ = page(tmp_path, models)
    assert "Müller" not in text and "1.2.3" not in text
    named, _ = page(tmp_path, models, show_identity=True)
    assert "Müller&lt;/script&gt;" in named and "1.2.3" in named


def test_the_same_scan_gives_the_same_bytes(tmp_path, models):
    assert page(tmp_path, models)[0] == page(tmp_path, models)[0]


def test_a_missing_slice_is_a_gap_in_every_curve(tmp_path, models):
    whole, _ = page(tmp_path, models)
    parted, _ = page(tmp_path, models, new_scan(without=(3,)))
    assert parted.count('<path d="M') == 2 * whole.count('<path d="M') == 12


def test_a_page_of_many_slices_prints_some_and_stays_small(tmp_path, models):
    text, data = page(tmp_path, models, new_scan(slices=90))
    assert len(data["slices"]) == 90 and sum(each["printed"] for each in data["slices"]) == 30 <= PRINTED
    assert every(PRINTED) == 1 and every(PRINTED + 1) == 2
    assert len(text) < 8_000_000


@pytest.mark.parametrize("slices", [1, 2])
def test_a_scan_of_hardly_a_slice_has_a_page_as_well(tmp_path, models, slices):
    text, data = page(tmp_path, models, new_scan(slices=slices))
    assert len(data["slices"]) == slices and "nan" not in text.partition("<script")[0]


def test_without_calibrated_models_there_is_no_answer_and_the_page_says_why(tmp_path, models):
    text, _ = page(tmp_path, models)
    assert "No answer" in text and "never scored on labelled scans" in text
    assert "knows nothing of patients" in text  # trained on the phantom


def test_a_picture_is_a_png():
    assert png(np.zeros((4, 4), np.uint8)).startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize(
    ("value", "read"),
    [(0.0, "< 0.01"), (0.004, "< 0.01"), (0.5, "0.50"), (0.999, "> 0.99"), (None, "–"), (np.nan, "–")],
)
def test_a_probability_is_never_read_as_certainty(value, read):
    assert share(value) == read
