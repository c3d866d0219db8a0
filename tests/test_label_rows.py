"""One law for the label files of all data sets: how 0, 1 and keys are written, repeated rows, unmatched labels."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
import pytest
import yaml
from inventories import find_in
from miniatures import SLICES, write_course, write_cq500, write_ct_ich_volumes, write_dicom, write_rsna

from hohoho.errors import InputError
from hohoho.labels import LABELS
from hohoho.sources.cq500 import READERS as RADIOLOGISTS
from hohoho.sources.cq500 import TYPES as CQ500_TYPES
from hohoho.sources.ct_ich import TYPES as CT_ICH_TYPES
from hohoho.sources.readers import READERS

ROOT = Path(__file__).parents[1]


class Layout(NamedTuple):
    """Of one data set: who writes its miniature, its label file, the columns of labels, where its images lie."""

    write: object
    labels: str
    columns: list
    images: str  # of one labelled patient
    root: str = "."


READS = [f"{reader}:{name}" for reader in RADIOLOGISTS for name in CQ500_TYPES.values()]
LAYOUTS = {
    "rsna": Layout(write_rsna, "stage_2_train.csv", ["Label"], "stage_2_train/ID_0000*"),
    "dicom": Layout(write_dicom, "labels.csv", LABELS, "ct/0/*", "ct"),
    "course": Layout(write_course, "train.csv", LABELS, "train/ID_0000/*"),
    "cq500": Layout(write_cq500, "reads.csv", READS, "CQ500CT0 CQ500CT0/*/*/*"),
    "ct_ich": Layout(
        write_ct_ich_volumes, "hemorrhage_diagnosis_raw_ct.csv", list(CT_ICH_TYPES.values()), "ct_scans/049.nii"
    ),
}
PATIENTS = 4  # two of them are the course's test set


class DataSet:
    """A miniature of one source, whose label file can be rewritten as text."""

    def __init__(self, source, folder):
        self.source, self.layout, self.folder = source, LAYOUTS[source], folder
        self.layout.write(folder, patients=PATIENTS)
        self.csv = folder / self.layout.labels
        head, *self.rows = [line.split(",") for line in self.csv.read_text().splitlines()]
        self.columns = {name: place for place, name in enumerate(head)}

    def find(self, most=0.0, root=None):
        labels = {"labels": self.csv} if self.source == "dicom" else {}
        return find_in(self.source, root or self.folder / self.layout.root, most, **labels)

    def write(self, rows=None, comma=",", end="\n", encoding="utf-8"):
        lines = [comma.join(cells) for cells in [list(self.columns), *(self.rows if rows is None else rows)]]
        self.csv.write_bytes((end.join(lines) + end).encode(encoding))

    def rewrite(self, columns, spell):
        for row in self.rows:
            for name in columns:
                row[self.columns[name]] = spell(row[self.columns[name]])
        self.write()

    def images(self):
        return sorted(self.folder.glob(self.layout.images))

    def labels(self):
        """study → labels of its slices and of its whole."""
        return {scan.study: (scan.labels, scan.scan_labels) for scan in self.find().scans}


@pytest.fixture(params=LAYOUTS)
def data(request, tmp_path):
    return DataSet(request.param, tmp_path / "data")


def assert_same(labels, expected):
    assert labels.keys() == expected.keys()
    for study, (slices, scan) in expected.items():
        assert np.array_equal(labels[study][0], slices, equal_nan=True)
        assert scan is None or np.array_equal(labels[study][1], scan)


def test_every_source_of_the_schema_has_its_reader():
    schema = yaml.safe_load((ROOT / "conf/schema.yaml").read_text())
    assert set(schema["properties"]["data"]["properties"]["source"]["enum"]) == set(READERS)
    assert {path.stem for path in (ROOT / "conf/data").glob("*.yaml")} == set(READERS)


@pytest.mark.parametrize(
    "spelling", ["{}.0", " {} ", "{}.00", "{}.", "{}e0", "{}E+00", "0{}", "+{}", '"{}"', '" {}.0 "', "\t{}"]
)
def test_a_label_is_0_or_1_however_a_program_writes_it(data, spelling):
    expected = data.labels()
    data.rewrite(data.layout.columns, spelling.format)
    assert_same(data.labels(), expected)


@pytest.mark.parametrize("file", [{"encoding": "utf-8-sig"}, {"end": "\r\n"}, {"comma": ", "}, {"comma": " ,"}])
def test_a_label_file_is_the_same_whatever_stands_between_its_cells(data, file):
    expected = data.labels()
    data.write(**file)
    assert_same(data.labels(), expected)


def test_a_label_file_may_have_every_cell_in_quotes(data):
    expected = data.labels()
    quoted = [[f'"{cell}"' for cell in row] for row in data.rows]
    data.columns = {f'"{name}"': place for name, place in data.columns.items()}
    data.write(quoted, comma=", ")
    assert_same(data.labels(), expected)


@pytest.mark.parametrize("cell", ["0.5", "2", "nan", "-1", "yes", "1.01", "1e1", "", "0x1", "Jane", "19310417"])
def test_any_other_label_is_refused_with_its_line_and_what_was_seen(data, cell):
    data.rows[1][data.columns[data.layout.columns[-1]]] = cell
    data.write()
    seen = {"": "an empty cell", "0x1": "other text", "1e1": "other text", "Jane": "other text"}.get(cell, f'"{cell}"')
    seen = "other text" if len(cell) > 4 else seen  # it may be a date of birth
    with pytest.raises(InputError, match=f"{re.escape(seen)} is neither 0 nor 1; 1 rows with .*not 0 or 1: lines 3$"):
        data.find()


KEYS = [("dicom", "InstanceNumber"), ("ct_ich", "PatientNumber"), ("ct_ich", "SliceNumber")]


@pytest.mark.parametrize(("source", "key"), KEYS)
@pytest.mark.parametrize("spelling", ["{}.0", " {} ", "0{}", "{}.", "{}e0", '" {}.00"', "+{}"])
def test_an_integer_key_is_its_number_however_a_program_writes_it(tmp_path, source, key, spelling):
    data = DataSet(source, tmp_path / "data")
    expected = data.labels()
    data.rewrite([key], spelling.format)
    assert_same(data.labels(), expected)


@pytest.mark.parametrize(("source", "key"), KEYS)
@pytest.mark.parametrize("cell", ["49.5", "x", "", "nan", "1e400", "4 9", "9" * 20, "1,0"])
def test_any_other_integer_key_is_refused_with_its_line(tmp_path, source, key, cell):
    data = DataSet(source, tmp_path / "data")
    data.rows[1][data.columns[key]] = f'"{cell}"'
    data.write()
    with pytest.raises(InputError, match=f"is no whole number.*; 1 rows with an? .*{key}.*: lines 3$"):
        data.find()


@pytest.mark.parametrize("times", [1, 3])
def test_a_row_given_again_is_repaired_in_every_label_file(data, times):
    expected = data.labels()
    first = [row for row in data.rows if row[0].startswith(data.rows[0][0].removesuffix("_intraparenchymal"))]
    again = first if data.source == "rsna" else data.rows[:1]  # six rows are one image of RSNA's
    data.write(data.rows + again * times)
    assert_same(data.labels(), expected)
    reasons = [note.reason for note in data.find().notes if note.action == "repaired"]
    assert reasons == ["label_row_twice"] * (1 if data.source == "rsna" else times)


def test_a_row_that_contradicts_an_earlier_one_is_refused_with_its_line_in_every_label_file(data):
    row, place = list(data.rows[0]), data.columns[data.layout.columns[0]]
    row[place] = str(1 - int(row[place]))
    data.write([*data.rows, data.rows[2], row])
    with pytest.raises(InputError, match=f"contradict each other; 1 rows with .* labels: lines {len(data.rows) + 3}$"):
        data.find()


def test_labels_without_images_are_accepted_up_to_the_fraction_in_every_source(data):
    for path in data.images():
        path.unlink()
    with pytest.raises(
        InputError, match="more than the accepted fraction 0.0. To do: complete the download"
    ) as refused:
        data.find()
    missing, labelled = map(int, re.search(r"(\d+) of (\d+) ", str(refused.value)).groups())
    assert (missing, labelled) == ((1, PATIENTS) if data.source == "cq500" else (SLICES, missing * labelled // SLICES))
    with pytest.raises(InputError, match="more than the accepted fraction"):
        data.find(missing / labelled - 0.001)
    notes = [note for note in data.find(missing / labelled).notes if note.action == "warned"]
    assert sum(note.reason in ("label_without_image", "label_without_scan") for note in notes) == missing
    assert not any(note.reason in ("image_without_label", "scan_without_label") for note in notes)


def test_images_without_labels_are_kept_and_warned_of_in_every_source(data):
    expected, whole = data.labels(), data.source == "cq500"
    rows = data.rows[6 if data.source == "rsna" else 1 :]
    data.write(rows)
    inventory = data.find()
    warned = [note.reason for note in inventory.notes if note.action == "warned"]
    assert warned == ["scan_without_label" if whole else "image_without_label"]
    assert {scan.study for scan in inventory.scans} == expected.keys()


def no_rescale(path):
    image = pydicom.dcmread(path)
    del image.RescaleSlope, image.RescaleIntercept
    image.save_as(path)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-100])


def renamed(change):
    return lambda path: path.rename(path.with_name(change(path.name)))


def into_a_subfolder(path):
    (path.parent / "more").mkdir(exist_ok=True)
    path.rename(path.parent / "more" / path.name)


HIDDEN, TEXT = renamed("._{}".format), lambda path: path.write_text("a letter")
SPOILT = [
    ("rsna", renamed("{}.gz".format), "not_named_dcm", "unpack the images"),
    ("rsna", renamed(lambda name: name.replace(".dcm", ".jpg")), "not_named_dcm", "name them ID_"),
    ("rsna", HIDDEN, "hidden_file", "begin with a dot"),
    ("rsna", into_a_subfolder, "subfolder", "move the images of the subfolder up"),
    ("dicom", no_rescale, "no_rescale", "ingest.assumed_rescale"),
    ("dicom", cut_off, "truncated_pixels", "copy or download these files again"),
    ("dicom", HIDDEN, "hidden_file", "begin with a dot"),
    ("dicom", TEXT, "not_dicom", "copy or download these files again"),
    ("cq500", no_rescale, "no_rescale", "ingest.assumed_rescale"),
    ("cq500", HIDDEN, "hidden_file", "begin with a dot"),
    ("cq500", TEXT, "not_dicom", "copy or download these files again"),
    ("course", renamed(lambda name: name.replace("_", "-")), "no_number_in_name", "docs/data.md"),
    ("course", renamed(lambda name: name.replace(".jpg", ".png")), "no_number_in_name", "docs/data.md"),
    ("course", HIDDEN, "hidden_file", "begin with a dot"),
    ("ct_ich", TEXT, "not_nifti", "copy or download these files again"),
    ("ct_ich", renamed("head{}".format), "no_number_in_name", "docs/data.md"),
    ("ct_ich", HIDDEN, "hidden_file", "begin with a dot"),
]


@pytest.mark.parametrize(("source", "spoil", "reason", "advice"), SPOILT)
def test_why_files_were_left_out_is_said_before_the_labels_that_lack_them(tmp_path, source, spoil, reason, advice):
    data = DataSet(source, tmp_path / "data")
    images = data.images()
    for path in images:
        spoil(path)
    files = 1 if reason == "subfolder" else len(images)
    with pytest.raises(InputError) as refused:
        data.find()
    assert re.match(rf"{files} files were left out: {files} {reason}, \d+ of \d+ ", str(refused.value))
    assert advice in str(refused.value)
    assert ("complete the download" in str(refused.value)) == (source in ("ct_ich",) or reason == "subfolder")


@pytest.mark.parametrize("spoil", [no_rescale, cut_off, TEXT])
def test_files_of_rsna_that_cannot_be_used_leave_their_labels_without_image(tmp_path, spoil):
    data = DataSet("rsna", tmp_path / "data")
    for path in data.images()[:3]:
        spoil(path)
    with pytest.raises(InputError, match=r"3 files were left out: 3 \w+, 3 of \d+ "):
        data.find()


def test_images_of_other_names_than_the_labels_are_counted_before_a_download_is_started_again(tmp_path):
    data = DataSet("rsna", tmp_path / "data")
    images = data.images()
    for path in images:
        path.rename(path.with_name(f"{path.stem} (1).dcm"))
    with pytest.raises(
        InputError, match=rf"correct the names \({len(images)} images are there that no label names, first"
    ):
        data.find()


def test_of_several_reasons_the_commonest_comes_first_and_is_advised_on(tmp_path):
    data = DataSet("dicom", tmp_path / "data")
    first, *others = data.images()
    HIDDEN(first)
    for path in others:
        no_rescale(path)
    with pytest.raises(InputError, match="6 files were left out: 5 no_rescale, 1 hidden_file, 6 of 24 .*rescale"):
        data.find()


def test_no_name_of_a_file_or_patient_is_in_the_error_of_a_hospitals_own_data(tmp_path):
    data = DataSet("dicom", tmp_path / "data")
    shutil.rmtree(data.folder / "ct" / "0")
    with pytest.raises(InputError) as refused:
        data.find()
    assert "1.2.3.0" not in str(refused.value)


def test_rsna_images_may_have_any_ending_that_tools_make_of_dcm(tmp_path):
    data = DataSet("rsna", tmp_path / "data")
    expected, names = data.labels(), {scan.names for scan in data.find().scans}
    for place, path in enumerate(sorted(data.folder.glob("stage_2_train/*"))):
        path.rename(path.with_suffix([".DCM", ".Dcm", "", ".dcm"][place % 4]))
    assert_same(data.labels(), expected)
    inventory = data.find()
    assert {scan.names for scan in inventory.scans} == names and inventory.notes == []


@pytest.mark.parametrize("source", ["rsna", "course", "cq500", "ct_ich"])
def test_a_root_one_folder_too_high_or_too_low_is_told_the_right_one(tmp_path, source):
    data = DataSet(source, tmp_path / "outer" / "data")
    inside = next(path for path in sorted(data.folder.iterdir()) if path.is_dir())
    for root in (data.folder.parent, inside):
        with pytest.raises(InputError, match=f"does not exist: data.root needs .*{re.escape(f'={data.folder}')}[?]"):
            data.find(root=root)
