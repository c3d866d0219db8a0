"""Stage evaluate: every slice's prediction, and the scores."""

from dataclasses import dataclass
from pathlib import Path

from hohoho.embedding_store import read_probabilities
from hohoho.files import write_csv, write_json, write_parquet
from hohoho.params import run_stage, stage_params
from hohoho.predictions import (
    answers_of,
    f2_per_class,
    models_in,
    precision_recall,
    prediction_table,
    probabilities_of,
    score_table,
)
from hohoho.slice_store import read_slice_table
from hohoho.stacks import read_stacks
from hohoho.submission import submission

SLICES, STACKS = Path("data/slices"), Path("data/stacks")
EMBEDDINGS, BY_LSTM = Path("data/embeddings"), Path("data/lstm_probabilities.npy")
PREDICTIONS, SUBMISSION = Path("data/predictions.parquet"), Path("data/submission.csv")
SCORES = Path("metrics/scores.json")
PRECISION_RECALL, F2_PER_CLASS = Path("metrics/plots/precision_recall.csv"), Path("metrics/plots/f2_per_class.csv")


@dataclass(frozen=True)
class Data:
    source: str


@dataclass(frozen=True)
class Evaluate:
    threshold: float
    smoothing: bool


@dataclass(frozen=True)
class Params:
    data: Data
    evaluate: Evaluate


def main():
    params = stage_params(Params, "evaluate")
    probabilities = {"cnn": read_probabilities(EMBEDDINGS / "probabilities.npy")}
    by_lstm = read_probabilities(BY_LSTM)
    if len(by_lstm):
        probabilities["cnn_lstm"] = by_lstm

    slices, knobs = read_slice_table(SLICES), params.evaluate
    table = prediction_table(slices, read_stacks(STACKS)["split"], probabilities)
    found = score_table(table, knobs.threshold, knobs.smoothing)
    write_parquet(PREDICTIONS, table)
    write_json(SCORES, found)
    write_csv(PRECISION_RECALL, precision_recall(table))
    write_csv(F2_PER_CLASS, f2_per_class(found))

    model = models_in(table)[-1]
    positive = answers_of(table, model, knobs.threshold, knobs.smoothing)
    by_model = probabilities_of(table, model)
    write_csv(SUBMISSION, submission(table, slices["image"], params.data.source, by_model, positive))


if __name__ == "__main__":
    run_stage(main)
