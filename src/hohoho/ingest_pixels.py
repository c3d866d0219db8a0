"""The pixels of many scans, read by any workers and kept study by study."""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from hohoho.ingest_checkpoint import IngestCheckpoint, mark
from hohoho.scan import Scan
from hohoho.scan_pixels import ScanPixels, gather, picture_tasks, read_picture
from hohoho.workers import ordered_map

CHUNK = 8  # slices that a worker is sent at once: all that it may be ahead is less than a study


def read_pixels(
    scans: Sequence[Scan], image_size: int, window_hu: tuple[float, float], workers: int | str, work: IngestCheckpoint
) -> Iterator[ScanPixels]:
    """The results of all scans in their order, each kept in `work` first and handed on without its pixels."""
    marks = deque()
    read = partial(read_picture, image_size=image_size, window_hu=window_hu)
    pictures = ordered_map(read, _tasks(scans, marks), workers, CHUNK)
    for scan in scans:
        result = gather(scan, islice(pictures, len(scan.images)), image_size)
        work.add(marks.popleft(), result)
        yield result._replace(pixels=result.pixels[:0].copy())


def _tasks(scans, marks):
    for scan in scans:
        marks.append(mark(scan))  # before it is read, lest a change in between be taken for what was read
        yield from picture_tasks(scan)
