"""The course's layout: numbered JPEGs, its own small set, an unlabelled test set, a submission."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from inventories import find_in

from hohoho.errors import InputError
from hohoho.inference.submission import submission, usual_shares
from hohoho.inference.table import prediction_table
from hohoho.ingest.ingest import ingest
from hohoho.labels import LABELS
from hohoho.pseudonyms import PUBLIC_KEY
from hohoho.slices.store import SlicePixels, read_slice_table, read_study_table, read_test_images

WINDOW = (40.0, 80.0)
NUMBERS = [0, 1, 2, 4, 10]  # 3 is missing; 10 sorts before 2 as text


@pytest.fixture
def root(tmp_path):
    rng, rows = np.random.default_rng(0), []
    for part, patients in (("train", ["ID_a", "ID_b"]), ("test", ["ID_t"])):
        for patient in patients:
            folder = tmp_path / part / patient
            folder.mkdir(parents=True)
            for number in NUMBERS:
                picture = rng.integers(0, 255, (32, 32), dtype=np.uint8)
                if number == NUMBERS[-1]:  # the vertex: small, and bone
                    picture = np.pad(rng.integers(245, 255, (12, 12), dtype=np.uint8), 10)
                cv2.imwrite(str(folder / f"{patient[3:]}_{number}.jpg"), picture)
                rows += [(patient, f"{patient[3:]}_{number}.jpg", number % 2, 0, 0, 0, 0)] if part == "train" else []
    table = pd.DataFrame(rows, columns=["dirname", "ID", *LABELS])
    table.to_csv(tmp_path / "train.csv", index=False)
    table[table["dirname"] == "ID_b"].to_csv(tmp_path / "train_small.csv", index=False)
    return tmp_path


def test_slices_are_in_the_order_of_their_numbers_and_a_missing_number_is_a_gap(root):
    scan = find_in("course", root).scans[0]
    assert scan.names == tuple(f"a_{number}" for number in NUMBERS)
    assert scan.missing_below(np.arange(5)).tolist() == [False, False, False, True, True]
    assert scan.labels[:, 0].tolist() == [0, 1, 0, 0, 0]


def test_grey_levels_come_through_the_window_unchanged(root, tmp_path):
    ingest(find_in("course", root), tmp_path / "store", 32, WINDOW, PUBLIC_KEY)
    table = read_slice_table(tmp_path / "store")
    picture = cv2.imread(str(root / "train/ID_a/a_10.jpg"), cv2.IMREAD_GRAYSCALE)
    row = table.index[table["image"] == "a_10"]
    assert np.array_equal(SlicePixels(tmp_path / "store").take(row)[0], picture)


def test_test_images_are_unlabelled_and_the_small_set_is_marked(root, tmp_path):
    ingest(find_in("course", root), tmp_path / "store", 32, WINDOW, PUBLIC_KEY)
    table, studies = read_slice_table(tmp_path / "store"), read_study_table(tmp_path / "store")
    assert studies["split"].isna().sum() == 2
    test = table[table["study"].isin(studies.loc[studies["split"] == "test", "study"])]
    assert sorted(test["image"]) == sorted(f"t_{number}" for number in NUMBERS)
    assert test[LABELS].isna().all(axis=None)
    assert studies["small"].sum() == 1


def test_the_submission_has_every_test_image_and_class_once(root, tmp_path):
    ingest(find_in("course", root), tmp_path / "store", 32, WINDOW, PUBLIC_KEY)
    slices = read_slice_table(tmp_path / "store")
    split = pd.Series(np.where(slices["ich"].isna(), "test", "train"))
    probabilities = np.random.default_rng(1).random((len(slices), 5))
    table = prediction_table(slices, split, {"cnn": probabilities})

    wanted = [f"t_{number}" for number in NUMBERS]
    asked = submission(table, slices["image"], wanted, "course", (probabilities >= 0.5).astype(int))
    assert list(asked) == ["ID", "prediction"]
    assert sorted(asked["ID"]) == sorted(f"t_{number}_{label}" for number in NUMBERS for label in LABELS)
    first = slices.index[slices["image"] == "t_0"][0]
    answer = asked.set_index("ID").loc["t_0_sdh", "prediction"]
    assert answer == int(probabilities[first, 3] >= 0.5)

    rsna = submission(table, slices["image"], wanted, "rsna", probabilities).set_index("ID")["Label"]
    assert rsna.index.is_unique
    assert len(rsna) == 6 * len(NUMBERS)
    assert rsna["t_0_subdural"] == probabilities[first, 3]
    assert rsna["t_0_any"] == pytest.approx(1 - np.prod(1 - probabilities[first]))
    unknown = submission(table, slices["image"], wanted, "rsna", np.where(np.arange(5) == 3, np.nan, probabilities))
    shares = usual_shares(table)
    assert unknown.set_index("ID").loc["t_0_subdural", "Label"] == shares[3]  # of a class that was not calibrated


def test_black_pictures_are_kept_and_make_nobody_the_same_patient(root, tmp_path):
    for picture in (root / "train/ID_a/a_10.jpg", root / "train/ID_b/b_10.jpg", root / "test/ID_t/t_10.jpg"):
        cv2.imwrite(str(picture), np.zeros((32, 32), np.uint8))
    report = ingest(find_in("course", root), tmp_path / "store", 32, WINDOW, PUBLIC_KEY)
    assert report.counts["slices"] == 15
    assert report.counts["patients"] == 3
    assert report.counts["skipped"] == {}
    assert report.counts["warned"]["matrix_not_512"] == 3  # miniatures


def test_a_labelled_test_set_needs_no_submission(root, tmp_path):
    ingest(find_in("course", root), tmp_path / "store", 32, WINDOW, PUBLIC_KEY)
    slices = read_slice_table(tmp_path / "store")
    table = prediction_table(slices, pd.Series("train", index=slices.index), {"cnn": np.zeros((len(slices), 5))})
    assert submission(table, slices["image"], [], "course", np.zeros((15, 5), int)).empty


def test_a_test_image_that_cannot_be_read_is_answered_by_what_is_usual(root, tmp_path):
    (root / "test/ID_t/t_0.jpg").write_bytes(b"no picture")
    ingest(find_in("course", root), tmp_path / "store", 32, WINDOW, PUBLIC_KEY)
    slices, wanted = read_slice_table(tmp_path / "store"), read_test_images(tmp_path / "store")
    assert sorted(wanted) == sorted(f"t_{number}" for number in NUMBERS)
    split = pd.Series(np.where(slices["ich"].isna(), "test", "train"))
    answers = np.ones((len(slices), 5), int)
    table = prediction_table(slices, split, {"cnn": answers})

    asked = submission(table, slices["image"], wanted, "course", answers).set_index("ID")["prediction"]
    assert asked.index.is_unique
    assert {name for name, answer in asked.items() if answer == 0} == {f"t_0_{label}" for label in LABELS}

    known = slices.loc[split == "train", LABELS].to_numpy()
    rsna = submission(table, slices["image"], wanted, "rsna", answers).set_index("ID")["Label"]
    assert rsna["t_0_subdural"] == known[:, 3].mean()
    assert rsna["t_0_any"] == known.any(axis=1).mean()


def test_private_names_of_test_images_stay_away_from_the_store(root, tmp_path):
    ingest(find_in("course", root), tmp_path / "store", 32, WINDOW, b"a secret key of a hospital")
    assert read_test_images(tmp_path / "store") == []


def test_a_picture_that_is_no_jpeg_is_skipped_with_a_reason(root, tmp_path):
    (root / "train/ID_a/a_1.jpg").write_bytes(b"no picture")
    (root / "train/ID_a/notes.txt").write_text("x")
    counts = ingest(find_in("course", root), tmp_path / "store", 32, WINDOW, PUBLIC_KEY).counts
    assert counts["skipped"] == {"no_number_in_name": 1, "undecodable_picture": 1}


def test_a_picture_that_is_cut_off_or_too_large_is_skipped_and_never_filled(root, tmp_path):
    cut, large = root / "train/ID_a/a_10.jpg", root / "train/ID_b/b_10.jpg"
    cut.write_bytes(cut.read_bytes()[:-100])
    content = large.read_bytes()
    at = content.index(b"\xff\xc0") + 5
    large.write_bytes(content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :])
    counts = ingest(find_in("course", root), tmp_path / "store", 32, WINDOW, PUBLIC_KEY).counts
    assert counts["skipped"] == {"truncated_pixels": 1, "undecodable_picture": 1}


def test_a_row_that_is_there_twice_is_repaired_and_one_that_contradicts_is_refused(root):
    text = (root / "train.csv").read_text()
    row = text.splitlines()[1]
    (root / "train.csv").write_text(text + row + "\n")
    assert [note.reason for note in find_in("course", root).notes] == ["label_row_twice"]
    (root / "train.csv").write_text(text + row[:-1] + "1\n")
    with pytest.raises(InputError, match="1 rows with a picture named twice with different labels: lines 12"):
        find_in("course", root)


def test_a_folder_that_may_not_be_listed_is_skipped_and_reported(root, monkeypatch):
    listed = Path.iterdir

    def refuse(path):
        if path.name == "ID_t":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    inventory = find_in("course", root)
    assert [note.reason for note in inventory.notes] == ["unreadable_folder"] and len(inventory.scans) == 2


def small_set(root, change):
    text = (root / "train_small.csv").read_text()
    (root / "train_small.csv").write_text(change(text))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("ID_b", "id_b"),
        lambda text: text.replace("ID_b", "ID_0b"),
        lambda text: text.replace("ID_b", "train/ID_b"),
        lambda text: text.replace("ID_b", "ID_t"),  # a test patient, without labels
    ],
)
@pytest.mark.parametrize("accepted", [0.0, 0.01, 1.0])
def test_a_small_set_that_matches_no_folder_is_an_error_and_never_another_draw(root, change, accepted):
    small_set(root, change)
    with pytest.raises(InputError, match=r"train_small.csv.* have no picture in train/ that train.csv labels"):
        find_in("course", root, accepted)


@pytest.mark.parametrize(("accepted", "is_enough"), [(0.0, False), (0.49, False), (0.5, True), (1.0, True)])
def test_patients_of_the_small_set_without_pictures_are_counted_up_to_the_accepted_fraction(root, accepted, is_enough):
    small_set(root, lambda text: text + "ID_z,z_0.jpg,0,0,0,0,0\nID_z,z_1.jpg,0,0,0,0,0\n")
    if not is_enough:
        with pytest.raises(InputError, match=r"1 of 2 patients of train_small.csv have no picture .*\(first ID_z\)"):
            find_in("course", root, accepted)
        return
    inventory = find_in("course", root, accepted)
    assert [(note.reason, note.item) for note in inventory.notes] == [("label_without_patient", "ID_z")]
    assert [scan.patient for scan in inventory.scans if scan.small] == ["ID_b"]


def test_a_patient_of_the_small_set_whom_train_csv_does_not_label_is_not_matched(root):
    table = pd.read_csv(root / "train.csv")
    table[table["dirname"] == "ID_a"].to_csv(root / "train.csv", index=False)
    with pytest.raises(InputError, match="1 of 1 patients of train_small.csv have no picture in train/ that train.csv"):
        find_in("course", root)


def test_a_small_set_whose_labels_contradict_train_csv_is_refused(root):
    small_set(root, lambda text: text.replace("b_1.jpg,1", "b_1.jpg,0"))
    with pytest.raises(InputError, match="train_small.csv: 1 rows contradict train.csv, the first is ID_b/b_1"):
        find_in("course", root)


def test_wrong_layouts_are_refused_with_what_is_needed(root):
    text = (root / "train.csv").read_text()
    (root / "train.csv").write_text(text.replace("ivh", "ventricle"))
    with pytest.raises(InputError, match="no column ivh"):
        find_in("course", root)
    (root / "train.csv").write_text(text.replace("a_1.jpg,1", "a_1.jpg,maybe"))
    with pytest.raises(InputError, match="not 0 or 1: lines 3"):
        find_in("course", root)
    (root / "train.csv").write_text(text.replace("ID_a", "ID_z"))
    with pytest.raises(InputError, match="5 of 10 rows"):
        find_in("course", root)
    (root / "train.csv").unlink()
    with pytest.raises(InputError, match="train.csv does not exist"):
        find_in("course", root)
