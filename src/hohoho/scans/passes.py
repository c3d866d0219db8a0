"""One series, several scans: phases, kernels and contrast that share a series UID are taken apart.

A part is a scan of its own only where it lies over another one. Acquisitions that follow each other are one scan.
"""

from typing import NamedTuple

import numpy as np

from hohoho.scans.geometry import SAME_PLANE_MM, thickness_mm

NEAR = 0.6  # of a step: two images nearer than this do not lie side by side in one scan
LEAST_KEPT = 0.8  # of the extent: what a split by acquisition must leave of it
EVEN, MOST = 0.2, 0.8  # how far even gaps may differ, and how many of them are not to
QUITE_NEAR = 0.3  # of a usual gap: nearer than this is one place
LEAST_RUN = 3  # images: numbers that turn more often are shuffled and say nothing
LEAST_SCAN = 3  # images that lie over others


def split_passes(headers: list, position_mm: np.ndarray) -> list[np.ndarray]:
    """Indices of the images of each scan among those of one series, the one acquired first at the front.

    headers: of one orientation. position_mm: (n,) along the normal.
    """
    images = Images(headers, np.asarray(position_mm))
    parts = [np.arange(len(headers))]
    for split in (_by_content, _by_acquisition, _by_run, _by_rank):
        parts = [layer for part in parts for layer in split(part, images)]
    return sorted(parts, key=lambda part: min(order_of(headers[i]) for i in part))


class Images(NamedTuple):
    """The images of one series."""

    headers: list
    position_mm: np.ndarray  # (n,)

    def in_order(self, part) -> list[int]:
        """Their indices as they were acquired."""
        return sorted(part, key=lambda i: order_of(self.headers[i]))


def order_of(header) -> tuple:
    """What tells an earlier image from a later one: time, acquisition, number."""
    acquisition = float(header.acquisition) if header.acquisition.isdigit() else 0.0
    return header.acquired, header.temporal, acquisition, header.instance or 0, header.sop_uid


def _by_content(part, images):
    """By what the images show and by kernel: these are never mixed, whatever the extent that is left."""
    for key in (lambda header: header.content[:2], lambda header: header.kernel or ""):
        layers = _layers(part, _pieces(part, images, key), images, least=1)
        if len(layers) > 1:
            return [layer for each in layers for layer in _by_content(each, images)]
    return [part]


def _by_acquisition(part, images):
    """By temporal position and acquisition, where a scan of nearly the whole extent remains."""
    if _is_even(part, images, default_mm=np.inf):
        return [part]
    for key in (lambda header: header.temporal, lambda header: header.acquisition):
        layers = _layers(part, _pieces(part, images, key), images)
        if len(layers) > 1 and _keeps_extent(layers, part, images):
            return [layer for each in layers for layer in _by_acquisition(each, images)]
    return [part]


def _by_run(part, images):
    """By the way the table went: times or numbers that run over the same ground again are another scan."""
    order = images.in_order(part)
    turns = np.sign(np.diff(images.position_mm[order]))
    backwards = np.flatnonzero(turns == -np.sign(np.sum(turns))) + 1
    if not len(backwards) or len(order) < LEAST_RUN * (len(backwards) + 1) or _is_even(part, images, default_mm=0):
        return [part]
    pieces = [piece.tolist() for piece in np.split(np.array(order), backwards)]
    layers = _layers(part, pieces, images)
    return layers if _keeps_extent(layers, part, images) else [part]


def _by_rank(part, images):
    """By the how manieth image of its place each is, where most places hold several."""
    order = part[np.argsort(images.position_mm[part], kind="stable")]
    gaps = np.diff(images.position_mm[order])
    if not len(gaps):
        return [part]
    borders = np.flatnonzero(gaps > max(SAME_PLANE_MM, QUITE_NEAR * np.quantile(gaps, 0.75))) + 1
    places = [images.in_order(place) for place in np.split(order, borders)]
    held = np.array([len(place) for place in places])
    if len(places) < 2 or np.mean(held > 1) <= 0.5:
        return [part]
    layers = [[place[rank] for place in places if len(place) > rank] for rank in range(held.max())]
    return [np.array(sorted(layer)) for layer in layers]


def _pieces(part, images, key):
    pieces = {}
    for i in images.in_order(part):
        pieces.setdefault(key(images.headers[i]), []).append(i)
    return list(pieces.values())


def _layers(part, pieces, images, least=LEAST_SCAN):
    """The pieces, those that lie side by side joined; [part] where all do.

    least: images that make a scan of their own; fewer are images sent twice.
    """
    if len(pieces) == 1:
        return [part]
    usual_mm = _step_mm(part, pieces, images)
    layers = []
    for piece in sorted(pieces, key=len, reverse=True):
        near_mm = NEAR * min(usual_mm, _own_step_mm(piece, part, images))
        for layer in layers:
            if not _lies_over(piece, layer, images, near_mm):
                layer.extend(piece)
                break
        else:
            layers.append(list(piece))
    layers.sort(key=len, reverse=True)
    whole = layers[:1] + [layer for layer in layers[1:] if len(layer) >= least]
    whole[0].extend(i for layer in layers[1:] if len(layer) < least for i in layer)
    return [part] if len(whole) == 1 else [np.array(sorted(layer)) for layer in whole]


def _step_mm(part, pieces, images):
    """What neighbours in one scan lie apart: the gaps within the pieces tell, else the thickness, else all gaps."""
    gaps = np.concatenate([np.diff(np.sort(images.position_mm[piece])) for piece in pieces])
    gaps = gaps[gaps > SAME_PLANE_MM]
    if len(gaps):
        return np.quantile(gaps, 0.25)
    thickness = thickness_mm([images.headers[i] for i in part])
    return thickness if thickness > 0 else np.quantile(np.diff(np.sort(images.position_mm[part])), 0.75)


def _own_step_mm(piece, part, images):
    """What the images of a piece lie apart: a scan may change its step half way. One image tells by its thickness."""
    if len(piece) > 1:
        gaps = np.diff(np.sort(images.position_mm[piece]))
        gaps = gaps[gaps > SAME_PLANE_MM]
        return np.quantile(gaps, 0.25) if len(gaps) else np.inf
    thickness = images.headers[piece[0]].thickness_mm
    if thickness > 0:
        return thickness
    places = np.sort(images.position_mm[part])
    at = np.searchsorted(places, images.position_mm[piece[0]])
    return np.median(np.diff(places)[max(0, at - 2) : at + 2])  # of the two gaps on either side


def _lies_over(piece, layer, images, near_mm):
    """Whether most images of a piece are nearer to one of the layer than `near_mm`."""
    distance = np.abs(images.position_mm[piece][:, None] - images.position_mm[layer])
    return np.mean(distance.min(axis=1) < max(near_mm, SAME_PLANE_MM)) > 0.5


def _is_even(part, images, default_mm):
    """Whether the images follow each other evenly at their thickness or more, so that nothing lies over anything else.

    default_mm: stands in for an unknown thickness.
    """
    gaps = np.diff(np.sort(images.position_mm[part]))
    gap, thickness = np.median(gaps) if len(gaps) else 0, thickness_mm([images.headers[i] for i in part])
    least = (1 - EVEN) * (thickness if thickness > 0 else default_mm)
    return SAME_PLANE_MM < gap >= least and np.mean(np.abs(gaps - gap) <= EVEN * gap) > MOST


def _keeps_extent(layers, part, images):
    return max(np.ptp(images.position_mm[layer]) for layer in layers) >= LEAST_KEPT * np.ptp(images.position_mm[part])
