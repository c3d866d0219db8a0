"""One slice being drawn: where its pixels lie in the head, and how shapes become HU with partial volume."""

from dataclasses import dataclass

import numpy as np

from hohoho.labels import LABELS
from hohoho.phantom.geometry import Point, Surface

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
    structure: np.ndarray | None  # (H, W) uint8 index into STRUCTURES, None: not wanted
    pixel_mm: float
    thickness_mm: float

    def __getitem__(self, window: tuple[slice, slice]) -> "Plane":
        structure = None if self.structure is None else self.structure[window]
        coordinates = self.x[window], self.y[window], self.z[window]
        blood = self.blood[:, window[0], window[1]]
        return Plane(*coordinates, self.hu[window], blood, structure, self.pixel_mm, self.thickness_mm)

    def window(self, centre: Point, reach: Point) -> tuple[slice, slice] | None:
        """The rows and columns within `reach` mm of `centre`, or None where the slice misses it."""
        rows, columns = self.x.shape
        origin = np.array([self.x[0, 0], self.y[0, 0]])
        per_row = (np.array([self.x[-1, 0], self.y[-1, 0]]) - origin) / (rows - 1)
        per_column = (np.array([self.x[0, -1], self.y[0, -1]]) - origin) / (columns - 1)
        to_pixels = np.linalg.inv(np.stack([per_row, per_column], axis=1))
        middle = to_pixels @ (np.array(centre[:2]) - origin)
        half = np.abs(to_pixels) @ np.array(reach[:2]) + 1
        low = np.clip(np.floor(middle - half), 0, (rows, columns)).astype(int)
        high = np.clip(np.ceil(middle + half) + 1, 0, (rows, columns)).astype(int)
        if (high - low < 2).any():
            return None
        window = slice(low[0], high[0]), slice(low[1], high[1])
        z = self.z[window]
        if max(z[0, 0], z[0, -1], z[-1, 0], z[-1, -1]) < centre[2] - reach[2] - self.thickness_mm:
            return None
        if min(z[0, 0], z[0, -1], z[-1, 0], z[-1, -1]) > centre[2] + reach[2] + self.thickness_mm:
            return None
        return window

    def blur_mm(self, slope) -> np.ndarray:
        """Over how many mm a border of this slope fades: a pixel for a wall, the slice for a roof."""
        flat = np.abs(slope)
        return self.pixel_mm * PIXEL_BLUR * np.sqrt(1 - np.minimum(flat * flat, 1)) + self.thickness_mm * flat

    def occupancy(self, surface: Surface) -> np.ndarray:
        """The part (0 to 1) of each pixel that lies inside the shape."""
        return np.minimum(np.maximum(0.5 - surface.distance / self.blur_mm(surface.slope), 0), 1)

    def sheet(self, distance: np.ndarray, half_width, slope) -> np.ndarray:
        """The part (0 to 1) of each pixel inside a sheet: |distance| < half_width. Thinner than a pixel, it pales."""
        per_mm = 1 / self.blur_mm(slope)
        distance = np.abs(distance)
        near = np.minimum(np.maximum(0.5 + (half_width - distance) * per_mm, 0), 1)
        far = np.minimum(np.maximum(0.5 - (half_width + distance) * per_mm, 0), 1)
        return near - far

    def paint(self, hu, part: np.ndarray, structure: str = "mixed") -> None:
        """Replace `part` (0 to 1) of each pixel by a tissue of `hu`."""
        self.hu += part * (hu - self.hu)
        if self.structure is not None:
            self.structure[part > 0.05] = 0
            self.structure[part > WHOLE] = STRUCTURES.index(structure)

    def bleed(self, label: str, hu, part: np.ndarray) -> None:
        """Replace `part` of each pixel by blood, and keep it in the mask of its label."""
        self.paint(hu, part, "blood")
        mask = self.blood[LABELS.index(label)]
        np.maximum(mask, part, out=mask)
