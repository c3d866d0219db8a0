"""Enhanced CT: each frame of a multi-frame file as the slice that it is (PS3.3 C.7.6.16, functional groups)."""

from pydicom.dataelem import DataElement, convert_raw_data_element
from pydicom.dataset import Dataset

from hohoho.dicom import tags
from hohoho.dicom.values import ITEM, Values
from hohoho.errors import Unusable

MOST_FRAMES = 4096
MOST_ITEMS, LONGEST_SEQUENCE = 200_000, 16 * 2**20  # bytes; an item becomes about 1 kB


def raw_elements(dataset: Dataset) -> dict:
    """The elements of a pydicom data set by tag number, not interpreted."""
    return {tag: dataset.get_item(tag) for tag in dataset.keys()}  # noqa: SIM118 - its items() would interpret them


def frame_values(values: Values, path: str) -> list[Values]:
    """Values of each frame: those of the file, under those shared by all frames, under the frame's own.

    Raises Unusable where the file does not give every frame a position of its own.
    """
    common = values.elements | _group_elements(_items(values, tags.SHARED_GROUPS)[:1])
    own = [_group_elements([groups]) for groups in _items(values, tags.FRAME_GROUPS)]
    frames = [values._replace(elements=common | elements) for elements in own]
    number = values.numbers(tags.FRAMES)
    if not 0 < len(frames) <= MOST_FRAMES or number != (len(frames),):
        stated = ", ".join(f"{value:g}" for value in number) or "missing"
        raise Unusable(
            "multi_frame", f"{path}: Number of Frames (0028,0008) is {stated}, but {len(frames)} frames are described"
        )
    if any(len(frame.numbers(tags.POSITION)) != 3 for frame in frames):
        raise Unusable("multi_frame", f"{path}: frames without Plane Position (0020,9113)")
    return frames


def _group_elements(groups):
    """The elements of all functional groups that say where a frame lies and what its values mean."""
    elements = {}
    for group in groups:
        for tag in tags.FUNCTIONAL_GROUPS:
            for item in _items(group, tag)[:1]:
                elements |= item.elements
    return elements


def _items(values, tag):
    """Values of each item of a sequence, [] where absent. Raises ValueError where there are too many."""
    raw = values.raw(tag)
    if raw is None:
        return []
    if len(raw) > LONGEST_SEQUENCE or raw.count(ITEM[values.order]) > MOST_ITEMS:
        raise ValueError("a sequence longer than any image needs")
    element = values.elements[tag]
    sequence = element if isinstance(element, DataElement) else convert_raw_data_element(element)
    return [values._replace(elements=raw_elements(item)) for item in sequence.value]
