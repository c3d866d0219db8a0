"""What a figure's module hands out: the picture, what it says, and the numbers behind it."""

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

if TYPE_CHECKING:  # the report reads captions and tables also where nothing is drawn
    from matplotlib.figure import Figure


class Drawn(NamedTuple):
    """One figure of a run."""

    figure: "Figure"
    caption: str
    tables: dict[str, pd.DataFrame] = {}  # by their names in metrics/tables/
