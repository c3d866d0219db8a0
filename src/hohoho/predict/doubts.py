"""Why an answer to a new scan cannot be relied on, in words: it is not what the models were trained on."""

import numpy as np

from hohoho.inference.familiar import Familiar
from hohoho.predict.models import Models
from hohoho.scans.scan import WARNED, Scan
from hohoho.scans.verdict import Verdict

NO_HU = {  # what hohoho.scans.hu_check says
    "values_offset_by_1024": "its values are not HU: 1000 or 1024 seem to be added",
    "eight_bit_values": "its values are not HU: they are grey levels of a picture",
    "no_soft_tissue": "no soft tissue in it, so it is no head or not in HU",
    "background_zero": "0 instead of air around it: the brain seems to be cut out",
    "no_air": "no air around it: its values seem to be clipped",
    "values_too_high": "its values are hardly HU: too many are above bone",
    "clipped_values": "its values are hardly HU: bone is clipped",
    "values_scaled": "its values are hardly HU: the rescale slope seems to be wrong",
}
NO_HEAD = "nothing_in_brain_range"
STEP_FACTOR = 1.5  # of the distance of slices, beyond the least and largest of training
ORIENTATIONS = {  # which way round a scan would look more like training
    "it seems to lie upside down": lambda pixels: pixels[:, ::-1],
    "it seems to be turned by 180 degrees": lambda pixels: pixels[:, ::-1, ::-1],
    "foot and head seem to be exchanged": lambda pixels: pixels[::-1],
}
NEARER = 0.95  # of the scan's own distance; on the phantom no scan that is right comes nearer than 1.02


def doubts(
    scan: Scan, said: Verdict, runs: list[slice], pixels: np.ndarray, embeddings: np.ndarray, models: Models
) -> list[str]:
    """Reasons against any answer, maybe none.

    runs: of adjacent slices. pixels: (slices, size, size) uint8; embeddings: theirs, (slices, features).
    """
    found = _of_values(said, len(pixels))
    if models.familiar:
        found += _of_scan(scan, len(pixels), models.familiar) + _of_pictures(runs, pixels, embeddings, models)
    return found


def _of_values(said: Verdict, slices: int) -> list[str]:
    warned = said.reasons.get(WARNED, {})
    found = [text for name, text in NO_HU.items() if name in warned]
    if 2 * warned.get(NO_HEAD, 0) > slices:
        found.append("most slices have no value of brain or blood: no head is seen")
    return found


def _of_scan(scan: Scan, slices: int, training: Familiar) -> list[str]:
    found = []
    if slices < training.fewest_slices:
        found.append(f"{slices} slices; no training scan has fewer than {training.fewest_slices}")
    least, largest = training.step_mm
    step = float(np.median(np.diff(scan.position_mm))) if len(scan.position_mm) > 1 else np.nan
    if step < least / STEP_FACTOR or step > largest * STEP_FACTOR:
        found.append(f"slices are {step:.1f} mm apart; in training {least:.1f} to {largest:.1f} mm")
    for what, value, known in (
        ("kernel", scan.kernel, training.kernels),
        ("scanner's maker", scan.manufacturer, training.manufacturers),
    ):
        if value and len(known) and value not in known:
            found.append(f"the {what} {value} was not in training")
    return found


def _of_pictures(runs: list[slice], pixels: np.ndarray, embeddings: np.ndarray, models: Models) -> list[str]:
    own, farthest = models.familiar.distance(embeddings), models.familiar.farthest
    found = [f"it looks unlike the training scans (distance {own:.2f}; 99 % of them are below {farthest:.2f})"]
    found = found * (own > farthest)
    if len(pixels) < models.familiar.fewest_slices:
        return found  # a part of a head may look like anything
    turned = {text: models.embed(runs, np.ascontiguousarray(turn(pixels))) for text, turn in ORIENTATIONS.items()}
    nearer = {text: models.familiar.distance(seen) for text, seen in turned.items()}
    best = min(nearer, key=nearer.get)
    is_turned = nearer[best] < min(NEARER * own, farthest)
    return found + [f"{best}: so it looks more like the training scans"] * is_turned
