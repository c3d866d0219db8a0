"""What a prediction needs: a head that nobody has seen, and models that nobody has trained."""

import numpy as np
import torch
from ct_files import ct_study, set_pixels

from hohoho.files import write_json
from hohoho.models.backbones import SliceClassifier, build_backbone, save_classifier
from hohoho.models.lstm import save_lstm

SIDE, SLICES = 64, 28


def save_untrained(folder, image_size=SIDE):
    """An untrained CNN, saved as if it were trained: its answers are arbitrary, and differ from slice to slice."""
    torch.manual_seed(0)
    cnn = SliceClassifier("resnet18", build_backbone("resnet18", 3), [0.2] * 3, [0.3] * 3, 0.0)
    save_classifier(folder / "cnn", cnn)
    save_lstm(folder / "lstm", None)
    inputs = {"source": "phantom", "image_size": image_size, "window_center_hu": 40, "window_width_hu": 80}
    write_json(folder / "cnn/input.json", inputs)
    return folder


def head(study="1.2.3", slices=SLICES):
    """A head of different slices with air around them; no two rows, columns or slices are alike."""
    images, rng = ct_study(slices), np.random.default_rng(len(study))
    for image in images:
        hu = np.full((SIDE, SIDE), -1000, np.int16)
        hu[8:-8, 12:-4] = rng.integers(0, 80, (SIDE - 16, SIDE - 16))
        set_pixels(image, hu)
        image.StudyInstanceUID, image.SeriesInstanceUID = study, f"{study}.1"
        image.SOPInstanceUID, image.PatientID = f"{study}.1.{image.InstanceNumber}", f"P{study}"
    return images
