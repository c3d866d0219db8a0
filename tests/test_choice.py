"""Which series stands for a study: what the pictures are comes first, then how well they show the head."""

import itertools
import random
from pathlib import Path

import pytest
from ct_files import ct_slice, save
from headers import content, scan_headers

from hohoho.dicom.content import DERIVED, ELSEWHERE, HEAD, NOT_HU, ORIGINAL, PROJECTION, UNKNOWN
from hohoho.dicom.reader import read_frames
from hohoho.errors import InputError
from hohoho.scans.assembly import build_studies, choose
from hohoho.scans.choice import criteria

ROOT = Path(__file__).parents[1]

HEAD_SERIES = {"slices": 28, "step_mm": 5.0}
WORSE = {  # what a series is → what speaks for a plain head beside it
    "a map of something else than HU": ({"content": content(kind=NOT_HU)}, "slices in HU, not projections"),
    "a MIP": ({"content": content(kind=PROJECTION)}, "slices in HU, not projections"),
    "another body part": ({"content": content(part=ELSEWHERE)}, "no name of another body part"),
    "without positions": ({"position": None}, "measured positions"),
    "after contrast": ({"content": content(contrast=True)}, "no contrast"),
    "reformatted": ({"content": content(kind=DERIVED)}, "original images"),
    "a repeat of three slices": ({"slices": 3}, "the extent of a head"),
    "a long scan of the trunk": ({"slices": 80}, "the extent of a head"),
    "a bone kernel": ({"kernel": "BONE"}, "the softer kernel"),
    "thin": ({"slices": 140, "step_mm": 1.0}, "a thickness nearer 5 mm"),
    "cut short": ({"slices": 21}, "more of the head"),
    "later": ({"acquired": "20200101110000"}, "the earlier acquisition"),
    "with a larger series number": ({"content": content(series_number=9)}, "the smaller series number"),
    "shorter by a slice": ({"slices": 27}, "more slices"),
}


def a_series(number, slices=28, step_mm=5.0, **fields):
    plain = {"acquired": "20200101100000", "content": content(series_number=2)}
    return scan_headers(slices, step_mm, first=1000 * number, **(plain | {"series_uid": f"1.2.{number}"} | fields))


def taken(*series):
    headers = [header for headers in series for header in headers]
    random.Random(len(headers)).shuffle(headers)
    (study,) = build_studies(headers)
    return study


@pytest.mark.parametrize("number", [1, 9])
@pytest.mark.parametrize("kind", WORSE)
def test_a_plain_original_whole_head_is_taken_whatever_lies_beside_it(kind, number):
    fields, advantage = WORSE[kind]
    study = taken(a_series(5), a_series(number, **fields))
    assert study.taken.headers[0].series_uid == "1.2.5"
    assert study.why.startswith(f"has {advantage}")


def of_other_lengths(pair):
    return all("slices" in WORSE[kind][0] for kind in pair)


PAIRS = [pair for pair in itertools.combinations(WORSE, 2) if not of_other_lengths(pair)]


@pytest.mark.parametrize(("weightier", "lighter"), PAIRS)
def test_the_weightier_fault_loses(weightier, lighter):
    study = taken(a_series(1, **WORSE[weightier][0]), a_series(5, **WORSE[lighter][0]))
    assert study.taken.headers[0].series_uid == "1.2.5"


@pytest.mark.parametrize("kind", WORSE)
def test_the_only_series_is_taken_whatever_it_is(kind):
    if kind != "shorter by a slice":
        study = taken(a_series(1, **WORSE[kind][0]))
        assert study.taken and study.why == "is the only one"


def test_a_series_can_be_asked_for_by_number_or_uid():
    study = taken(a_series(1), a_series(2, kernel="BONE"))
    assert [choose(study, wanted).taken.headers[0].kernel for wanted in ("1", "2", "1.2.2")] == ["SOFT", "BONE", "BONE"]
    with pytest.raises(InputError, match="no series 3, but 1 to 2"):
        choose(study, "3")


def content_in_file(tmp_path, **tags):
    image = ct_slice(1, 0.0)
    for name, value in tags.items():
        setattr(image, name, value)
    return read_frames(save(image, tmp_path / "image.dcm"))[0].content


KINDS = {
    ORIGINAL: [{}, {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}, {"RescaleType": "HU"}, {"ImageType": ""}],
    DERIVED: [
        {"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}, {"ImageType": ["DERIVED", "PRIMARY", "MPR"]},
        {"RescaleType": "US"}, {"SeriesDescription": "Head Cor 3mm"},
    ],
    PROJECTION: [
        {"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, {"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 MIP"]},
        {"ImageType": ["DERIVED", "SECONDARY", "MIN IP"]}, {"ImageType": ["DERIVED", "SECONDARY", "PROJECTION IMAGE"]},
        {"ImageType": ["DERIVED", "PRIMARY", "PERFUSION", "CBF"]}, {"SeriesDescription": "ax mip 10/5"},
        {"SeriesDescription": "VNC head"}, {"SeriesDescription": "Tmax map"},
    ],
    NOT_HU: [{"RescaleType": "UNIT"}, {"RescaleType": "Percent"}],
}  # fmt: skip
PLAIN = [
    {}, {"ContrastBolusAgent": ""}, {"ContrastBolusAgent": "NONE"}, {"ContrastBolusAgent": "no"},
    {"ContrastBolusAgent": "Without contrast"}, {"ContrastBolusAgent": "0 ML"}, {"ContrastBolusVolume": "0"},
    {"SeriesDescription": "Head w/o contrast"}, {"SeriesDescription": "NON-CONTRAST"}, {"SeriesDescription": "C- 5mm"},
    {"SeriesDescription": "Schaedel nativ", "ContrastBolusAgent": "APPLIED"}, {"SeriesDescription": "HEAD UNENHANCED"},
    {"SeriesDescription": "pre contrast"}, {"SeriesDescription": "HEAD ROUTINE 5.0"},
]  # fmt: skip
CONTRAST = [
    {"ContrastBolusAgent": "OMNIPAQUE 350"}, {"ContrastBolusAgent": "Iopamiro 80 ml"},
    {"ContrastBolusAgent": "NONIONIC"}, {"ContrastBolusAgent": "Non ionic 300"}, {"ContrastBolusVolume": "75.5"},
    {"SeriesDescription": "HEAD C+"},
    {"SeriesDescription": "post contrast 5mm"}, {"SeriesDescription": "CTA Circle of Willis"},
    {"SeriesDescription": "Kopf mit KM"}, {"SeriesDescription": "venous phase"}, {"SeriesDescription": "WITH CONTRAST"},
    {"ContrastBolusAgent": "100ML OMNI 300"},
]  # fmt: skip
PARTS = {
    HEAD: [{"BodyPartExamined": "HEAD"}, {"BodyPartExamined": "SKULL"}, {"SeriesDescription": "Brain 5mm"},
           {"BodyPartExamined": "HEADNECK"}, {"ProtocolName": "01_HeadSeq"}, {"BodyPartExamined": "brain"}],
    UNKNOWN: [{}, {"BodyPartExamined": ""}, {"BodyPartExamined": "UNKNOWN"}, {"SeriesDescription": "5.0 H31s"}],
    ELSEWHERE: [{"BodyPartExamined": "ABDOMEN"}, {"BodyPartExamined": "CHEST"}, {"SeriesDescription": "C-SPINE 2mm"},
                {"ProtocolName": "Thorax^Routine"}, {"BodyPartExamined": "PELVIS"}],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "tags"), [(kind, tags) for kind, cases in KINDS.items() for tags in cases])
def test_the_kind_of_image_is_read_from_image_type_rescale_type_and_description(tmp_path, kind, tags):
    assert content_in_file(tmp_path, **tags).kind == kind


@pytest.mark.parametrize(("contrast", "tags"), [(False, tags) for tags in PLAIN] + [(True, tags) for tags in CONTRAST])
def test_contrast_is_read_from_agent_volume_and_description(tmp_path, contrast, tags):
    assert content_in_file(tmp_path, **tags).contrast is contrast


@pytest.mark.parametrize(("part", "tags"), [(part, tags) for part, cases in PARTS.items() for tags in cases])
def test_the_body_part_is_read_from_its_tag_else_from_the_names(tmp_path, part, tags):
    assert content_in_file(tmp_path, **tags).part == part


def test_the_documentation_lists_what_decides_in_its_order():
    (series,) = taken(a_series(1)).series
    table = (ROOT / "docs/ingest.md").read_text().split("## Which series")[1].split("## ")[0]
    documented = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert documented == [criterion.advantage for criterion in criteria(series, [series])]
