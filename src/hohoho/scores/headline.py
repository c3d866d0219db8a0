"""metrics/scores.json: the few numbers that two runs are compared by."""

from hohoho.scores.class_scores import MACRO, MICRO
from hohoho.scores.scan_probability import SENSITIVE
from hohoho.slices.split import SPLITS


def headline(details: dict) -> dict:
    """As `Evaluation` says, null where unknown. details: of the same run."""
    own = details["own_model"]
    f2 = {split: _score(details["slices"][own][split], MICRO, "f2") for split in SPLITS}
    numbers = {
        "f2": {split: score["value"] for split, score in f2.items()},
        **{f"f2_{split}_interval": {end: f2[split][end] for end in ("low", "high")} for split in ("val", "test")},
        **{model: _of_model(splits) for model, splits in details["slices"].items()},
    }
    if details["lstm_gain"]:
        gain = _score(details["lstm_gain"]["test"], MICRO, "f2")
        numbers["lstm_gain"] = {"f2_test": gain["value"], "low": gain["low"], "high": gain["high"]}
    scans, calibration = details["scans"][own]["test"], details["calibration"][own]["test"]
    names = {"auroc": "auroc", "sensitivity": "recall", "specificity": "specificity"}
    errors = {"ece": MICRO, "any_ece": "any"}
    return numbers | {
        "all_positive": {split: details["data"][split]["all_positive_f2"] for split in SPLITS},
        "scan_test": {
            f"any_{n}": _score(scans and scans[SENSITIVE], "any", name)["value"] for n, name in names.items()
        },
        "calibration_test": {n: calibration and calibration[of]["ece_calibrated"] for n, of in errors.items()},
    }


def _of_model(splits: dict) -> dict:
    test = splits["test"]
    return {
        **{f"f2_{split}": _score(scores, MICRO, "f2")["value"] for split, scores in splits.items()},
        **{f"{name}_test": _score(test, MICRO, name)["value"] for name in ("precision", "recall")},
        "auroc_test": _score(test, MACRO, "auroc")["value"],
    }


def _score(scores: dict | None, group: str, name: str) -> dict[str, float | None]:
    return scores[group][name] if scores else dict.fromkeys(("value", "low", "high"))
