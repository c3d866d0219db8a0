"""What must not lie in two splits beside patients and studies: one picture."""

import pandas as pd

from hohoho.errors import InputError


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
