"""Stage evaluate: every slice's prediction, every score of it, the figures and the report."""

import json
from pathlib import Path

from hohoho.embedding_store import read_embeddings, read_probabilities
from hohoho.figures.drawn import Drawn, nothing_drawn, write_captions
from hohoho.files import write_csv, write_json, write_parquet
from hohoho.model_hashes import model_hashes
from hohoho.params import runtime, stage_params
from hohoho.predictions import answers_of, models_in, prediction_table, probabilities_of
from hohoho.report.cards import cards
from hohoho.report.page import sections, write_report
from hohoho.report.parameters import Params
from hohoho.scores.calibration import calibrated
from hohoho.scores.details import Settings
from hohoho.scores.evaluation import Evaluation, evaluate
from hohoho.slice_store import SlicePixels, read_slice_table, read_study_table, read_test_images
from hohoho.stacks import read_stacks
from hohoho.stage.run import run_stage
from hohoho.submission import submission

import pandas as pd

SLICES, STACKS = Path("data/slices"), Path("data/stacks")
EMBEDDINGS, BY_LSTM = Path("data/embeddings"), Path("data/lstm_probabilities.npy")
PREDICTIONS, SUBMISSION = Path("data/predictions.parquet"), Path("data/submission.csv")
CNN, LSTM, CALIBRATION = Path("models/cnn"), Path("models/lstm"), Path("models/calibration.json")
SCORES, DETAILS, WORST = Path("metrics/scores.json"), Path("metrics/details.json"), Path("metrics/worst_slices.csv")
INGEST, FIGURES, REPORT = Path("metrics/ingest.json"), Path("metrics/figures"), Path("metrics/report.html")
TABLES = ("precision_recall", "roc", "reliability", "f2_per_class", "operating_points", "subgroups", "smoothing")
TABLES += ("own_precision_recall", "own_roc", "own_reliability", "loss_gradients", "saliency", "level_probe")
PLOTS = [Path(f"metrics/plots/{name}.csv") for name in TABLES]


def main():
    params = stage_params(Params, "evaluate")
    probabilities = {"cnn": read_probabilities(EMBEDDINGS / "probabilities.npy")}
    by_lstm = read_probabilities(BY_LSTM)
    if len(by_lstm):
        probabilities["cnn_lstm"] = by_lstm

    slices, studies, knobs = read_slice_table(SLICES), read_study_table(SLICES), params.evaluate
    table = prediction_table(slices, read_stacks(STACKS)["split"], probabilities)
    found = evaluate(table, studies, Settings(knobs.threshold, knobs.smoothing, knobs.bootstrap, params.seed))
    write_parquet(PREDICTIONS, table)
    write_json(SCORES, found.headline)
    write_json(DETAILS, found.details)
    write_json(CALIBRATION, found.calibration | {"model_sha256": model_hashes(CNN, LSTM)})
    write_csv(WORST, found.worst)

    model = models_in(table)[-1]
    positive = answers_of(table, model, knobs.threshold, knobs.smoothing)
    by_model = calibrated(found.calibration, model, probabilities_of(table, model))
    answers = positive.astype(int) if params.data.source == "course" else by_model
    unlabelled = read_test_images(SLICES)
    write_csv(SUBMISSION, submission(table, slices["image"], unlabelled, params.data.source, answers))

    drawn = draw(params, slices, table, found) if knobs.figures else nothing_drawn()
    write_captions(FIGURES, drawn)
    tables = found.plots() | drawn.plots()
    for path in PLOTS:
        write_csv(path, tables[path.stem])
    trained = {folder.name: json.loads((folder / "model.json").read_text()) for folder in (CNN, LSTM)}
    content = sections(found, drawn, json.loads(INGEST.read_text()), studies, params, trained)
    write_report(REPORT, FIGURES, cards(found.headline, found.details["own_model"]), content)


def draw(params: Params, slices: pd.DataFrame, table: pd.DataFrame, found: Evaluation) -> Drawn:
    """All figures. torch is imported here, so that a run without figures does without it."""
    from hohoho.backbones import load_classifier
    from hohoho.devices import on_devices
    from hohoho.figures.gallery import draw_gallery
    from hohoho.figures.run import Run, phantom_of

    run = Run(
        pixels=SlicePixels(SLICES),
        slices=slices,
        stacks=read_stacks(STACKS),
        predictions=table,
        embeddings=read_embeddings(EMBEDDINGS),
        classifier=load_classifier(CNN),
        device=on_devices(runtime()).device,
        stacked=params.stack.input == "stacked",
        threshold=params.evaluate.threshold,
        loss=(params.loss.gamma_neg, params.loss.clip),
        phantom=phantom_of(params.data.source, slices, params.phantom),
    )
    return draw_gallery(FIGURES, run, found)


if __name__ == "__main__":
    run_stage(main)
