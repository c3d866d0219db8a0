"""What the script of a study's page draws: pictures in HU, saliency and probabilities, as JSON."""

import base64
import json

import cv2
import numpy as np

from hohoho.inference.table import CLASSES
from hohoho.labels import LABELS
from hohoho.predict.models import Models
from hohoho.predict.result import Result, heights
from hohoho.saliency.methods import saliency_maps

LOWEST_HU, LEVELS = -1024, 4096
PRINTED = 40  # pictures on the printed page


def page_data(result: Result, models: Models, names: dict[str, str], colors: dict[str, str]) -> dict:
    """Of every slice its picture, where its likeliest bleed is seen (None without gradients), and its probabilities.

    names, colors: of CLASSES.
    """
    n = len(result.table)
    classes = result.probabilities[:, : len(LABELS)].argmax(axis=1)
    columns = {
        "hu": map(png, map(_two_bytes, result.hu)),
        "saliency": map(png, _saliency(result, models, classes)) if models.classifier else [None] * n,
        "of": [LABELS[place] for place in classes],
        "mm": heights(result).tolist(),
        "p": [dict(zip(CLASSES, row, strict=True)) for row in result.probabilities.round(4).tolist()],
        "framed": result.positive.tolist(),
        "printed": [place % every(n) == 0 for place in range(n)],
    }
    slices = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return {"side": result.hu.shape[1], "names": names, "colors": colors, "lowest": LOWEST_HU, "slices": slices}


def _saliency(result: Result, models: Models, classes: np.ndarray) -> np.ndarray:
    """(slices, size, size) uint8, each slice's largest value 255."""
    stacks = models.stacks(result.runs, result.pixels)[list(range(len(classes)))][0].numpy()
    maps = saliency_maps("grad_cam", models.classifier, stacks, classes, "cpu")
    return np.rint(255 * maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-12)).astype(np.uint8)


def every(slices: int) -> int:
    """Of how many slices one is printed."""
    return -(-slices // PRINTED)


def png(picture: np.ndarray) -> str:
    """A data URI."""
    return "data:image/png;base64," + base64.b64encode(cv2.imencode(".png", picture)[1]).decode("ascii")


def script_json(data: dict) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _two_bytes(hu: np.ndarray) -> np.ndarray:
    """(H, W) HU → (H, W, 3) uint8 in OpenCV's order: red holds the upper, green the lower half of twelve bits."""
    level = np.clip(hu.astype(np.int32) - LOWEST_HU, 0, LEVELS - 1)
    return np.stack([np.zeros_like(level), (level & 15) << 4, level >> 4], axis=-1).astype(np.uint8)
