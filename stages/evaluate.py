"""Stage evaluate: every slice's prediction, and every score of it."""

from dataclasses import dataclass
from pathlib import Path

from hohoho.details import Settings
from hohoho.embedding_store import read_probabilities
from hohoho.evaluation import evaluate
from hohoho.files import write_csv, write_json, write_parquet
from hohoho.params import run_stage, stage_params
from hohoho.predictions import answers_of, models_in, prediction_table, probabilities_of
from hohoho.slice_store import read_slice_table, read_study_table
from hohoho.stacks import read_stacks
from hohoho.submission import submission

SLICES, STACKS = Path("data/slices"), Path("data/stacks")
EMBEDDINGS, BY_LSTM = Path("data/embeddings"), Path("data/lstm_probabilities.npy")
PREDICTIONS, SUBMISSION = Path("data/predictions.parquet"), Path("data/submission.csv")
CALIBRATION = Path("models/calibration.json")
SCORES, DETAILS, WORST = Path("metrics/scores.json"), Path("metrics/details.json"), Path("metrics/worst_slices.csv")
PRECISION_RECALL, F2_PER_CLASS = Path("metrics/plots/precision_recall.csv"), Path("metrics/plots/f2_per_class.csv")
ROC, RELIABILITY = Path("metrics/plots/roc.csv"), Path("metrics/plots/reliability.csv")
OPERATING_POINTS, SMOOTHING = Path("metrics/plots/operating_points.csv"), Path("metrics/plots/smoothing.csv")
SUBGROUPS = Path("metrics/plots/subgroups.csv")
CURVES = (PRECISION_RECALL, F2_PER_CLASS, ROC, RELIABILITY, OPERATING_POINTS)


@dataclass(frozen=True)
class Data:
    source: str


@dataclass(frozen=True)
class Evaluate:
    threshold: float
    smoothing: bool
    bootstrap: int


@dataclass(frozen=True)
class Params:
    seed: int
    data: Data
    evaluate: Evaluate


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
    write_json(CALIBRATION, found.calibration)
    write_csv(SUBGROUPS, found.subgroups)
    write_csv(SMOOTHING, found.smoothing)
    write_csv(WORST, found.worst)
    for path in CURVES:
        write_csv(path, found.curves[path.stem])

    model = models_in(table)[-1]
    positive = answers_of(table, model, knobs.threshold, knobs.smoothing)
    by_model = probabilities_of(table, model)
    write_csv(SUBMISSION, submission(table, slices["image"], params.data.source, by_model, positive))


if __name__ == "__main__":
    run_stage(main)
