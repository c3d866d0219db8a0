"""What is DICOM and yet no CT slice: other classes, pages, scouts, colour, text in the picture."""

import re

from hohoho.dicom import tags
from hohoho.dicom.values import Values
from hohoho.errors import Unusable

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MULTI_FRAME_CT = {"1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"}
GREY = ("", "MONOCHROME1", "MONOCHROME2")
DICOMDIR = "1.2.840.10008.1.3.10"
NOT_SLICES = {"SCREEN SAVE", "DOSE_INFO", "CT_SOM5 PROT"}
PAGES = re.compile(r"DOSE (REPORT|INFO|RECORD)|EXAM SUMMARY|PATIENT PROTOCOL|SCREEN SAVE")  # in Series Description


def check_kind(values: Values, path: str) -> None:
    """Raises Unusable for all that is DICOM and yet no CT slice, or frames of slices, of grey values."""
    if not values.elements and values.media_class in {CT_IMAGE, *MULTI_FRAME_CT}:
        raise Unusable("no_elements", f"{path}: no element of an image; cut off, or not in its declared byte order")
    sop_class = values.sop_class
    image_type = {part.upper() for part in values.texts(tags.IMAGE_TYPE)}
    frames = values.numbers(tags.FRAMES)
    refusals = {
        "dicomdir": sop_class == DICOMDIR,
        "not_ct": sop_class not in {CT_IMAGE, *MULTI_FRAME_CT} and (sop_class or values.text(tags.MODALITY) != "CT"),
        "multi_frame": sop_class not in MULTI_FRAME_CT and frames and frames[0] > 1,
        "localizer": image_type & {"LOCALIZER", "SCOUT"},
        "not_a_slice": image_type & NOT_SLICES or PAGES.search(values.text(tags.DESCRIPTION).upper()),
        "colour": values.integer(tags.SAMPLES) not in (None, 1) or values.text(tags.PHOTOMETRIC) not in GREY,
        "burned_in_text": values.text(tags.BURNED_IN).upper() == "YES",
        "no_study_uid": not values.text(tags.STUDY_UID),
    }
    for reason, refused in refusals.items():
        if refused:
            raise Unusable(reason, f"{path}: {reason.replace('_', ' ')}, not a CT slice that can be used")
