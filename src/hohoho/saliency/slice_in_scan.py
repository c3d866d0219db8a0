"""What answers for a slice where CNN and LSTM were trained together: both, on the whole scan."""

import numpy as np
import torch
from torch import Tensor, nn

from hohoho.models.backbones import SliceClassifier
from hohoho.models.lstm import ScanLstm
from hohoho.slices.store import scan_bounds


class SliceInScan(nn.Module):
    """Images of single slices in, the LSTM's logits of each out, the rest of its scan standing by as embeddings.

    Of such a CNN the own head was left behind by the training, so what it says explains no answer.
    embeddings: (slices, features) by `cnn`, of all slices; studies: (slices,) their scans, contiguous.
    """

    def __init__(self, cnn: SliceClassifier, lstm: ScanLstm, embeddings: np.ndarray, studies: list[str]):
        super().__init__()
        self.cnn, self.lstm, self.embeddings = cnn, lstm, embeddings
        self.bounds = scan_bounds(studies)
        self.starts = torch.tensor([scan.start for scan in self.bounds])

    def forward(self, images: Tensor, rows: Tensor) -> Tensor:
        """(n, 5) logits. images: (n, channels, H, W) in [0, 1]; rows: (n,) of the slice table."""
        own, scans = self.cnn.embed(images).float(), []
        numbers = torch.searchsorted(self.starts, rows.cpu(), right=True) - 1
        places = rows.cpu() - self.starts[numbers]
        for embedding, number, place in zip(own, numbers.tolist(), places.tolist(), strict=True):
            scan = torch.tensor(self.embeddings[self.bounds[number]], device=own.device)
            scans.append(torch.cat([scan[:place], embedding[None], scan[place + 1 :]]))
        counts = torch.tensor([len(scan) for scan in scans])
        with torch.backends.cudnn.flags(enabled=False):  # its LSTM has no gradient in evaluation mode
            logits = self.lstm.of_slices(torch.cat(scans), counts)
        return logits[counts.cumsum(0) - counts + places]
