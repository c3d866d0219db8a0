"""CQ500: several series a study, the majority of three radiologists, labels of whole scans and of no slice."""

import itertools
import shutil

import numpy as np
import pandas as pd
import pytest
from ct_files import save
from inventories import find_in
from miniatures import SIDE, ct_images, heads, reads, write_cq500

from hohoho.errors import InputError
from hohoho.ingest.ingest import ingest
from hohoho.labels import LABELS
from hohoho.pseudonyms import PUBLIC_KEY, pseudonym
from hohoho.slices.stacks import labelled_patients, spread_scan_labels
from hohoho.slices.store import SCAN_ANY, SCAN_LABELS, SlicePixels, is_labelled, read_slice_table, read_study_table
from hohoho.sources.cq500 import ANY, read_majority, study_name

WINDOW_HU = (40.0, 80.0)
TYPES = ("IPH", "IVH", "SAH", "SDH", "EDH")  # in the order of LABELS
COLUMNS = list(enumerate(("ICH", *TYPES)))


@pytest.fixture
def root(tmp_path):
    write_cq500(tmp_path / "cq500", patients=3)
    return tmp_path / "cq500"


def change_reads(root, change):
    table = pd.read_csv(root / "reads.csv")
    change(table)
    table.to_csv(root / "reads.csv", index=False)


def reasons(inventory):
    return sorted({note.reason for note in inventory.notes})


@pytest.mark.parametrize(
    ("folder", "study"),
    [
        ("CQ500CT12 CQ500CT12", "CQ500-CT-12"),
        ("CQ500-CT-120", "CQ500-CT-120"),
        ("cq500ct0", "CQ500-CT-0"),
        ("CQ500CT007", "CQ500-CT-7"),
        ("Unknown Study", None),
        ("CQ500", None),
    ],
)
def test_a_folder_is_matched_by_the_number_in_its_name(folder, study):
    assert study_name(folder) == study


@pytest.mark.parametrize("votes", [(0, 0, 0), (1, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1)])
@pytest.mark.parametrize("kind", TYPES)
def test_a_type_is_positive_where_two_of_three_readers_say_so(tmp_path, kind, votes):
    row = {f"R{n}:{name}": 0 for n in (1, 2, 3) for name in ("ICH", *TYPES)}
    row |= {f"R{n}:{name}": vote for n, vote in enumerate(votes, 1) for name in ("ICH", kind)}
    pd.DataFrame([{"name": "CQ500-CT-5", **row}]).to_csv(tmp_path / "reads.csv", index=False)
    table, notes = read_majority(tmp_path / "reads.csv")
    assert table.loc["CQ500-CT-5", LABELS].tolist() == [float(sum(votes) >= 2 and name == kind) for name in TYPES]
    assert table.loc["CQ500-CT-5", ANY] == float(sum(votes) >= 2)
    assert notes == []


def test_readers_who_agree_on_a_bleed_and_not_on_its_type_are_warned_of(root):
    def change(table):
        table.loc[1, [column for column in table if ":" in column]] = 0
        table.loc[1, ["R1:ICH", "R1:IPH", "R2:ICH", "R2:SAH"]] = 1

    change_reads(root, change)
    inventory = find_in("cq500", root)
    assert [note.study for note in inventory.notes if note.reason == "bleed_without_majority_type"] == ["CQ500-CT-1"]
    assert np.isnan(inventory.scans[1].scan_labels).all() and inventory.scans[1].scan_any == 1


UNANIMOUS = [(1, 1, 0, 0, 0, 0), (1, 0, 1, 0, 0, 0), (1, 0, 0, 1, 0, 0)]  # a bleed, each another type


def test_every_pattern_of_reads_is_what_two_of_three_say_and_unknown_where_they_do_not(tmp_path):
    reads = [None, *((*read, 0, 0, 0) for read in itertools.product((0, 1), repeat=3))]  # ICH, two types, three more
    patterns = [UNANIMOUS, *itertools.product(reads, repeat=3)]
    pd.DataFrame(
        {"name": f"CQ500-CT-{number}"}
        | {
            f"R{n}:{name}": "" if read is None else read[place]
            for n, read in enumerate(votes, 1)
            for place, name in COLUMNS
        }
        for number, votes in enumerate(patterns)
    ).to_csv(tmp_path / "reads.csv", index=False)
    table, notes = read_majority(tmp_path / "reads.csv")
    warned = {study: [note.reason for note in notes if note.study == study] for study in {note.study for note in notes}}
    for study, found, votes in zip(table.index, table[[ANY, *LABELS]].to_numpy(), patterns, strict=True):
        assert_majority(found, warned.get(study, []), votes)


def assert_majority(found, warned, votes):
    """The six labels of a scan, and what it is warned of, are what its votes say."""

    def majority(said):
        return 1.0 if said.count(1) >= 2 else 0.0 if said.count(0) >= 2 else None

    any_bleed = majority([read and max(read) for read in votes])
    types = [majority([read and read[place] for read in votes]) for place in range(1, 6)]
    is_untyped = any_bleed == 1 and 1 not in types
    expected = [any_bleed, *([None] * 5 if is_untyped else types)]
    assert [None if np.isnan(value) else value for value in found] == expected, votes
    assert any_bleed != 0 or expected[1:] == [0] * 5  # what is said to be normal has no type
    reasons = {
        "read_missing": None in votes,
        "ich_contradicts_types": any(read and max(read[1:]) > read[0] for read in votes),
        "bleed_without_majority_type": is_untyped,
    }
    assert warned == [reason for reason, is_so in reasons.items() if is_so], votes


def test_a_bleed_of_unknown_type_neither_counts_nor_trains_as_normal(root, tmp_path):
    def disagree(table):
        for n, (_, *kinds) in enumerate(UNANIMOUS, 1):
            table.loc[1, [f"R{n}:{name}" for _, name in COLUMNS]] = [1, *kinds]

    change_reads(root, disagree)
    report = ingest(find_in("cq500", root), tmp_path / "store", SIDE, WINDOW_HU, PUBLIC_KEY)
    slices, studies = read_slice_table(tmp_path / "store"), read_study_table(tmp_path / "store")
    assert {name: report.counts[name] for name in ("labelled_scans", "scans_of_unknown_type")} == {
        "labelled_scans": 2,
        "scans_of_unknown_type": 1,
    }
    assert report.counts["positive_scans"]["any"] == studies[SCAN_ANY].sum() > studies[SCAN_LABELS].max(axis=1).sum()
    study = pseudonym(PUBLIC_KEY, "study", "CQ500-CT-1")
    assert (studies["study"][studies[SCAN_LABELS].isna().any(axis=1)] == study).all()
    spread = spread_scan_labels(slices, studies)
    assert spread.loc[spread["study"] == study, LABELS].isna().all(axis=None)
    assert is_labelled(spread).sum() == (spread["study"] != study).sum()
    assert pseudonym(PUBLIC_KEY, "patient", "CQ500-CT-1") in labelled_patients(spread, studies)  # its any is scored
    assert labelled_patients(slices, studies) == []


def test_the_scan_has_the_label_and_its_slices_have_none(root):
    inventory = find_in("cq500", root)
    assert [scan.study for scan in inventory.scans] == ["CQ500-CT-0", "CQ500-CT-1", "CQ500-CT-2"]
    for scan, (number, _, labels) in zip(inventory.scans, heads(3), strict=True):
        assert scan.scan_labels.tolist() == labels[number].tolist()
        assert np.isnan(scan.labels).all()


def test_one_series_stands_for_the_study_the_soft_one_or_the_preferred(root):
    inventory = find_in("cq500", root)
    assert {scan.kernel for scan in inventory.scans} == {"SOFT"}
    assert [note.reason for note in inventory.notes] == ["other_series"] * 18
    assert {scan.kernel for scan in find_in("cq500", root, kernel="bone").scans} == {"BONE"}


def test_scan_labels_reach_the_study_table_and_no_slice(root, tmp_path):
    report = ingest(find_in("cq500", root), tmp_path / "store", SIDE, WINDOW_HU, PUBLIC_KEY)
    slices, studies = read_slice_table(tmp_path / "store"), read_study_table(tmp_path / "store")
    assert slices[LABELS].isna().all(axis=None)
    assert report.counts["labelled_slices"] == 0
    assert report.counts["labelled_scans"] == 3
    assert sum(report.counts["positive_scans"][name] for name in LABELS) == sum(
        labels[number].sum() for number, _, labels in heads(3)
    )
    for number, hu, labels in heads(3):
        study = pseudonym(PUBLIC_KEY, "study", f"CQ500-CT-{number}")
        assert studies.set_index("study").loc[study, SCAN_LABELS].tolist() == labels[number].tolist()
        expected = np.rint(np.clip(hu, 0, 80) * 255 / 80)
        assert np.array_equal(SlicePixels(tmp_path / "store").take(slices.index[slices["study"] == study]), expected)


@pytest.mark.parametrize(
    ("folder", "kept"),
    [
        ("CT POST CONTRAST-2", False),
        ("CT 55mm Contrast", False),
        ("CT CECT THIN", False),
        ("CT C-2", False),
        ("CT PRE CONTRAST 5MM STD", True),
        ("CT 4cc sec 150cc D3D on", True),
        ("CT BRAIN PLAIN", True),
    ],
)
def test_a_series_with_contrast_agent_never_stands_for_a_study_that_has_a_plain_one(root, folder, kept):
    study = root / "CQ500CT1 CQ500CT1" / "Unknown Study"
    (study / "CT BONE").rename(study / "CT Thin Bone")
    for image in ct_images(1, heads(1, slices=9)[0][1], "STANDARD"):  # more slices than the others: the first choice
        save(image, study / folder / f"CT{image.InstanceNumber}.dcm")
    inventory = find_in("cq500", root)
    assert inventory.scans[1].kernel == ("STANDARD" if kept else "SOFT")
    assert ("contrast_series" in reasons(inventory)) != kept
    shutil.rmtree(study / "CT Plain")
    shutil.rmtree(study / "CT Thin Bone")
    assert find_in("cq500", root).scans[1].kernel == "STANDARD"


def test_files_of_several_studies_and_patients_in_one_folder_are_one_scan_and_warned_of(root):
    series = root / "CQ500CT1 CQ500CT1" / "Unknown Study" / "CT THIN"
    for image in ct_images(7, heads(1, slices=4)[0][1]):
        save(image, series / f"CT{image.InstanceNumber}.dcm")
    inventory = find_in("cq500", root)
    assert len(inventory.scans) == 3
    assert inventory.scans[1].patient == inventory.scans[1].study == "CQ500-CT-1"
    warned = [(note.reason, note.study) for note in inventory.notes if note.action == "warned"]
    assert warned == [("several_study_uids", "CQ500-CT-1"), ("several_patient_ids", "CQ500-CT-1")]


def test_two_folders_of_one_study_uid_are_two_scans(root):
    (number, hu, _), study = heads(1, seed=5)[0], root / "CQ500CT9 CQ500CT9" / "Unknown Study" / "CT Plain"
    for image in ct_images(number, hu, "OTHER"):
        save(image, study / f"CT{image.InstanceNumber}.dcm")
    inventory = find_in("cq500", root)
    assert [scan.study for scan in inventory.scans][-1] == "CQ500-CT-9"
    assert inventory.scans[-1].scan_labels is None
    assert ("scan_without_label", "CQ500-CT-9") in [(note.reason, note.study) for note in inventory.notes]


def test_reads_without_a_usable_scan_are_counted_and_refused_above_the_accepted_fraction(root):
    shutil.rmtree(root / "CQ500CT2 CQ500CT2")
    with pytest.raises(InputError, match="1 of 3 scans in reads.csv.*CQ500-CT-2"):
        find_in("cq500", root, 0.3)
    assert [note.item for note in find_in("cq500", root, 0.4).notes if note.reason == "label_without_scan"] == [
        "CQ500-CT-2"
    ]
    (root / "CQ500CT2 CQ500CT2").mkdir()
    (root / "CQ500CT2 CQ500CT2" / "CT000000.dcm").write_bytes(b"no image")
    assert reasons(find_in("cq500", root, 0.4)) == ["label_without_scan", "not_dicom", "other_series"]


def test_folders_may_lie_deeper_and_files_outside_of_them_are_skipped(root):
    (root / "qct01" / "CQ500-CT-0").mkdir(parents=True)
    (root / "CQ500CT0 CQ500CT0").rename(root / "qct01" / "CQ500-CT-0" / "CQ500CT0 CQ500CT0")
    (root / "qct01" / "README.txt").write_text("hello")
    (root / "qct01" / ".DS_Store").write_bytes(b"x")
    (root / "prediction_probabilities.csv").touch()
    inventory = find_in("cq500", root)
    assert len(inventory.scans) == 3
    assert reasons(inventory) == ["hidden_file", "in_no_study_folder", "other_series"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda table: table.drop(columns="R3:SDH", inplace=True), "no column R3:SDH. Needed is"),
        (lambda table: table.__setitem__("R2:IPH", [0, 2, 0]), "reads that are not 0 or 1: lines 3"),
        (lambda table: table.__setitem__("R2:IPH", [0, 1, None]), "reads that are not 0 or 1: lines 4"),
        (lambda table: table.__setitem__("name", ["CQ500-CT-0", "CT-1", "CQ500-CT-2"]), "a name that is not.*lines 3"),
        (
            lambda table: table.__setitem__("name", ["CQ500-CT-0", "CQ500-CT-2", "CQ500-CT-2"]),
            "named twice.*: lines 4",
        ),
    ],
)
def test_bad_reads_are_refused_with_their_lines(root, change, what):
    change_reads(root, change)
    with pytest.raises(InputError, match=f"reads.csv: .*{what}"):
        find_in("cq500", root)


def test_a_folder_without_reads_is_refused(root):
    (root / "reads.csv").unlink()
    with pytest.raises(InputError, match="reads.csv does not exist: data.root needs"):
        find_in("cq500", root)


def test_the_miniatures_readers_disagree():
    row = reads(dict.fromkeys(LABELS, 1), 1)
    assert [row[f"R{n}:SDH"] for n in (1, 2, 3)] == [1, 0, 1]
