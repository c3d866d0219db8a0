"""What a CT image shows, as far as its header tells: slices or something computed of them, contrast, body part."""

import re
from functools import lru_cache
from typing import NamedTuple

from hohoho.dicom.values import Values

IMAGE_TYPE, DESCRIPTION, PROTOCOL, RESCALE_TYPE = 0x00080008, 0x0008103E, 0x00181030, 0x00281054
AGENT, AGENT_SEQUENCE, VOLUME, BODY_PART = 0x00180010, 0x00180012, 0x00181041, 0x00180015
DATE_TIME, DATE, TIME = 0x0008002A, 0x00080022, 0x00080032  # of the acquisition
SERIES_NUMBER, TEMPORAL_POSITION = 0x00200011, 0x00200100
TAGS = [tag for name, tag in list(globals().items()) if name.isupper() and isinstance(tag, int)]

ORIGINAL, DERIVED, PROJECTION, NOT_HU = range(4)  # the higher, the less it is a plain slice in HU
HEAD, UNKNOWN, ELSEWHERE = range(3)

# Of many slices one picture, or a map of something else than attenuation, by Image Type or Series Description
COMPUTED = re.compile(
    r"\bM(AX|IN)?[ _-]?IPS?\b|\bMIN[ _-]?IP|\bMNIP|PROJECTION|RENDER|\bVRT?\b|\bSSD\b|\bCPR\b|MPVR|AVERAGE|SUBTRACT|"
    r"PERFUSION|\bR?C?CB[FV]\b|\bMTT\b|\bTTP\b|TMAX|\bMAPS?\b|IODINE|VIRTUAL|\bVNC\b|MONO ?E|EFF[ _]?Z|ELECTRON|OVERLAY"
)
REFORMATTED = re.compile(r"\bMPR\b|REFORMAT|\bCOR(ONAL)?\b|\bSAG(ITTAL)?\b|\bOBL|\b3D\b")

WITHOUT_CONTRAST = re.compile(
    r"(\b(W/?O|WITHOUT|NON|NOT?|PRE|OHNE|SANS|SIN|SENZA|UN)\b|\bNON|\bUN)[ ._-]*(I\.?V\.?)?[ ._-]*"
    r"(CONTRAST|ENHANCED|CON\b|KM\b|C\b|CE\b|IV\b)|NATIVE?\b|\bPLAIN\b|\bNECT\b|\bNCCT\b|\bC-(?!\w)|-C\b(?!\w)"
)
WITH_CONTRAST = re.compile(
    r"\bC\+|\+C\b|\+ ?KM|CONTRAST|ENHANCED|\bCE(CT)?\b|\bCTA\b|\bCTV\b|\bCTP\b|ANGIO|VENO|ARTERI|PORTAL|DELAY|BOLUS|"
    r"MIT KM|\bPOST[ ._-]*(CON|KM|IV|C\b|INJ)"
)
NO_AGENT = re.compile(
    r"NO|NONE|N/?A|NIL|NULL|FALSE|-+|(WITHOUT|W/?O)|"
    r"(NO|NON|NOT|WITHOUT|W/?O)\b[ _-]*(CONTRAST|AGENT|IV|GIVEN|INJECT|ADMIN|APPLI|USED).*|"
    r"(.*\D)?0+([.,]0+)? ?(ML|CC)|0+([.,]0+)?"
)

HEADS = re.compile(r"HEAD|SKULL|BRAIN|CRAN|CEREB|NEURO|KOPF|SCH(AE|Ä)DEL|TETE|T\xcaTE|CABE|ENCEF|ENCEPH|ICH\b|STROKE")
OTHER_PARTS = re.compile(
    r"ABD|CHEST|THORA|PELV|LUNG|SPINE|NECK|LIVER|KIDN|RENAL|HEART|CARD|COLON|AORT|\bLEGS?\b|\bARMS?\b|KNEE|HIP\b|"
    r"ANKLE|FOOT|FEET|HAND|WRIST|ELBOW|SHOULDER|EXTREM|TRUNK|BODY|FEMUR|HALS|BECKEN|SINUS|ORBIT|JAW|DENT|WHOLE"
)


class Content(NamedTuple):
    """What the images of a series show."""

    kind: int = ORIGINAL  # ORIGINAL, DERIVED, PROJECTION or NOT_HU
    contrast: bool = False
    part: int = UNKNOWN  # HEAD, UNKNOWN or ELSEWHERE
    series_number: float = float("inf")


def content_of(values: Values) -> Content:
    """Content of one image: what its tags say; where they are empty or silent it is a plain original slice.

    Image Type (PS3.3 C.7.6.1.1.2), Rescale Type (C.11.1.1.2), Contrast/Bolus (C.7.6.4), Body Part Examined and names.
    """
    names = values.text(DESCRIPTION), values.text(PROTOCOL)
    number = values.numbers(SERIES_NUMBER)
    contrast = values.text(AGENT), values.text(VOLUME), bool(values.raw(AGENT_SEQUENCE))
    types = values.text(IMAGE_TYPE), values.text(RESCALE_TYPE)
    return _content(types, contrast, values.text(BODY_PART), names, number[0] if number else float("inf"))


def acquired(values: Values) -> str:
    """When the image was acquired, as text that sorts by time; "" where date and time are not there."""
    moment = values.text(DATE_TIME) or values.text(DATE) + values.text(TIME)
    return moment if moment[:12].isdigit() else ""


@lru_cache(maxsize=1024)  # the images of a series say the same
def _content(types, contrast, body_part, names, series_number):
    names = tuple(name.upper().replace("_", " ") for name in names)
    return Content(
        _kind(*(text.upper() for text in types), names[0]), _contrast(*contrast, names), _part(body_part, names),
        series_number,
    )  # fmt: skip


def _kind(image_type, rescale_type, description):
    words = image_type.replace("_", " ").replace("\\", " ")
    if rescale_type not in ("", "HU", "US"):  # US: not specified
        return NOT_HU
    if COMPUTED.search(words) or COMPUTED.search(description):
        return PROJECTION
    is_derived = image_type.startswith("DERIVED") or REFORMATTED.search(words) or REFORMATTED.search(description)
    return DERIVED if is_derived or rescale_type == "US" else ORIGINAL


def _contrast(agent, volume, has_sequence, names):
    """Whether contrast was given. A description is about this series, an agent often about the whole examination."""
    if WITHOUT_CONTRAST.search(names[0]):
        return False
    is_named = bool(agent) and not NO_AGENT.fullmatch(agent.upper().strip())
    injected = volume.replace(".", "", 1).isdigit() and float(volume) > 0
    return is_named or injected or has_sequence or bool(WITH_CONTRAST.search(names[0]))


def _part(body_part, names):
    for text in (body_part.upper(), *names):
        if HEADS.search(text):
            return HEAD
        if OTHER_PARTS.search(text):
            return ELSEWHERE
    return UNKNOWN
