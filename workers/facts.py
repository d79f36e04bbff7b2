"""What this host offers to functions: the sandbox and its settings, and the Node.js runtimes."""

import os
from pathlib import Path

from hexasched import logs
from hexasched.config import Config
from hexasched.domain.limits import LEASE_S
from sandbox.jobs import Runtime, SandboxSettings
from sandbox.runtimes import find_runtimes
from sandbox.selftest import problems


def runtimes() -> list[Runtime]:
    """The Node.js runtimes that are installed, the newest first."""
    return find_runtimes()


def check_sandbox(config: Config) -> str | None:
    """What keeps the sandbox from working here, each with its cure, a line each; None if nothing does."""
    found = problems("none" if config.sandbox.mode == "none" else "bubblewrap")
    return "\n".join(str(problem) for problem in found) or None


def settings_for(config: Config, state_dir: Path) -> SandboxSettings:
    """The keeper's settings out of the instance's."""
    if config.sandbox.mode == "none":
        logs.warning("sandbox.off", meaning="functions run as the user of this service, with all its rights")
    return SandboxSettings(
        mode="none" if config.sandbox.mode == "none" else "bubblewrap",
        state_dir=str(state_dir),
        loopback_ports=config.sandbox.loopback_ports,
        block_private=config.sandbox.block_private,
        lease_s=LEASE_S,
        npm_config=npm_config(config),
        ca_file=config.npm.ca_file or os.environ.get("NODE_EXTRA_CA_CERTS") or os.environ.get("SSL_CERT_FILE"),
    )


def npm_config(config: Config) -> dict[str, str]:
    """Registry and proxy for installs: the configuration's, else what the service's environment says."""
    wanted = {
        "registry": config.npm.registry or _environment("npm_config_registry"),
        "proxy": config.npm.proxy or _environment("http_proxy"),
        "https-proxy": config.npm.proxy or _environment("https_proxy"),
        "noproxy": config.npm.no_proxy or _environment("no_proxy"),
    }
    return {key: value for key, value in wanted.items() if value}


def _environment(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.upper()) or ""
