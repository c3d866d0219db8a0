from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hohoho.errors import InputError
from hohoho.labels import LABELS
from hohoho.slices.split import assert_disjoint, hold_back, split_patients
from hohoho.slices.stacks import refuse_few_slices

PATIENTS = [f"p{i:03d}" for i in range(100)]


def test_every_patient_is_in_one_split_of_about_the_wanted_size():
    split = split_patients(PATIENTS, {}, 0.15, 0.2, seed=0)
    assert split.index.is_unique
    assert split.value_counts().to_dict() == {"train": 65, "test": 20, "val": 15}


def test_the_split_depends_on_the_seed_and_not_on_the_order_of_patients():
    split = split_patients(PATIENTS, {}, 0.15, 0.2, seed=0)
    assert split.equals(split_patients(PATIENTS[::-1], {}, 0.15, 0.2, seed=0))
    assert not split.equals(split_patients(PATIENTS, {}, 0.15, 0.2, seed=1))


def test_a_test_set_that_the_data_brings_is_the_only_one():
    split = split_patients(PATIENTS, {"official": "test"}, 0.15, 0.2, seed=0)
    assert split[split == "test"].index.tolist() == ["official"]


def test_too_few_patients_are_refused():
    with pytest.raises(InputError, match="2 labelled patients leave no patient for val"):
        split_patients(["a", "b"], {}, 0.15, 0.2, seed=0)


def test_the_small_subset_holds_back_whole_training_patients_only():
    split = split_patients(PATIENTS, {}, 0.15, 0.2, seed=0)
    small = hold_back(split, set(), 0.2, seed=0, of_validation=False)
    assert (small == "train").sum() == 13
    assert (split[small == "unused"] == "train").all()
    assert small[split != "train"].equals(split[split != "train"])


@settings(max_examples=30)
@given(fraction=st.floats(1e-9, 1), seed=st.integers(0, 2**32 - 1), own=st.sets(st.sampled_from(PATIENTS)))
def test_validation_keeps_no_more_than_the_small_sets_labels_and_test_all(fraction, seed, own):
    split = split_patients(PATIENTS, {}, 0.15, 0.2, seed=0)
    if own and not all(own & set(split.index[split == name]) for name in ("train", "val")):
        with pytest.raises(InputError, match="of the small set's .* patients none is in (train|val)"):
            hold_back(split, own, fraction, seed, of_validation=True)
        return
    small = hold_back(split, own, fraction, seed, of_validation=True)
    kept = {name: small.index[small == name] for name in ("train", "val", "test")}
    assert kept["test"].equals(split.index[split == "test"])
    for name in ("train", "val"):
        patients = split.index[split == name]
        expected = len(own.intersection(patients)) if own else max(1, round(fraction * len(patients)))
        assert len(kept[name]) == expected and kept[name].isin(patients).all()
        assert not own or set(kept[name]) <= own


def test_the_training_patients_are_the_same_whether_validation_is_held_back_or_not():
    split = split_patients(PATIENTS, {}, 0.15, 0.2, seed=0)
    with_it, without = (hold_back(split, set(), 0.2, 0, of_validation) for of_validation in (True, False))
    assert with_it[split == "train"].equals(without[split == "train"])
    assert (without == "val").sum() == 15 and (with_it == "val").sum() == 3


@pytest.mark.parametrize(
    ("lost_to", "advice"), [("train", "split.val_fraction$"), ("val", "hold_back_validation=false$")]
)
def test_a_small_set_that_leaves_a_split_without_labels_is_refused_in_words(lost_to, advice):
    split = split_patients(PATIENTS, {}, 0.15, 0.2, seed=0)
    own = set(split.index[~split.isin([lost_to])][:10])
    with pytest.raises(InputError, match=f"of the small set's 10 patients none is in {lost_to}.*{advice}"):
        hold_back(split, own, 0.2, 0, of_validation=True)


@pytest.mark.parametrize(
    ("train", "val", "refused"),
    [
        (0, 9, "0 .* in train, at least 2"),
        (1, 9, "1 .* in train, at least 2"),
        (9, 0, "0 .* in val, at least 1"),
        (2, 1, None),
    ],
)
def test_too_few_labelled_slices_are_refused_in_words(train, val, refused):
    table = pd.DataFrame({"split": ["train"] * 10 + ["val"] * 10 + ["test"]})
    table[LABELS] = np.nan
    table.loc[[*range(train), *range(10, 10 + val)], LABELS] = 0.0
    with pytest.raises(InputError, match=refused) if refused else nullcontext():
        refuse_few_slices(table)


def test_a_small_set_that_the_data_brings_is_the_one_that_keeps_its_labels():
    split = split_patients(PATIENTS, {}, 0.15, 0.2, seed=0)
    own = set(PATIENTS[:30])
    small = hold_back(split, own, 0.2, seed=0, of_validation=False)
    assert set(small.index[small == "train"]) == own & set(split.index[split == "train"])


def test_a_patient_in_two_splits_is_an_error_that_names_the_pseudonym():
    table = pd.DataFrame({"patient": ["a", "b", "b"], "split": ["train", "train", "test"]})
    with pytest.raises(InputError, match="patient lie in two splits.*: b$"):
        assert_disjoint(table, by="patient")
