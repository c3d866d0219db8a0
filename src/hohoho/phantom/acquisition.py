"""How a head was scanned: where every slice lies, in the scanner's coordinates and in the head's."""

from typing import NamedTuple

import numpy as np

FIELD_OF_VIEW_MM = 220.0
STEP_MM = 5.0
BELOW_MM, OVER_VERTEX_MM = (46.0, 58.0), (-2.0, 4.0)  # first slice below the centre, last over the vertex
ROTATION_SD, PITCH_SD, ROLL_SD = np.deg2rad([6.0, 5.0, 3.0])
SHIFT_SD_MM = 4.0
P_GANTRY_TILT, GANTRY_TILT_DEG = 0.25, (6.0, 20.0)
P_TWO_STEPS, P_MISSING_SLICE = 0.15, 0.12  # thin below and thick above; one slice left out
TWO_STEPS_MM, THIN_LENGTH_MM = (4.0, 7.0), 52.0  # thin over this length from the first slice, thick above


class Acquisition(NamedTuple):
    size: int  # rows and columns
    row_direction: np.ndarray  # (3,) unit vector of increasing column, scanner coordinates (left, back, head)
    column_direction: np.ndarray  # (3,) of increasing row
    first_pixels: np.ndarray  # (Z, 3) mm, centre of the first pixel of each slice, foot to head
    to_head: np.ndarray  # (3, 3) rotation from the scanner's axes to the head's
    head_centre: np.ndarray  # (3,) mm
    thickness_mm: float

    @property
    def pixel_mm(self) -> float:
        """Pixel spacing, the same along rows and columns."""
        return FIELD_OF_VIEW_MM / self.size

    @property
    def positions_mm(self) -> np.ndarray:
        """(Z,) where each slice lies along the normal, rising from foot to head."""
        return self.first_pixels @ np.cross(self.row_direction, self.column_direction)


def rotation(turn: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) rotation: about z, then x, then y (rad)."""
    (cz, sz), (cx, sx), (cy, sy) = ((np.cos(a), np.sin(a)) for a in (turn, pitch, roll))
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return about_y @ about_x @ about_z


def draw_steps(rng: np.random.Generator, length_mm: float) -> np.ndarray:
    """Positions (mm) from 0 up to `length_mm`: even, in two steps, or with one left out."""
    if rng.random() < P_TWO_STEPS:
        low, high = TWO_STEPS_MM
        steps = np.concatenate([np.arange(0, THIN_LENGTH_MM, low), np.arange(THIN_LENGTH_MM, length_mm, high)])
    else:
        steps = np.arange(0, length_mm, STEP_MM)
    if rng.random() < P_MISSING_SLICE:
        steps = np.delete(steps, rng.integers(2, len(steps) - 2))
    return steps


def draw_acquisition(rng: np.random.Generator, size: int, head_height_mm: float) -> Acquisition:
    """A head roughly centred in the scanner, its slices from the skull base to over the vertex."""
    tilt = 0.0
    if rng.random() < P_GANTRY_TILT:
        tilt = float(np.deg2rad(rng.uniform(*GANTRY_TILT_DEG)) * rng.choice([-1, 1]))
    # The technician tilts the gantry to follow the head, so a tilted scan shows the usual planes.
    pose = rotation(rng.normal(0, ROTATION_SD), tilt + rng.normal(0, PITCH_SD), rng.normal(0, ROLL_SD))
    row_direction, column_direction = np.array([1.0, 0, 0]), np.array([0, np.cos(tilt), np.sin(tilt)])
    below = rng.uniform(*BELOW_MM)
    # Slices are counted along the normal: with a tilt the table moves 1/cos further.
    steps = draw_steps(rng, below + head_height_mm + rng.uniform(*OVER_VERTEX_MM)) / np.cos(tilt)
    table = rng.uniform(-80, 40)
    centre = np.array([rng.normal(0, SHIFT_SD_MM), rng.normal(0, SHIFT_SD_MM), table + below / np.cos(tilt)])
    middle = np.zeros((len(steps), 3))
    middle[:, 2] = table + steps
    half = (size - 1) / 2 * FIELD_OF_VIEW_MM / size
    first = middle - half * row_direction - half * column_direction
    return Acquisition(size, row_direction, column_direction, first, pose.T, centre, STEP_MM)


def head_coordinates(acquisition: Acquisition, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and z (mm, float32, (H, W)) in the head of every pixel of one slice."""
    steps = np.arange(acquisition.size) * acquisition.pixel_mm
    start = acquisition.to_head @ (acquisition.first_pixels[index] - acquisition.head_centre)
    along_row = acquisition.to_head @ acquisition.row_direction
    along_column = acquisition.to_head @ acquisition.column_direction
    columns = start[:, None] + steps * along_row[:, None]
    rows = steps * along_column[:, None]
    x, y, z = (columns[:, None, :] + rows[:, :, None]).astype(np.float32)
    return x, y, z
