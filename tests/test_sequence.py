import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import TensorDataset

from hohoho.models.lstm import ScanLstm, load_lstm, predict_scans, save_lstm
from hohoho.training.lstm import Scans


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
    for order in ([0, 1, 2, 3], [2, 0, 3, 1], [3, 2], [1]):
        counts = [len(alone[i]) for i in order]
        padded = pad_sequence([scans[i][0] for i in order], batch_first=True)
        in_a_batch = model(padded, torch.tensor(counts))
        together = model.of_slices(torch.cat([scans[i][0] for i in order]), torch.tensor(counts))
        for logits, rows, i in zip(together.split(counts), in_a_batch, order, strict=True):
            assert torch.allclose(logits, alone[i], atol=1e-6)
            assert torch.equal(logits, rows[: len(logits)])


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0], [1]])
def test_a_batch_holds_whole_scans_one_after_the_other(order):
    bounds, rows = [slice(3, 4), slice(4, 11), slice(11, 15)], torch.arange(20)
    found, targets, counts = Scans(TensorDataset(rows, -rows), bounds).__getitems__(order)
    assert found.tolist() == [row for scan in order for row in range(bounds[scan].start, bounds[scan].stop)]
    assert torch.equal(targets, -found)
    assert counts.tolist() == [bounds[scan].stop - bounds[scan].start for scan in order]


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
