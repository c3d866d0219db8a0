"""What is DICOM and yet no CT slice: other classes, pages, scouts, colour, text in the picture."""

import re

from hohoho.dicom.header import (
    BURNED_IN,
    DESCRIPTION,
    FRAMES,
    IMAGE_TYPE,
    MODALITY,
    PHOTOMETRIC,
    SAMPLES,
    SOP_CLASS,
    STUDY_UID,
)
from hohoho.dicom.values import Values
from hohoho.errors import Unusable

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MULTI_FRAME_CT = {"1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"}
GREY = ("", "MONOCHROME1", "MONOCHROME2")
DICOMDIR = "1.2.840.10008.1.3.10"
NOT_SLICES = {"SCREEN SAVE", "DOSE_INFO", "CT_SOM5 PROT"}
PAGES = re.compile(r"DOSE (REPORT|INFO|RECORD)|EXAM SUMMARY|PATIENT PROTOCOL|SCREEN SAVE")  # in Series Description


def check_kind(values: Values, media_class: str, path: str) -> None:
    """Raises Unusable for all that is DICOM and yet no CT slice, or frames of slices, of grey values.

    media_class: the SOP class that the file meta information names, "" where there is none.
    """
    if not len(values.dataset) and media_class in {CT_IMAGE, *MULTI_FRAME_CT}:
        raise Unusable("no_elements", f"{path}: no element of an image; cut off, or not in its declared byte order")
    sop_class = values.text(SOP_CLASS) or media_class
    image_type = {part.upper() for part in values.texts(IMAGE_TYPE)}
    frames = values.numbers(FRAMES)
    refusals = {
        "dicomdir": sop_class == DICOMDIR,
        "not_ct": sop_class not in {CT_IMAGE, *MULTI_FRAME_CT} and (sop_class or values.text(MODALITY) != "CT"),
        "multi_frame": sop_class not in MULTI_FRAME_CT and frames and frames[0] > 1,
        "localizer": image_type & {"LOCALIZER", "SCOUT"},
        "not_a_slice": image_type & NOT_SLICES or PAGES.search(values.text(DESCRIPTION).upper()),
        "colour": values.integer(SAMPLES) not in (None, 1) or values.text(PHOTOMETRIC) not in GREY,
        "burned_in_text": values.text(BURNED_IN).upper() == "YES",
        "no_study_uid": not values.text(STUDY_UID),
    }
    for reason, refused in refusals.items():
        if refused:
            raise Unusable(reason, f"{path}: {reason.replace('_', ' ')}, not a CT slice that can be used")


def is_multi_frame(values: Values, media_class: str) -> bool:
    """Whether this is enhanced CT: slices as frames of one file."""
    return (values.text(SOP_CLASS) or media_class) in MULTI_FRAME_CT
