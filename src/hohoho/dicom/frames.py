"""Enhanced CT: each frame of a multi-frame file as the slice that it is (PS3.3 C.7.6.16, functional groups)."""

from hohoho.dicom.header import FRAMES, FUNCTIONAL_GROUPS, PER_FRAME, POSITION, SHARED
from hohoho.dicom.values import Values
from hohoho.errors import Unusable

MOST_FRAMES = 4096


class Elements(dict):
    """Data elements by tag number, as `Values` reads them."""

    get_item = dict.__getitem__


def frame_values(values: Values, path: str) -> list[Values]:
    """Values of each frame: those of the file, under those shared by all frames, under the frame's own.

    Raises Unusable where the file does not give every frame a position of its own.
    """
    common = _elements(values) | _group_elements(values.items(SHARED)[:1])
    frames = [values.for_elements(Elements(common | _group_elements([own]))) for own in values.items(PER_FRAME)]
    number = values.numbers(FRAMES)
    if not 0 < len(frames) <= MOST_FRAMES or number != (len(frames),):
        stated = ", ".join(f"{value:g}" for value in number) or "missing"
        raise Unusable(
            "multi_frame", f"{path}: Number of Frames (0028,0008) is {stated}, but {len(frames)} frames are described"
        )
    if any(len(frame.numbers(POSITION)) != 3 for frame in frames):
        raise Unusable("multi_frame", f"{path}: frames without Plane Position (0020,9113)")
    return frames


def _elements(values):
    return {tag: values.dataset.get_item(tag) for tag in values.dataset.keys()}  # noqa: SIM118 - a data set, no dict


def _group_elements(groups):
    """The elements of all functional groups that say where a frame lies and what its values mean."""
    found = {}
    for group in groups:
        for tag in FUNCTIONAL_GROUPS:
            for item in group.items(tag)[:1]:
                found |= _elements(item)
    return found
