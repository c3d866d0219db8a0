"""Checkpoints of a training by Lightning: one an epoch, the last two are kept, each with its checksum in its name."""

import hashlib
import io
import sys
from contextlib import suppress
from pathlib import Path

import torch
import xxhash
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from hohoho.files import atomic
from hohoho.ranks import restarts
from hohoho.stage.checkpoint import claim
from hohoho.training.faults import smaller

KEPT = 2  # the one before, where the last one is damaged
PATTERN = "*.ckpt"  # <epoch>-<checksum>.ckpt


class EveryEpoch(Checkpoint):
    """Saves everything that the next epoch depends on: weights, optimiser, schedule, curves, the weights kept so far.

    Chance needs no state: it is drawn from (seed, epoch). Lightning calls this after all other callbacks.
    """

    def __init__(self, folder: Path, section: str, batch_size: int):
        self.folder, self.section, self.batch_size = folder, section, batch_size

    def resume(self, trainer) -> Path | None:
        """The checkpoint to go on from, which is said; None where there is none.

        The folder is this process's from now on; while another process has it, this one waits.
        """
        first_rank = trainer.is_global_zero
        killed = claim(self.folder) if first_rank else None
        if killed or restarts():
            who = "a rank" if restarts() else f"its last run (PID {killed})"
            advice = f"if memory ran out (exit -9), try {smaller(self.section, self.batch_size)}"
            print(f"{self.section}: {who} was killed; {advice}", file=sys.stderr)
        last = latest(self.folder, remove=first_rank)
        if first_rank and last:
            there = f"{epoch_of(last)} of {trainer.max_epochs} epochs are there already"
            print(f"{self.section} goes on: {there}", flush=True)
        return last

    def on_train_epoch_end(self, trainer, module):
        trainer.save_checkpoint(self.folder / f"{trainer.current_epoch + 1:06d}")

    def on_exception(self, trainer, module, exception):
        if trainer.is_global_zero and (last := latest(self.folder)):
            kept = f"{epoch_of(last)} of {trainer.max_epochs} epochs are kept"
            print(f"{kept}; the same parameters go on from there", file=sys.stderr, flush=True)


class CheckedFiles(TorchCheckpointIO):
    """Files that are whole or absent, read only where they are as they were written. Rank 0 alone writes."""

    def save_checkpoint(self, checkpoint: dict, path: Path, storage_options=None) -> None:
        """Write `<path>-<checksum>.ckpt`, and remove all but the last ones in its folder."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        with atomic(path.with_name(f"{path.name}-{checksum(content)}.ckpt")) as temporary:
            temporary.write_bytes(content.getbuffer())
        for old in [*sorted(path.parent.glob(PATTERN))[:-KEPT], *path.parent.glob(".*.tmp")]:
            old.unlink()


def latest(folder: Path, remove: bool = True) -> Path | None:
    """The last checkpoint in a folder that is whole; damaged ones are removed, which is said.

    remove: False for a rank that only looks, while rank 0 removes them.
    """
    for path in sorted(folder.glob(PATTERN), reverse=True):
        with suppress(FileNotFoundError), path.open("rb") as file:
            if path.stem.endswith(checksum(file)):
                return path
        print(f"{path} is damaged: the epoch before it counts", file=sys.stderr)
        if remove:
            path.unlink(missing_ok=True)
    return None


def epoch_of(path: Path) -> int:
    """How many epochs a checkpoint holds."""
    return int(path.stem.partition("-")[0])


def checksum(file) -> str:
    """Of an open file, from its start."""
    file.seek(0)
    return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()
