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
import resource
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from ct_tree import draw_images, write_tree
from ingest_readers import CENTER_HU, ROUNDS, SIZE, STUDIES, WIDTH_HU, compare, forget

from hohoho.ingest.ingest import ingest
from hohoho.sources import dicom_folder
from hohoho.sources.request import Request
from hohoho.workers import Workers, open_workers

KEY = b"a key for benchmarks"
MEMORY_SIZE = 128  # pixels: what grows with the slices does not depend on their size


def seconds_to_ingest(folder: Path, out: Path, workers: Workers) -> float:
    """Of headers, pixels and the store, which is not kept."""
    begin = time.perf_counter()
    ingest(dicom_folder.find(Request(folder, workers=workers)), out, SIZE, (CENTER_HU, WIDTH_HU), KEY, workers)
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
    ingest(dicom_folder.find(Request(folder)), out, MEMORY_SIZE, (CENTER_HU, WIDTH_HU), KEY)
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
