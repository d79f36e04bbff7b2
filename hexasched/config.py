"""config.toml and HEXASCHED_* become one frozen Config; every mistake is reported at once."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from hexasched.domain.limits import CEILING, UNITS, Limits
from hexasched.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The worker pool."""

    count: int = 1
    slots: int = 0  # 0: two for each core
    warm_mb: int = 256  # 0: no process waits for its job


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """How user code is held."""

    mode: str = "auto"
    minimum: str = "landlock"
    network: str = "pasta"
    loopback_ports: tuple[int, ...] = ()
    block_private: bool = False


@dataclass(frozen=True, kw_only=True)
class LimitsConfig:
    """The most that a function may ask for."""

    max_timeout_s: int = 900
    max_memory_mb: int = 2048
    max_processes: int = 256
    max_open_files: int = 1024
    max_scratch_mb: int = 1024
    max_scratch_files: int = 100_000
    max_cpus: int = 4


@dataclass(frozen=True, kw_only=True)
class Mail:
    """The mail server that alerts are sent through; no host means that failures reach nobody."""

    host: str = ""
    port: int = 587
    security: str = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    sender: str = "HexaSched <hexasched@localhost>"


@dataclass(frozen=True, kw_only=True)
class Ping:
    """The dead-man switch: an address that is asked for as long as everything works; none means no ping."""

    url: str = field(default="", repr=False)
    every_s: int = 60


@dataclass(frozen=True, kw_only=True)
class History:
    """How long what happened is kept."""

    days: int = 400


@dataclass(frozen=True, kw_only=True)
class Npm:
    """What package installs are given; empty means what the service's own environment says."""

    registry: str = ""
    ca_file: str = ""
    proxy: str = ""
    no_proxy: str = ""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The sample that `make run` plants; 0 means no mail catcher."""

    mail_catcher_port: int = 0


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of one instance."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    base_url: str = ""
    trusted_proxies: int = 0
    user: str = ""
    database_url: str = field(default="", repr=False)
    drain_timeout_s: int = 30
    workers: Workers = Workers()
    sandbox: Sandbox = Sandbox()
    limits: LimitsConfig = LimitsConfig()
    mail: Mail = Mail()
    ping: Ping = Ping()
    history: History = History()
    npm: Npm = Npm()
    sample: Sample = Sample()

    @property
    def public_url(self) -> str:
        """The address of the dashboard, without a slash at its end."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return self.base_url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def ceiling(self) -> Limits:
        """The most that a function may ask for."""
        return replace(CEILING, **{name: getattr(self.limits, f"max_{name}") for name in UNITS})

    @property
    def slots(self) -> int:
        """How many runs one worker process executes at a time."""
        return self.workers.slots or 2 * (os.cpu_count() or 1)


CHOICES = {
    "sandbox.mode": ("auto", "none"),
    "sandbox.minimum": ("landlock", "bubblewrap", "bubblewrap+cgroup"),
    "sandbox.network": ("pasta", "host"),
    "mail.security": ("starttls", "tls", "none"),
}
BOUNDS = {
    "port": (1, 65535),
    "trusted_proxies": (0, 10),
    "drain_timeout_s": (0, 3600),
    "workers.count": (1, 64),
    "workers.slots": (0, 256),
    "workers.warm_mb": (0, 1048576),
    "limits.max_timeout_s": (1, 86400),
    "limits.max_memory_mb": (96, 1048576),
    "limits.max_processes": (16, 32768),
    "limits.max_open_files": (32, 1048576),
    "limits.max_scratch_mb": (1, 1048576),
    "limits.max_scratch_files": (100, 10_000_000),
    "limits.max_cpus": (1, 1024),
    "mail.port": (1, 65535),
    "ping.every_s": (10, 86400),
    "history.days": (40, 36500),
    "sample.mail_catcher_port": (0, 65535),
}


WEB_ADDRESSES = frozenset({"ping.url"})


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
