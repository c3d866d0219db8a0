import pandas as pd
import pytest

from hohoho.errors import InputError
from hohoho.slices.split import assert_disjoint, hold_back, split_patients

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
    small = hold_back(split, set(), 0.2, seed=0)
    assert (small == "train").sum() == 13
    assert (split[small == "unused"] == "train").all()
    assert small[split != "train"].equals(split[split != "train"])


def test_a_small_set_that_the_data_brings_is_the_one_that_keeps_its_labels():
    split = split_patients(PATIENTS, {}, 0.15, 0.2, seed=0)
    own = set(PATIENTS[:30])
    small = hold_back(split, own, 0.2, seed=0)
    assert set(small.index[small == "train"]) == own & set(split.index[split == "train"])


def test_a_patient_in_two_splits_is_an_error_that_names_the_pseudonym():
    table = pd.DataFrame({"patient": ["a", "b", "b"], "split": ["train", "train", "test"]})
    with pytest.raises(InputError, match="patient lie in two splits.*: b$"):
        assert_disjoint(table, by="patient")
