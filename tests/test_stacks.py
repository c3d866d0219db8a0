import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hohoho.labels import LABELS
from hohoho.slices.stacks import (
    channel_rows,
    neighbours,
    positive_weights,
    spread_scan_labels,
    stack_table,
    training_set_statistics,
)
from hohoho.slices.store import SCAN_LABELS, SlicePixels, scan_bounds


def test_a_slice_stands_in_for_its_missing_neighbour_at_scan_ends():
    below, above = neighbours(scan_bounds(["a", "a", "a", "b", "c", "c"]))
    assert below.tolist() == [0, 0, 1, 3, 4, 4]
    assert above.tolist() == [1, 2, 2, 3, 5, 5]


def test_a_slice_stands_in_for_its_missing_neighbour_at_a_gap():
    below, above = neighbours([slice(0, 2), slice(2, 4)])
    assert below.tolist() == [0, 0, 2, 2]
    assert above.tolist() == [1, 1, 3, 3]


def test_stacked_has_three_channels_in_the_order_below_self_above_and_gray_has_one():
    table = pd.DataFrame({"below": [0, 0, 1], "above": [1, 2, 2]})
    assert channel_rows(table, 3).tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 2]]
    assert channel_rows(table, 1).tolist() == [[0], [1], [2]]


def test_patients_without_labels_are_in_no_split():
    slices = pd.DataFrame({"study": ["a", "b"], "patient": ["p", "q"], "index": 0, "missing_before": False})
    slices[LABELS] = np.nan
    assert stack_table(slices, pd.Series({"p": "train"}))["split"].tolist() == ["train", "unlabelled"]


def test_training_set_statistics_are_those_of_the_stacked_images(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 4), dtype=np.uint8)
    rows = np.array([[0, 1, 2], [3, 3, 4], [7, 8, 8]])
    np.save(tmp_path / "pixels-0.npy", images)
    mean, std = training_set_statistics(SlicePixels(tmp_path), rows, batch=2)
    stacked = images[rows] / 255
    assert mean == pytest.approx(stacked.mean((0, 2, 3)).tolist())
    assert std == pytest.approx(stacked.std((0, 2, 3)).tolist())


def test_positive_weights_are_negatives_per_positive_of_the_labelled_slices():
    targets = np.array([[1, 0, 0, 1, 0], [0, 0, 1, 1, 0], [0, 0, 1, 0, 0], [np.nan] * 5])
    assert positive_weights(targets) == pytest.approx([2, 1, 0.5, 0.5, 1])


@pytest.mark.parametrize("slices", [1, 2, 50])
def test_a_class_that_is_always_positive_still_has_a_weight(slices):
    assert positive_weights(np.ones((slices, 5))) == pytest.approx([1 / slices] * 5)


@given(arrays(np.float64, st.tuples(st.integers(1, 6), st.just(5)), elements=st.sampled_from([0, 0.5, 1, np.nan])))
def test_no_class_weighs_nothing_or_without_end(targets):
    weights = np.array(positive_weights(targets))
    assert np.isfinite(weights).all() and (weights > 0).all()


def test_every_slice_without_a_label_inherits_its_scans_and_no_other():
    slices = pd.DataFrame({"study": ["a", "a", "b", "b", "c"]}).assign(**dict.fromkeys(LABELS, np.nan))
    slices.loc[0, LABELS] = 0.0
    studies = pd.DataFrame({"study": ["b", "a", "c"]}).assign(**dict.fromkeys(SCAN_LABELS, 1.0))
    studies.loc[studies["study"] == "c", SCAN_LABELS] = np.nan
    spread = spread_scan_labels(slices, studies)
    assert np.nan_to_num(spread["sdh"], nan=-1).tolist() == [0, 1, 1, 1, -1]
    assert slices["sdh"].isna().sum() == 4
