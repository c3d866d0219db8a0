"""Stage evaluate: every slice's prediction, and the scores."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hohoho.embeddings import read_embeddings, read_probabilities
from hohoho.files import write_csv, write_json, write_parquet
from hohoho.params import run_stage, stage_params
from hohoho.predictions import f2_per_class, precision_recall, prediction_table, score_table
from hohoho.sequence import load_lstm, predict_scans
from hohoho.slice_store import read_slice_table
from hohoho.stacks import read_stacks

SLICES, STACKS = Path("data/slices"), Path("data/stacks")
EMBEDDINGS, LSTM = Path("data/embeddings"), Path("models/lstm")
PREDICTIONS, SCORES = Path("data/predictions.parquet"), Path("metrics/scores.json")
PRECISION_RECALL, F2_PER_CLASS = Path("metrics/plots/precision_recall.csv"), Path("metrics/plots/f2_per_class.csv")


@dataclass(frozen=True)
class Evaluate:
    threshold: float


@dataclass(frozen=True)
class Params:
    evaluate: Evaluate


def main():
    params = stage_params(Params, "evaluate")
    stacks, probabilities = read_stacks(STACKS), {"cnn": read_probabilities(EMBEDDINGS)}
    lstm = load_lstm(LSTM)
    if lstm is not None:
        embeddings = torch.from_numpy(np.array(read_embeddings(EMBEDDINGS)))
        probabilities["cnn_lstm"] = predict_scans(lstm, embeddings, stacks["study"].tolist()).numpy()

    table = prediction_table(read_slice_table(SLICES), stacks["split"], probabilities)
    found = score_table(table, params.evaluate.threshold)
    write_parquet(PREDICTIONS, table)
    write_json(SCORES, found)
    write_csv(PRECISION_RECALL, precision_recall(table))
    write_csv(F2_PER_CLASS, f2_per_class(found))


if __name__ == "__main__":
    run_stage(main)
