"""How fast files become windowed pictures: hohoho beside the loop that people write, MONAI and SimpleITK.

    uv run --group benchmarks python benchmarks/ingest.py [--scale 360]

All readers run in one process, in turns, on the same generated files (512 pixels, about 120 header elements), each with
window and resize: once with the files in memory (CPU seconds), once with the files on the disk (seconds that pass).
hohoho also reads and checks all headers, orders the slices and hashes the pixels. Then: its peak memory for 1,000
and for 10,000 slices, and the whole ingest, store included, with two workers against one, and against two ingests that
know nothing of each other, of half the studies each: what the machine itself gives.
"""

import argparse
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pydicom
from ct_tree import draw_images, write_tree

from hohoho.ingest.ingest import ingest
from hohoho.prefetch import prefetch
from hohoho.scans.pixels import read_windowed
from hohoho.sources import dicom_folder
from hohoho.workers import Workers, open_workers

SIZE, CENTER_HU, WIDTH_HU, KEY = 512, 40, 80, b"a key for benchmarks"
ROUNDS, STUDIES = 7, 12
MEMORY_SIZE = 128  # pixels: what grows with the slices does not depend on their size


def hohoho(folder: Path) -> Iterator[np.ndarray]:
    """Pictures of all files below `folder`, by study, foot to head."""
    for scan in dicom_folder.find(folder).scans:
        prefetch(scan.paths)
        for image, spacing_mm in zip(scan.images, scan.spacing_mm, strict=True):
            yield read_windowed(scan.read_slice, image, spacing_mm, SIZE, (CENTER_HU, WIDTH_HU)).pixels


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


def simple_itk(path: Path) -> np.ndarray:
    import SimpleITK

    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0]


READERS = {
    "plain loop (pydicom, NumPy, OpenCV)": lambda: plain_loop,
    "SimpleITK": lambda: simple_itk,
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


def seconds_to_ingest(folder: Path, out: Path, workers: Workers) -> float:
    """Of headers, pixels and the store, which is not kept."""
    begin = time.perf_counter()
    ingest(dicom_folder.find(folder, workers=workers), out, SIZE, (CENTER_HU, WIDTH_HU), KEY, workers)
    end = time.perf_counter()
    shutil.rmtree(out)
    return end - begin


def halves(folder: Path) -> list[Path]:
    """Two folders that lead to every other study of `folder` each."""
    found = [folder.with_name(f"{folder.name}, half {half}") for half in (1, 2)]
    for number, study in enumerate(sorted(folder.iterdir())):
        half = found[number % 2]
        half.mkdir(exist_ok=True)
        if not (half / study.name).exists():
            (half / study.name).symlink_to(study)
    return found


def scale(title: str, folder: Path, files: int, out: Path, on_disk: bool = False) -> None:
    """Print how much faster two workers are than one, their start not counted; the stores are written beside `out`."""
    separate = [(half, out.with_name(f"{out.name} of {half.name}"), 1) for half in halves(folder)]
    seconds = {"one worker": [], "two workers": [], "two separate ingests of half each": []}
    spawn = multiprocessing.get_context("spawn")
    with open_workers(2) as two, ProcessPoolExecutor(2, spawn) as alone:
        contests = (
            lambda: seconds_to_ingest(folder, out, 1),
            lambda: seconds_to_ingest(folder, out, two),
            lambda: max(alone.map(seconds_to_ingest, *zip(*separate, strict=True))),
        )
        for number in range(1 + ROUNDS):
            for name, contest in zip(seconds, contests, strict=True):
                if on_disk:
                    forget(folder)
                taken = contest()
                if number:  # the first round starts the processes
                    seconds[name].append(taken)
    print(f"\n{f'{files} {title}':<38}{'seconds':>10}{'slices/s':>10}{'x one':>8}   each round")
    for name, each in seconds.items():
        median, ratio = np.median(each), np.median(seconds["one worker"]) / np.median(each)
        faster = np.divide(seconds["one worker"], each)
        rounds = f"{faster.min():.2f} to {faster.max():.2f}"
        print(f"{name:<38}{median:>10.2f}{files / median:>10.0f}{ratio:>8.2f}   {rounds}")


def peak_mib(folder: Path, out: Path) -> float:
    """Peak memory of a process that ingests `folder`."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_ingest_and_measure, folder, out).result()


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
    parser.add_argument("--scale", type=int, default=360, help="studies for two workers against one (15 MB each)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hohoho-benchmark-") as name:
        folder = Path(name)
        images = draw_images(folder / "phantom", SIZE)
        files = write_tree(folder / "few", images, STUDIES)
        for on_disk in (False, True):
            compare(folder / "few", files, on_disk)
        memory(folder)
        for studies in (options.scale // 2, options.scale):
            files = write_tree(folder / f"{studies} studies", images, studies)
            scale("slices in memory", folder / f"{studies} studies", files, folder / "store")
        scale("slices on the disk", folder / f"{studies} studies", files, folder / "store", on_disk=True)
        images = draw_images(folder / "compressed phantom", SIZE, is_compressed=True)
        files = write_tree(folder / "compressed", images, options.scale // 20)
        scale("slices in JPEG 2000", folder / "compressed", files, folder / "store")


if __name__ == "__main__":
    main()
