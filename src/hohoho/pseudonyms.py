"""Keyed pseudonyms: HMAC-SHA256 (RFC 2104) of an id. A plain hash of a patient id is undone by trying all ids."""

import hmac
import os
import secrets
from pathlib import Path

from hohoho.errors import InputError

# For data whose ids are public pseudonyms already (RSNA, the phantom): the same on every machine, and no secret.
PUBLIC_KEY = b"hohoho: public ids"
KEY_VARIABLE = "HOHOHO_PSEUDONYM_KEY"
KEY_FILE = Path(".config/hohoho/pseudonym.key")  # below the home directory, outside of every repository


def pseudonym(key: bytes, kind: str, identifier: str) -> str:
    """16 hex characters for an id. `kind` ("patient", "study", "file") keeps equal ids of two kinds apart."""
    message = f"{kind}\0{identifier}".encode("utf-8", "surrogateescape")
    return hmac.digest(key, message, "sha256").hex()[:16]


def secret_key() -> bytes:
    """Key for private data: the environment variable HOHOHO_PSEUDONYM_KEY, else ~/.config/hohoho/pseudonym.key.

    The file is made on first use, readable by its owner alone. Whoever loses it cannot link new data to old tables.
    Raises InputError where there is no such file and none can be made, and where the key is short.
    """
    text = os.environ.get(KEY_VARIABLE)
    if text is None:
        try:
            _create_once(Path.home() / KEY_FILE)
            text = (Path.home() / KEY_FILE).read_text()
        except OSError as error:
            raise InputError(f"~/{KEY_FILE} cannot be used ({error.strerror}): set {KEY_VARIABLE} instead") from error
    if len(text.strip()) < 16:
        raise InputError(f"the pseudonym key ({KEY_VARIABLE} or ~/{KEY_FILE}) needs 16 characters or more")
    return text.strip().encode()


def _create_once(path):
    """A new random key at `path` unless there is one; two processes at once end with the same key."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.write(secrets.token_hex(32) + "\n")
    try:
        os.link(fresh, path)  # unlike a rename, this never replaces a key that is there
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
