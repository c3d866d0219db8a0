"""Defects 27 to 32: labels without their images, labels that are wrong, and one patient under several names."""

import pandas as pd
import pytest
from ct_files import save
from defects import KEY, SLICES, good_study, run

from hohoho.errors import InputError
from hohoho.labels import LABELS, RSNA_SUBTYPES
from hohoho.pseudonyms import pseudonym
from hohoho.slices.split import assert_disjoint, refuse_shared_pixels
from hohoho.slices.store import read_slice_table
from hohoho.sources.rsna import read_labels

FILES = [f"{7919 * i:06d}" for i in range(1, SLICES + 1)]  # as save_all names them
BLEED, NONE = "1,0,0,0,0", "0,0,0,0,0"


def labels(folder, rows):
    path = folder.parent / "labels.csv"
    path.write_text("\n".join(["file," + ",".join(LABELS), *rows]) + "\n")
    return path


def good_rows():
    return [f"{name},{NONE}" for name in FILES]


def said(folder, rows, **options):
    lines, _, _ = run(good_study(), folder, labels=labels(folder, rows), **options)
    return lines[["action", "reason", "count"]].values.tolist()


def test_good_labels_have_an_empty_report(folder):
    assert said(folder, good_rows()) == []


def test_27_a_label_without_image_is_one_line_and_stops_above_the_accepted_fraction(folder):
    rows = [*good_rows(), f"gone,{BLEED}"]
    assert said(folder, rows, max_unmatched=0.2) == [["warned", "label_without_image", 1]]
    with pytest.raises(InputError, match="1 of 6 label rows.*fraction 0.1") as stopped:
        said(folder, rows, max_unmatched=0.1)
    assert "gone" not in str(stopped.value)


def test_27_an_image_without_label_is_one_line_and_stays_unlabelled(folder):
    assert said(folder, good_rows()[1:]) == [["warned", "image_without_label", 1]]
    assert read_slice_table(folder.parent / "store")["ich"].isna().sum() == 1


def test_28_a_label_row_twice_is_repaired(folder):
    assert said(folder, [*good_rows(), good_rows()[0]]) == [["repaired", "label_row_twice", 1]]


def test_28_label_rows_that_contradict_each_other_stop_the_ingest(folder):
    with pytest.raises(InputError, match="1 rows with an image named twice with different labels: lines 7"):
        said(folder, [*good_rows(), f"{FILES[0]},{BLEED}"])


@pytest.mark.parametrize("label", ["2", "nan", "-1", "yes"])
def test_29_a_label_that_is_neither_0_nor_1_stops_with_the_first_ten_lines(folder, label):
    bad = [f"{name},0,0,{label},0,0" for name in FILES * 3]
    with pytest.raises(InputError, match="15 rows with labels not 0 or 1: lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11$"):
        said(folder, bad)


@pytest.mark.parametrize("row", ["1_epidural,0", "ID_1_brain,0"])
def test_29_a_malformed_id_or_an_unknown_subtype_stops_with_its_line(tmp_path, row):
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["ID,Label", *(f"ID_1_{name},0" for name in [*RSNA_SUBTYPES, "any"]), row]))
    with pytest.raises(InputError, match="1 rows.*lines 8"):
        read_labels(path)


def test_29_any_that_is_not_the_or_of_the_five_is_recomputed_and_warned_of(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["ID,Label", *(f"ID_1_{name},0" for name in RSNA_SUBTYPES), "ID_1_any,1"]))
    table, notes = read_labels(path)
    assert not table.any(axis=None)
    assert [note.reason for note in notes] == ["any_recomputed"]


def of_patient(images, patient, study):
    for image in images:
        image.PatientID, image.StudyInstanceUID, image.SeriesInstanceUID = patient, study, f"{study}.1"
        image.SOPInstanceUID = f"{study}.1.{image.InstanceNumber}"
    return images


def test_30_one_patient_in_two_studies_has_one_name_and_no_split_may_part_them(folder):
    images = of_patient(good_study(), "P", "1.7") + of_patient(good_study(), "P", "1.8")
    _, slices, _ = run(images, folder)
    name = pseudonym(KEY, "patient", "P")
    assert set(slices["patient"]) == {name} and slices["study"].nunique() == 2
    slices["split"] = ["train"] * SLICES + ["test"] * SLICES
    with pytest.raises(InputError, match=f"patient lie in two splits.*: {name}$"):
        assert_disjoint(slices, by="patient")


def test_30_a_study_in_two_splits_is_an_error_that_names_its_pseudonym(folder):
    _, slices, _ = run(good_study(), folder)
    slices["split"] = ["train"] * 4 + ["val"]
    with pytest.raises(InputError, match=f"study lie in two splits.*: {pseudonym(KEY, 'study', '1.2.3')}$"):
        assert_disjoint(slices, by="study")


def test_30_one_image_of_two_patients_refuses_both_studies_and_no_other(folder):
    second = of_patient(good_study(), "Q", "1.8")
    second[0].SOPInstanceUID = "1.2.3.4.1"
    third = of_patient(good_study(), "R", "1.9")
    lines, _, studies = run(good_study() + second + third, folder)
    assert studies["study"].tolist() == [pseudonym(KEY, "study", "1.9")]
    assert lines[["action", "reason", "verdict"]].values.tolist() == [["refused", "one_uid_two_images", "refused"]] * 2
    with pytest.raises(InputError, match=f"2 studies are refused: .*{pseudonym(KEY, 'study', '1.8')}.*ingest.strict"):
        run([], folder, strict=True)


def test_30_one_picture_in_two_splits_is_an_error_that_names_the_patients():
    slices = pd.DataFrame({"pixel_hash": ["u", "v", "v", None, None], "patient": list("abcde")})
    refuse_shared_pixels(slices, pd.Series(["train", "test", "test", "val", "train"]))
    with pytest.raises(InputError, match="1 pictures lie in two splits.*patients: b, c$"):
        refuse_shared_pixels(slices, pd.Series(["train", "train", "test", "val", "train"]))


def test_31_two_names_with_the_same_pixels_become_one_patient_which_is_warned_of(folder):
    images = of_patient(good_study(), "P", "1.7") + of_patient(good_study(), "Q", "1.8")
    lines, slices, _ = run(images, folder)
    assert slices["patient"].nunique() == 1
    assert lines[["action", "reason"]].values.tolist() == [["warned", "same_pixels_as_another_patient"]]


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "a/../../secret", "link", "up/secret"])
def test_32_a_label_that_leads_out_of_the_root_stops_with_its_line(folder, name):
    secret = save(good_study()[0], folder.parent / "secret")
    (folder / "link").symlink_to(secret)
    (folder / "up").symlink_to(folder.parent)
    with pytest.raises(InputError, match="1 rows with an unusable file: lines 7"):
        said(folder, [*good_rows(), f"{name},{NONE}"])


def test_32_a_zero_byte_in_a_path_stops(folder):
    with pytest.raises(InputError, match="zero bytes"):
        said(folder, [*good_rows(), f"a\0b,{NONE}"])


def test_32_a_link_within_the_root_is_no_way_out(folder):
    target = save(good_study()[0], folder / "deep" / "image")
    (folder / FILES[0]).symlink_to(target)
    rows = [f"deep/image,{NONE}", *good_rows()]
    assert ["repaired", "same_file_twice", 1] in said(folder, rows, max_unmatched=0.5)
