"""Passwords: what is accepted, and their hashes (Argon2id)."""

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_CHARS = 10
MAX_CHARS = 256

# OWASP's cheat sheet "Password Storage": Argon2id with 19 MiB of memory, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_at_once = BoundedSemaphore(4)  # many log-ins at a time must not take all memory

# A password of the same cost to check for an address that has no account: the answer takes as long.
_NOBODY = _hasher.hash("nobody has this password")

_COMMON = frozenset({
    "1234567890", "12345678910", "123456789a", "0123456789", "0987654321", "1q2w3e4r5t", "1qaz2wsx3edc",
    "abcdefghij", "aaaaaaaaaa", "1111111111", "0000000000", "changeme123", "iloveyou123", "letmein123",
    "password12", "password123", "password1234", "passw0rd123", "qwerty1234", "qwerty12345", "qwertyuiop",
    "administrator", "hexasched1", "hexasched123", "welcome123", "correcthorsebatterystaple",
})  # fmt: skip


def check(password: str, email: str) -> str | None:
    """Why `password` is not accepted for the account of `email`, or None if it is."""
    if len(password) < MIN_CHARS:
        return f"Use at least {MIN_CHARS} characters. A few words that only you would put together are good."
    if len(password) > MAX_CHARS:
        return f"Use at most {MAX_CHARS} characters; this one has {len(password)}."
    plain = password.casefold()
    if plain in _COMMON or len(set(plain)) < 4:
        return "Too many people use this password. Choose another one."
    if plain in {email.casefold(), email.casefold().split("@")[0], "hexasched"}:
        return "A password that is the address itself is easy to guess. Choose another one."
    return None


def hashed(password: str) -> str:
    """The hash to store."""
    with _at_once:
        return _hasher.hash(password)


def verify(password: str, stored: str | None) -> bool:
    """Whether `password` is the one of the hash `stored`; None is nobody's, and takes as long to find wrong."""
    with _at_once:
        try:
            _hasher.verify(stored or _NOBODY, password[: MAX_CHARS + 1])
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None
