"""What every data layout hands on: scans of ordered slices, and notes of what was skipped or repaired."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from hohoho.scans.geometry import missing_slices

SKIPPED, REPAIRED, WARNED = "skipped", "repaired", "warned"
REFUSED = "refused"  # a study that cannot be trusted; it stops no other one


class Note(NamedTuple):
    """One line of the ingest report. `study` and `item` are raw names: they are replaced before anything is kept."""

    action: str  # SKIPPED, REPAIRED, WARNED or REFUSED
    reason: str
    study: str | None = None
    item: str | None = None  # the file or image that is meant; None: the whole study
    index: int | None = None  # the slice's place in its scan, foot to head


def count_reasons(notes: Iterable[Note], *actions: str) -> dict[str, int]:
    """Reason → how many notes give it for one of these actions; by alphabet."""
    return dict(sorted(Counter(note.reason for note in notes if note.action in actions).items()))


@dataclass(frozen=True)
class Scan:
    """One series of one study, sorted foot to head. `patient` and `study` are raw ids and never leave the process.

    images: one entry a slice, whatever `read_slice` needs to find its pixels.
    read_slice(image) -> ((rows, columns) in HU, names of the repairs made); raises Unusable; importable by its name.
    labels: (Z, 5) float32 in the order of LABELS, NaN where unlabelled.
    scan_labels: (5,) float32, what is known of the scan as a whole, NaN where unknown, None where nothing is.
    scan_any: whether the scan has any bleed, 1 or 0; NaN where the scan's own labels do not say.
    """

    patient: str
    study: str
    images: tuple[Any, ...]
    read_slice: Callable[[Any], tuple[np.ndarray, tuple[str, ...]]]
    position_mm: np.ndarray  # (Z,) along the normal, rising from foot to head
    spacing_mm: np.ndarray  # (Z, 2) between rows, between columns
    labels: np.ndarray
    scan_labels: np.ndarray | None = None
    scan_any: float = float("nan")
    step_mm: float | None = None  # from slice to slice where none is missing; None: only the positions can tell
    tilt_deg: float = float("nan")
    thickness_mm: float = float("nan")
    kernel: str | None = None
    manufacturer: str | None = None
    age_band: str | None = None
    sex: str | None = None
    split: str | None = None  # where the data set itself says who is in which split
    names: tuple[str, ...] | None = None  # published names of the images, which a leaderboard asks for
    small: bool = False  # belongs to the data set's own small labelled set

    @property
    def paths(self) -> list[str]:
        """The files that hold its images, each once, in their order."""
        return list(dict.fromkeys(getattr(image, "path", image) for image in self.images))

    def missing_below(self, kept: np.ndarray) -> np.ndarray:
        """(n,) bool: whether a slice is missing below each of the slices `kept`: never sent, or not readable.

        kept: (n,) indices of the slices that could be read, rising.
        """
        flags = missing_slices(self.position_mm[kept], self.step_mm)
        flags[1:] |= np.diff(kept) > 1
        return flags


@dataclass
class Inventory:
    """All scans of a data source, headers read and pixels not, with the notes taken on the way."""

    scans: list[Scan]
    notes: list[Note] = field(default_factory=list)
    files: int = 0
    root: str = ""  # folder that the paths in `notes` are taken relative to
    test_images: tuple[str, ...] = ()  # published names of a whole test set without labels, readable or not
