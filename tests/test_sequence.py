import numpy as np
import pytest
import torch

from hohoho.models.lstm import ScanLstm, collate, load_lstm, predict_scans, save_lstm


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ScanLstm(features=12, units=6).eval()


@pytest.fixture
def scans():
    generator = torch.Generator().manual_seed(1)
    return [(torch.randn(n, 12, generator=generator), torch.zeros(n, 5)) for n in (1, 7, 30, 24)]


def test_a_scans_logits_are_the_same_alone_in_a_batch_and_in_a_permuted_batch(model, scans):
    alone = [model(embeddings[None], torch.tensor([len(embeddings)]))[0] for embeddings, _ in scans]
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        batch = collate([scans[i] for i in order])
        together = model(batch.embeddings, batch.slice_counts)
        for place, i in enumerate(order):
            assert torch.allclose(together[place, : len(alone[i])], alone[i], atol=1e-6)


def test_padding_carries_no_target(scans):
    batch = collate(scans)
    assert batch.slice_counts.tolist() == [1, 7, 30, 24]
    assert torch.isfinite(batch.targets).all(-1).sum(1).tolist() == [1, 7, 30, 24]


def test_every_slice_sees_the_whole_scan(model, scans):
    embeddings = scans[2][0].clone().requires_grad_()
    model(embeddings[None], torch.tensor([30]))[0, 15].sum().backward()
    assert (embeddings.grad.abs().sum(1) > 0).all()


def test_the_sum_of_both_layers_and_their_shortcuts_reaches_the_head(model):
    embeddings = torch.randn(1, 4, 12, generator=torch.Generator().manual_seed(2))
    h1, _ = model.lstm1(embeddings)
    h2, _ = model.lstm2(h1)
    by_hand = model.head(h1 + h2 + torch.relu(model.linear1(h1)) + torch.relu(model.linear2(h2)))
    assert torch.allclose(model(embeddings, torch.tensor([4])), by_hand, atol=1e-6)


def test_saved_weights_predict_the_same(model, scans, tmp_path):
    embeddings, studies = torch.cat([e for e, _ in scans]).numpy(), ["a"] + ["b"] * 7 + ["c"] * 30 + ["d"] * 24
    save_lstm(tmp_path, model)
    saved, before = (predict_scans(lstm, embeddings, studies) for lstm in (load_lstm(tmp_path), model))
    np.testing.assert_array_equal(saved, before)


def test_a_row_without_an_lstm_leaves_a_descriptor(tmp_path):
    save_lstm(tmp_path, None)
    assert load_lstm(tmp_path) is None
