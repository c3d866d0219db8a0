"""Stage embed: one embedding and five probabilities per slice, from the trained slice classifier."""

from pathlib import Path

from hohoho.inference.embed import embed
from hohoho.inference.store import write_array
from hohoho.models.backbones import load_classifier
from hohoho.models.devices import with_device
from hohoho.params import runtime
from hohoho.slices.batches import StackedSlices, ordered_batches
from hohoho.slices.stacks import channel_rows, read_stacks
from hohoho.slices.store import SlicePixels, targets_of
from hohoho.stage.run import run_stage

SLICES, STACKS, CNN = Path("data/slices"), Path("data/stacks"), Path("models/cnn")
EMBEDDINGS, PROBABILITIES = Path("data/embeddings.npy"), Path("data/probabilities/cnn.npy")


def main():
    table, classifier, machine = read_stacks(STACKS), load_classifier(CNN), with_device(runtime())
    rows = channel_rows(table, classifier.settings["channels"])
    slices = StackedSlices(SlicePixels(SLICES), rows, targets_of(table))
    embeddings, probabilities = embed(classifier, ordered_batches(slices), machine.device, machine.progress)
    write_array(EMBEDDINGS, embeddings)
    write_array(PROBABILITIES, probabilities)


if __name__ == "__main__":
    run_stage(main)
