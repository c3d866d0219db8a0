"""Where scans come from: RSNA and folders of any shape, their labels right or refused with the lines that are wrong."""

import random

import numpy as np
import pandas as pd
import pytest
from ct_files import ct_slice, ct_study, save, save_all
from inventories import find, find_in

from hohoho.errors import InputError
from hohoho.labels import LABELS, RSNA_SUBTYPES
from hohoho.sources import dicom_folder
from hohoho.sources.rsna import read_labels

BLEED = {"ID_1": ["epidural"], "ID_3": ["subdural", "intraventricular"]}


def rsna_rows(images):
    """Six rows an image, as text."""
    subtypes = [*RSNA_SUBTYPES, "any"]
    return [
        f"{image}_{name},{int(name in BLEED.get(image, []) or (name == 'any' and image in BLEED))}"
        for image in images
        for name in subtypes
    ]


def write_csv(path, rows, header="ID,Label"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def rsna_study(names, study):
    images = ct_study(len(names))
    for image, name in zip(images, names, strict=True):
        image.SOPInstanceUID, image.StudyInstanceUID, image.SeriesInstanceUID = name, study, f"{study}.1"
        image.PatientID = f"P{study}"
        image.file_meta.MediaStorageSOPClassUID, image.file_meta.MediaStorageSOPInstanceUID = image.SOPClassUID, name
        del image.SOPClassUID, image.SliceThickness, image.ConvolutionKernel  # as in the real files
    return images


@pytest.fixture
def root(tmp_path):
    names = ["ID_1", "ID_2", "ID_3"]
    for image, name in zip(rsna_study(names, "1.7"), names, strict=True):
        save(image, tmp_path / "stage_2_train" / f"{name}.dcm")
    write_csv(tmp_path / "stage_2_train.csv", rsna_rows(names))
    return tmp_path


def test_rsna_labels_reach_their_slices_in_scan_order(root):
    scan = find_in("rsna", root).scans[0]
    assert [header.sop_uid for header in scan.images] == ["ID_1", "ID_2", "ID_3"]
    expected = [[name == "edh" for name in LABELS], [False] * 5, [name in ("sdh", "ivh") for name in LABELS]]
    assert np.array_equal(scan.labels, np.array(expected, np.float32))
    assert scan.split is None


def test_rsna_test_images_are_unlabelled_and_their_studies_are_the_test_split(root):
    for image, name in zip(rsna_study(["ID_8", "ID_9"], "1.8"), ["ID_8", "ID_9"], strict=True):
        save(image, root / "stage_2_test" / f"{name}.dcm")
    inventory = find_in("rsna", root)
    train, test = inventory.scans
    assert (train.split, test.split) == (None, "test")
    assert np.isnan(test.labels).all()
    assert inventory.files == 5 and inventory.notes == []
    assert inventory.test_images == ("ID_8", "ID_9")


@pytest.mark.parametrize("missing", ["", "stage_2_train.csv", "stage_2_train"])
def test_an_incomplete_rsna_tree_is_refused_by_name(root, missing):
    target = root / missing if missing else root
    target.rename(target.parent / "elsewhere")
    with pytest.raises(InputError, match=f"{target.name} does not exist.*unpacked RSNA"):
        find_in("rsna", root)


@pytest.mark.parametrize("header", ["image,label", "ID", ""])
def test_rsna_labels_without_their_columns_are_refused(tmp_path, header):
    with pytest.raises(InputError, match="columns ID and Label"):
        read_labels(write_csv(tmp_path / "labels.csv", ["ID_1_any"], header))


def test_an_empty_rsna_label_file_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_text("")
    with pytest.raises(InputError, match="columns ID and Label"):
        read_labels(tmp_path / "labels.csv")
    with pytest.raises(InputError, match="no rows"):
        read_labels(write_csv(tmp_path / "labels.csv", []))


@pytest.mark.parametrize("row", ["1_epidural,0", "ID_1,0", "ID_1_brain,0", "ID_1_any,2", "ID_1_any,", "ID_1_any,nan"])
def test_bad_rsna_rows_are_refused_with_their_first_ten_lines(tmp_path, row):
    path = write_csv(tmp_path / "labels.csv", rsna_rows(["ID_1"]) + [row] * 12)
    with pytest.raises(InputError, match="12 rows.*lines 8, 9, 10, 11, 12, 13, 14, 15, 16, 17$"):
        read_labels(path)


def test_rsna_rows_that_contradict_each_other_are_refused(tmp_path):
    path = write_csv(tmp_path / "labels.csv", rsna_rows(["ID_1", "ID_2"]) + ["ID_2_epidural,1"])
    with pytest.raises(InputError, match="contradict"):
        read_labels(path)


def test_rsna_images_given_twice_alike_are_repaired(tmp_path):
    table, notes = read_labels(write_csv(tmp_path / "labels.csv", rsna_rows(["ID_1", "ID_2", "ID_1"])))
    assert list(table.index) == ["ID_1", "ID_2"]
    assert [(note.reason, note.item) for note in notes] == [("label_row_twice", "ID_1")]


def test_rsna_images_with_fewer_than_six_rows_are_refused(tmp_path):
    with pytest.raises(InputError, match="1 images have fewer than six rows"):
        read_labels(write_csv(tmp_path / "labels.csv", rsna_rows(["ID_1", "ID_2"])[:-1]))


def test_any_is_the_or_of_the_five_and_else_warned_of(tmp_path):
    rows = [row.replace("ID_1_any,1", "ID_1_any,0") for row in rsna_rows(["ID_1", "ID_2"])]
    table, notes = read_labels(write_csv(tmp_path / "labels.csv", rows))
    assert table.loc["ID_1", "edh"] == 1
    assert [(note.reason, note.item) for note in notes] == [("any_recomputed", "ID_1")]


def test_rsna_rows_may_come_in_any_order(tmp_path):
    rows = rsna_rows(["ID_1", "ID_2", "ID_3"])
    expected, _ = read_labels(write_csv(tmp_path / "sorted.csv", rows))
    shuffled, _ = read_labels(write_csv(tmp_path / "shuffled.csv", random.Random(0).sample(rows, len(rows))))
    pd.testing.assert_frame_equal(shuffled, expected)


def test_labels_without_images_are_counted_and_refused_above_the_accepted_fraction(root):
    write_csv(root / "stage_2_train.csv", rsna_rows(["ID_1", "ID_2", "ID_3", "ID_4"]))
    assert [note.reason for note in find_in("rsna", root, 0.25).notes] == ["label_without_image"]
    with pytest.raises(InputError, match="1 of 4 images"):
        find_in("rsna", root, 0.24)


def test_images_without_labels_are_kept_unlabelled_and_counted(root):
    write_csv(root / "stage_2_train.csv", rsna_rows(["ID_1", "ID_3"]))
    inventory = find_in("rsna", root)
    assert [note.reason for note in inventory.notes] == ["image_without_label"]
    assert np.isnan(inventory.scans[0].labels).all(axis=1).tolist() == [False, True, False]


def test_rsna_files_of_other_names_are_skipped_and_reported(root):
    (root / "stage_2_train" / "Thumbs.db").write_text("x")
    inventory = find_in("rsna", root)
    assert [(note.action, note.reason) for note in inventory.notes] == [("skipped", "not_named_dcm")]
    assert inventory.files == 4


def test_a_study_in_train_and_in_test_is_refused(root):
    save(rsna_study(["ID_1", "ID_2", "ID_3", "ID_4"], "1.7")[3], root / "stage_2_test" / "ID_4.dcm")
    with pytest.raises(InputError, match="^ID_1: .*no split"):
        find_in("rsna", root)


def test_a_folder_is_searched_to_any_depth_and_whatever_its_files_are_called(tmp_path):
    images = ct_study(4)
    for image, name in zip(images, ["z", "b/IM0001", "b/c/ä ö.DCM", "b/c/d/1.2.3.jpg"], strict=True):
        save(image, tmp_path / name)
    (tmp_path / "notes.txt").write_text("hello, this is no image")
    (tmp_path / "empty").touch()
    (tmp_path / "b" / ".DS_Store").write_bytes(b"x")
    inventory = find(tmp_path)
    assert len(inventory.scans[0].images) == 4
    assert inventory.files == 7
    assert sorted(note.reason for note in inventory.notes) == ["empty_file", "hidden_file", "not_dicom"]


def test_the_scans_do_not_depend_on_the_order_in_which_the_file_system_lists(tmp_path, monkeypatch):
    save_all([*ct_study(5), ct_slice(9, 10.0)], tmp_path)
    paths, _ = dicom_folder.list_files(tmp_path)
    expected = find(tmp_path)
    for seed in range(4):
        monkeypatch.setattr(
            dicom_folder, "list_files", lambda _, s=seed: (random.Random(s).sample(paths, len(paths)), [])
        )
        found = find(tmp_path)
        assert found.scans[0].images == expected.scans[0].images
        assert found.notes == expected.notes


def test_folder_links_that_run_in_circles_end(tmp_path):
    save_all(ct_study(3), tmp_path / "study")
    (tmp_path / "study" / "up").symlink_to(tmp_path)
    assert find(tmp_path).files == 3


def test_two_links_to_one_folder_are_one_folder(tmp_path):
    save_all(ct_study(3), tmp_path / "elsewhere")
    (tmp_path / "root").mkdir()
    for name in ("a", "b"):
        (tmp_path / "root" / name).symlink_to(tmp_path / "elsewhere")
    inventory = find(tmp_path / "root")
    assert (inventory.files, inventory.notes) == (3, [])


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist"):
        find(tmp_path / "nowhere")


def test_a_folder_without_labels_is_unlabelled(tmp_path):
    save_all(ct_study(3), tmp_path)
    inventory = find(tmp_path)
    assert np.isnan(inventory.scans[0].labels).all() and inventory.notes == []


@pytest.fixture
def study(tmp_path):
    for i, image in enumerate(ct_study(3)):
        save(image, tmp_path / "scans" / "a" / f"{'cab'[i]}.dcm")
    return tmp_path / "scans"


UID_CSV = "SOPInstanceUID,edh,ich,ivh,sah,sdh"
FILE_CSV = "file,ich,ivh,sah,sdh,edh,note"
SERIES_CSV = "InstanceNumber,SeriesInstanceUID,ich,ivh,sah,sdh,edh"


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (UID_CSV, ["1.2.3.4.3,1,0,0,0,0", "1.2.3.4.1,0,1,0,0,0", "1.2.3.4.2,,,,,"]),
        (FILE_CSV, ["a/b.dcm,0,0,0,0,1,x", "a/c.dcm,1,0,0,0,0,y", "a/a.dcm,,,,,,z"]),
        (SERIES_CSV, ["3,1.2.3.4,0,0,0,0,1", "001,1.2.3.4,1,0,0,0,0", "2,1.2.3.4,,,,,"]),
    ],
)
def test_folder_labels_are_found_by_uid_by_relative_path_or_by_series_and_number(study, tmp_path, header, rows):
    labels = write_csv(tmp_path / "labels.csv", rows, header)
    scan = find(study, labels).scans[0]
    assert np.nan_to_num(scan.labels, nan=-1).tolist() == [[1, 0, 0, 0, 0], [-1] * 5, [0, 0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("/a/b.dcm,0,0,0,0,0,", "unusable file"),
        ("../a/b.dcm,0,0,0,0,0,", "unusable file"),
        (",0,0,0,0,0,", "unusable file"),
        ("a/b.dcm,0,0,2,0,0,", "labels not 0 or 1"),
        ("a/b.dcm,0,0,,0,0,", "labels not 0 or 1"),
        ("a/c.dcm,0,0,0,0,1,", "named twice with different labels"),
    ],
)
def test_bad_folder_labels_are_refused_with_their_lines(study, tmp_path, row, what):
    labels = write_csv(tmp_path / "labels.csv", ["a/c.dcm,0,0,0,0,0,", row], FILE_CSV)
    with pytest.raises(InputError, match=f"{what}: lines 3"):
        find(study, labels)


@pytest.mark.parametrize("row", ["x,1.2.3.4,0,0,0,0,0", "1.5,1.2.3.4,0,0,0,0,0", ",1.2.3.4,0,0,0,0,0"])
def test_slice_numbers_of_folder_labels_must_be_whole(study, tmp_path, row):
    labels = write_csv(tmp_path / "labels.csv", ["1,1.2.3.4,0,0,0,0,0", row], SERIES_CSV)
    with pytest.raises(InputError, match="unusable InstanceNumber: lines 3"):
        find(study, labels)


def test_a_slice_number_belongs_to_its_series_only(tmp_path):
    for series in (1, 2):
        for image in ct_study(3):
            image.SOPInstanceUID, image.SeriesInstanceUID = f"{image.SOPInstanceUID}.{series}", f"1.2.3.4.{series}"
            image.SliceThickness = str(5 * series)
            save(image, tmp_path / "scans" / f"{series}-{image.InstanceNumber}")
    rows = [f"2,1.2.3.4.{series},{series % 2},0,0,0,0" for series in (1, 2)]
    scan = find(tmp_path / "scans", write_csv(tmp_path / "labels.csv", rows, SERIES_CSV)).scans[0]
    assert scan.images[0].series_uid == "1.2.3.4.1"
    assert np.nan_to_num(scan.labels[:, 0], nan=-1).tolist() == [-1, 1, -1]


def test_a_slice_number_that_repeats_within_its_series_cannot_be_labelled(study, tmp_path):
    image = ct_slice(9, 50.0)
    image.InstanceNumber = "1"
    save(image, study / "a" / "d.dcm")
    find(study, write_csv(tmp_path / "other.csv", ["2,1.2.3.4,0,0,0,0,0"], SERIES_CSV))
    labels = write_csv(tmp_path / "labels.csv", ["1,1.2.3.4,0,0,0,0,0"], SERIES_CSV)
    with pytest.raises(InputError, match="1 label rows name several images each.*by SOPInstanceUID"):
        find(study, labels)


def test_lines_are_counted_in_the_file_even_behind_repeated_rows(study, tmp_path):
    rows = ["a/a.dcm,0,0,0,0,0,", "a/a.dcm,0,0,0,0,0,", "a/b.dcm,0,0,0,0,0,", "a/b.dcm,0,0,0,0,1,"]
    with pytest.raises(InputError, match="with different labels: lines 5"):
        find(study, write_csv(tmp_path / "labels.csv", rows, FILE_CSV))


def test_lines_are_counted_in_the_file_behind_empty_ones_and_breaks_in_quotes(study, tmp_path):
    rows = ["", '"a\nb",1.2.3.4.1,0,0,0,0,0', "", "c,1.2.3.4.2,0,0,0,0,0", "", "d,1.2.3.4.3,2,0,0,0,0"]
    with pytest.raises(InputError, match="1 rows with labels not 0 or 1: lines 8$"):
        find(study, write_csv(tmp_path / "labels.csv", rows, f"note,{UID_CSV}"))


def test_folder_labels_without_their_columns_or_their_file_are_refused(study, tmp_path):
    with pytest.raises(InputError, match="no column edh"):
        find(study, write_csv(tmp_path / "labels.csv", ["a,0,0,0,0"], "file,ich,ivh,sah,sdh"))
    with pytest.raises(InputError, match="does not exist"):
        find(study, tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("header", "rows", "what"),
    [
        (UID_CSV, [], "no rows of labels"),
        (UID_CSV, ["1.2.3.4.1,0,0,0,0,0,1", "1.2.3.4.2,0,0,0,0,0,1"], "more cells than its first line has names"),
        (UID_CSV.replace("edh", "ich"), ["1.2.3.4.1,0,0,0,0,0"], "no column edh"),
        (f"{UID_CSV},ich", ["1.2.3.4.1,0,0,0,0,0,1"], "several columns ich"),
        (UID_CSV.replace(",", ";"), ["1.2.3.4.1;0;0;0;0;0"], "Commas part the cells"),
        (UID_CSV.encode("utf-16").decode("latin-1"), [], "no text in UTF-8"),
    ],
)
def test_a_label_file_of_another_shape_is_refused_for_what_it_is(study, tmp_path, header, rows, what):
    with pytest.raises(InputError, match=what):
        find(study, write_csv(tmp_path / "labels.csv", rows, header))


@pytest.mark.parametrize("change", [lambda text: b"\xef\xbb\xbf" + text, lambda text: text.replace(b"\n", b"\r\n")])
def test_a_label_file_of_another_program_reads_the_same(study, tmp_path, change):
    labels = write_csv(tmp_path / "labels.csv", ['"1.2.3.4.1",1,0,0,0,0'], UID_CSV)
    labels.write_bytes(change(labels.read_bytes()))
    assert find(study, labels).scans[0].labels[0].tolist() == [0, 0, 0, 0, 1]


def test_folder_labels_without_images_are_refused_above_the_accepted_fraction(study, tmp_path):
    rows = [f"a/{name}.dcm,0,0,0,0,0," for name in "abx"]
    labels = write_csv(tmp_path / "labels.csv", rows, FILE_CSV)
    with pytest.raises(InputError, match="1 of 3 label rows"):
        find(study, labels)
    notes = find(study, labels, max_unmatched=0.5).notes
    assert sorted(note.reason for note in notes) == ["image_without_label", "label_without_image"]
