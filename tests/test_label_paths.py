"""Paths in a label file: the same relative path however it is written, and none that leads elsewhere."""

import numpy as np
import pytest
from ct_files import ct_study, save
from inventories import find

from hohoho.errors import InputError
from hohoho.labels import LABELS

PATHS = ["a/b/c.dcm", "a/b/ä ö.dcm", "top.dcm"]


@pytest.fixture
def root(tmp_path):
    for image, path in zip(ct_study(3), PATHS, strict=True):
        save(image, tmp_path / "scans" / path)
    return tmp_path / "scans"


def labels(root, paths):
    """A label file: image i of `paths` has type i alone."""
    csv = root.parent / "labels.csv"
    rows = [f"{path},{','.join(str(int(place == i)) for place in range(5))}" for i, path in enumerate(paths)]
    csv.write_text("\n".join([f"file,{','.join(LABELS)}", *rows]) + "\n")
    return csv


SPELLINGS = {
    "windows": lambda path: path.replace("/", "\\"),
    "mixed": lambda path: path.replace("/", "\\", 1),
    "from here": "./{}".format,
    "from here, windows": lambda path: ".\\" + path.replace("/", "\\"),
    "doubled": lambda path: path.replace("/", "//"),
    "doubled, windows": lambda path: path.replace("/", "\\\\"),
    "through itself": lambda path: path.replace("/", "/./"),
    "quoted": '"{}"'.format,
    "spaced": "  {}  ".format,
    "quoted and spaced": '" {} "'.format,
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_a_relative_path_means_the_same_file_however_it_is_written(root, spell):
    inventory = find(root, labels(root, map(spell, PATHS)))
    assert np.array_equal(inventory.scans[0].labels, np.eye(5)[:3]) and inventory.notes == []


def test_two_spellings_of_one_path_are_one_row_or_a_contradiction(root):
    csv = labels(root, PATHS)
    row = csv.read_text().splitlines()[1]
    csv.write_text(csv.read_text() + row.replace("/", "\\") + "\n")
    assert [note.reason for note in find(root, csv).notes] == ["label_row_twice"]
    csv.write_text(csv.read_text() + row.replace("/", "\\").replace("1,0,0,0,0", "0,0,0,0,0") + "\n")
    with pytest.raises(InputError, match="named twice with different labels: lines 6"):
        find(root, csv)


@pytest.mark.parametrize("name", ["a\\b.dcm", "\\b.dcm", "a\\b\\c.dcm.old"])
def test_a_backslash_that_belongs_to_a_name_stays_where_that_file_is_there(root, name):
    (root / "top.dcm").rename(root / name)
    if name.startswith("\\"):
        with pytest.raises(InputError, match="an unusable file: lines 4"):
            find(root, labels(root, [*PATHS[:2], name]))
    else:
        assert np.array_equal(find(root, labels(root, [*PATHS[:2], name])).scans[0].labels, np.eye(5)[:3])


def test_a_path_that_means_two_files_is_refused(root):
    (root / "top.dcm").rename(root / "a\\b\\c.dcm")
    with pytest.raises(InputError, match="means one file; 1 rows with an unusable file: lines 2$"):
        find(root, labels(root, ["a\\b\\c.dcm", *PATHS[1:2]]), max_unmatched=1.0)


@pytest.mark.parametrize(
    "path",
    [
        *["../scans/top.dcm", "a/../top.dcm", "..\\scans\\top.dcm", "a\\..\\top.dcm", "..", "/top.dcm", "//top.dcm"],
        *[
            "C:\\scans\\top.dcm",
            "c:/scans/top.dcm",
            "C:top.dcm",
            "\\top.dcm",
            "\\\\server\\scans\\top.dcm",
            "",
            " ",
            ".",
            "./",
        ],
    ],
)
def test_an_absolute_path_or_one_that_leads_up_is_refused_with_its_line_and_the_rule(root, path):
    with pytest.raises(InputError, match='relative to data.root, without "..".*1 rows with an unusable file: lines 3$'):
        find(root, labels(root, [PATHS[0], path, PATHS[1]]))


def test_the_absolute_path_of_the_very_file_is_refused_as_well(root):
    with pytest.raises(InputError, match="an unusable file: lines 2$"):
        find(root, labels(root, [root / "top.dcm"]))


@pytest.mark.parametrize("spell", [str, SPELLINGS["windows"]], ids=["posix", "windows"])
def test_paths_that_start_at_another_folder_are_told_which(root, spell):
    with pytest.raises(InputError, match="3 of 3 label rows.*start one folder above data.root"):
        find(root, labels(root, [spell(f"scans/{path}") for path in PATHS]))
    with pytest.raises(InputError, match="2 of 2 label rows.*start one folder below data.root"):
        find(root, labels(root, [spell(path.removeprefix("a/")) for path in PATHS[:2]]))
