"""What this host offers to functions: the sandbox and its settings, and the Node.js runtimes."""

import os
from pathlib import Path

from hexasched import logs
from hexasched.config import Config
from hexasched.domain import tiers
from hexasched.domain.limits import LEASE_S
from hexasched.domain.tiers import Tier
from hexasched.errors import SandboxError
from sandbox import cgroups, landlock
from sandbox.jobs import Runtime, SandboxSettings, Walls
from sandbox.runtimes import find_runtimes
from sandbox.selftest import no_namespaces, problems


def runtimes() -> list[Runtime]:
    """The Node.js runtimes that are installed, the newest first."""
    return find_runtimes()


def needs_slots() -> bool:
    """Whether each run needs a user of its own, because this user may not make user namespaces."""
    return landlock.version() > 0 and bool(no_namespaces())


def choose_tier(config: Config) -> Tier:
    """The strongest sandbox that works here, found by trying. Takes about 0.2 s.

    Raises SandboxError with what is missing and its cure, a line each, if that is weaker than the configured minimum.
    """
    if config.sandbox.mode == "none":
        return tiers.NONE
    missing = problems("bubblewrap", wants_pasta=config.sandbox.network == "pasta")
    if not missing:
        tier = tiers.CGROUP if cgroups.delegated() else tiers.BUBBLEWRAP
    elif problems("landlock"):
        raise SandboxError("\n".join(map(str, missing)))
    else:
        tier = tiers.LANDLOCK
    if not tiers.is_at_least(tier, config.sandbox.minimum):
        least = f"Only the sandbox {tier.name!r} works here, and sandbox.minimum is {config.sandbox.minimum!r}."
        if tier is tiers.BUBBLEWRAP:
            least += " Run it under systemd with Delegate=cpu memory pids, as deploy/systemd/ does."
        raise SandboxError("\n".join([least, *map(str, missing)]))
    return tier


_WALLS: dict[Tier, Walls] = {
    tiers.CGROUP: "bubblewrap",
    tiers.BUBBLEWRAP: "bubblewrap",
    tiers.LANDLOCK: "landlock",
    tiers.NONE: "none",
}


def settings_for(config: Config, state_dir: Path, tier: Tier) -> SandboxSettings:
    """The keeper's settings out of the instance's; makes the control group ready. Raises SandboxError."""
    if tier is tiers.NONE:
        logs.warning("sandbox.off", meaning="functions run as the user of this service, with all its rights")
    home = cgroups.delegated() if tier is tiers.CGROUP else None
    if home is not None:
        _prepare(home)
    return SandboxSettings(
        mode=_WALLS[tier],
        cgroup=str(home) if home else None,
        state_dir=str(state_dir),
        network="host" if config.sandbox.network == "host" else "pasta",
        loopback_ports=config.sandbox.loopback_ports,
        block_private=config.sandbox.block_private,
        lease_s=LEASE_S,
        npm_config=npm_config(config),
        ca_file=config.npm.ca_file or os.environ.get("NODE_EXTRA_CA_CERTS") or os.environ.get("SSL_CERT_FILE"),
    )


def _prepare(home: Path) -> None:
    try:
        cgroups.prepare(home)
    except OSError as error:
        raise SandboxError(
            f"The control group {home} was delegated to the service, but can't be used ({error}). "
            "To cure it: restart the unit; or take Delegate= out of it, and do without."
        ) from None


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
