"""Reads config.toml and HEXASCHED_* into one frozen Config; every mistake is reported at once."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from hexasched.config import BOUNDS, CHOICES, WEB_ADDRESSES, Config
from hexasched.errors import ConfigError


def load(toml_text: str, environ: Mapping[str, str], default_data_dir: Path) -> Config:
    """The Config of a configuration file's text and of HEXASCHED_* variables, which win.

    Raises ConfigError with all mistakes, each with the key's name.
    """
    mistakes: list[str] = []
    try:
        values = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"config.toml is not valid TOML: {error}"]) from None
    _merge_environment(values, environ, mistakes)
    values.setdefault("data_dir", str(default_data_dir))
    config = _build(Config, values, "", mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    assert isinstance(config, Config)
    return config


def environment_names() -> dict[str, tuple[str, ...]]:
    """Every HEXASCHED_* name and the path of the key that it sets."""
    names: dict[str, tuple[str, ...]] = {}
    hints = get_type_hints(Config)
    for entry in fields(Config):
        if is_dataclass(hints[entry.name]):
            for inner in fields(hints[entry.name]):
                names[f"HEXASCHED_{entry.name}_{inner.name}".upper()] = (entry.name, inner.name)
        else:
            names[f"HEXASCHED_{entry.name}".upper()] = (entry.name,)
    return names


NOT_SETTINGS = frozenset({"HEXASCHED_CONFIG", "HEXASCHED_FAILPOINT", "HEXASCHED_READY_FD"})


def _merge_environment(values: dict[str, Any], environ: Mapping[str, str], mistakes: list[str]) -> None:
    names = environment_names()
    for name, text in environ.items():
        if not name.startswith("HEXASCHED_") or name in NOT_SETTINGS:
            continue
        if name not in names:
            mistakes.append(f"{name} is not a setting{_did_you_mean(name, names)}.")
            continue
        *section, key = names[name]
        target = values.setdefault(section[0], {}) if section else values
        if isinstance(target, dict):
            target[key] = _FromEnvironment(text)


class _FromEnvironment(str):
    """A setting's text as the environment has it: to be read as the key's type."""

    __slots__ = ()


def _build(kind: type, values: Any, prefix: str, mistakes: list[str]) -> Any:
    if not isinstance(values, dict):
        mistakes.append(f"{prefix.rstrip('.')} must be a table ([{prefix.rstrip('.')}]).")
        return None
    hints = get_type_hints(kind)
    known = {entry.name: entry for entry in fields(kind)}
    for key in values:
        if key not in known:
            mistakes.append(f"{prefix}{key} is not a setting{_did_you_mean(key, known)}.")
    given: dict[str, Any] = {}
    for key, entry in known.items():
        if key in values:
            given[key] = _value(hints[key], values[key], prefix + key, mistakes)
        elif entry.default is MISSING:
            mistakes.append(f"{prefix}{key} is missing.")
    return None if mistakes else kind(**given)


def _value(hint: Any, value: Any, key: str, mistakes: list[str]) -> Any:
    if is_dataclass(hint):
        return _build(hint, value, key + ".", mistakes)  # type: ignore[arg-type]
    try:
        converted = _convert(hint, value)
    except (TypeError, ValueError, KeyError):
        shown = "a value" if "password" in key or "url" in key else repr(value)[:80]
        mistakes.append(f"{key} must be {_kind(hint)}; it is {shown}.")
        return None
    if key in CHOICES and converted not in CHOICES[key]:
        mistakes.append(f"{key} must be one of {', '.join(CHOICES[key])}; it is {converted!r}.")
    if key in WEB_ADDRESSES and converted and not _is_web_address(converted):
        mistakes.append(f"{key} must be an address that begins with http:// or https://.")
    if key in BOUNDS and not BOUNDS[key][0] <= converted <= BOUNDS[key][1]:
        mistakes.append(f"{key} must be from {BOUNDS[key][0]} to {BOUNDS[key][1]}; it is {converted}.")
    return converted


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:  # a port that is none, a bracket that is not closed
        return False


def _convert(hint: Any, value: Any) -> Any:
    from_environment = isinstance(value, _FromEnvironment)
    if hint is bool:
        if from_environment:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[value.lower()]
        return _exactly(bool, value)
    if hint is int:
        return int(value) if from_environment else _exactly(int, value)
    if hint is Path:
        return Path(_exactly(str, value)).expanduser().absolute()
    if get_origin(hint) is tuple:
        parts = [part for part in value.split(",") if part.strip()] if from_environment else _exactly(list, value)
        ports = tuple(_convert(get_args(hint)[0], _FromEnvironment(p) if from_environment else p) for p in parts)
        if any(not 0 < port < 65536 for port in ports):
            raise ValueError
        return ports
    return str(_exactly(str, value))


def _exactly(kind: type, value: Any) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError
    return value


def _kind(hint: Any) -> str:
    names = {bool: "true or false", int: "a whole number", str: "a text", Path: "a path"}
    return names.get(hint, "a list of port numbers (1 to 65535)")


def _did_you_mean(word: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}" if close else ""
