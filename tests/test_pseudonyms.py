"""Pseudonyms: stable under one key, worthless under another, the secret outside of the repository."""

import os
import stat

import pytest

from hohoho.errors import InputError
from hohoho.pseudonyms import KEY_FILE, KEY_VARIABLE, PUBLIC_KEY, pseudonym, secret_key


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return tmp_path


def test_a_pseudonym_is_hmac_sha256_and_the_same_on_every_machine():
    assert pseudonym(b"key", "patient", "P1") == "00907ddfde54686b"
    assert pseudonym(PUBLIC_KEY, "study", "1.2.3") == "cda5861978ade0f6"


def test_another_key_kind_or_id_gives_another_pseudonym():
    inputs = [(b"k", "patient", "1"), (b"k", "study", "1"), (b"k", "patient", "2"), (b"l", "patient", "1")]
    assert len({pseudonym(*each) for each in inputs}) == 4


def test_names_that_are_no_utf8_have_a_pseudonym_too():
    assert len(pseudonym(b"k", "file", "caf\udce9.dcm")) == 16


def test_the_secret_is_made_once_and_only_its_owner_reads_it(home):
    key = secret_key()
    assert secret_key() == key and len(key) == 64
    assert stat.S_IMODE((home / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in (home / KEY_FILE).parent.iterdir()] == ["pseudonym.key"]


def test_a_key_that_is_there_is_never_replaced(home):
    (home / KEY_FILE).parent.mkdir(parents=True)
    (home / KEY_FILE).write_text("0123456789abcdef\n")
    assert secret_key() == b"0123456789abcdef"


def test_a_key_that_is_there_is_enough_where_nothing_can_be_written(home, monkeypatch):
    key = secret_key()
    monkeypatch.setattr(os, "open", refuse)
    assert secret_key() == key


def test_a_home_that_cannot_be_written_is_refused_with_the_way_round_it(home, monkeypatch):
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match=f"Read-only file system.*set {KEY_VARIABLE}"):
        secret_key()


def refuse(*arguments):
    raise OSError(30, "Read-only file system")


def test_the_environment_overrules_the_file_and_writes_none(home, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, "a secret of the hospital")
    assert secret_key() == b"a secret of the hospital"
    assert not (home / KEY_FILE).exists()


@pytest.mark.parametrize("key", ["", "short", " " * 40])
def test_a_key_that_can_be_guessed_is_refused(home, monkeypatch, key):
    monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(InputError, match="16 characters"):
        secret_key()
