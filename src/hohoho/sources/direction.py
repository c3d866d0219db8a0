"""Which end of a scan is the vertex: decided by the pictures where the files tell an order and no direction.

Towards the vertex the outline of the head closes to a small disc, most of which is bone. The other end is as wide as
the face or, below it, as narrow as a neck; a neck is soft tissue around one vertebra.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from hohoho.errors import Unusable
from hohoho.scans.scan import REPAIRED, WARNED, Note, Scan
from hohoho.workers import Workers, ordered_map

TISSUE_HU, BONE_HU = 8, 75  # and above; a picture in the brain window is white from 80 on
SIDE = 128  # pixels of the picture that is measured
PICTURES = 24  # of a scan, evenly spread, both ends among them
AT_AN_END = 3  # of these, or a fifth where there are few; most of them decide, not one odd picture
NO_HEAD = 0.1  # of the largest area: headrest or nothing
SMALL, BONY = 0.7, 0.25  # a vertex has at most this part of the largest area, and at least this part of it is bone
NOTES = {-1: Note(REPAIRED, "numbered_from_the_head"), 0: Note(WARNED, "direction_unknown")}


def foot_to_head(scans: Sequence[Scan], workers: Workers, progress: bool = False) -> tuple[list[Scan], list[Note]]:
    """(the scans, those whose slices run to the feet turned over; notes on these and on those that cannot be decided).

    What cannot be decided stays as it is. Pictures that cannot be read decide nothing.
    """
    asked = ((scan.read_slice, scan.images) for scan in scans)
    found = ordered_map(direction_of, asked, workers)
    directions = list(tqdm(found, "directions", len(scans), disable=not progress, unit="scan"))
    notes = [NOTES[way]._replace(study=scan.study) for scan, way in zip(scans, directions, strict=True) if way in NOTES]
    return [_turned_over(scan) if way < 0 else scan for scan, way in zip(scans, directions, strict=True)], notes


def direction_of(scan: tuple[Callable, Sequence[Any]]) -> int:
    """1 where the slices run from foot to head, -1 from head to foot, 0 where their pictures do not tell.

    scan: `read_slice` and the `images` of a Scan, in their order.
    """
    read_slice, images = scan
    heads = []
    for place in spread(len(images)):
        try:
            heads.append(measure(read_slice(images[place])[0]))
        except Unusable:  # ingest tells of it
            continue
    return vertex(np.array(heads).reshape(-1, 2))


def spread(count: int) -> np.ndarray:
    """Indices of PICTURES of `count` slices, or of all; the same pictures from whichever end one counts."""
    if count <= PICTURES:
        return np.arange(count)
    lower = np.linspace(0, count - 1, PICTURES)[: PICTURES // 2].round().astype(int)
    return np.concatenate([lower, count - 1 - lower[::-1]])


def measure(hu: np.ndarray) -> tuple[float, float]:
    """(area of the largest thing in a slice, holes filled, as part of the picture; part of that area that is bone).

    hu: (rows, columns).
    """
    small = cv2.resize(np.clip(hu, 0, 100).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    outlines, _ = cv2.findContours((small >= TISSUE_HU).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return 0.0, 0.0
    head = cv2.drawContours(np.zeros((SIDE, SIDE), np.uint8), [max(outlines, key=cv2.contourArea)], 0, 1, cv2.FILLED)
    return head.mean(), (small >= BONE_HU)[head > 0].mean()


def vertex(heads: np.ndarray) -> int:
    """1 where the vertex is at the end of the slices, -1 at their beginning, 0 where neither or both look like it.

    heads: (slices, 2) area and part of bone of each.
    """
    heads = heads[heads[:, 0] > NO_HEAD * heads[:, 0].max(initial=0)]
    if not len(heads):
        return 0
    area, bone = heads.T
    is_like_it = (area <= SMALL * area.max()) & (bone >= BONY)
    count = max(1, min(AT_AN_END, len(heads) // 5))
    first, last = (part.mean() > 0.5 for part in (is_like_it[:count], is_like_it[-count:]))
    return int(last) - int(first)


def _turned_over(scan):
    names = scan.names and scan.names[::-1]
    along = {name: getattr(scan, name)[::-1] for name in ("images", "spacing_mm", "labels")}
    return replace(scan, position_mm=-scan.position_mm[::-1], names=names, **along)
