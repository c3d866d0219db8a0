import hashlib

import pytest

from hohoho.errors import InputError
from hohoho.files import write_json
from hohoho.models.hashes import model_hashes
from hohoho.predict.models import _calibration


def trained(models, **weights):
    for name, content in weights.items():
        folder = models / name.replace("__", "/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.safetensors").write_bytes(content)


def test_every_model_is_hashed_by_its_folder(tmp_path):
    trained(tmp_path, cnn=b"1", lstm=b"2", lstm__cnn=b"3", init=b"4")
    expected = {"cnn": b"1", "lstm": b"2", "lstm/cnn": b"3"}
    found = model_hashes(tmp_path / "cnn", tmp_path / "lstm")
    assert found == {name: hashlib.sha256(content).hexdigest() for name, content in expected.items()}


def test_a_calibration_of_other_models_is_refused(tmp_path):
    trained(tmp_path, cnn=b"1", lstm=b"2")
    assert _calibration(tmp_path) is None
    write_json(tmp_path / "calibration.json", {"model_sha256": model_hashes(tmp_path / "cnn", tmp_path / "lstm")})
    assert _calibration(tmp_path) is not None
    trained(tmp_path, lstm=b"another")
    with pytest.raises(InputError, match="fitted to other models"):
        _calibration(tmp_path)
