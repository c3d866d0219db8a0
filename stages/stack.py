"""Stage stack: who is in which split, who is whose neighbour, and what the training set looks like."""

from pathlib import Path

from hohoho.labels import LABELS
from hohoho.params import stage_params
from hohoho.slices.label_patterns import clean_labels
from hohoho.slices.split import UNUSED, assert_disjoint, hold_back, refuse_shared_pixels, split_patients
from hohoho.slices.stacks import (
    Statistics,
    channel_rows,
    labelled_patients,
    positive_weights,
    refuse_few_slices,
    spread_scan_labels,
    stack_table,
    training_set_statistics,
    write_pretraining,
    write_stacks,
)
from hohoho.slices.store import SlicePixels, adjacent_runs, is_labelled, read_slice_table, read_study_table
from hohoho.stage.run import run_stage

import numpy as np

SLICES, STACKS, PRETRAINING = Path("data/slices"), Path("data/stacks"), Path("data/pretraining")


def main():
    params = stage_params("stack")
    slices, studies = read_slice_table(SLICES), read_study_table(SLICES)
    if params.stack.scan_labels == "spread":
        slices = spread_scan_labels(slices, studies)

    labelled = labelled_patients(slices, studies)
    imposed = studies.dropna(subset="split").set_index("patient")["split"].to_dict()
    split = split_patients(labelled, imposed, **params.split)
    if params.stack.subset == "small":
        own = set(studies.loc[studies["small"], "patient"])
        small = (params.stack.small_fraction, params.split.seed, params.stack.hold_back_validation)
        split = hold_back(split, own, *small)
        if not own:
            print(f"no small set in the data: {params.stack.small_fraction:g} of the patients are drawn", flush=True)

    table = stack_table(slices, split)
    patient, named_split = table["patient"].to_numpy(), table["split"].to_numpy()
    cleaned = clean_labels(adjacent_runs(slices), patient, named_split, table[LABELS].to_numpy(), params.stack.labels)
    table[LABELS] = cleaned.targets.astype(np.float32)
    table.loc[table["patient"].isin(cleaned.left_out), "split"] = UNUSED
    for identity in ("patient", "study"):
        assert_disjoint(table, by=identity)
    refuse_shared_pixels(slices, table["split"])
    refuse_few_slices(table)

    train = (table["split"] == "train").to_numpy()
    rows = channel_rows(table, 3 if params.stack.input == "stacked" else 1)
    if params.stack.normalization == "training_set":
        mean, std = training_set_statistics(SlicePixels(SLICES), rows[train])
    else:
        mean = std = [0.5] * rows.shape[1]  # [0, 1] becomes [-1, 1]
    weights = positive_weights(table.loc[train & is_labelled(table), LABELS].to_numpy(np.float64))
    statistics = Statistics(mean, std, weights)
    write_stacks(STACKS, table, statistics)
    write_pretraining(PRETRAINING, table, statistics)


if __name__ == "__main__":
    run_stage(main)
