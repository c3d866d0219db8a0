"""Which models lie in a folder: what is fitted to them is of no use beside others."""

import hashlib
from pathlib import Path


def model_hashes(*folders: Path) -> dict[str, str]:
    """SHA-256 of the weights of every model in these folders, by its folder: "cnn", "lstm", "lstm/cnn"."""
    trained = [(folder.parent, path) for folder in folders for path in sorted(folder.glob("**/model.safetensors"))]
    return {path.parent.relative_to(above).as_posix(): _sha256(path) for above, path in trained}


def _sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
