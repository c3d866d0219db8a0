"""One answer per scan."""

import numpy as np
import pandas as pd
import pytest
from scored_slices import predictions, studies_of
from sklearn.metrics import roc_auc_score

from hohoho.inference.table import any_probability, probabilities_of, scan_maxima, with_any, with_any_probability
from hohoho.labels import LABELS
from hohoho.scores.bootstrap import unit_weights
from hohoho.scores.class_scores import class_scores, scored_rows
from hohoho.scores.details import Settings, scan_scores
from hohoho.scores.predictions import model_predictions
from hohoho.scores.truth import scan_truth, truth_of
from hohoho.slices.store import SCAN_ANY, SCAN_LABELS

TABLE = predictions(20)
STUDY = TABLE["study"].to_numpy()


def test_a_scan_is_the_loop_over_its_slices():
    raw = probabilities_of(TABLE, "cnn").astype(float)
    maxima = scan_maxima(STUDY, with_any_probability(raw))
    truth = scan_truth(TABLE, studies_of(TABLE))
    assert list(truth.index) == sorted(set(TABLE["study"]))
    for number, study in enumerate(truth.index):
        rows = (TABLE["study"] == study).to_numpy()
        assert maxima[number] == pytest.approx([*raw[rows].max(0), (1 - np.prod(1 - raw[rows], axis=1)).max()])
        assert truth.loc[study, LABELS].tolist() == TABLE.loc[rows, LABELS].max().tolist()


def test_sensitivity_specificity_and_auroc_of_scans():
    maxima = scan_maxima(STUDY, with_any_probability(probabilities_of(TABLE, "cnn")))
    truth = scan_truth(TABLE, studies_of(TABLE))
    scans = scored_rows(with_any(truth[LABELS].to_numpy()), maxima, maxima >= 0.5, truth["patient"].to_numpy())
    scores = class_scores(scans, unit_weights(scans.patients))
    ich, found = truth["ich"] > 0, maxima[:, 0] >= 0.5
    assert scores["ich"]["recall"][0] == pytest.approx((found & ich).sum() / ich.sum())
    assert scores["ich"]["specificity"][0] == pytest.approx((~found & ~ich).sum() / (~ich).sum())
    assert scores["any"]["auroc"][0] == pytest.approx(roc_auc_score(truth[LABELS].max(axis=1), maxima[:, 5]))


def test_the_maximum_is_positive_exactly_when_a_slice_is():
    raw = probabilities_of(TABLE, "cnn")
    by_slice = pd.DataFrame(raw >= 0.5).groupby(TABLE["study"].to_numpy()).any().to_numpy()
    assert (by_slice == (scan_maxima(STUDY, raw)[:, :5] >= 0.5)).all()


def test_any_of_independent_bleeds_is_as_frequent_as_its_probability_says_and_the_largest_of_five_is_not():
    rng = np.random.default_rng(0)
    probabilities = rng.beta(0.5, 3, (40_000, 5))
    bleeding = (rng.random(probabilities.shape) < probabilities).any(axis=1)
    assert any_probability(probabilities).mean() == pytest.approx(bleeding.mean(), abs=0.01)
    assert probabilities.max(axis=1).mean() < 0.8 * bleeding.mean()


def test_any_leaves_out_a_class_of_unknown_probability_and_is_unknown_without_any():
    row = np.array([[0.5, np.nan, 0.5, 0, 0], [np.nan] * 5])
    assert any_probability(row)[0] == 0.75
    assert np.isnan(any_probability(row)[1])


def test_scan_labels_speak_where_slices_have_none():
    table, studies = TABLE.copy(), studies_of(TABLE)
    studies[SCAN_LABELS] = np.nan
    first, second, third = studies["study"][:3]
    table.loc[table["study"].isin([first, second]), LABELS] = np.nan
    studies.loc[0, SCAN_LABELS] = [1, 0, 0, 0, 0]
    studies.loc[2, SCAN_LABELS] = 1.0  # its slices know better
    truth = scan_truth(table, studies)[LABELS]
    assert truth.loc[first].tolist() == [1, 0, 0, 0, 0]
    assert truth.loc[second].isna().all()
    assert truth.loc[third].tolist() == scan_truth(TABLE, studies)[LABELS].loc[third].tolist()
    assert scan_truth(table, studies_of(TABLE)).loc[[first, second], LABELS].isna().all(axis=None)


def test_a_bleed_of_unknown_type_counts_for_any_and_for_no_type():
    table, studies = TABLE.copy(), studies_of(TABLE)
    studies[[*SCAN_LABELS, SCAN_ANY]] = np.nan
    test = studies["study"].isin(table.loc[table["split"] == "test", "study"])
    untyped, unread = studies.index[test][:2]
    table.loc[table["study"].isin(studies.loc[[untyped, unread], "study"]), LABELS] = np.nan
    studies.loc[untyped, SCAN_ANY] = 1
    truth = truth_of(table, studies)
    assert truth.scans["any"].isna().sum() == 1 and truth.any_rows("test").sum() == truth.scan_rows("test").sum() + 1

    settings, predictions = Settings(0.5, False, 0, 0), model_predictions(truth, "cnn", 0.5)
    scores = scan_scores(settings, truth, predictions, "test")
    known, targets = truth.any_rows("test"), truth.scans["any"]
    own, least = predictions.scan_probability[:, 5], predictions.fitted.scan_model.thresholds["youden"][5]
    for kind, said, threshold in (("max", predictions.scan_max[:, 5], 0.5), ("youden", own, least)):
        assert scores[kind]["any"]["auroc"]["value"] == pytest.approx(
            roc_auc_score(targets[known], said[known]), abs=1e-6
        )
        found = (said >= threshold)[known & (targets == 1)]
        assert scores[kind]["any"]["recall"]["value"] == pytest.approx(found.mean(), abs=1e-6)
    without = scan_scores(settings, truth_of(table, studies.drop(columns=SCAN_ANY)), predictions, "test")
    for name in (*LABELS, "micro", "macro"):
        assert scores["max"][name] == without["max"][name]


def test_a_scan_with_an_unlabelled_slice_is_known_only_where_it_is_positive():
    table = TABLE[TABLE["study"] == TABLE["study"][0]].copy()
    table[LABELS] = 0.0
    table.loc[table.index[1], "ich"] = 1
    table.loc[table.index[3], LABELS] = np.nan
    truth = scan_truth(table, studies_of(table))[LABELS].iloc[0]
    assert truth["ich"] == 1
    assert truth[["ivh", "sah", "sdh", "edh"]].isna().all()
