"""limits.html: one file that needs no network, with a picture per factor, the limits, and every level folded away."""

import base64
import io
from pathlib import Path

import pandas as pd

from hohoho.html import write_html
from hohoho.limits.conditions import CONTRAST, NOISE, THICKNESS, TILT
from hohoho.limits.listing import SIZE, kind, level_table, limit_table, share_table
from hohoho.limits.picture import draw
from hohoho.predict.result import NOTICE

CAPTIONS = {
    SIZE: "Volume of the blood that was drawn, or its thickness in the plane of the slice along a ray from the middle "
    "of the picture. Dots stand at the median of the heads; curves follow each head's own size.",
    CONTRAST: "Of blood over the mean of the head's grey and white matter.",
    NOISE: "Times the standard deviation that the population's scanners have.",
    THICKNESS: "Slices stay where they are; a thick one is the mean of thin ones within it, with the same noise.",
    TILT: "Of the head against the planes, chin up, beyond what the population has.",
}


def write_page(path: Path, levels: pd.DataFrame, fits: pd.DataFrame, trained_on: str) -> None:
    """Write it; the same tables give the same bytes. trained_on: the models' data."""
    factors = list(dict.fromkeys(fits["factor"].map(kind)))
    pictures = {factor: _picture(levels, fits, factor) for factor in factors}
    first = fits.iloc[0]
    values = {
        "notice": NOTICE,
        "trained_on": trained_on,
        "first": first,
        "tables": {"limits": limit_table(fits), "levels": level_table(levels), "shares": share_table(levels)},
        "pictures": pictures,
        "captions": CAPTIONS,
    }
    write_html(path, Path(__file__).parent / "page.html.j2", {}, values)


def _picture(levels: pd.DataFrame, fits: pd.DataFrame, factor: str) -> str:
    """One line of panels as a data URI."""
    figure = draw(
        levels[levels["factor"].map(kind) == factor], fits[fits["factor"].map(kind) == factor], f"By {factor}"
    )
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
