"""The scores by which a package is judged, here and elsewhere: few, of the own model, on the split test."""

from hohoho.scores.class_scores import MACRO, MICRO
from hohoho.scores.scan_probability import SENSITIVE

SCAN_AUROC = "scans, any bleed: AUROC"
SCAN_SENSITIVITY = "scans, any bleed: sensitivity"
SCAN_SPECIFICITY = "scans, any bleed: specificity"
SCAN_ERROR = "scans, any bleed: calibration error"
SLICE_F2 = "slices: micro F2"
SLICE_AUROC = "slices: macro AUROC"
SLICE_ERROR = "slices, any bleed: calibration error"
UNKNOWN = dict.fromkeys(("value", "low", "high", "patients"))


def shown_scores(details: dict) -> dict[str, dict]:
    """Name → {value, low, high, patients that carry it}, null where unknown. details: of an `Evaluation`."""
    own = details["own_model"]
    scans = (details["scans"][own]["test"] or {}).get(SENSITIVE, {}).get("any", {})
    slices = details["slices"][own]["test"] or {}
    errors = {
        SCAN_ERROR: (details["scan_calibration"][own]["test"] or {}).get("any", {}).get("ece"),
        SLICE_ERROR: (details["calibration"][own]["test"] or {}).get("any", {}).get("ece_calibrated"),
    }
    scores = {
        SCAN_AUROC: scans.get("auroc"),
        SCAN_SENSITIVITY: scans.get("recall"),
        SCAN_SPECIFICITY: scans.get("specificity"),
        SCAN_ERROR: UNKNOWN | {"value": errors[SCAN_ERROR]},
        SLICE_F2: slices.get(MICRO, {}).get("f2"),
        SLICE_AUROC: slices.get(MACRO, {}).get("auroc"),
        SLICE_ERROR: UNKNOWN | {"value": errors[SLICE_ERROR]},
    }
    return {name: UNKNOWN | (score or {}) for name, score in scores.items()}
