"""Which models lie in a folder: what is fitted to them is of no use beside others."""

import hashlib
from pathlib import Path

WEIGHTS = ("model.onnx", "model.safetensors")


def model_hashes(*folders: Path) -> dict[str, str]:
    """SHA-256 of the weights of every model in these folders, by its folder: "cnn", "lstm", "lstm/cnn"."""
    hashes = {}
    for folder in folders:
        for path in sorted(path for name in WEIGHTS for path in folder.glob(f"**/{name}")):
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            hashes[path.parent.relative_to(folder.parent).as_posix()] = sha256
    return hashes
