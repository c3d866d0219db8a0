"""One standing for every slice: the patient's front up, the right on the left (PS3.3 C.7.6.2.1.1)."""

import math
from functools import lru_cache

import numpy as np

from hohoho.dicom.header import SliceHeader, Turn

AXIAL_FROM = math.cos(math.radians(45))  # of the normal along z; other planes have no front up
MOST_ROTATED_DEG = 5.0  # in the plane; a head that lies a little askew is not warned of


def stand(header: SliceHeader) -> SliceHeader:
    """The header of the same slice once `turned`: its position, orientation and spacing are those of that picture.

    Only flips and quarter turns are made, to the orientation nearest to (1, 0, 0, 0, 1, 0); what is still rotated by
    more than MOST_ROTATED_DEG is warned of. A slice without orientation, or nearer to another plane, is left alone.
    """
    if header.orientation is None:
        return header
    turn, is_rotated = _turn(header.orientation)
    if is_rotated:
        header = header._replace(warnings=(*header.warnings, "rotated_in_plane"))
    return _after(header, turn) if any(turn) else header


def is_rotated(orientation: tuple[float, ...]) -> bool:
    """Whether an axial slice is rotated in its plane by more than MOST_ROTATED_DEG even after its turn."""
    return _turn(orientation)[1]


@lru_cache(maxsize=256)  # the slices of a series ask for the same one
def _turn(orientation):
    """(Turn, whether the slice is still rotated within its plane after it)."""
    row, column = orientation[:3], orientation[3:]
    if abs(row[0] * column[1] - row[1] * column[0]) <= AXIAL_FROM:
        return Turn(False, False, False), False
    transposed = abs(row[0]) + abs(column[1]) < abs(row[1]) + abs(column[0])
    if transposed:
        row, column = column, row
    turn = Turn(transposed, upside_down=column[1] < 0, mirrored=row[0] < 0)
    along, across = abs(row[0]) + abs(column[1]), row[1] * (-1) ** turn.mirrored - column[0] * (-1) ** turn.upside_down
    # zero for a tilt of the gantry, about x, or of the head, about y
    return turn, abs(math.degrees(math.atan2(across, along))) > MOST_ROTATED_DEG


def _after(header, turn):
    row, column = header.orientation[:3], header.orientation[3:]
    position, spacing_mm, size = header.position, header.spacing_mm, (header.pixels.rows, header.pixels.columns)
    if turn.transposed:
        row, column, spacing_mm, size = column, row, spacing_mm[::-1], size[::-1]
    if turn.upside_down:
        position, column = _from_the_end(position, column, spacing_mm[0] * (size[0] - 1))
    if turn.mirrored:
        position, row = _from_the_end(position, row, spacing_mm[1] * (size[1] - 1))
    return header._replace(
        position=position,
        orientation=(*row, *column),
        spacing_mm=spacing_mm,
        turn=turn,
        repairs=(*header.repairs, "turned_front_up"),
    )


def turned(picture: np.ndarray, turn: Turn) -> np.ndarray:
    """A stored picture as it stands after its turn."""
    picture = picture.T if turn.transposed else picture
    picture = picture[::-1] if turn.upside_down else picture
    return np.ascontiguousarray(picture[:, ::-1] if turn.mirrored else picture)


def _from_the_end(position, direction, length_mm):
    """(position of the last pixel, the direction back from there)."""
    if position is not None:
        position = tuple(begin + length_mm * cosine for begin, cosine in zip(position, direction, strict=True))
    return position, tuple(0.0 - cosine for cosine in direction)  # not -cosine, which makes -0.0
