"""One standing for every slice: the patient's front up, the right on the left (PS3.3 C.7.6.2.1.1)."""

import math

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
    row, column = header.orientation[:3], header.orientation[3:]
    if abs(row[0] * column[1] - row[1] * column[0]) <= AXIAL_FROM:
        return header
    spacing_mm, size = header.spacing_mm, (header.pixels.rows, header.pixels.columns)
    transposed = abs(row[0]) + abs(column[1]) < abs(row[1]) + abs(column[0])
    if transposed:
        row, column, spacing_mm, size = column, row, spacing_mm[::-1], size[::-1]
    turn, position = Turn(transposed, upside_down=column[1] < 0, mirrored=row[0] < 0), header.position
    if turn.upside_down:
        position, column = _from_the_end(position, column, spacing_mm[0] * (size[0] - 1))
    if turn.mirrored:
        position, row = _from_the_end(position, row, spacing_mm[1] * (size[1] - 1))
    if any(turn):
        header = header._replace(
            position=position,
            orientation=(*row, *column),
            spacing_mm=spacing_mm,
            turn=turn,
            repairs=(*header.repairs, "turned_front_up"),
        )
    # the rotation within the plane that is left: zero for a tilt of the gantry, about x, or of the head, about y
    if abs(math.degrees(math.atan2(column[0] - row[1], row[0] + column[1]))) > MOST_ROTATED_DEG:
        header = header._replace(warnings=(*header.warnings, "rotated_in_plane"))
    return header


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
