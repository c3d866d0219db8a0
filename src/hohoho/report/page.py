"""metrics/report.html: everything about a run on one page that needs no network, no script and no second file."""

import base64
from pathlib import Path

import cv2

from hohoho.figures.drawn import Drawn
from hohoho.html import write_html
from hohoho.report import decision_sections as decisions
from hohoho.report import figure_sections as pictures
from hohoho.report import score_sections as scores
from hohoho.report.cards import Card
from hohoho.report.data_sections import Inputs, data_section, parameter_section, version_section
from hohoho.report.tables import heading, text
from hohoho.scores.evaluation import Evaluation

TEMPLATE = "page.html.j2"
OPEN_LINES = 4  # a longer table is folded away
LARGEST_PICTURE = 400_000  # bytes: seven of them, in base64, stay below 4 MB
JPEG_QUALITIES = (85, 70, 50, 30)


def sections(found: Evaluation, figures: dict[str, Drawn], inputs: Inputs) -> list[scores.Section]:
    """All sections in their order."""
    return [
        scores.models_section(found, inputs.params.data.source),
        scores.scan_section(found),
        scores.class_section(found),
        decisions.subgroup_section(found),
        pictures.curve_section(figures),
        decisions.point_section(found),
        scores.calibration_section(found),
        pictures.worst_section(found, figures),
        pictures.saliency_section(figures),
        pictures.figure_section(figures),
        decisions.smoothing_section(found),
        data_section(found.details["data"], inputs),
        parameter_section(inputs),
        version_section(),
    ]


def write_report(path: Path, figures: Path, cards: list[Card], content: list[scores.Section]) -> None:
    """Write the page; the same content gives the same bytes. figures: the folder of the pictures that are named."""
    names = {name for section in content for name in section.pictures}
    values = {"cards": cards, "sections": content, "open_lines": OPEN_LINES}
    values |= {"pictures": {name: inline(figures / name) for name in sorted(names)}}
    write_html(path, Path(__file__).parent / TEMPLATE, {"heading": heading, "cell": text}, values)


def inline(path: Path) -> str:
    """A PNG as a data URI; a large one as the best JPEG that is small enough."""
    content, kind = path.read_bytes(), "png"
    for quality in JPEG_QUALITIES if len(content) > LARGEST_PICTURE else ():
        _, jpeg = cv2.imencode(".jpg", cv2.imread(str(path)), [cv2.IMWRITE_JPEG_QUALITY, quality])
        content, kind = jpeg.tobytes(), "jpeg"
        if len(content) <= LARGEST_PICTURE:
            break
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
