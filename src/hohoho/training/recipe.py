"""How a training goes, whatever the model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Recipe:
    """How to train, whatever the model.

    section: of params.yaml, for messages. precision: Lightning's name, as of `devices.resolve_precision`.
    gradient_clip: norm, 0 is off. keep: which epoch's weights stay – one of BEST, or "last". curves: CSV that grows
    with every epoch. curve_columns: their order; None is the order of logging. threshold: of validation's F2.
    checkpoints: folder, as of `checkpoint_folder`, from which an interrupted training resumes. studies: as of Place.
    """

    section: str
    epochs: int
    seed: int
    precision: str = "32-true"
    gradient_clip: float = 0.0
    keep: str = "best_f2"
    curves: Path | None = None
    curve_columns: list[str] | None = None
    threshold: float = 0.5
    checkpoints: Path | None = None
    studies: np.ndarray | None = None
