"""The models as ONNX graphs, written by torch and run by onnxruntime, without torch's own networks.

cnn/model.onnx: `slices` (n, channels, size, size) uint8 as ingest windows them → `embeddings` (n, features) and
`probabilities` (n, 5). lstm/model.onnx: `embeddings` (slices, features) of one scan, foot to head, any number of them
→ `probabilities` (slices, 5). All float32.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from hohoho.errors import InputError
from hohoho.files import atomic
from hohoho.machine import cores
from hohoho.models.backbones import SliceClassifier, to_float
from hohoho.models.lstm import ScanLstm

ONNX = "model.onnx"
OPSET = 17
TRACED_SLICES = 3


class _WholeCnn(nn.Module):
    def __init__(self, cnn: SliceClassifier):
        super().__init__()
        self.cnn = cnn

    def forward(self, slices: Tensor) -> tuple[Tensor, Tensor]:
        embeddings = self.cnn.embed(to_float(slices))
        return embeddings, self.cnn.head(embeddings).sigmoid()


class _LstmOfOneScan(nn.Module):
    """Without packing: one scan needs none, and ONNX knows none."""

    def __init__(self, lstm: ScanLstm):
        super().__init__()
        self.lstm = lstm

    def forward(self, embeddings: Tensor) -> Tensor:
        lstm = self.lstm
        h1, _ = lstm.lstm1(embeddings[None])
        h2, _ = lstm.lstm2(h1)
        return lstm.head(h1 + h2 + lstm.linear1(h1).relu() + lstm.linear2(h2).relu())[0].sigmoid()


def write_onnx_cnn(path: Path, cnn: SliceClassifier, image_size: int) -> None:
    """Write a slice classifier. Raises InputError without the packages."""
    slices = torch.zeros((TRACED_SLICES, cnn.settings["channels"], image_size, image_size), dtype=torch.uint8)
    _write(path, _WholeCnn(cnn), {"slices": slices}, ("embeddings", "probabilities"))


def write_onnx_lstm(path: Path, lstm: ScanLstm) -> None:
    """Write an LSTM that takes scans of any number of slices. Raises InputError without the packages."""
    embeddings = torch.zeros((TRACED_SLICES, lstm.settings["features"]))
    _write(path, _LstmOfOneScan(lstm), {"embeddings": embeddings}, ("probabilities",))


def onnx_cnn(folder: Path) -> Callable[[DataLoader], tuple[np.ndarray, np.ndarray]]:
    """Batches of uint8 slices → ((slices, features), (slices, 5)). Raises InputError without onnxruntime."""
    session = _session(folder / ONNX)

    def run(batches: DataLoader) -> tuple[np.ndarray, np.ndarray]:
        parts = [session.run(None, {"slices": slices.numpy()}) for slices, _ in batches]
        embeddings, probabilities = zip(*parts, strict=True)
        return np.concatenate(embeddings), np.concatenate(probabilities)

    return run


def onnx_lstm(folder: Path) -> Callable[[np.ndarray], np.ndarray] | None:
    """(slices, features) of one scan → (slices, 5); None where there is no LSTM."""
    if not (folder / ONNX).is_file():
        return None
    session = _session(folder / ONNX)
    return lambda embeddings: session.run(None, {"embeddings": embeddings})[0]


def _write(path: Path, module: nn.Module, example: dict[str, Tensor], outputs: tuple[str, ...]) -> None:
    _imported("onnx")
    axes = {name: {0: "n"} for name in (*example, *outputs)}
    names = {"input_names": list(example), "output_names": list(outputs), "dynamic_axes": axes}
    with atomic(path) as temporary, warnings.catch_warnings():
        # torch's newer exporter unrolls an LSTM to the length of its example
        warnings.filterwarnings("ignore", "You are using the legacy TorchScript-based ONNX export|The feature will be")
        warnings.filterwarnings("ignore", "Exporting a model to ONNX with a batch_size other than 1")
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # of checks of shapes
        inputs = tuple(example.values())
        torch.onnx.export(module.eval(), inputs, str(temporary), **names, opset_version=OPSET, dynamo=False)


def _session(path: Path):
    options = _imported("onnxruntime").SessionOptions()
    options.intra_op_num_threads = cores()
    return _imported("onnxruntime").InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _imported(name: str) -> ModuleType:
    try:
        return __import__(name)
    except ImportError:
        raise InputError(f"{name} is not installed: `uv sync --extra onnx`, or pip install 'hohoho[onnx]'") from None
