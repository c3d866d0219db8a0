"""Label patterns on sequences written out by hand."""

import re

import numpy as np
import pytest

from hohoho.errors import InputError
from hohoho.phantom.label_errors import plant_errors
from hohoho.phantom.study import draw_patient, draw_study
from hohoho.slices.label_patterns import clean_labels, has_gap, isolated_gaps, relabel, smooth
from hohoho.slices.store import scan_bounds

NAN = np.nan


def sequence(text):
    """ "10?1" → [1, 0, NaN, 1]; "h" is 0.5."""
    return np.array([{"?": NAN, "h": 0.5}.get(letter, letter) for letter in text], dtype=float)


GAPS = [  # labels along the scan, where a gap lies
    ("101", ".x."),
    ("1001", ".xx."),
    ("10001", "....."),  # three negatives are no isolated gap
    ("10101", ".x.x."),  # two gaps share a positive
    ("1011001", ".x..xx."),
    ("1001001", ".xx.xx."),
    ("0101", "..x."),  # a negative at the end of a scan is no gap
    ("1010", ".x.."),
    ("0110", "...."),
    ("01", ".."),
    ("1", "."),
    ("", ""),
    ("00000", "....."),
    ("11111", "....."),
    ("1?1", "..."),  # unlabelled is no negative
    ("?01", "..."),  # and no positive
    ("10?01", "....."),
    ("1?101", "...x."),
]


@pytest.mark.parametrize(("labels", "gaps"), GAPS)
def test_a_gap_is_one_or_two_negatives_between_positives_of_the_same_scan(labels, gaps):
    expected = [mark == "x" for mark in gaps]
    assert isolated_gaps(sequence(labels)).tolist() == expected
    assert has_gap(sequence(labels)) == any(expected)


@pytest.mark.parametrize(("labels", "gaps"), GAPS)
def test_relabelling_changes_the_gaps_and_nothing_else(labels, gaps):
    for value, letter in ((1, "1"), (0.5, "h")):
        expected = "".join(letter if mark == "x" else label for label, mark in zip(labels, gaps, strict=True))
        np.testing.assert_array_equal(relabel(sequence(labels), value), sequence(expected))


def test_classes_are_looked_at_apart():
    labels = np.stack([sequence(text) for text in ("101", "110", "011", "000", "1?1")], axis=1)
    assert np.argwhere(isolated_gaps(labels)).tolist() == [[1, 0]]
    expected = np.stack([sequence(text) for text in ("1h1", "110", "011", "000", "1?1")], axis=1)
    np.testing.assert_array_equal(relabel(labels, 0.5), expected)


def test_gaps_agree_with_a_search_of_the_written_sequence():
    """Every sequence of up to nine slices, against str.find from every start."""
    for length in range(1, 10):
        for number in range(2**length):
            text = f"{number:0{length}b}"
            expected = np.zeros(length, dtype=bool)
            for pattern in ("101", "1001"):
                for start in range(length):
                    if text.startswith(pattern, start):
                        expected[start + 1 : start + len(pattern) - 1] = True
            assert isolated_gaps(sequence(text)).tolist() == expected.tolist(), text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("101", "111"),
        ("010", "000"),
        ("1001", "1001"),  # only single slices are touched
        ("10101", "11111"),
        ("01010", "01110"),  # the gap closes first, so neither positive is alone any more
        ("0100100", "0000000"),
        ("10", "10"),  # scan ends never change
        ("01", "01"),
        ("100", "100"),
        ("001", "001"),
        ("00101100", "00111100"),
        ("00000", "00000"),
        ("11111", "11111"),
        ("1", "1"),
        ("", ""),
        ("?10", "?10"),
        ("1?1", "1?1"),
    ],
)
def test_smoothing_closes_101_then_drops_010(before, after):
    np.testing.assert_array_equal(smooth(sequence(before)), sequence(after))


def test_smoothing_keeps_type_and_shape_and_its_input():
    before = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.uint8)
    after = smooth(before)
    assert after.dtype == np.uint8
    assert after.tolist() == [[1, 0], [1, 0], [1, 0]]
    assert before.tolist() == [[1, 0], [0, 1], [1, 0]]
    assert smooth(before.astype(bool)).tolist() == after.astype(bool).tolist()


@pytest.fixture
def table():
    """Four patients; the training patient "a" has two scans, of which only the second has a gap (class 2)."""
    scans = [("a1", "a", "train", "111"), ("a2", "a", "train", "101"), ("b1", "b", "train", "011")]
    scans += [("c1", "c", "val", "101"), ("d1", "d", "test", "1001"), ("e1", "e", "unused", "101")]
    study, patient, split = (np.repeat([scan[i] for scan in scans], [len(scan[3]) for scan in scans]) for i in range(3))
    targets = np.zeros((len(study), 5))
    targets[:, 2] = sequence("".join(scan[3] for scan in scans))
    return scan_bounds(study), patient, split, targets


@pytest.mark.parametrize(("mode", "letter"), [("relabel_half", "h"), ("relabel_one", "1")])
def test_relabelling_touches_training_patients_only(table, mode, letter):
    found = clean_labels(*table, mode)
    np.testing.assert_array_equal(found.targets[:, 2], sequence(f"1111{letter}1011" + "101" + "1001" + "101"))
    assert not found.targets[:, [0, 1, 3, 4]].any()
    assert not len(found.left_out)


def test_filtering_leaves_out_whole_training_patients_and_changes_no_label(table):
    found = clean_labels(*table, "filtered")
    assert found.left_out.tolist() == ["a"]
    np.testing.assert_array_equal(found.targets, table[3])


def test_as_given_changes_nothing(table):
    found = clean_labels(*table, "as_given")
    np.testing.assert_array_equal(found.targets, table[3])
    assert not len(found.left_out)


def test_a_pattern_never_spans_two_scans():
    runs, patient, split = scan_bounds(["x", "x", "y"]), np.array(["x", "x", "x"]), np.full(3, "train")
    targets = np.array([[1.0], [0.0], [1.0]])
    assert clean_labels(runs, patient, split, targets, "relabel_one").targets.ravel().tolist() == [1, 0, 1]
    assert not len(clean_labels(runs, patient, split, targets, "filtered").left_out)


def test_filtering_everybody_is_refused():
    study, targets = np.array(["x", "x", "x"]), np.array([[1.0], [0.0], [1.0]])
    with pytest.raises(InputError, match="all 1 training patients"):
        clean_labels(scan_bounds(study), study, np.full(3, "train"), targets, "filtered")


@pytest.fixture(scope="module")
def phantom_labels():
    """(given, truth, planted gaps): (scans, Z, 5) label sequences of the phantom with many planted errors."""
    given, truth, gaps = [], [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        study = draw_study(rng, draw_patient(rng), 32)
        labels, errors = plant_errors(rng, [study.labels], rate=0.1)
        planted = np.zeros_like(labels)
        for slice_index, label_index, kind in errors:
            planted[slice_index, label_index] = kind == "gap"
        given.append(labels.astype(float))
        truth.append(study.labels.astype(float))
        gaps.append(planted)
    return given, truth, gaps


def test_relabelling_undoes_the_gaps_planted_in_the_phantom_labels(phantom_labels):
    given, truth, planted = phantom_labels
    assert sum(gaps.sum() for gaps in planted) >= 5
    for labels, right, gaps in zip(given, truth, planted, strict=True):
        ones = relabel(labels, 1.0)
        assert (ones[gaps] == right[gaps]).all()
        assert (relabel(labels, 0.5)[gaps] == 0.5).all()
        assert (ones[labels == 1] == 1).all()
        assert [isolated_gaps(labels)[:, c].sum() for c in range(5)] == [
            len(gap_places(labels[:, c])) for c in range(5)
        ]


def test_filtering_leaves_out_every_phantom_patient_with_a_planted_gap(phantom_labels):
    given, _, planted = phantom_labels
    names = [np.full(len(labels), f"p{i:02d}", dtype=object) for i, labels in enumerate(given)]
    study, split = np.concatenate(names), np.full(sum(map(len, given)), "train")
    left = clean_labels(scan_bounds(study), study, split, np.concatenate(given), "filtered").left_out
    assert set(left) >= {name[0] for name, gaps in zip(names, planted, strict=True) if gaps.any()}
    assert set(left) == {name[0] for name, labels in zip(names, given, strict=True) if has_gap(labels)}


def gap_places(column):
    """Indices of the negatives in "101" and "1001", by regular expression on the written sequence."""
    text = "".join(str(int(value)) for value in column)
    return sorted({i for m in re.finditer("(?=1(00?)1)", text) for i in range(m.start(1), m.end(1))})
