import numpy as np
import pandas as pd
import pytest

from hohoho.labels import LABELS
from hohoho.phantom import population, tree
from hohoho.phantom.study_files import read_masks
from hohoho.pseudonyms import PUBLIC_KEY, pseudonym
from hohoho.saliency.benchmark import sample_lesions
from hohoho.saliency.bleed_masks import PhantomDraw, bleed_masks, on_picture_grid, true_labels

DRAW = PhantomDraw(patients=2, size_px=32, seed=5)


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    """A phantom on disk whose patients all have two studies, and its slices as the slice table has them."""
    out = tmp_path_factory.mktemp("phantom") / "raw"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(population, "P_SECOND_STUDY", 1.0)
        tree.write_phantom(out, DRAW.patients, DRAW.seed, DRAW.size_px, masks=True)
        truth = pd.read_csv(out / "truth/slices.csv")
        truth["patient"] = [pseudonym(PUBLIC_KEY, "patient", name) for name in truth["patient_id"]]
        yield out, truth.rename(columns={"image_id": "image"})


def test_the_masks_drawn_again_are_the_masks_that_were_written(phantom):
    out, slices = phantom
    shuffled = slices.sample(frac=1, random_state=0)
    stored = {uid: read_masks(out / f"truth/masks/{uid}.npz") for uid in slices["study_uid"].unique()}
    assert len(stored) == 4
    expected = [stored[row.study_uid][row.slice_index] for row in shuffled.itertuples()]
    assert np.array_equal(bleed_masks(shuffled, DRAW, image_size=32), np.array(expected))
    assert np.any(expected)


def test_the_labels_drawn_again_are_the_truth_that_was_written(phantom):
    shuffled = phantom[1].sample(frac=1, random_state=0)
    expected = shuffled[LABELS].to_numpy(bool)
    assert np.array_equal(true_labels(shuffled, DRAW), expected)
    assert np.any(expected)


def test_a_mask_is_resized_as_its_picture_is():
    blood = np.zeros((32, 32), np.uint8)
    blood[4:8, 20:26] = 255
    expected = np.zeros((16, 16), bool)
    expected[2:4, 10:13] = True
    assert np.array_equal(on_picture_grid(blood, 16), expected)


def test_faint_blood_is_no_part_of_the_mask():
    assert not on_picture_grid(np.full((32, 32), 60, np.uint8), 16).any()
    assert on_picture_grid(np.full((32, 32), 70, np.uint8), 16).all()


def test_the_benchmark_takes_labelled_bleeds_with_blood_in_them(phantom):
    slices = phantom[1].reset_index(drop=True)
    found = sample_lesions(slices, np.arange(len(slices)), DRAW, 32, seed=0)
    labels = slices[LABELS].to_numpy()
    assert len(found.rows) == len(found.classes) == len(found.masks) > 0
    assert (labels[found.rows, found.classes] == 1).all()
    assert found.masks.any(axis=(1, 2)).all()


def test_a_label_without_blood_takes_no_part_in_the_benchmark(phantom):
    slices = phantom[1].reset_index(drop=True)
    wrong = slices.assign(**{label: 1 for label in LABELS})
    found = sample_lesions(wrong, np.arange(len(slices)), DRAW, 32, seed=0)
    assert found.masks.any(axis=(1, 2)).all()
