"""All settings there are, with their defaults, and what each may be."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from hexasched.domain.limits import CEILING, UNITS, Limits


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
