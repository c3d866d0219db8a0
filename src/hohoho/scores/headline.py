"""metrics/scores.json: the few numbers that two runs are compared by."""

from hohoho.scores.class_scores import MACRO, MICRO
from hohoho.scores.scan_scores import MAX
from hohoho.slices.split import SPLITS


def headline(details: dict) -> dict:
    """At most 30 numbers, null where unknown; see `Evaluation`. details: as in `Evaluation`."""
    own = details["own_model"]
    found = {
        "f2": {split: _value(details["slices"][own][split], MICRO, "f2") for split in SPLITS},
        "f2_test_interval": _ends(details["slices"][own]["test"], MICRO, "f2"),
        **{model: _of_model(splits) for model, splits in details["slices"].items()},
    }
    if details["lstm_gain"]:
        gain = details["lstm_gain"]["test"]
        found["lstm_gain"] = {"f2_test": _value(gain, MICRO, "f2"), **_ends(gain, MICRO, "f2")}
    scans, calibration = details["scans"][own]["test"], details["calibration"][own]["test"]
    names = {"auroc": "auroc", "sensitivity": "recall", "specificity": "specificity"}
    any_scan = {f"any_{name}": _value(scans and scans[MAX], "any", score) for name, score in names.items()}
    errors = {kind: calibration and calibration[MICRO][kind] for kind in ("ece_raw", "ece_calibrated")}
    floor = {split: details["data"][split]["all_positive_f2"] for split in SPLITS}
    return found | {"all_positive": floor, "scan_test": any_scan, "calibration_test": errors}


def _of_model(splits: dict) -> dict:
    test = splits["test"]
    return {
        **{f"f2_{split}": _value(scores, MICRO, "f2") for split, scores in splits.items()},
        "precision_test": _value(test, MICRO, "precision"),
        "recall_test": _value(test, MICRO, "recall"),
        "auroc_test": _value(test, MACRO, "auroc"),
    }


def _value(scores: dict | None, group: str, name: str) -> float | None:
    return scores and scores[group][name]["value"]


def _ends(scores: dict | None, group: str, name: str) -> dict[str, float | None]:
    return {end: scores and scores[group][name][end] for end in ("low", "high")}
