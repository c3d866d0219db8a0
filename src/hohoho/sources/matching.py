"""Labels and images that belong together by their names: one law for the label files of all data sets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hohoho.errors import InputError
from hohoho.scans.scan import SKIPPED, WARNED, Note

AGAIN = "copy or download these files again"
ADVICE = {  # reason that files are left out for → what to do
    "no_rescale": "give slope and intercept in ingest.assumed_rescale if you know them, [1, -1024] for most scanners",
    "not_named_dcm": "unpack the images and name them ID_<letters and digits>.dcm",
    "subfolder": "move the images of the subfolder up, beside the others",
    "no_number_in_name": "name the files as docs/data.md shows",
    "in_no_study_folder": "keep the folders' names, CQ500CT<number>",
    "hidden_file": "names that begin with a dot are not read: rename the files if they are images",
    "unreadable": "give yourself the right to read them, or restore what their links lead to",
    "unreadable_folder": "give yourself the right to list the folders, or restore them",
    "wrong_transfer_syntax": "export them again, or correct their Transfer Syntax UID (0002,0010)",
    "fourth_axis": "split them into volumes of three axes",
    "not_dicom": f"{AGAIN}, or unpack them where they are packed",
    **dict.fromkeys(("truncated_pixels", "empty_file", "damaged_header", "not_nifti", "no_pixels"), AGAIN),
}


class LabelNames(NamedTuple):
    """What a label file names."""

    names: Sequence[str]
    what: str  # they are, for errors: "rows of train.csv"
    noun: str = "image"  # or scan
    public: bool = True  # an error may show a name
    lack: str = "have no usable file"


def match(labels: LabelNames, found: Mapping[str, str | None], most: float, notes: list[Note]) -> list[Note]:
    """Warnings of labels without an image and of images without a label; arguments and errors as of `unmatched`."""
    named = set(labels.names)
    return unmatched(labels, found, most, notes) + [
        Note(WARNED, f"{labels.noun}_without_label", study, name if study is None else None)
        for name, study in found.items()
        if name not in named
    ]


def unmatched(labels: LabelNames, found: Mapping[str, str | None], most: float, notes: list[Note]) -> list[Note]:
    """Warnings of labels without an image.

    found: name of each usable image → its study, None to report it by its name. notes: taken so far. Raises InputError
    where more than the fraction `most` of the labels have no image; why files were left out comes first.
    """
    missing = [name for name in labels.names if name not in found]
    if len(missing) > most * len(labels.names):
        left_out = _left_out(notes, found)
        causes = f"{sum(n for _, n in left_out)} files were left out: " * bool(left_out)
        causes += "".join(f"{n} {reason}, " for reason, n in left_out)
        first = f" (first {missing[0]})" * labels.public
        advice = _advice(missing, found, left_out) + _unnamed(labels, found)
        raise InputError(
            f"{causes}{len(missing)} of {len(labels.names)} {labels.what} {labels.lack}{first}, more than the "
            f"accepted fraction {most}. To do: {advice}. For a partial copy raise data.max_unmatched_labels"
        )
    return [Note(WARNED, f"label_without_{labels.noun}", item=name) for name in missing]


def _unnamed(labels, found):
    """How many images are there that no label names: where they are many, the names are wrong."""
    names = sorted(set(found).difference(labels.names))
    first = f", first {names[0]}" * labels.public if names else ""
    return f" ({len(names)} {labels.noun}s are there that no label names{first})" * bool(names)


def _left_out(notes, found):
    """(reason, count) of the files that were left out, the commonest first, but for those of studies that are there."""
    studies = set(found.values()) - {None}
    reasons = [note.reason for note in notes if note.action == SKIPPED and note.study not in studies]
    return Counter(sorted(reasons)).most_common()


def _advice(missing, found, left_out):
    """What to do, the likeliest first."""
    advice = [
        ADVICE.get(reason, "replace these files (`hohoho check` names DICOM files)") for reason, _ in left_out[:1]
    ]
    above, below = ({name.partition("/")[2] for name in names} for names in (missing, found))
    if 2 * len(above & set(found)) > len(missing):
        advice.append("the paths start one folder above data.root: give that folder")
    elif 2 * len(below & set(missing)) > len(missing):
        advice.append("the paths start one folder below data.root: give that folder")
    elif sum(count for _, count in left_out) < len(missing):
        advice.append("complete the download, or correct the names")
    return "; ".join(advice)
