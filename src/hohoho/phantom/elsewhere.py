"""Another hospital's phantom: the same population, scanned and bleeding otherwise, to try a trained model on."""

from typing import NamedTuple

import cv2
import numpy as np

from hohoho.errors import InputError
from hohoho.phantom.acquisition import Acquisition, rotation
from hohoho.phantom.plane import Plane
from hohoho.phantom.scanner import Scanner

BLOOD_OVER_BRAIN_HU = 33.0  # median over the five types (docs/default.md)
EDGE_PX = 1.0  # standard deviation of the blur whose difference a sharp kernel adds
SOFT_HU = (-100, 100)  # bone beside the brain does not darken it by hundreds
SHARP = "SHARP"
MOST_TILT_DEG = 45


class Elsewhere(NamedTuple):
    """What differs; the defaults are the phantom as it is."""

    noise: float = 1.0  # times its standard deviation
    blood_contrast: float = 1.0  # of blood over the brain beside it, times
    sharpness: float = 0.0  # of the kernel: how much of the picture minus its blurred self is added
    tilt_deg: float = 0.0  # of the head against the planes, chin up

    def check(self) -> None:
        """Raise InputError for what no scanner does."""
        if min(self.noise, self.blood_contrast, self.sharpness) < 0 or abs(self.tilt_deg) > MOST_TILT_DEG:
            raise InputError(
                f"noise {self.noise:g}, blood contrast {self.blood_contrast:g} and sharpness {self.sharpness:g} must "
                f"not be negative, nor the tilt, {self.tilt_deg:g}, be beyond {MOST_TILT_DEG} degrees"
            )

    def setup(self, acquisition: Acquisition, scanner: Scanner) -> tuple[Acquisition, Scanner]:
        """How the head lies, and in which scanner."""
        if self.tilt_deg:
            turned = acquisition.to_head @ rotation(0.0, np.deg2rad(self.tilt_deg), 0.0)
            acquisition = acquisition._replace(to_head=turned)
        return acquisition, scanner._replace(noise_hu=scanner.noise_hu * self.noise)

    def dim(self, plane: Plane) -> None:
        """Give the blood of a slice its contrast."""
        if self.blood_contrast != 1:
            plane.hu -= (1 - self.blood_contrast) * BLOOD_OVER_BRAIN_HU * plane.blood.sum(axis=0).clip(max=1)

    def sharpen(self, hu: np.ndarray) -> np.ndarray:
        """(H, W) int16 HU, its edges and its noise raised."""
        if not self.sharpness:
            return hu
        picture = hu.astype(np.float32)
        soft = np.clip(picture, *SOFT_HU)
        edges = soft - cv2.GaussianBlur(soft, (0, 0), EDGE_PX)
        return np.clip(np.rint(picture + self.sharpness * edges), hu.min(), hu.max()).astype(np.int16)

    @property
    def kernel(self) -> str | None:
        """What the files call it; None where it is the population's."""
        return SHARP if self.sharpness else None


HERE = Elsewhere()
