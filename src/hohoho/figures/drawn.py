"""What drawing the figures leaves behind: pictures in a folder, what each says, and the tables behind them."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from hohoho.files import write_json
from hohoho.saliency.scores import COLUMNS as SALIENCY_COLUMNS

NEIGHBOURS, GRADIENTS, EMBEDDINGS = "figure1_neighbours.png", "figure3_gradients.png", "figure5_embeddings.png"
SALIENCY, DISAGREEMENTS = "figure6_saliency.png", "figure7_disagreements.png"
CURVES, WORST, CAPTIONS = "curves.png", "worst_slices.png", "captions.json"
GRADIENT_COLUMNS = ["p", "cross_entropy", "ce_shift", "asymmetric_focusing", "asl"]
PROBE_COLUMNS = ["split", "slices", "r2"]


class Drawn(NamedTuple):
    """captions: file name in the folder → text. The tables' columns: see above and `hohoho.saliency.scores`."""

    captions: dict[str, str]
    gradients: pd.DataFrame
    probe: pd.DataFrame
    saliency: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of metrics/tables/ behind the figures, by name."""
        return {"loss_gradients": self.gradients, "saliency": self.saliency, "level_probe": self.probe}


def nothing_drawn() -> Drawn:
    """Where `evaluate.figures` is off: no picture, and tables without rows."""
    columns = (GRADIENT_COLUMNS, PROBE_COLUMNS, SALIENCY_COLUMNS)
    return Drawn({}, *(pd.DataFrame(columns=names) for names in columns))


def write_captions(folder: Path, drawn: Drawn) -> None:
    """Beside the pictures; alone where none were drawn, so that the folder is always there."""
    write_json(folder / CAPTIONS, drawn.captions)
