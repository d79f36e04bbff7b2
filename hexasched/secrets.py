"""The instance's key: it encrypts environment values and is the source of every other key."""

import os
import secrets as random
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hexasched.errors import HexaSchedError

_NONCE = 12
_KEY_ID = 4


class KeyRing:
    """Keys by id; the newest encrypts, each can decrypt what it encrypted."""

    def __init__(self, keys: list[tuple[bytes, bytes]]) -> None:
        """`keys` are (4-byte id, 32-byte key), newest first."""
        self._keys = dict(keys)
        self._newest = keys[0]

    def encrypt(self, text: str, bound_to: str) -> bytes:
        """Ciphertext that only decrypts together with the same `bound_to` (say, its row and name).

        AES-256-GCM (NIST SP 800-38D): key id, 12-byte random nonce, ciphertext, tag.
        """
        key_id, key = self._newest
        nonce = random.token_bytes(_NONCE)
        return key_id + nonce + AESGCM(key).encrypt(nonce, text.encode(), key_id + bound_to.encode())

    def decrypt(self, ciphertext: bytes, bound_to: str) -> str:
        """The text; raises HexaSchedError if the key is unknown, or the bytes or their place were changed."""
        key_id, nonce, sealed = ciphertext[:_KEY_ID], ciphertext[_KEY_ID:][:_NONCE], ciphertext[_KEY_ID + _NONCE :]
        key = self._keys.get(key_id)
        if key is None:
            raise HexaSchedError(
                "A stored secret was encrypted with a key that is not in secret.key. Restore that file."
            )
        try:
            return AESGCM(key).decrypt(nonce, sealed, key_id + bound_to.encode()).decode()
        except InvalidTag:
            raise HexaSchedError("A stored secret does not decrypt: it was changed or moved from its place.") from None

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for another purpose, the same at every start (HKDF, RFC 5869)."""
        return HKDF(SHA256(), 32, None, b"hexasched " + purpose.encode()).derive(self._newest[1])


def load_key_ring(data_dir: Path) -> KeyRing:
    """The key ring in `data_dir`/secret.key (0600), made at the first start.

    The file has a line for each key, newest first: 8 hex digits of its id, a blank, 64 hex digits.
    """
    path = data_dir / "secret.key"
    if not path.exists():
        _create(path)
    try:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
        return KeyRing([(bytes.fromhex(key_id), bytes.fromhex(key)) for key_id, key in lines])
    except (ValueError, IndexError):
        raise HexaSchedError(
            f"{path} is damaged. Restore it from a backup: without it no secret can be read."
        ) from None


def _create(path: Path) -> None:
    # Written aside and linked into place: two processes that start together agree on one key.
    line = f"{random.token_hex(_KEY_ID)} {random.token_hex(32)}\n"
    aside = path.with_name(f".secret.{random.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(aside, path)
    except FileExistsError:
        pass  # the other process was first: its key is the key
    finally:
        aside.unlink()
