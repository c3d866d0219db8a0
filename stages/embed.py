"""Stage embed: one embedding and five probabilities per slice, from the trained slice classifier."""

from dataclasses import dataclass
from pathlib import Path

from hohoho.backbones import load_classifier
from hohoho.devices import on_devices
from hohoho.embedding_store import write_embeddings
from hohoho.embeddings import embed
from hohoho.labels import LABELS
from hohoho.params import runtime, stage_params
from hohoho.slice_data import StackedSlices, ordered_batches
from hohoho.slice_store import SlicePixels
from hohoho.stacks import channel_rows, read_stacks
from hohoho.stage.run import run_stage

SLICES, STACKS, CNN = Path("data/slices"), Path("data/stacks"), Path("models/cnn")
EMBEDDINGS = Path("data/embeddings")


@dataclass(frozen=True)
class Stack:
    input: str


@dataclass(frozen=True)
class Params:
    stack: Stack


def main():
    params = stage_params(Params, "embed")
    table, devices = read_stacks(STACKS), on_devices(runtime())
    rows = channel_rows(table, params.stack.input == "stacked")
    slices = StackedSlices(SlicePixels(SLICES), rows, table[list(LABELS)].to_numpy())
    found = embed(load_classifier(CNN), ordered_batches(slices), devices.device, devices.progress)
    write_embeddings(EMBEDDINGS, *found)


if __name__ == "__main__":
    run_stage(main)
