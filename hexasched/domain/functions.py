"""Names, handlers and environment variables of functions: what is accepted, and the words of a refusal."""

import re
from dataclasses import dataclass

from hexasched.domain.limits import MAX_ENV_COUNT, MAX_ENV_TOTAL_BYTES, MAX_ENV_VALUE_BYTES

NAME_PATTERN = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
ENV_NAME_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
RESERVED_NAMES = frozenset({"new"})
"""Words that the dashboard's addresses have in a name's place."""
RESERVED_ENV = frozenset({"PATH", "HOME", "TMPDIR", "NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS"})
RESERVED_ENV_PREFIXES = ("LD_", "HEXASCHED_")

SOURCE_FILES = ("index.mjs", "index.js", "index.cjs", "index.ts", "index.mts", "index.cts")
"""The names that a function's one source file may have; which one decides module kind and language."""


@dataclass(frozen=True, kw_only=True)
class EnvVar:
    """One environment variable; `value` is None when it is a secret that is not shown."""

    name: str
    value: str | None
    secret: bool


def check_name(name: str) -> str | None:
    """Why `name` can't be a function's or a CronJob's name, or None if it can."""
    if not name:
        return "Give it a name, for example daily-summary-email."
    if len(name) > 63:
        return f"A name has at most 63 characters; this one has {len(name)}."
    if not NAME_PATTERN.fullmatch(name):
        return (
            "A name has small letters, digits and dashes, starts with a letter and ends with a letter or "
            "digit, for example daily-summary-email."
        )
    if name in RESERVED_NAMES:
        return f"The name “{name}” is taken by HexaSched. Choose another name."
    return None


def check_env_name(name: str) -> str | None:
    """Why `name` can't be an environment variable's name, or None if it can."""
    if not ENV_NAME_PATTERN.fullmatch(name):
        return (
            f"“{name[:60]}” is not a variable name: use letters, digits and _, not starting with a digit, "
            "at most 128 characters."
        )
    if name.upper() in RESERVED_ENV or name.upper().startswith(RESERVED_ENV_PREFIXES):
        return f"{name} is set by HexaSched and cannot be changed. Choose another name."
    return None


def check_env(variables: dict[str, str]) -> list[str]:
    """All that is wrong with a whole environment (names to values); empty if nothing is."""
    mistakes = [message for name in variables if (message := check_env_name(name))]
    if len(variables) > MAX_ENV_COUNT:
        mistakes.append(f"A function has at most {MAX_ENV_COUNT} variables; these are {len(variables)}.")
    for name, value in variables.items():
        if len(value.encode(errors="surrogatepass")) > MAX_ENV_VALUE_BYTES:
            mistakes.append(f"The value of {name} is longer than {MAX_ENV_VALUE_BYTES // 1024} KB.")
        if not _is_text(value):
            mistakes.append(f"The value of {name} is not UTF-8 text.")
        if "\0" in value:
            mistakes.append(f"The value of {name} has a NUL character, which no process can be given.")
    total = sum(
        len(name.encode(errors="surrogatepass")) + len(value.encode(errors="surrogatepass"))
        for name, value in variables.items()
    )
    if total > MAX_ENV_TOTAL_BYTES:
        mistakes.append(f"All variables together are over {MAX_ENV_TOTAL_BYTES // 1024} KB.")
    return mistakes


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
