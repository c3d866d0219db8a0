"""Pieces of a series that lie over each other, and those that lie side by side in one scan."""

from typing import NamedTuple

import numpy as np

from hohoho.scans.geometry import SAME_PLANE_MM, thickness_mm

NEAR = 0.6  # of a step: two images nearer than this do not lie side by side in one scan
LEAST_SCAN = 3  # images that lie over others


class Images(NamedTuple):
    """The images of one series."""

    headers: list
    position_mm: np.ndarray  # (n,)

    def in_order(self, part) -> list[int]:
        """Their indices as they were acquired."""
        return sorted(part, key=lambda i: order_of(self.headers[i]))

    def as_written(self, part) -> list[int]:
        """Their indices in the order in which they were made."""
        return sorted(part, key=lambda i: (self.headers[i].written, order_of(self.headers[i])))

    def gaps(self, part) -> np.ndarray:
        """(len(part) - 1,) mm between neighbours."""
        return np.diff(np.sort(self.position_mm[part]))

    def thickness(self, part) -> float:
        """Median in mm, NaN where unknown."""
        return thickness_mm([self.headers[i] for i in part])


def order_of(header) -> tuple:
    """What tells an earlier image from a later one: time, acquisition, number."""
    acquisition = float(header.acquisition) if header.acquisition.isdigit() else 0.0
    return header.acquired, header.temporal, acquisition, header.instance or 0, counted(header.sop_uid)


def phase_of(header) -> tuple:
    """What tells an earlier scan from a later one: when it was made comes before the numbers of its images."""
    acquired, temporal, acquisition, *rest = order_of(header)
    return acquired, temporal, acquisition, header.written, *rest


def counted(uid: str) -> tuple:
    """A UID as text that sorts by its numbers: 1.2.10 comes after 1.2.9."""
    return tuple((len(number), number) for number in uid.split("."))


def split_layers(
    part: np.ndarray, pieces: list[list[int]], images: Images, least: int = LEAST_SCAN
) -> list[np.ndarray]:
    """The pieces, as arrays of indices, those that lie side by side joined; [part] where all do.

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


def off_step_mm(i, piece, images):
    """How far an image is from lying one step away from a piece, in mm."""
    distance = np.abs(images.position_mm[piece] - images.position_mm[i]).min()
    return abs(distance - np.median(images.gaps(piece))) if len(piece) > 1 else distance


def _step_mm(part, pieces, images):
    """What neighbours in one scan lie apart: the gaps within the pieces tell, else the thickness, else all gaps."""
    gaps = np.concatenate([images.gaps(piece) for piece in pieces])
    if (gaps > SAME_PLANE_MM).any():
        return np.quantile(gaps[gaps > SAME_PLANE_MM], 0.25)
    thickness = images.thickness(part)
    return thickness if thickness > 0 else np.quantile(images.gaps(part), 0.75)


def _own_step_mm(piece, part, images):
    """What the images of a piece lie apart: a scan may change its step half way. One image tells by its thickness."""
    if len(piece) > 1:
        return _step_mm(piece, [piece], images)
    thickness = images.thickness(piece)
    if thickness > 0:
        return thickness
    at = np.count_nonzero(images.position_mm[part] < images.position_mm[piece[0]])
    return np.median(images.gaps(part)[max(0, at - 2) : at + 2])  # of the two gaps on either side


def _lies_over(piece, layer, images, near_mm):
    """Whether most images of a piece are nearer to one of the layer than `near_mm`."""
    distance = np.abs(images.position_mm[piece][:, None] - images.position_mm[layer])
    return np.mean(distance.min(axis=1) < max(near_mm, SAME_PLANE_MM)) > 0.5
