"""Scans → store: every row beside its pixels, the same for any order and number of workers, and no name anywhere."""

import json
import random
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from ct_files import KEY, SIDE, WINDOW_HU, fingerprint, save, set_pixels
from ct_files import study as studies
from inventories import find
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from hohoho.dicom.reader import read_slice
from hohoho.errors import InputError
from hohoho.ingest.blocks import SHARD_SLICES, partition
from hohoho.ingest.ingest import ingest
from hohoho.ingest.tables import join_copies
from hohoho.labels import LABELS
from hohoho.pseudonyms import pseudonym
from hohoho.scans.pixels import pixel_hash, read_scan
from hohoho.slices.store import SlicePixels, read_slice_table, read_study_table


def write(images, folder, seed=0):
    for place, image in zip(random.Random(seed).sample(range(10_000), len(images)), images, strict=True):
        save(image, folder / f"{place % 3}" / f"{place}")


def run(folder, store, workers=1):
    return ingest(find(folder, workers=workers), store, SIDE, WINDOW_HU, KEY, workers)


def test_every_row_stands_beside_its_pixels(tmp_path):
    images = studies(3)
    write(images, tmp_path / "in")
    run(tmp_path / "in", tmp_path / "out")
    slices, pixels = read_slice_table(tmp_path / "out"), SlicePixels(tmp_path / "out")
    assert len(slices) == len(pixels) == 12
    for image in images:
        is_study = slices["study"] == pseudonym(KEY, "study", image.StudyInstanceUID)
        row = slices[is_study & (slices["position_mm"] == image.ImagePositionPatient[2])]
        hu = np.frombuffer(image.PixelData, np.int16).reshape(SIDE, SIDE)
        assert np.array_equal(pixels.take(row.index)[0], np.rint(np.clip(hu, 0, 80) * 255 / 80))
        assert row["pixel_hash"].item() == pixel_hash(hu)
        assert row["patient"].item() == pseudonym(KEY, "patient", image.PatientID)


def read_by_columns(header):
    hu, repairs = read_slice(header)
    return hu.astype(np.float32, order="F"), repairs


def test_the_order_of_pixels_in_memory_changes_no_pixel(tmp_path):
    write(studies(3), tmp_path / "in")
    run(tmp_path / "in", tmp_path / "by rows")
    inventory = find(tmp_path / "in")
    inventory.scans = [replace(scan, read_slice=read_by_columns) for scan in inventory.scans]
    ingest(inventory, tmp_path / "by columns", SIDE, WINDOW_HU, KEY)
    stored = [SlicePixels(tmp_path / name).take(range(12)) for name in ("by rows", "by columns")]
    assert np.array_equal(*stored)


def test_slices_of_a_study_are_contiguous_foot_to_head_and_levels_count_from_the_vertex(tmp_path):
    write(studies(3), tmp_path / "in")
    run(tmp_path / "in", tmp_path / "out")
    slices = read_slice_table(tmp_path / "out")
    assert slices["study"].is_monotonic_increasing
    assert slices["index"].tolist() == [0, 1, 2, 3] * 3
    assert slices["level"].tolist() == [3, 2, 1, 0] * 3
    assert slices["position_mm"].tolist() == [5, 10, 15, 20] * 3


def test_the_store_is_the_same_for_any_file_order_and_number_of_workers(tmp_path):
    images = studies(3)
    results = []
    for seed, workers in [(0, 1), (1, 2), (2, 3)]:
        write(images, tmp_path / f"in{seed}", seed)
        report = run(tmp_path / f"in{seed}", tmp_path / f"out{seed}", workers)
        results.append((fingerprint(tmp_path / f"out{seed}"), report.counts, report.lines.to_csv()))
    assert results[0] == results[1] == results[2]


def test_a_slice_whose_pixels_fail_is_left_out_and_leaves_a_gap(tmp_path):
    images = studies(1, 6)
    images[3].compress(RLELossless)
    images[3].PixelData = encapsulate([b"\x01\x00\x00\x00broken"])
    write(images, tmp_path / "in")
    report = run(tmp_path / "in", tmp_path / "out")
    slices = read_slice_table(tmp_path / "out")
    assert slices["position_mm"].tolist() == [5, 10, 15, 25, 30]
    assert slices["missing_before"].tolist() == [False, False, False, True, False]
    assert slices["level"].tolist() == [4, 3, 2, 1, 0]
    assert report.counts["skipped"] == {"undecodable_pixels": 1}
    assert report.counts["warned"] == {"missing_slice": 1}


def test_constant_slices_are_skipped_and_slices_without_brain_are_warned_of(tmp_path):
    images = studies(1, 4)
    set_pixels(images[1], np.full((SIDE, SIDE), 30, np.int16))
    set_pixels(images[2], np.where(np.eye(SIDE), 900, -1000).astype(np.int16))
    write(images, tmp_path / "in")
    counts = run(tmp_path / "in", tmp_path / "out").counts
    assert counts["slices"] == 3
    assert counts["skipped"] == {"constant": 1}
    assert counts["warned"]["nothing_in_brain_range"] == 1


def test_the_study_table_tells_gaps_tilt_and_scanner(tmp_path):
    write(studies(1), tmp_path / "in")
    run(tmp_path / "in", tmp_path / "out")
    study = read_study_table(tmp_path / "out").iloc[0]
    assert study[["slices", "gap_mm_min", "gap_mm_median", "gap_mm_max", "tilt_deg"]].tolist() == [4, 5, 5, 5, 0]
    assert study[["kernel", "manufacturer", "age_band", "sex"]].tolist() == ["SOFT", "ACME", "60-69", "F"]
    assert study["thickness_mm"] == 5 and pd.isna(study["split"])


def test_the_report_counts_labels_and_what_was_skipped(tmp_path):
    write(studies(2), tmp_path / "in")
    (tmp_path / "in" / "notes").write_text("no image, only words " * 20)
    rows = [f"1.9.0.1.{n},{int(n == 2)},0,0,0,{int(n < 4)}" for n in range(1, 5)]
    (tmp_path / "labels.csv").write_text("\n".join(["SOPInstanceUID," + ",".join(LABELS), *rows]))
    counts = ingest(find(tmp_path / "in", tmp_path / "labels.csv"), tmp_path / "out", SIDE, WINDOW_HU, KEY).counts
    assert {name: counts[name] for name in ("files", "studies", "patients", "slices", "labelled_slices")} == {
        "files": 9,
        "studies": 2,
        "patients": 2,
        "slices": 8,
        "labelled_slices": 4,
    }
    assert counts["positives"] == {"ich": 1, "ivh": 0, "sah": 0, "sdh": 0, "edh": 3}
    assert counts["neg_per_pos"] == {"ich": 3.0, "ivh": None, "sah": None, "sdh": None, "edh": 0.33}
    assert counts["skipped"] == {"not_dicom": 1} and counts["warned"] == {"image_without_label": 4}
    json.dumps(counts, allow_nan=False)


def test_no_name_date_uid_or_path_is_in_what_is_kept(tmp_path):
    images = studies(2)
    for image in images:
        image.PatientID = f"Patient{image.PatientID}"
    del images[2].RescaleSlope
    set_pixels(images[5], np.full((SIDE, SIDE), 7, np.int16))
    write(images, tmp_path / "in")
    (tmp_path / "in" / "Jane_Doe_letter.txt").write_text("dear colleague " * 20)
    report = run(tmp_path / "in", tmp_path / "out")
    kept = [json.dumps(report.counts), report.lines.to_csv()]
    kept += [read(tmp_path / "out").to_csv() for read in (read_slice_table, read_study_table)]
    kept += [path.read_bytes().decode("latin-1") for path in (tmp_path / "out").glob("*.parquet")]
    for secret in ("Jane", "Doe", "PatientP0", "PatientP1", "1.9.", "20010203", str(tmp_path), "letter"):
        assert not any(secret in text for text in kept), secret


def test_the_report_names_slices_by_study_and_index(tmp_path):
    images = studies(1, 6)
    for image in images[:3] + images[4:5]:
        image.add_new("PixelPaddingValue", "SS", int(np.frombuffer(image.PixelData, np.int16)[0]))
    write(images, tmp_path / "in")
    lines = run(tmp_path / "in", tmp_path / "out").lines
    study = pseudonym(KEY, "study", "1.9.0")
    assert lines.values.tolist() == [["repaired", "padding", study, "", "0-2 4", 4, "repaired"]]


def test_report_lines_do_not_depend_on_where_the_data_lie(tmp_path):
    for place in ("here", "there"):
        write(studies(1), tmp_path / place)
        (tmp_path / place / "0" / "empty").touch()
    here, there = (run(tmp_path / place, tmp_path / f"out {place}").lines for place in ("here", "there"))
    pd.testing.assert_frame_equal(here, there)


def test_one_patient_of_two_studies_has_one_pseudonym(tmp_path):
    images = studies(2)
    for image in images:
        image.PatientID = "P"
    write(images, tmp_path / "in")
    counts = run(tmp_path / "in", tmp_path / "out").counts
    assert (counts["studies"], counts["patients"]) == (2, 1)


def test_patients_with_the_same_pixels_become_one_and_are_warned_of(tmp_path):
    images = studies(3)
    images[8].PixelData = images[1].PixelData  # patients 2 and 0
    write(images, tmp_path / "in")
    counts = run(tmp_path / "in", tmp_path / "out").counts
    slices, table = read_slice_table(tmp_path / "out"), read_study_table(tmp_path / "out")
    assert counts["patients"] == 2
    assert counts["warned"] == {"same_pixels_as_another_patient": 1}
    assert slices.groupby("study")["patient"].first().tolist() == table["patient"].tolist()


def test_chains_of_copies_join_all_their_patients():
    slices = pd.DataFrame({"pixel_hash": list("uvvwwxyz"), "patient": list("abcdbeef")})
    table = pd.DataFrame({"study": list("ABCDEF"), "patient": list("abcdef")})
    assert join_copies(slices, table).tolist() == [2, 3]
    assert table["patient"].tolist() == list("abbbef")
    assert slices["patient"].tolist() == list("abbbbeef")


def test_a_folder_with_nothing_usable_says_why(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").touch()
    with pytest.raises(InputError, match="none of 1 files is a usable CT slice: 1 empty_file"):
        run(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_scans_without_usable_pixels_say_why(tmp_path):
    images = studies(1)
    for image in images:
        set_pixels(image, np.zeros((SIDE, SIDE), np.int16))
    write(images, tmp_path / "in")
    with pytest.raises(InputError, match="4 constant"):
        run(tmp_path / "in", tmp_path / "out")


def test_one_scan_is_read_for_prediction_without_a_store(tmp_path):
    write(studies(1, 5), tmp_path)
    scan = find(tmp_path).scans[0]
    slices, pixels = read_scan(scan, 2 * SIDE, *WINDOW_HU)
    assert pixels.shape == (5, 2 * SIDE, 2 * SIDE) and pixels.dtype == np.uint8
    assert slices.kept.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("studies", "slices", "blocks"), [(5, 28, 5), (200, 30, 34), (300, 500, 150)])
def test_studies_are_cut_into_blocks_enough_for_many_workers_and_short_enough_for_one(studies, slices, blocks):
    parts = list(partition([SimpleNamespace(number=i, images=range(slices)) for i in range(studies)]))
    assert [scan.number for part in parts for scan in part] == list(range(studies))
    assert len(parts) == blocks
    assert max(len(part) * slices for part in parts) <= max(slices, SHARD_SLICES)
