"""`hohoho adopt`: a package is tested on labelled scans of another place, and recalibrated for them."""

import json
import math
import shutil
from pathlib import Path

import pandas as pd

from hohoho import predict
from hohoho.adopt.findings import Findings, sentences
from hohoho.adopt.recalibrate import new_threshold, recalibrate
from hohoho.adopt.scans import ASIDE, LabelledScans, read_scans
from hohoho.adopt.shift import shifts
from hohoho.errors import InputError
from hohoho.files import write_json
from hohoho.html import write_html, write_text
from hohoho.inference.table import models_in
from hohoho.labels import LABELS
from hohoho.models.hashes import model_hashes
from hohoho.package.export import CALIBRATION, CARD, FAMILIAR, RECORD, new_package
from hohoho.package.shown import shown_scores
from hohoho.predict.models import Models, load_models
from hohoho.predict.result import NOTICE
from hohoho.report.tables import text
from hohoho.scores.evaluation import evaluate
from hohoho.scores.predictions import read_fitted
from hohoho.scores.scans import Settings
from hohoho.scores.three_answers import Limits, fewest_patients, guarantees, read_limits
from hohoho.slices.split import UNLABELLED

ADOPTION, PAGE = "adoption.json", "adoption.html"
RESAMPLES = 1000


def adopt(
    scans: Path, labels: Path | None, source: str, model: Path, out: Path, seed: int = 0, force: bool = False
) -> list[str]:
    """Write a package with calibration, thresholds and limits for these scans, and a report; returns what it found.

    scans, labels, source: as the stage ingest takes them. Patients are parted by chance: four tenths test what the
    others recalibrate; where they are many, half of those set the limits of the answers, with a guarantee. The models
    stay as they are, so do the doubts, and the same scans and seed give the same bytes.

    Raises InputError where too few patients are labelled, `model` was never calibrated, or `out` exists.
    """
    models = load_models(model)
    if not (models.calibration and models.familiar):
        raise InputError(f"{model} has no calibration: let `dvc repro` end, then `hohoho export`")
    with new_package(out, force) as folder:
        scratch = folder / ".slices"
        answers = known_limits(models.calibration)
        aside = fewest_patients(answers.error, answers.confidence)
        here = read_scans(scans, labels, source, models, scratch, seed, aside)
        shutil.rmtree(scratch)
        record, findings = find(here, models, model)
        for name in ("cnn", "lstm"):
            shutil.copytree(model / name, folder / name)
        shutil.copyfile(model / FAMILIAR, folder / FAMILIAR)
        sha256 = model_hashes(folder / "cnn", folder / "lstm")
        write_json(folder / CALIBRATION, record | {"model_sha256": sha256})
        write_json(folder / ADOPTION, findings._asdict())
        write_json(folder / RECORD, package_record(model) | {"adopted": findings._asdict()})
        templates = Path(__file__).parent
        lines, values = sentences(findings), findings._asdict() | {"notice": NOTICE}
        style = (Path(predict.__file__).parent / "page.css").read_text(encoding="utf-8")
        write_html(
            folder / PAGE, templates / "page.html.j2", {"score": text}, values | {"lines": lines, "style": style}
        )
        card = (model / CARD).read_text(encoding="utf-8") if (model / CARD).is_file() else ""
        write_text(folder / CARD, templates / "card.md.j2", {"score": text}, {"card": card, "lines": lines})
    return lines


def find(here: LabelledScans, models: Models, model: Path) -> tuple[dict, Findings]:
    """(the new calibration record, all that there is to say)."""
    old, trained = models.calibration, package_record(model)
    table = here.table[here.table["split"] != UNLABELLED].reset_index(drop=True)
    own, limits = list(old["models"])[-1], known_limits(old)
    how = Settings(old["threshold"], old["smoothing"], RESAMPLES, 0, limits.error, limits.confidence)
    new = how._replace(threshold=new_threshold(table, here.studies, own) or how.threshold)
    as_it_came = how, {name: read_fitted(old, name) for name in old["models"]}
    recalibrated = new, recalibrate(table, here.studies, old, new)

    everywhere = scored(table.assign(split="test"), here, *as_it_came, own)
    before, after = (scored(table, here, *how_read, own) for how_read in (as_it_came, recalibrated))
    record = whole_record(table, here, *recalibrated)
    enough = f"with {math.ceil(fewest_patients(how.answer_error, how.answer_confidence) / ASIDE)} labelled of each kind"
    lines = shifts(models, here, table, trained.get("data", {}).get("train"))
    return record, Findings(
        source=models.inputs["source"],
        model=own,
        patients=table.groupby("split")["patient"].nunique().to_dict(),
        bleeding=sum(everywhere["answers"][own]["counts"]["test"]["bleed"].values()),
        scans=table["study"].nunique(),
        ingest=here.counts,
        own_test=trained.get("test"),
        as_it_came=shown_scores(everywhere),
        before=shown_scores(before),
        after=shown_scores(after),
        answers={"before": before["answers"][own]["counts"]["test"], "after": after["answers"][own]["counts"]["test"]},
        guarantees=guarantees(known_limits(record), enough),
        threshold={"before": how.threshold, "after": new.threshold},
        shift=[line._asdict() for line in lines],
    )


def scored(table: pd.DataFrame, here: LabelledScans, settings: Settings, fitted: dict, own: str) -> dict:
    """The details (see `Evaluation`) of the own model alone, which is what is judged."""
    others = [f"{model}_{label}" for model in models_in(table) if model != own for label in LABELS]
    return evaluate(table.drop(columns=others), here.studies, settings, fitted=fitted).details


def whole_record(table: pd.DataFrame, here: LabelledScans, settings: Settings, fitted: dict) -> dict:
    """What calibration.json holds, of all models; no interval is needed for it."""
    return evaluate(table, here.studies, settings._replace(resamples=0), fitted=fitted).calibration


def package_record(model: Path) -> dict:
    """package.json; {} of a folder of models that is no package."""
    path = model / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def known_limits(record: dict) -> Limits:
    """The limits of the three answers that a calibration record holds, of the own model."""
    return read_limits(list(record["scans"].values())[-1]["answers"])
