"""Stacks a second, from the disk's cache to a normalised float batch: hohoho, PNG files, MONAI, zarr, kornia.

`uv run --group benchmarks python benchmarks/loader.py`: shuffled stacks of three slices of 128 px, batch 48, one epoch
a round, all contenders in turns. Without augmentation: hohoho's memory map; one PNG a slice, opened and transformed per
sample by PIL and torchvision in DataLoader workers; the same, cached in memory by MONAI; zarr, one chunk a slice. With
it (rotation, flip, jitter): hohoho's; kornia's behind the same loader; torchvision's per sample.
"""

import tempfile
from functools import partial
from pathlib import Path

import torch
from noise_store import noise_slices
from PIL import Image
from timing import clock_of, in_turns, installed, options, table
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from hohoho.models.backbones import to_float
from hohoho.slices.batches import StackedSlices, training_batches
from hohoho.training.augment import Augmentation, augment

SIDE, BATCH, DEGREES, JITTER, CHANCE = 128, 48, 20, 0.1, 0.4
HALF = torch.full((3, 1, 1), 0.5)  # mean and standard deviation
TO_BATCH = [transforms.ToTensor(), transforms.Normalize(HALF.flatten(), HALF.flatten())]
PER_SAMPLE = [
    transforms.RandomRotation(DEGREES, transforms.InterpolationMode.BILINEAR),
    transforms.RandomHorizontalFlip(),
    transforms.RandomApply([transforms.ColorJitter(JITTER, JITTER, JITTER)], CHANCE),
]


class PngStacks(Dataset):
    """Three PNG files a stack, one sample at a time."""

    def __init__(self, folder: Path, rows, steps: list):
        self.folder, self.rows, self.transform = folder, rows, transforms.Compose(steps)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.transform(self.read(self.rows[index]))

    def read(self, rows):
        return Image.merge("RGB", [Image.open(self.folder / f"{row}.png") for row in rows])


def epoch(batches, finish=lambda batch: None) -> None:
    for batch in batches:
        finish(batch)


def hohoho_epoch(slices: StackedSlices, change) -> None:
    """change: the augmentation of float images in [0, 1]."""
    batches = training_batches(slices, BATCH, 0)
    epoch(batches, lambda batch: change(to_float(batch[0])).sub_(HALF).div_(HALF))


def png_loader(folder: Path, slices: StackedSlices, steps: list, workers: int) -> DataLoader:
    stacks = PngStacks(folder, slices.rows, [*steps, *TO_BATCH])
    return DataLoader(stacks, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def monai_loader(folder: Path, slices: StackedSlices) -> DataLoader:
    from monai.data import CacheDataset, ThreadDataLoader

    read = PngStacks(folder, slices.rows, TO_BATCH)
    cached = CacheDataset(list(range(len(slices))), read.__getitem__, num_workers=None, progress=False)
    return ThreadDataLoader(cached, batch_size=BATCH, shuffle=True, num_workers=0)


def zarr_slices(folder: Path, slices: StackedSlices) -> StackedSlices:
    import zarr

    pixels = slices.pixels.take(range(len(slices)))
    stored = zarr.create_array(folder / "pixels.zarr", data=pixels, chunks=(1, SIDE, SIDE))
    stored.take = lambda rows: stored.oindex[rows]
    return StackedSlices(stored, slices.rows, slices.targets.numpy())


def kornia_augmentation():
    from kornia import augmentation

    rotation = augmentation.RandomRotation(DEGREES, p=1.0, align_corners=False)
    jitter = augmentation.ColorJitter(JITTER, JITTER, JITTER, p=CHANCE)
    return augmentation.AugmentationSequential(rotation, augmentation.RandomHorizontalFlip(), jitter)


def main() -> None:
    """Print a table without and one with augmentation."""
    parser = options(__doc__, rounds=7)
    parser.add_argument("--stacks", type=int, default=480)
    parser.add_argument("--workers", type=int, default=2)
    clock = clock_of(given := parser.parse_args())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        slices = noise_slices(folder, given.stacks, SIDE)
        for row, picture in enumerate(slices.pixels.take(range(given.stacks))):
            Image.fromarray(picture).save(folder / f"{row}.png")
        plain = {"hohoho": partial(hohoho_epoch, slices, lambda images: images)}
        plain["PNG, PIL, torchvision"] = partial(
            epoch, png_loader(folder, slices, [], given.workers), lambda batch: batch
        )
        plain["hohoho, uint8 as it goes to the device"] = lambda: epoch(training_batches(slices, BATCH, 0))
        if installed("monai"):
            plain["MONAI CacheDataset"] = partial(epoch, monai_loader(folder, slices))
        if installed("zarr"):
            plain["zarr"] = partial(hohoho_epoch, zarr_slices(folder, slices), lambda images: images)
        print(table(in_turns(plain, given.rounds, clock), given.stacks, "stacks"), flush=True)

        how, generator = Augmentation(DEGREES, True, JITTER, CHANCE), torch.Generator().manual_seed(0)
        changed = {"hohoho": partial(hohoho_epoch, slices, lambda images: augment(images, how, generator))}
        if installed("kornia"):
            changed["kornia"] = partial(hohoho_epoch, slices, kornia_augmentation())
        samples = png_loader(folder, slices, PER_SAMPLE, given.workers)
        changed["PNG, PIL, torchvision"] = partial(epoch, samples)
        print("\nwith rotation, flip and jitter")
        print(table(in_turns(changed, given.rounds, clock), given.stacks, "stacks"), flush=True)


if __name__ == "__main__":
    main()
