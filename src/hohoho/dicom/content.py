"""What a CT image shows, as far as its header tells: slices or something computed of them, contrast, body part."""

import re
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

from hohoho.dicom import tags
from hohoho.dicom.values import Values

SAYS_CONTENT = (tags.IMAGE_TYPE, tags.RESCALE_TYPE, tags.DESCRIPTION, tags.PROTOCOL)
SAYS_CONTENT += (tags.AGENT, tags.AGENT_VOLUME, tags.BODY_PART, tags.SERIES_NUMBER)

ORIGINAL, DERIVED, PROJECTION, NOT_HU = range(4)  # the higher, the less it is a plain slice in HU
HEAD, UNKNOWN, ELSEWHERE = range(3)

# Of many slices one picture, or a map of something else than attenuation, by Image Type or Series Description
COMPUTED = re.compile(
    r"\bT?M(AX|IN)?[ _-]?IPS?\b|\bMIN[ _-]?IP|\bMNIP|PROJECTION|RENDER|\bVRT?\b|\bSSD\b|\bCPR\b|MPVR|AVERAGE|SUBTRACT|"
    r"PERFUSION|\bR?C?CB[FV]\b|\bMTT\b|\bTTP\b|TMAX|\bMAPS?\b|IODINE|VIRTUAL|\bVNC\b|MONO ?E|EFF[ _]?Z|ELECTRON|"
    r"OVERLAY|\bAVG\b|\bAIP\b|\bMEAN\b|\bTTD\b|\bPBV\b|\bVMI\b|KEV\b|\bZ[ _-]?EFF|\bRHO\b|BONE ?REMOV|SUPPRESSED|"
    r"SEGMENTATION|\bFUS(ED|ION)\b|\bCURVED\b|\bRAPID\b"
)
REFORMATTED = re.compile(r"\bMPR\b|REFORMAT|\bCOR(ONAL)?\b|\bSAG(ITTAL)?\b|\bOBL|\b3D\b")

WITHOUT_CONTRAST = re.compile(
    r"(\b(W[/-]?O(UT)?|S/|WITHOUT|NON|NOT?|BEFORE|OHNE|VOR|KEIN|SANS|SIN|SEM|SENZA|ZONDER|UDEN|BEZ|UN)(\b|(?<=/))|"
    r"\b(NON|UN|PRE))[ ._-]*(I\.?V\.?)?[ ._-]*(CONTRAST|KONTRAST|ENHANCED|CON\b|KM\b|C\b|CE\b|IV\b|INJ)|"
    r"NATIVE?\b|\bPLAIN\b|\bNECT\b|\bNCCT\b|\bCE?-(?!\w)|-C\b(?!\w)|CONTRAST\W*\b(NO|NONE)\b"
)
WITH_CONTRAST = re.compile(
    r"\bC ?\+|\+ ?C\b|\b(W|I|IV) ?\+|\+$|\bKM\b|CONTRAST|KONTRAST|ENHANCED|\bCE(CT)?\b|\bCTA\b|\bCTV\b|\bCTP\b|"
    r"ANGIO|VENO|\bVEN(OE|Ö|\xc3\x96)S|\bVEN\b|\bART\b|ARTERI|PORTAL|DELAY|BOLUS|\bINJ|IODINATED|\bWITH I?V|"
    r"\bW[ /]*(C|IV)\b|\bW$|\bAVEC PDC|\bCON (CIV|MDC)|\bC/C\b|WILLIS|\bCOW\b|CAROTI|"
    r"\bPOST[ ._-]*(CON|KM|IV|C\b|INJ|GAD|\d|$)"
)
NO_AGENT = re.compile(
    r"\W*|N|NON?|NONE|N/?A|NIL|NULL|NIHIL|FALSE|OFF|UNKNOWN|C-|NATIVE?|PLAIN|UNENHANCED|AUCUN|NESSUNO|NINGUNO|(WITHOUT|W/?O)|"
    r"(OHNE|KEIN|SANS|SIN|SEM|SENZA)\b.*|KEINE?|NON[ -]?(CONTRAST|ENHANC).*|"
    r"(NO|NONE)\b( (ORAL|IV))?([ ,;&/]+(NO|NONE)\b( (ORAL|IV))?)*|"
    r"(NO|NON|NONE|NOT|WITHOUT|W/?O)\b[ _-]*(CONTRAST|AGENT|IV|GIVEN|INJECT|ADMIN|APPLI|USED).*|"
    r"(.*\D)?0+([.,]0+)? ?(ML|CC)|0+([.,]0+)?"
)
VOLUME_ML = re.compile(r"\+?(?=[\d.]*[1-9])\d*\.?\d*(E\+?\d+)?")  # more than nothing

HEADS = re.compile(
    r"HEAD|SKULL|BRAIN|CRAN|CEREB|NEURO|KOPF|SCH(AE|Ä)DEL|TETE|T\xcaTE|CABE|ENCEF|ENCEPH|ICH\b|STROKE|\bCCT\b|"
    r"CR(\xc2|\xc3\x82)NE|ENC(\xc9|\xc3\x89)PH|\bTESTA\b|HLAVA|HOOFD|HERSEN|SCHEDEL|HJERNE|\bCAPUT\b|GLOWA"
)
OTHER_PARTS = re.compile(
    r"ABD|CHEST|THORA|PELV|LUNG|SPINE|NECK|LIVER|KIDN|RENAL|HEART|CARD|COLON|AORT|\bLEGS?\b|\bARMS?\b|KNEE|HIPS?\b|"
    r"ANKLE|FOOT|FEET|HAND|WRIST|ELBOW|SHOULDER|EXTREM|TRUNK|BODY|FEMUR|HALS|BECKEN|SINUS|ORBIT|JAW|DENT|WHOLE|CERVIC|"
    r"\b[HBL]?WS\b|WIRBEL|RACHIS|COLUMNA|LUMB|LENDEN|SACRUM|COCCYX|CAROTI|\bFACE|FACIAL|GESICHT|\bNNH\b|MAXILL|MANDIB|"
    r"MASTOID|TEMPORAL BONE|FELSENBEIN|\bIAC\b|\bEARS?\b|\bEYES?\b|LARYN|PHARYN|TORA[XC]|ADDOM|BAUCH|COLLO|CUELLO|"
    r"\bCOU\b|BREAST|STERNUM|\bRIBS?\b|CLAVIC|MEDIAST|PULMO|\bCTPA\b|\bPE\b|STOMACH|SPLEEN|PANCREAS|BLADDER|UTERUS|UROGR|"
    r"\bKUB\b|\b[CT]AP\b|CALF|THIGH|\bBEIN|\bFUSS"
)


class Content(NamedTuple):
    """What the images of a series show."""

    kind: int = ORIGINAL  # ORIGINAL, DERIVED, PROJECTION or NOT_HU
    contrast: bool = False
    part: int = UNKNOWN  # HEAD, UNKNOWN or ELSEWHERE
    series_number: float = float("inf")
    label: int = 0  # the same for images of one Image Type and description, whose words are kept nowhere


def content_of(values: Values) -> Content:
    """Content of one image: what its tags say; where they are empty or silent it is a plain original slice.

    Image Type (PS3.3 C.7.6.1.1.2), Rescale Type (C.11.1.1.2), Contrast/Bolus (C.7.6.4), Body Part Examined and names.
    """
    agents = values.elements.get(tags.AGENT_SEQUENCE)
    return _content(tuple([values.raw(tag) for tag in SAYS_CONTENT]), agents is not None and bool(agents.value))


def acquired(values: Values) -> str:
    """When the image was acquired, as text that sorts by time; "" where date and time are not there."""
    date, time = values.raw(tags.ACQUISITION_DATE), values.raw(tags.ACQUISITION_TIME)
    return _moment(values.raw(tags.ACQUISITION_DATE_TIME), date, time)


def written(values: Values) -> str:
    """When the image was made, as text that sorts by time; "" where it does not say. A lone acquisition time counts."""
    time, content_date, content_time = (
        _text(values.raw(tag)) for tag in (tags.ACQUISITION_TIME, tags.CONTENT_DATE, tags.CONTENT_TIME)
    )
    return time or content_date + content_time


def temporal(values: Values) -> float:
    """Its place among the phases of a series, by whichever tag tells it; 0 where none does."""
    for tag in (tags.TEMPORAL_POSITION, tags.TRIGGER_TIME):
        if numbers := values.numbers(tag):
            return numbers[0]
    return float(values.integer(tags.TEMPORAL_INDEX, "u4") or 0)


def _text(raw):
    return (raw or b"").decode("latin-1").strip(" \0")


@lru_cache(maxsize=1024)
def _moment(date_time, date, time):
    moment = _text(date_time or (date or b"").strip(b" \0") + (time or b""))
    return moment if moment[:12].isdigit() else ""


@lru_cache(maxsize=1024)  # the images of a series say the same
def _content(raw, has_agents):
    texts = (_text(value).upper() for value in raw)
    image_type, rescale_type, description, protocol, agent, volume, body_part, number = texts
    names = description.replace("_", " "), protocol.replace("_", " ")
    kind = _kind(image_type, rescale_type, names[0])
    series_number = float(number) if number.isdigit() else float("inf")
    label = crc32(f"{image_type}\n{description}".encode())
    contrast = has_agents or _contrast(agent, volume, names[0])
    return Content(kind, contrast, _part(body_part, names), series_number, label)


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
    return is_named or VOLUME_ML.fullmatch(volume) is not None or bool(WITH_CONTRAST.search(description))


def _part(body_part, names):
    """By the tag, else by the first name that tells; UNKNOWN where tag and Series Description contradict each other."""
    told = [part for part in map(_named_part, (body_part, *names)) if part != UNKNOWN]
    contradicted = told and _named_part(names[0]) not in (UNKNOWN, told[0])
    return UNKNOWN if contradicted or not told else told[0]


def _named_part(text):
    return HEAD if HEADS.search(text) else ELSEWHERE if OTHER_PARTS.search(text) else UNKNOWN
