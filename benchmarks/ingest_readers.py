"""The readers that benchmarks/ingest.py compares: hohoho, the loop that people write, MONAI and SimpleITK."""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pydicom

from hohoho.prefetch import prefetch
from hohoho.scans.pixels import collect
from hohoho.sources import dicom_folder
from hohoho.sources.request import Request

SIZE, CENTER_HU, WIDTH_HU = 512, 40, 80
ROUNDS, STUDIES = 7, 12


def hohoho(folder: Path) -> Iterator[np.ndarray]:
    """Pictures of all files below `folder`, by study, foot to head."""
    for scan in dicom_folder.find(Request(folder)).scans:
        prefetch(scan.paths)
        pictures = []
        collect(scan, SIZE, (CENTER_HU, WIDTH_HU), pictures.append)
        yield from pictures


def one_by_one(folder: Path, read_hu: Callable[[Path], np.ndarray]) -> Iterator[np.ndarray]:
    """The same by a loop over the files."""
    for path in sorted(folder.glob("*/*")):
        grey = np.clip((read_hu(path) - (CENTER_HU - WIDTH_HU / 2)) / WIDTH_HU, 0, 1) * 255
        yield cv2.resize(grey.astype(np.uint8), (SIZE, SIZE))


def plain_loop(path: Path) -> np.ndarray:
    image = pydicom.dcmread(path)
    return image.pixel_array * image.RescaleSlope + image.RescaleIntercept


def monai_reader(name: str) -> Callable[[Path], np.ndarray]:
    from monai.transforms import LoadImage

    load = LoadImage(reader=name, image_only=True)
    return lambda path: load(path).numpy().squeeze().T  # MONAI hands out (x, y)


def simple_itk() -> Callable[[Path], np.ndarray]:
    import SimpleITK

    return lambda path: SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0]


READERS = {
    "plain loop (pydicom, NumPy, OpenCV)": lambda: plain_loop,
    "SimpleITK": simple_itk,
    "MONAI LoadImage, ITKReader": lambda: monai_reader("ITKReader"),
    "MONAI LoadImage, PydicomReader": lambda: monai_reader("PydicomReader"),
}


def contenders() -> dict[str, Callable[[Path], Iterator[np.ndarray]]]:
    """Name → what reads a folder; a peer that is not installed is named and left out."""
    found = {"hohoho": hohoho}
    for name, make in READERS.items():
        try:
            found[name] = partial(one_by_one, read_hu=make())
        except ImportError as error:
            print(f"{name}: left out, {error}")
    return found


def forget(folder: Path) -> None:
    """Linux keeps no file below `folder` in memory: the next one to read it waits for the disk."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(read: Callable, folder: Path, first: int, clock: Callable[[], float]) -> tuple[float, np.ndarray]:
    """(seconds of `clock` for all pictures, the `first` of them); the others are let go, as a store would."""
    begin = clock()
    pictures = read(folder)
    kept = list(islice(pictures, first))
    for _ in pictures:
        pass
    return clock() - begin, np.stack(kept)


def compare(folder: Path, files: int, on_disk: bool) -> None:
    """Print slices/s of every reader, ours divided by theirs, and how far their pictures are from ours."""
    readers, seconds, pictures = contenders(), {}, {}
    clock = time.perf_counter if on_disk else time.process_time
    for _ in range(ROUNDS):
        for name in list(readers):
            if on_disk:
                forget(folder)
            try:
                taken, pictures[name] = measure(readers[name], folder, files // STUDIES, clock)
                seconds.setdefault(name, []).append(taken)
            except Exception as error:  # a peer may fail in any way: it is said, and the others go on
                print(f"{name}: cannot read these files ({type(error).__name__}: {error})")
                del readers[name]
    medians = {name: np.median(seconds[name]) for name in readers}
    title = f"one process, {files} slices {'on the disk' if on_disk else 'in memory'}"
    print(f"\n{title:<38}{'slices/s':>10}{'hohoho is':>12}{'grey levels apart':>20}")
    for name, median in medians.items():
        apart = farthest(pictures["hohoho"], pictures[name])
        print(f"{name:<38}{files / median:>10.0f}{median / medians['hohoho']:>10.1f} x{apart:>20}")


def farthest(ours: np.ndarray, theirs: np.ndarray) -> int:
    """Largest difference of grey levels; a picture's partner is the nearest, as not all readers sort."""
    ours = ours.astype(np.int16)
    return max(int(np.abs(ours - picture).max(axis=(1, 2)).min()) for picture in theirs)
