"""One series, several scans: phases, kernels and contrast that share a series UID are taken apart.

A part is a scan of its own only where it lies over another one. Acquisitions that follow each other are one scan.
"""

from collections import Counter

import numpy as np

from hohoho.scans.geometry import SAME_PLANE_MM
from hohoho.scans.layers import LEAST_SCAN, NEAR, Images, off_step_mm, order_of, phase_of, split_layers

LEAST_KEPT = 0.8  # of the extent: what a split by acquisition must leave of it
EVEN, MOST = 0.2, 0.8  # how far even gaps may differ, and how many of them are not to
QUITE_NEAR = 0.3  # of a usual gap: nearer than this is one place
LEAST_RUN = 3  # images: numbers that turn more often are shuffled and say nothing
TELLS = (  # what tells scans apart, the weightiest first, and how many images at least are to share it
    (lambda header: header.temporal, 0),
    (lambda header: header.acquisition, 0),
    (lambda header: header.acquired, LEAST_RUN),
    (lambda header: header.written, LEAST_RUN),
    (lambda header: header.content.label, LEAST_RUN),
    (lambda header: np.nan_to_num(header.thickness_mm), LEAST_RUN),
)


def split_passes(headers: list, position_mm: np.ndarray) -> list[np.ndarray]:
    """Indices of the images of each scan among those of one series, the one acquired first at the front.

    headers: of one orientation. position_mm: (n,) along the normal.
    """
    images = Images(headers, np.asarray(position_mm))
    parts = [np.arange(len(headers))]
    if len({(*header.content[:2], header.kernel) for header in headers}) == 1 and _is_even(parts[0], images, np.inf):
        return parts  # as nearly all series are
    for split in (_by_content, _by_acquisition, _by_run, _by_number, _by_rank):
        parts = [layer for part in parts for layer in split(part, images)]
    return sorted(parts, key=lambda part: min(phase_of(headers[i]) for i in part))


def are_told_apart(headers: list) -> bool:
    """Whether most images of one series say by more than their UID to which of its scans they belong."""
    said = Counter((*phase_of(header)[:-1], header.content, header.kernel) for header in headers)
    return sum(count for count in said.values() if count > 1) <= len(headers) / 2


def _by_content(part, images):
    """By what the images show and by kernel: these are never mixed, whatever the extent that is left."""
    for key in (lambda header: header.content[:2], lambda header: header.kernel or ""):
        layers = split_layers(part, _pieces(part, images, key), images, least=1)
        if len(layers) > 1:
            return [layer for each in layers for layer in _by_content(each, images)]
    return [part]


def _by_acquisition(part, images):
    """By temporal position and acquisition, where a scan of nearly the whole extent remains."""
    if _is_even(part, images, default_mm=np.inf):
        return [part]
    for key, least in TELLS:
        pieces = _pieces(part, images, key)
        if len(part) < LEAST_RUN * len(pieces) and (least or _is_regular(images.gaps(part))):
            continue  # a value for each image, as a scan with overlapping slices has it too
        layers = _whole_layers(part, pieces, images)
        if len(layers) > 1:
            return [layer for each in layers for layer in _by_acquisition(each, images)]
    return [part]


def _by_run(part, images):
    """By the way the table went: times or numbers that run over the same ground again are another scan."""
    if _is_even(part, images, default_mm=0):
        return [part]
    for order in (images.in_order(part), images.as_written(part)):
        turns = np.sign(np.diff(images.position_mm[order]))
        backwards = np.flatnonzero(turns == -np.sign(np.sum(turns))) + 1
        if len(order) >= LEAST_RUN * (len(backwards) + 1):
            pieces = [piece.tolist() for piece in np.split(np.array(order), backwards)]
            layers = _whole_layers(part, pieces, images)
            if len(layers) > 1:
                return layers
    return [part]


def _by_number(part, images):
    """By Instance Number, where most numbers are given twice: the scans begin to count anew."""
    numbers = np.array([-1 if images.headers[i].instance is None else images.headers[i].instance for i in part])
    held = np.unique(numbers[numbers >= 0], return_counts=True)[1]
    if _is_even(part, images, default_mm=0) or len(held) < LEAST_SCAN or np.mean(held > 1) <= 0.5:
        return [part]
    pieces = [[] for _ in range(held.max())]
    alone, at = [], images.position_mm
    for number in np.unique(numbers):
        same = sorted(part[numbers == number], key=lambda i: (round(at[i], 2), order_of(images.headers[i])))
        if len(same) == 1 or number < 0:
            alone += same
        else:
            for piece, i in zip(pieces, same, strict=False):
                piece.append(i)
    for i in alone:
        min(pieces, key=lambda piece: off_step_mm(i, piece, images)).append(i)
    return _whole_layers(part, pieces, images)


def _by_rank(part, images):
    """By the rank of each image among those at its place, where most places hold several."""
    order = part[np.argsort(images.position_mm[part], kind="stable")]
    gaps = np.diff(images.position_mm[order])
    if not len(gaps):
        return [part]
    borders = np.flatnonzero(gaps > max(SAME_PLANE_MM, QUITE_NEAR * np.quantile(gaps, 0.75))) + 1
    if len(borders) + 1 > len(part) / 1.5:  # too many places for most of them to hold two
        return [part]
    places = [images.in_order(place) for place in np.split(order, borders)]
    held = np.array([len(place) for place in places])
    if len(places) < 2 or np.mean(held > 1) <= 0.5:
        return [part]
    layers = [[place[rank] for place in places if len(place) > rank] for rank in range(held.max())]
    return [np.array(sorted(layer)) for layer in layers]


def _pieces(part, images, key):
    pieces = {}
    if len({key(images.headers[i]) for i in part}) == 1:
        return [part.tolist()]
    for i in images.in_order(part):
        pieces.setdefault(key(images.headers[i]), []).append(i)
    return list(pieces.values())


def _is_even(part, images, default_mm):
    """Whether the images follow each other evenly at their thickness or more, so that nothing lies over anything else.

    default_mm: stands in for an unknown thickness.
    """
    gaps, thickness = images.gaps(part), images.thickness(part)
    least_mm = (1 - EVEN) * (thickness if thickness > 0 else default_mm)
    return _is_regular(gaps) and np.median(gaps) >= least_mm


def _is_regular(gaps):
    """Whether gaps are nearly all the same."""
    gap = np.median(gaps) if len(gaps) else 0
    if gap <= SAME_PLANE_MM or np.count_nonzero(gaps < NEAR * gap) >= LEAST_SCAN:
        return False
    return np.mean(np.abs(gaps - gap) <= EVEN * gap) > MOST


def _whole_layers(part, pieces, images):
    """The scans that the pieces make; [part] where they make one, or none of nearly the whole extent."""
    layers = split_layers(part, pieces, images)
    extent_mm = max(np.ptp(images.position_mm[layer]) for layer in layers)
    return layers if extent_mm >= LEAST_KEPT * np.ptp(images.position_mm[part]) else [part]
