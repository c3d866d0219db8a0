"""Who is in train, val and test: whole patients, never slices."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from hohoho.errors import InputError

SPLITS = ("train", "val", "test")
CALIBRATION = "calibration"  # kept aside: chose nothing, so a guarantee about new scans may rest on it
UNUSED = "unused"  # labelled, but its labels are held back (small subset)
UNLABELLED = "unlabelled"  # takes part in SimCLR and prediction only


def shown_split(labelled: Collection[str]) -> str:
    """The split that is shown: test, or where that has no labels validation, then train; test where none has."""
    return next((split for split in reversed(SPLITS) if split in labelled), SPLITS[-1])


def split_patients(
    labelled: list[str],
    imposed: dict[str, str],
    val_fraction: float,
    test_fraction: float,
    seed: int,
    calibration_fraction: float = 0.0,
) -> pd.Series:
    """Split by patient: index patient pseudonym, value train | val | test | calibration.

    labelled: patients with at least one labelled slice. imposed: patients whose split the data set dictates; where it
    brings a test set, none is drawn. Raises `InputError` where a split would be empty.
    """
    if not labelled:
        raise InputError(
            "no slice has a label, so there is nothing to train on: give -S data.labels=FILE.csv; "
            "scans without labels are for `hohoho predict`"
        )
    free = sorted(set(labelled) - set(imposed))
    order = np.random.default_rng(seed).permutation(len(free))
    n_test = 0 if "test" in imposed.values() else round(len(free) * test_fraction)
    n_val = 0 if "val" in imposed.values() else round(len(free) * val_fraction)
    names = np.array(["train"] * len(free), dtype=object)
    names[order[:n_test]] = "test"
    n_chosen = n_test + n_val
    names[order[n_test:n_chosen]] = "val"
    names[order[n_chosen : n_chosen + round(len(free) * calibration_fraction)]] = CALIBRATION
    split = pd.Series(imposed | dict(zip(free, names, strict=True)), dtype=object, name="split")
    empty = [name for name in ("train", "val") if not (split == name).any()]
    if empty:
        raise InputError(
            f"{len(free)} labelled patients leave no patient for {' and '.join(empty)}: "
            "bring more patients or change split.val_fraction, split.test_fraction and split.calibration_fraction"
        )
    return split.sort_index()


def hold_back(split: pd.Series, own_small_set: set[str], fraction: float, seed: int, of_validation: bool) -> pd.Series:
    """Keep the labels of the small set's training patients; the others become `unused`.

    The small set is the data set's own where it has one, else `fraction` of the patients (at least one).
    of_validation: validation keeps no more than the small set's labels either. Raises `InputError` where none are left.
    """
    small = split.copy()
    for stream, name in enumerate(("train", "val") if of_validation else ("train",), start=1):
        patients = split.index[split == name]
        drawn = np.random.default_rng((seed, stream)).permutation(len(patients))
        drawn = patients[drawn[: max(1, round(len(patients) * fraction))]]
        kept = patients.intersection(sorted(own_small_set)) if own_small_set else drawn
        if kept.empty:
            raise InputError(
                f"stack.subset=small: of the small set's {len(own_small_set)} patients none is in {name}, so no label "
                "is left there: take another split.seed or split.val_fraction"
                + ", or stack.hold_back_validation=false"
                * (name == "val")
            )
        small[patients.difference(kept)] = UNUSED
    return small


def assert_disjoint(table: pd.DataFrame, by: str) -> None:
    """Raise `InputError` naming (pseudonymous) values of column `by` that lie in two splits."""
    splits = table.groupby(by)["split"].nunique()
    parted = splits.index[splits > 1]
    if len(parted):
        names = ", ".join(parted[:10])
        raise InputError(f"{len(parted)} values of {by} lie in two splits, so scores would leak: {names}")


def refuse_shared_pixels(slices: pd.DataFrame, split: pd.Series) -> None:
    """Raise `InputError` naming the patients (pseudonyms) whose slices share pixels across splits.

    slices: the slice table. split: of each of its rows. Images are told apart by their SOP Instance UIDs before they
    are stored, so one image under one name cannot come twice.
    """
    table = slices[["pixel_hash", "patient"]].assign(split=split.to_numpy()).dropna()
    parted = table.groupby("pixel_hash")["split"].nunique() > 1
    if parted.any():
        shared = table[table["pixel_hash"].map(parted)]
        names = ", ".join(sorted(shared["patient"].unique())[:10])
        raise InputError(f"{parted.sum()} pictures lie in two splits, so scores would leak; their patients: {names}")
