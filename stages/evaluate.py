"""Stage evaluate: every slice's prediction, every score of it, the figures and the report."""

import json
from pathlib import Path

from hohoho.figures.drawn import Drawn
from hohoho.files import write_csv, write_json, write_parquet
from hohoho.inference.familiar import familiar, write_familiar
from hohoho.inference.store import read_array
from hohoho.inference.submission import submission
from hohoho.inference.table import prediction_table
from hohoho.models.hashes import model_hashes
from hohoho.params import Record, runtime, stage_params
from hohoho.report.cards import cards
from hohoho.report.data_sections import Inputs
from hohoho.report.page import sections, write_report
from hohoho.saliency.bleed_masks import phantom_of, true_labels
from hohoho.scores.evaluation import Evaluation, evaluate
from hohoho.scores.scans import Settings
from hohoho.scores.subgroups import without_few_patients
from hohoho.slices.stacks import read_stacks, read_statistics
from hohoho.slices.store import SlicePixels, read_slice_table, read_study_table, read_test_images
from hohoho.stage.run import run_stage

import pandas as pd

SLICES, STACKS = Path("data/slices"), Path("data/stacks")
EMBEDDINGS, TOGETHER = Path("data/embeddings.npy"), Path("data/embeddings_end_to_end.npy")
PROBABILITIES = [Path("data/probabilities/cnn.npy"), Path("data/probabilities/cnn_lstm.npy")]
PREDICTIONS, SUBMISSION = Path("data/predictions.parquet"), Path("data/submission.csv")
CNN, LSTM = Path("models/cnn"), Path("models/lstm")
CALIBRATION, FAMILIAR = Path("models/calibration.json"), Path("models/familiar.npz")
SCORES, DETAILS, WORST = Path("metrics/scores.json"), Path("metrics/details.json"), Path("metrics/worst_slices.csv")
INGEST, FIGURES, REPORT = Path("metrics/ingest.json"), Path("metrics/figures"), Path("metrics/report.html")
PLOTS = [
    Path("metrics/plots/own_precision_recall.csv"),
    Path("metrics/plots/own_roc.csv"),
    Path("metrics/plots/own_reliability.csv"),
    Path("metrics/plots/f2_per_class.csv"),
    Path("metrics/plots/operating_points.csv"),
    Path("metrics/plots/subgroups.csv"),
    Path("metrics/plots/smoothing.csv"),
]
TABLES = Path("metrics/tables")


def main():
    params = stage_params("evaluate")
    settings = params.evaluate
    probabilities = {path.stem: read_array(path) for path in PROBABILITIES}
    slices, studies, stacks = read_slice_table(SLICES), read_study_table(SLICES), read_stacks(STACKS)
    table = prediction_table(slices, stacks["split"], {m: values for m, values in probabilities.items() if len(values)})
    phantom = phantom_of(params.data.source, slices, params.phantom)
    answers = settings.answer_error, settings.answer_confidence
    how = Settings(settings.threshold, settings.smoothing, settings.bootstrap, params.seed, *answers)
    found = evaluate(table, studies, how, phantom and (lambda rows: true_labels(slices.iloc[rows], phantom)))
    is_private = params.data.pseudonyms == "secret"
    if is_private:
        found = found._replace(subgroups=without_few_patients(found.subgroups))
    write_parquet(PREDICTIONS, table)
    write_json(SCORES, found.headline)
    write_json(DETAILS, found.details)
    write_json(CALIBRATION, found.calibration | {"model_sha256": model_hashes(CNN, LSTM)})
    write_familiar(FAMILIAR, familiar(read_array(EMBEDDINGS), stacks, studies, SlicePixels(SLICES)))
    write_csv(WORST, found.worst)

    source = params.data.source
    predicted = found.own.predicted(settings.smoothing).astype(int) if source == "course" else found.own.calibrated
    write_csv(SUBMISSION, submission(table, slices["image"], read_test_images(SLICES), source, predicted))

    figures = draw(params, slices, stacks, table, found) if settings.figures else {}
    write_json(FIGURES / "captions.json", {f"{name}.png": drawn.caption for name, drawn in figures.items()})
    plots = found.plots()
    for path in PLOTS:
        write_csv(path, plots[path.stem])
    drawn_tables = {name: part for drawn in figures.values() for name, part in drawn.tables.items()}
    for name, part in (found.tables() | drawn_tables).items():
        write_csv(TABLES / f"{name}.csv", part)
    trained = {folder.name: json.loads((folder / "model.json").read_text()) for folder in (CNN, LSTM)}
    content = sections(found, figures, Inputs(json.loads(INGEST.read_text()), studies, is_private, params, trained))
    write_report(REPORT, FIGURES, cards(found), content)


def draw(
    params: Record, slices: pd.DataFrame, stacks: pd.DataFrame, table: pd.DataFrame, found: Evaluation
) -> dict[str, Drawn]:
    """All figures. torch is imported here, so that a run without figures does without it."""
    from hohoho.figures.gallery import draw_figures
    from hohoho.figures.run import Run, own_cnn
    from hohoho.models.devices import with_device
    from hohoho.models.losses import build_loss

    loss = params.loss
    pos_weight = read_statistics(STACKS).pos_weight if loss.pos_weight else None
    run = Run(
        pixels=SlicePixels(SLICES),
        slices=slices,
        stacks=stacks,
        predictions=table,
        **own_cnn(CNN, LSTM, EMBEDDINGS, TOGETHER),
        device=with_device(runtime()).device,
        threshold=params.evaluate.threshold,
        loss=build_loss(loss.name, loss.gamma_pos, loss.gamma_neg, loss.clip, pos_weight),
        phantom=phantom_of(params.data.source, slices, params.phantom),
        scores=found,
    )
    return draw_figures(FIGURES, run)


if __name__ == "__main__":
    run_stage(main)
