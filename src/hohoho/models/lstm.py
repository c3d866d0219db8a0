"""Stage 2: a bi-LSTM over all slices of one scan."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from hohoho.files import write_json
from hohoho.labels import LABELS
from hohoho.models.weights import save_weights
from hohoho.slices.store import scan_bounds


class ScanLstm(nn.Module):
    """Two stacked bi-LSTMs with shortcuts: logits = linear(h1 + h2 + ReLU(linear(h1)) + ReLU(linear(h2))).

    features: of an embedding; units: per direction. Packed, so that a scan's logits do not depend on its batch.
    """

    def __init__(self, features: int, units: int):
        super().__init__()
        self.settings = {"features": features, "units": units}
        self.lstm1 = nn.LSTM(features, units, batch_first=True, bidirectional=True)
        self.lstm2 = nn.LSTM(2 * units, units, batch_first=True, bidirectional=True)
        self.linear1 = nn.Linear(2 * units, 2 * units)
        self.linear2 = nn.Linear(2 * units, 2 * units)
        self.head = nn.Linear(2 * units, len(LABELS))

    def forward(self, embeddings: Tensor, slice_counts: Tensor) -> Tensor:
        """(scans, slices, features) and (scans,) → (scans, slices, 5) logits; those of padding mean nothing."""
        packed = pack_padded_sequence(embeddings, slice_counts, batch_first=True, enforce_sorted=False)
        first, _ = self.lstm1(packed)
        second, _ = self.lstm2(first)
        length = embeddings.shape[1]
        h1, h2 = (pad_packed_sequence(h, batch_first=True, total_length=length)[0] for h in (first, second))
        return self.head(h1 + h2 + self.linear1(h1).relu() + self.linear2(h2).relu())

    def of_slices(self, embeddings: Tensor, slice_counts: Tensor) -> Tensor:
        """The slices of several scans, one after the other: (slices, features) and (scans,) → (slices, 5) logits."""
        counts = slice_counts.tolist()
        if not counts:  # of a small last batch, a rank may have none; its gradients are zero
            one = torch.cat([embeddings, embeddings.new_zeros(1, embeddings.shape[1])])
            return self.of_slices(one, torch.tensor([1]))[:0]
        scans = pad_sequence(embeddings.split(counts), batch_first=True)
        logits = self(scans, slice_counts.cpu())
        return torch.cat([scan[:count] for scan, count in zip(logits, counts, strict=True)])


@torch.no_grad()
def predict_scans(model: ScanLstm, embeddings: np.ndarray, studies: list[str]) -> np.ndarray:
    """(slices, 5) probabilities, each scan by itself. embeddings: (slices, features), studies contiguous."""
    scans = [torch.from_numpy(embeddings[rows]) for rows in scan_bounds(studies)]
    logits = [model.of_slices(scan, torch.tensor([len(scan)])) for scan in scans]
    return torch.cat(logits).sigmoid().numpy()


def save_lstm(folder: Path, model: ScanLstm | None, precision: str = "32-true") -> None:
    """Write weights and settings, or the descriptor of a row without an LSTM. precision: that it was trained in."""
    folder.mkdir(parents=True, exist_ok=True)
    if model is not None:
        save_weights(folder / "model.safetensors", model)
    write_json(folder / "model.json", model.settings | {"precision": precision} if model else {"training": "skip"})


def load_lstm(folder: Path) -> ScanLstm | None:
    """The LSTM in evaluation mode, or None where the row has none."""
    settings = json.loads((folder / "model.json").read_text())
    if settings.get("training") == "skip":
        return None
    model = ScanLstm(settings["features"], settings["units"])
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()
