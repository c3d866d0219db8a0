"""What a CT image shows, as far as its header tells: slices or something computed of them, contrast, body part."""

import re
from functools import lru_cache
from typing import NamedTuple

from hohoho.dicom.values import Values

IMAGE_TYPE, DESCRIPTION, PROTOCOL, RESCALE_TYPE = 0x00080008, 0x0008103E, 0x00181030, 0x00281054
AGENT, AGENT_SEQUENCE, VOLUME, BODY_PART = 0x00180010, 0x00180012, 0x00181041, 0x00180015
DATE_TIME, DATE, TIME = 0x0008002A, 0x00080022, 0x00080032  # of the acquisition
SERIES_NUMBER, TEMPORAL_POSITION = 0x00200011, 0x00200100
SAID = (IMAGE_TYPE, RESCALE_TYPE, DESCRIPTION, PROTOCOL, AGENT, VOLUME, BODY_PART, SERIES_NUMBER)
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
    sequence = AGENT_SEQUENCE in values.dataset and bool(values.dataset.get_item(AGENT_SEQUENCE).value)
    return _content(tuple([values.raw(tag) for tag in SAID]), sequence)


def acquired(values: Values) -> str:
    """When the image was acquired, as text that sorts by time; "" where date and time are not there."""
    return _moment(values.raw(DATE_TIME), values.raw(DATE), values.raw(TIME))


@lru_cache(maxsize=1024)
def _moment(date_time, date, time):
    moment = (date_time or (date or b"").strip(b" \0") + (time or b"")).decode("latin-1").strip(" \0")
    return moment if moment[:12].isdigit() else ""


@lru_cache(maxsize=1024)  # the images of a series say the same
def _content(raw, has_agents):
    texts = [(value or b"").decode("latin-1").strip(" \0").upper() for value in raw]
    image_type, rescale_type, description, protocol, agent, volume, body_part, number = texts
    names = description.replace("_", " "), protocol.replace("_", " ")
    kind = _kind(image_type, rescale_type, names[0])
    series_number = float(number) if number.isdigit() else float("inf")
    return Content(kind, has_agents or _contrast(agent, volume, names[0]), _part(body_part, names), series_number)


def _kind(image_type, rescale_type, description):
    words = image_type.replace("_", " ").replace("\\", " ")
    if rescale_type not in ("", "HU", "US"):  # US: unspecified, which counts as HU (PS3.3 C.11.1.1.2)
        return NOT_HU
    if COMPUTED.search(words) or COMPUTED.search(description):
        return PROJECTION
    is_derived = image_type.startswith("DERIVED") or REFORMATTED.search(words) or REFORMATTED.search(description)
    return DERIVED if is_derived or rescale_type == "US" else ORIGINAL


def _contrast(agent, volume, description):
    """Whether contrast was given. A description is about this series, an agent often about the whole examination."""
    if WITHOUT_CONTRAST.search(description):
        return False
    is_named = bool(agent) and not NO_AGENT.fullmatch(agent)
    injected = volume.replace(".", "", 1).isdigit() and float(volume) > 0
    return is_named or injected or bool(WITH_CONTRAST.search(description))


def _part(body_part, names):
    for text in (body_part, *names):
        if HEADS.search(text):
            return HEAD
        if OTHER_PARTS.search(text):
            return ELSEWHERE
    return UNKNOWN
