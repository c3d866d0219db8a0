"""README.md of a package: a model card as Hugging Face reads it, made of the run alone."""

from importlib.metadata import version
from pathlib import Path

import yaml

from hohoho.html import write_text
from hohoho.inference.table import CLASSES, MODEL_NAMES
from hohoho.package.claim import claim_lines
from hohoho.package.run import FinishedRun
from hohoho.report.tables import text
from hohoho.scores.class_scores import MACRO, MICRO
from hohoho.scores.three_answers import guarantees, read_limits

SHOWN = ("f2", "recall", "specificity", "auroc", "average_precision")
SPLITS = ("val", "test")
PHANTOM = "phantom"


def write_card(path: Path, run: FinishedRun, form: str) -> None:
    """Write the card; the same run gives the same bytes."""
    own = run.details["own_model"]
    calibration = run.models.calibration
    values = {
        "metadata": yaml.safe_dump(metadata(run), sort_keys=False, allow_unicode=True).strip(),
        "source": run.models.inputs["source"],
        "is_phantom": run.models.inputs["source"] == PHANTOM,
        "model": MODEL_NAMES[own],
        "format": form,
        "inputs": run.models.inputs,
        "channels": run.models.channels,
        "data": run.details["data"],
        "score_names": SHOWN,
        "scores": {split: slice_rows(run, split) for split in SPLITS},
        "scans": scan_rows(run),
        "calibration_errors": {split: errors(run, split) for split in SPLITS},
        "threshold": calibration["threshold"],
        "guarantees": guarantees(read_limits(calibration["scans"][own]["answers"])),
        "parameters": run.parameters,
        "claim": claim_lines(facts(run)),
    }
    write_text(path, Path(__file__).parent / "card.md.j2", {"score": text}, values)


def metadata(run: FinishedRun) -> dict:
    """The card's head, as https://huggingface.co/docs/hub/model-cards wants it."""
    source, own = run.models.inputs["source"], run.details["own_model"]
    test = run.details["slices"][own]["test"] or {}
    measured = {"f2": (MICRO, "micro F2"), "auroc": (MACRO, "macro AUROC"), "recall": (MICRO, "micro recall")}
    metrics = [
        {"type": name, "name": f"{shown}, test slices", "value": value}
        for name, (group, shown) in measured.items()
        if test and (value := test[group][name]["value"]) is not None
    ]
    result = {"task": {"type": "image-classification"}, "dataset": {"name": source, "type": source}, "metrics": metrics}
    return {
        "license": "mit" if source == PHANTOM else "other",
        "library_name": "hohoho",
        "pipeline_tag": "image-classification",
        "tags": ["medical", "computed-tomography", "intracranial-hemorrhage"],
        "model-index": [{"name": "hohoho", "results": [result] if metrics else []}],
    }


def slice_rows(run: FinishedRun, split: str) -> dict[str, list[dict]]:
    """Class, micro or macro → its SHOWN scores {value, low, high} of the own model; {} where nothing is labelled."""
    scores = run.details["slices"][run.details["own_model"]][split] or {}
    unknown = dict.fromkeys(("value", "low", "high"))
    return {
        name: [scores[name].get(score) or unknown for score in SHOWN]
        for name in (*CLASSES, MICRO, MACRO)
        if name in scores
    }


def scan_rows(run: FinishedRun) -> list[tuple[str, str, list[dict]]]:
    """(split, operating point, [AUROC, sensitivity, specificity]) of any bleed in a scan."""
    scans = run.details["scans"][run.details["own_model"]]
    return [
        (split, point, [scores["any"][name] for name in ("auroc", "recall", "specificity")])
        for split in SPLITS
        for point, scores in (scans[split] or {}).items()
    ]


def errors(run: FinishedRun, split: str) -> dict[str, float | None]:
    """Expected calibration error of the five together and of any, on slices; of any, on scans."""
    own = run.details["own_model"]
    slices, scans = run.details["calibration"][own][split], run.details["scan_calibration"][own][split]
    return {
        "slices, five types": slices and slices[MICRO]["ece_calibrated"],
        "slices, any": slices and slices["any"]["ece_calibrated"],
        "scans, any": scans and scans["any"]["ece"],
    }


def facts(run: FinishedRun) -> dict[str, object]:
    """What the answers to CLAIM are filled with."""
    parameters, data, inputs = run.parameters, run.details["data"], run.models.inputs
    is_phantom = inputs["source"] == PHANTOM
    left_out = {reason: n for kind in ("skipped", "refused") for reason, n in run.ingest[kind].items()}
    center, width = run.models.window
    parts = ", ".join(f"{split} {of['patients']}" for split, of in data.items())
    return {
        "design": "neither: synthetic heads" if is_phantom else "retrospective",
        "source": inputs["source"],
        **{name: run.ingest[name] for name in ("patients", "studies", "slices")},
        "left_out": ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in left_out.items()) or "nothing",
        "window": f"{center - width / 2:g} to {center + width / 2:g}",
        "image_size": inputs["image_size"],
        "channels": run.models.channels,
        "subset": parameters["stack.subset"],
        "pseudonyms": parameters["data.pseudonyms"],
        "annotators": "nobody: the phantom knows where its blood is" if is_phantom else "see the data set",
        "fractions": f"by chance ({parts} patients), or as the data set imposes",
        "split_seed": parameters["split.seed"],
        "backbone": parameters["backbone.name"],
        "lstm": parameters["train_lstm.training"],
        **{name: version(name) for name in ("hohoho", "torch", "torchvision")},
        "start": "SimCLR on the training slices" if parameters["simclr.enabled"] else parameters["backbone.start"],
        "keep": parameters["train_cnn.keep"],
        "external": "not done: `hohoho adopt` does it on your labelled scans",
    }
