"""What people hand in, checked once for form, command line and API: values, or a message for each field."""

import json
import re
from collections.abc import Mapping
from typing import Any

from hexasched.domain.functions import SOURCE_FILES
from hexasched.domain.limits import FLOOR, MAX_EVENT_BYTES, MAX_JSON_DEPTH, MAX_SOURCE_BYTES, SWITCHES, UNITS, Limits

_PACKAGE = re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*", re.ASCII)
_RANGE = re.compile(r"[0-9A-Za-z .,<>=~^*|+-]{1,100}", re.ASCII)
MAX_PACKAGES = 100


def check_source(source: str, handler_file: str) -> str | None:
    """Why the code can't be taken, or None if it can."""
    if handler_file not in SOURCE_FILES:
        return f"The file must be one of {', '.join(SOURCE_FILES)}."
    if not source.strip():
        return "Write the function's code, for example: export default async (event, context) => { … }"
    size = len(source.encode(errors="surrogatepass"))
    if size > MAX_SOURCE_BYTES:
        return f"The code has {size:,} bytes; at most {MAX_SOURCE_BYTES:,} are possible. Move data out of the code."
    if "\0" in source:
        return "The code has a NUL character. Remove it."
    return None


def read_dependencies(text: str) -> tuple[dict[str, str], str | None]:
    """The packages of a package.json, or of its "dependencies" alone, and what is wrong with them (None: nothing)."""
    if not text.strip():
        return {}, None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        return {}, f"This is not JSON: {_json_complaint(error)}."
    if isinstance(given, dict) and isinstance(given.get("dependencies"), dict):
        given = given["dependencies"]
    elif isinstance(given, dict) and any(key in given for key in ("name", "version", "scripts", "private")):
        given = {}  # a package.json without dependencies
    if not isinstance(given, dict):
        return {}, 'Write the packages as {"nodemailer": "^7.0.0"}, or paste a package.json.'
    return _checked(given)


def _checked(packages: dict[Any, Any]) -> tuple[dict[str, str], str | None]:
    if len(packages) > MAX_PACKAGES:
        return {}, f"A function has at most {MAX_PACKAGES} packages; these are {len(packages)}."
    for name, wanted in packages.items():
        if len(name) > 214 or not _PACKAGE.fullmatch(name):
            return {}, f"“{name[:80]}” is not the name of an npm package."
        if not isinstance(wanted, str) or not _RANGE.fullmatch(wanted):
            return (
                {},
                f"The version of {name} must be a version or a range, such as ^7.0.0; addresses are not possible.",
            )
    return packages, None


def read_event(text: str) -> tuple[str, str | None]:
    """The event as compact JSON text (empty input is {}), and what is wrong with it (None: nothing)."""
    if not text.strip():
        return "{}", None
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_EVENT_BYTES:
        return "{}", f"The event has {size:,} bytes; at most {MAX_EVENT_BYTES:,} are possible."
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "{}", "The event is not UTF-8 text."
    if _depth(text) > MAX_JSON_DEPTH:
        return "{}", f"The event is nested deeper than {MAX_JSON_DEPTH} levels."
    try:
        event = json.loads(text, parse_constant=_refuse_constant)
        return json.dumps(event, ensure_ascii=True, separators=(",", ":"), allow_nan=False), None
    except (ValueError, RecursionError) as error:
        return "{}", f"The event is not JSON: {_json_complaint(error)}."


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _depth(text: str) -> int:
    """How deep brackets are nested, whatever stands between them; strings are skipped."""
    depth = deepest = 0
    for piece in re.findall(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', text):
        if piece in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif piece in "]}":
            depth -= 1
    return deepest


def _json_complaint(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]}"
    return str(error) if isinstance(error, ValueError) else "it is nested too deep"


def read_limits(
    typed: Mapping[str, str], switches: Mapping[str, bool], *, ceiling: Limits
) -> tuple[Limits, dict[str, str]]:
    """The limits, and what is wrong with each; `typed` has texts by the names in UNITS, no text means the default.

    `switches` are those in SWITCHES; one that is missing is off.
    """
    wrong: dict[str, str] = {}
    numbers: dict[str, Any] = {name: _limit(name, typed.get(name, "").strip(), ceiling, wrong) for name in UNITS}
    return Limits(**numbers, **{name: switches.get(name, False) for name in SWITCHES}), wrong


def _limit(name: str, text: str, ceiling: Limits, wrong: dict[str, str]) -> int:
    default, low, high = (int(getattr(limits, name)) for limits in (Limits(), FLOOR, ceiling))
    if not text:
        return min(default, high)
    number, mistake = read_count(text, UNITS[name], low, high)
    if number is not None:
        return number
    wrong[name] = mistake
    if text.isascii() and text.isdecimal() and int(text[:20]) > high:
        wrong[name] += f" The operator can allow more: limits.max_{name} in the service's configuration."
    return default


def read_count(text: str, unit: str, low: int, high: int) -> tuple[int | None, str]:
    """The whole number from `low` to `high` that `text` is, else None and what is wrong."""
    if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) and low <= int(text) <= high:
        return int(text), ""
    return None, f"Write a whole number of {unit} from {low} to {high}; you wrote “{text[:40]}”."


def check_email(text: str) -> str | None:
    """Why `text` can't be a mail address, or None if it can: one @ with something on both sides, no blanks."""
    if not re.fullmatch(r"[^\s@<>\"(),:;\\]{1,64}@[^\s@<>\"(),:;\\]{1,189}", text) or not text.isprintable():
        return "Write a mail address, for example owner@example.org."
    return None
