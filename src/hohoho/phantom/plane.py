"""One slice being drawn: where its pixels lie in the head, and how shapes become HU with partial volume."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, floor

import numpy as np

from hohoho.labels import LABELS
from hohoho.phantom.geometry import Capsule, Ellipsoid, Point, Surface

# What a pixel is, for tests: the last structure that filled it (nearly) whole. 0 is air or a mixture.
STRUCTURES = ("mixed", "scalp_fat", "skull", "air_sinus", "eye", "csf", "grey", "white", "ventricle", "blood")
WHOLE = 0.95
PIXEL_BLUR = 1.2  # the in-plane edge of a real scan is a little wider than a pixel


@dataclass
class Plane:
    """A slice, or a window of one (then its arrays are views: painting the window paints the slice)."""

    x: np.ndarray  # (H, W) mm in the head, patient's left; y to the back, z to the vertex
    y: np.ndarray
    z: np.ndarray
    hu: np.ndarray  # (H, W) float32
    blood: np.ndarray  # (5, H, W) float32, the part of each pixel that is blood, in the order of LABELS
    pixel_mm: float
    thickness_mm: float
    slack_mm: float = 0.0  # by how much x is bent off a straight grid
    structure: np.ndarray | None = None  # (H, W) uint8 index into STRUCTURES, None: not wanted

    def __getitem__(self, window: tuple[slice, slice]) -> "Plane":
        structure = None if self.structure is None else self.structure[window]
        views = {name: getattr(self, name)[window] for name in ("x", "y", "z", "hu")}
        return replace(self, **views, blood=self.blood[:, *window], structure=structure)

    @cached_property
    def frame(self) -> tuple[list[float], list[float], list[float]]:
        """Where the first pixel lies in the head (mm), and the steps to the next row and to the next column."""
        corner, rows_on, columns_on = (
            np.array([axis[place] for axis in (self.x, self.y, self.z)], float) for place in ((0, 0), (-1, 0), (0, -1))
        )
        rows, columns = self.x.shape
        per_row, per_column = (rows_on - corner) / (rows - 1), (columns_on - corner) / (columns - 1)
        return corner.tolist(), per_row.tolist(), per_column.tolist()

    def window(self, centre: Point, reach: Point) -> tuple[slice, slice] | None:
        """The rows and columns within `reach` mm of `centre`, or None where the slice misses it."""
        (x0, y0, z0), (x_row, y_row, z_row), (x_column, y_column, z_column) = self.frame
        dx, dy = centre[0] - x0, centre[1] - y0
        reach_x, reach_y = reach[0] + self.slack_mm, reach[1]
        area = x_row * y_column - x_column * y_row
        row, column = (dx * y_column - dy * x_column) / area, (dy * x_row - dx * y_row) / area
        half_rows = (abs(y_column) * reach_x + abs(x_column) * reach_y) / abs(area) + 1
        half_columns = (abs(y_row) * reach_x + abs(x_row) * reach_y) / abs(area) + 1
        off_slice = abs(z0 + row * z_row + column * z_column - centre[2])
        if off_slice > reach[2] + self.thickness_mm + half_rows * abs(z_row) + half_columns * abs(z_column):
            return None
        rows, columns = self.x.shape
        top, bottom = max(0, floor(row - half_rows)), min(rows, ceil(row + half_rows) + 1)
        left, right = max(0, floor(column - half_columns)), min(columns, ceil(column + half_columns) + 1)
        return (slice(top, bottom), slice(left, right)) if top + 1 < bottom and left + 1 < right else None

    def blur_mm(self, slope) -> np.ndarray | float:
        """Over how many mm a border of this slope fades: a pixel for a wall, the slice for a roof."""
        flat = np.abs(slope)
        blur = self.pixel_mm * PIXEL_BLUR * np.sqrt(1 - np.minimum(flat * flat, 1)) + self.thickness_mm * flat
        return blur if np.ndim(blur) else float(blur)  # a NumPy scalar would make float64 of every array

    def surface(self, shape: Ellipsoid | Capsule) -> Surface:
        """The border of a shape, seen from each pixel."""
        return shape.surface(self.x, self.y, self.z)

    def within(self, shape: Ellipsoid | Capsule) -> np.ndarray:
        """The part (0 to 1) of each pixel that lies inside the shape."""
        return self.occupancy(self.surface(shape))

    def occupancy(self, surface: Surface) -> np.ndarray:
        """The part (0 to 1) of each pixel that lies inside the surface."""
        return np.minimum(np.maximum(0.5 - surface.distance / self.blur_mm(surface.slope), 0), 1)

    def sheet(self, distance: np.ndarray, half_width, slope) -> np.ndarray:
        """The part (0 to 1) of each pixel with |distance| < half_width: thinner than a pixel, a sheet pales."""
        per_mm = 1 / self.blur_mm(slope)
        distance = np.abs(distance)
        near = np.minimum(np.maximum(0.5 + (half_width - distance) * per_mm, 0), 1)
        far = np.minimum(np.maximum(0.5 - (half_width + distance) * per_mm, 0), 1)
        return near - far

    def paint(self, hu, part: np.ndarray, structure: str = "mixed") -> None:
        """Replace `part` (0 to 1) of each pixel by a tissue of `hu`."""
        self.hu += part * (hu - self.hu)
        if self.structure is not None:
            self.structure[part > 1 - WHOLE] = 0
        self.mark(structure, part)

    def mark(self, structure: str, part: np.ndarray) -> None:
        """Note which pixels are this structure as a whole, where a study keeps that."""
        if self.structure is not None:
            self.structure[part > WHOLE] = STRUCTURES.index(structure)

    def bleed(self, label: str, hu, part: np.ndarray) -> None:
        """Replace `part` of each pixel by blood, in the masks too: what it covers of another bleed is gone."""
        self.paint(hu, part, "blood")
        self.blood *= 1 - part
        self.blood[LABELS.index(label)] += part
