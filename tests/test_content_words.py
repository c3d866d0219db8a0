"""What a header says of contrast, body part and computed pictures, in the words of many hospitals."""

import pytest
from test_choice import content_in_file

from hohoho.dicom.content import ELSEWHERE, PROJECTION, UNKNOWN

MORE_WORDS = {  # what a header says → contrast
    ("SeriesDescription", "Kopf_KM_5.0"): True, ("SeriesDescription", "HEAD W/C"): True,
    ("SeriesDescription", "Head I+"): True, ("SeriesDescription", "avec injection"): True,
    ("ContrastBolusVolume", "1E2"): True, ("ContrastBolusAgent", "Omnipaque 350"): True,
    ("ContrastBolusAgent", "NONCONTRAST"): False, ("ContrastBolusAgent", "NO ORAL, NO IV"): False,
    ("ContrastBolusAgent", "Unenhanced"): False, ("ContrastBolusAgent", "sin contraste"): False,
    ("ContrastBolusAgent", "?"): False, ("ContrastBolusVolume", "00.0"): False,
    ("SeriesDescription", "PRECONTRAST"): False, ("SeriesDescription", "w/out contrast"): False,
    ("SeriesDescription", "cranio sem contraste"): False, ("SeriesDescription", "Contrast: none"): False,
    ("SeriesDescription", "post op"): False, ("SeriesDescription", "Posterior fossa"): False,
}  # fmt: skip


@pytest.mark.parametrize(("tag", "text"), MORE_WORDS)
def test_contrast_is_known_by_the_words_of_many_hospitals(tmp_path, tag, text):
    assert content_in_file(tmp_path, **{tag: text}).contrast is MORE_WORDS[tag, text]


@pytest.mark.parametrize("text", ["CERVICAL", "HWS", "CAROTID", "FACE", "MAXILLA", "BREAST", "TORAX", "Felsenbein"])
def test_other_body_parts_are_known_by_tag_and_name(tmp_path, text):
    assert content_in_file(tmp_path, BodyPartExamined=text).part == ELSEWHERE
    assert content_in_file(tmp_path, SeriesDescription=text).part == ELSEWHERE
    assert content_in_file(tmp_path, BodyPartExamined="HEAD", SeriesDescription=text).part == UNKNOWN


@pytest.mark.parametrize("text", ["Mono+ 70 keV", "AVG 5", "Zeff", "VMI 70", "Bone removal", "tMIP", "TTD", "PBV"])
def test_computed_pictures_are_known_by_their_names(tmp_path, text):
    assert content_in_file(tmp_path, SeriesDescription=text).kind == PROJECTION
