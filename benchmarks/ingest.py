"""How fast files become windowed pictures: hohoho beside the loop that people write, MONAI and SimpleITK.

    uv run --group benchmarks python benchmarks/ingest.py [--scale 100]

All readers run in one process, in turns, on the same generated files (512 pixels, about 120 header elements), each with
window and resize. hohoho also reads and checks all headers, puts the slices in order and hashes the pixels. Then: the
whole ingest with two workers against one, and its peak memory for 1,000 and for 10,000 slices.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pydicom
from ct_tree import draw_images, write_tree

from hohoho.ingest import ingest
from hohoho.scan_pixels import read_scan
from hohoho.sources import dicom_folder

SIZE, CENTER_HU, WIDTH_HU, KEY = 512, 40, 80, b"a key for benchmarks"
ROUNDS, STUDIES = 5, 12
MEMORY_SIZE = 128  # pixels: what grows with the slices does not depend on their size


def hohoho(folder: Path) -> list[np.ndarray]:
    """Pictures of all files below `folder`, by study, foot to head."""
    scans = dicom_folder.find(folder).scans
    return [picture for scan in scans for picture in read_scan(scan, SIZE, CENTER_HU, WIDTH_HU).pixels]


def one_by_one(folder: Path, read_hu: Callable[[Path], np.ndarray]) -> list[np.ndarray]:
    """The same by a loop over the files."""
    pictures = []
    for path in sorted(folder.glob("*/*")):
        grey = np.clip((read_hu(path) - (CENTER_HU - WIDTH_HU / 2)) / WIDTH_HU, 0, 1) * 255
        pictures.append(cv2.resize(grey.astype(np.uint8), (SIZE, SIZE)))
    return pictures


def plain_loop(path: Path) -> np.ndarray:
    image = pydicom.dcmread(path)
    return image.pixel_array * image.RescaleSlope + image.RescaleIntercept


def monai_reader(name: str) -> Callable[[Path], np.ndarray]:
    from monai.transforms import LoadImage

    load = LoadImage(reader=name, image_only=True)
    return lambda path: load(path).numpy().squeeze().T  # MONAI hands out (x, y)


def simple_itk(path: Path) -> np.ndarray:
    import SimpleITK

    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0]


READERS = {
    "plain loop (pydicom, NumPy, OpenCV)": lambda: plain_loop,
    "SimpleITK": lambda: simple_itk,
    "MONAI LoadImage, ITKReader": lambda: monai_reader("ITKReader"),
    "MONAI LoadImage, PydicomReader": lambda: monai_reader("PydicomReader"),
}


def contenders() -> dict[str, Callable[[Path], list[np.ndarray]]]:
    """Name → what reads a folder; a peer that is not installed is named and left out."""
    found = {"hohoho": hohoho}
    for name, make in READERS.items():
        try:
            found[name] = partial(one_by_one, read_hu=make())
        except ImportError as error:
            print(f"{name}: left out, {error}")
    return found


def compare(folder: Path, files: int) -> None:
    """Print slices/s of every reader, ours divided by theirs, and how far their pictures are from ours."""
    readers, seconds, pictures = contenders(), {}, {}
    for _ in range(ROUNDS):
        for name, read in list(readers.items()):
            begin = time.perf_counter()
            try:
                pictures[name] = read(folder)
            except Exception as error:  # a peer may fail in any way: it is said and the others go on
                print(f"{name}: cannot read these files ({type(error).__name__}: {error})")
                del readers[name]
                continue
            seconds.setdefault(name, []).append(time.perf_counter() - begin)
    ours = np.median(seconds["hohoho"])
    expected = sorted(picture.tobytes() for picture in pictures["hohoho"])
    print(f"\n{'one process, ' + str(files) + ' slices':<38}{'slices/s':>10}{'hohoho is':>12}{'grey levels apart':>20}")
    for name in readers:
        median = np.median(seconds[name])
        apart = farthest(pictures["hohoho"], pictures[name])
        print(f"{name:<38}{files / median:>10.0f}{median / ours:>10.1f} x{apart:>20}")
    assert len(expected) == files


def farthest(ours: list[np.ndarray], theirs: list[np.ndarray]) -> int:
    """Largest difference of grey levels, each picture against the nearest of the same study's."""
    first = np.stack(ours[: len(ours) // STUDIES]).astype(np.int16)  # all studies are copies of one
    return max(int(np.abs(first - picture).max(axis=(1, 2)).min()) for picture in theirs[: len(first)])


def seconds_to_ingest(folder: Path, out: Path, workers: int) -> tuple[float, float]:
    """Of the headers, and of the pixels and the store."""
    begin = time.perf_counter()
    inventory = dicom_folder.find(folder, workers=workers)
    between = time.perf_counter()
    ingest(inventory, out, SIZE, (CENTER_HU, WIDTH_HU), KEY, workers)
    return between - begin, time.perf_counter() - between


def scale(folder: Path, files: int, out: Path) -> None:
    """Print how much faster two workers are than one, the store written to the disk."""
    seconds = {1: [], 2: []}
    for _ in range(3):
        for workers, each in seconds.items():
            each.append(seconds_to_ingest(folder, out, workers))
    medians = {workers: np.median(each, axis=0) for workers, each in seconds.items()}
    print(f"\n{'whole ingest, ' + str(files) + ' slices':<38}{'headers s':>10}{'pixels s':>10}{'slices/s':>10}")
    for workers, (headers, pixels) in medians.items():
        print(f"{'workers: ' + str(workers):<38}{headers:>10.2f}{pixels:>10.2f}{files / (headers + pixels):>10.0f}")
    print(
        f"two workers are {medians[1].sum() / medians[2].sum():.2f} x one, {medians[1][1] / medians[2][1]:.2f} x in pixels"
    )


def peak_mib(folder: Path, out: Path) -> float:
    """Peak memory of a process that ingests `folder`."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_ingest_and_measure, (folder, out))


def _ingest_and_measure(folder, out):
    ingest(dicom_folder.find(folder), out, MEMORY_SIZE, (CENTER_HU, WIDTH_HU), KEY)
    status = Path("/proc/self/status")  # a child's ru_maxrss begins with its parent's
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def memory(folder: Path) -> None:
    """Print the peak memory for 1,000 and for 10,000 slices."""
    images = draw_images(folder / "small phantom", MEMORY_SIZE)
    peaks = {}
    for slices in (1_000, 10_000):
        files = write_tree(folder / f"{slices}", images, -(-slices // len(images)))
        peaks[files] = peak_mib(folder / f"{slices}", folder / "small store")
    (few, less), (many, more) = peaks.items()
    print(
        f"\npeak memory: {less:.0f} MiB for {few} slices, {more:.0f} MiB for {many}: {100 * (more / less - 1):+.1f} %"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=int, default=100, help="studies for two workers against one (15 MB each)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hohoho-benchmark-") as name:
        folder = Path(name)
        images = draw_images(folder / "phantom", SIZE)
        compare(folder / "few", write_tree(folder / "few", images, STUDIES))
        memory(folder)
        scale(folder / "many", write_tree(folder / "many", images, options.scale), folder / "store")


if __name__ == "__main__":
    main()
